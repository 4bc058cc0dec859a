"""``show``: everything that is known of one component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from ckstore.index.writer import precedence as by_precedence
from ckstore.model.metadata import Need
from ckstore.model.records import Component, Release
from ckstore.model.requirements import Requirement
from ckstore.objects.described import metadata_of
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.lookup import lookup
from ckstore.operations.twins import elsewhere

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version and why it has its number: ``bump`` and the ``changes`` of the interface (``-tag:old``)."""

    version: str
    name: str  # kind:name at that time
    bump: str
    changes: tuple[str, ...]
    labels: tuple[str, ...]
    commit: str
    tree: str
    yanked: bool = False
    yank_reason: str = ""


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One release of a component, and the line that it stands in (``versions``, highest first).

    ``commands`` are the ways in which a program can be run, ``actions`` what a module offers, ``run`` the
    command line to type. ``elsewhere`` names components of other sources with this UID or name, and how they
    differ. ``metadata`` is the body as its author wrote it, empty if it cannot be read.
    """

    source: str
    url: str
    kind: str
    name: str
    uid: str
    version: str
    title: str
    description: str
    tags: tuple[str, ...]
    needs: tuple[Need, ...]
    commands: tuple[str, ...]
    actions: tuple[str, ...]
    run: str
    commit: str
    path: str
    format: str
    tree: str
    digest: str
    withdrawn: str
    names: tuple[str, ...]
    versions: tuple[VersionView, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    @property
    def called_now(self) -> str:
        """``kind:name`` that the component has today, when this release is of the time before."""
        return self.names[-1] if self.names[-1:] != (f"{self.kind}:{self.name}",) else ""

    @property
    def yanked(self) -> str:
        """``yes`` or the reason, when this very release was yanked."""
        own = next((v for v in self.versions if v.version == self.version and v.yanked), None)
        return (own.yank_reason or "yes") if own else ""

    @property
    def reference(self) -> str:
        """``source:kind:name@=version``."""
        return f"{self.source}:{self.kind}:{self.name}@={self.version}"

    @property
    def swhid(self) -> str:
        """The Software Heritage id of the files (https://www.swhid.org)."""
        return f"swh:1:dir:{self.tree}"

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"reference": self.reference, "swhid": self.swhid, "yanked": self.yanked, **asdict(self)}


def show(
    store: ObjectStore, reference: str, precedence: Sequence[str] = (), *, progress: Progress = _silent
) -> ComponentView:
    """The component that ``[source:]kind:name[@range]``, a UID or a bare name means.

    Raises InvalidInput for what is no reference, and what :func:`~ckstore.operations.lookup.lookup` raises.
    """
    source, component, release = lookup(store, Requirement.parse(reference), precedence, progress=progress)
    view = store.view()
    origin = view.source(source)
    return ComponentView(
        source=source,
        url=origin.url if origin else "",
        kind=release.kind,
        name=release.name,
        uid=release.uid,
        version=release.version,
        title=release.title,
        description=release.description,
        tags=release.tags,
        needs=release.needs,
        commands=_members(release, "cmd"),
        actions=_members(release, "action"),
        run=_run_line(component, release),
        commit=release.commit,
        path=release.path,
        format=release.format,
        tree=release.tree,
        digest=release.digest,
        withdrawn=component.withdrawn,
        names=component.names,
        versions=tuple(_versions(view, source, component)),
        metadata=metadata_of(store, release),
        elsewhere=tuple(elsewhere(store, source, release)),
    )


def _members(release: Release, sort: str) -> tuple[str, ...]:
    """The members of one sort in the interface."""
    prefix = f"{sort}:"
    return tuple(sorted(item.removeprefix(prefix) for item in release.interface if item.startswith(prefix)))


def _run_line(component: Component, release: Release) -> str:
    if not _members(release, "cmd"):
        return ""
    exact = "" if release.version == by_precedence(component.versions)[-1] else f"@={release.version}"
    return f"ckstore run {release.kind}:{release.name}{exact}"


def _versions(view: LogView, source: str, component: Component) -> list[VersionView]:
    labels: dict[str, list[str]] = {}
    for label, version in sorted(component.labels.items()):
        labels.setdefault(version, []).append(label)
    found, yanks = [], view.yanks(source, component.uid)
    for version in reversed(by_precedence(component.versions)):
        release = view.release(source, component.uid, version)
        found.append(
            VersionView(
                version=version,
                name=f"{release.kind}:{release.name}",
                bump=release.bump,
                changes=release.changes,
                labels=tuple(labels.get(version, ())),
                commit=release.commit,
                tree=release.tree,
                yanked=version in yanks,
                yank_reason=yanks[version].reason if version in yanks else "",
            )
        )
    return found
