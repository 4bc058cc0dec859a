"""``log REF``: what became of one component, newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from ckstore.errors import CkstoreError, NotFound
from ckstore.mirror.labels import version_order
from ckstore.model.records import Absences, Component, Release
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.log import Entry, entry_at
from ckstore.operations.lookup import line_of

Progress = Callable[[str], None]
What = Literal["release", "withdrawn", "returned", "yanked", "unyanked"]
_ANY = "*"
_PUT_BACK = "put back into the folder"


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Upstream:
    """A commit of the source; only ``commit`` is known where its history is not kept.

    ``time`` in seconds since 1970 (0: unknown), ``subject`` the first line of its message.
    """

    commit: str
    author: str = ""
    time: int = 0
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a component.

    Of a release: ``name`` is ``kind:name`` at that time, ``former_name`` and ``former_path`` are set where
    they changed, ``changes`` are lines of the interface difference, ``labels`` the repository tags at which
    it was current. A withdrawal and a return carry the version that was newest then, a yank the one that
    is kept from new locks, with its ``reason``. ``operation`` is the id of the one that published it; empty
    when that is not known.
    """

    what: What
    version: str
    name: str
    upstream: Upstream
    operation: str = ""
    bump: str = ""
    changes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    former_name: str = ""
    former_path: str = ""
    tree: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """``events`` newest first, as many as were asked for; ``total`` counts all. ``names`` oldest first."""

    source: str
    uid: str
    kind: str
    name: str
    names: tuple[str, ...]
    withdrawn: str
    events: tuple[Event, ...]
    total: int
    operations: tuple[Entry, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


def story(
    store: ObjectStore, reference: str, limit: int = 0, precedence: Sequence[str] = (), *,
    progress: Progress = _silent,
) -> Story:  # fmt: skip
    """The story of the component that a reference means; its range, if any, chooses among the releases.

    ``limit`` is the number of events (0: all). Raises InvalidInput for what is no reference and what
    :func:`~ckstore.operations.lookup.line_of` raises; NotFound ``no-version`` when the range admits none.
    """
    requirement = Requirement.parse(reference)
    source, component = line_of(store, requirement, precedence, progress=progress)
    versions = _chosen(component, requirement)
    view = store.view()
    brought = _Brought(store, source, component.uid)
    chapters = _chapters(component, brought, versions)
    teller = _Teller(store, view, source, component)
    events = tuple(teller.event(chapter) for chapter in chapters[: limit or None])
    used = {event.operation for event in events}
    return Story(
        source, component.uid, component.kind, component.name, component.names, component.withdrawn,
        events, len(chapters), tuple(entry for entry in reversed(brought.entries) if entry.id in used),
    )  # fmt: skip


def _chosen(component: Component, requirement: Requirement) -> set[str]:
    if requirement.range == _ANY:
        return set(component.versions)
    admitted = VersionRange.parse(requirement.range)
    chosen = {version for version in component.versions if admitted.admits(parse_version(version))}
    if not chosen:
        raise NotFound(
            f"No version of {replace(requirement, range=_ANY)} is in {requirement.range}.",
            code="no-version",
            hints=[f"`ckstore log {replace(requirement, range=_ANY)}` tells of all its versions"],
        )
    return chosen


@dataclass(frozen=True, slots=True)
class _Chapter:
    """What is going to be told: ``commit`` of a withdrawal or a return, ``reason`` of a yank."""

    what: What
    version: str
    operation: str
    commit: str = ""
    reason: str = ""


def _chapters(component: Component, brought: _Brought, versions: set[str]) -> list[_Chapter]:
    """All of them, newest first. Upstream's come in upstream's order, yanks behind what there was then."""
    told: list[_Chapter] = []
    for version in component.versions:
        told.append(_Chapter("release", version, brought.of("release", version, "")))
        for newest, gone, back in brought.absences.spans:
            if newest == version:
                told.append(_Chapter("withdrawn", version, brought.of("withdrawn", version, gone), gone))
                if back:
                    told.append(_Chapter("returned", version, brought.of("returned", version, back), back))
    for yank in brought.yanks:
        places = (n for n, chapter in enumerate(told) if brought.is_after(chapter.operation, yank.operation))
        told.insert(next(places, len(told)), yank)
    return [chapter for chapter in reversed(told) if chapter.version in versions]


class _Brought:
    """Which operation published what of one component, read from the log."""

    def __init__(self, store: ObjectStore, source: str, uid: str) -> None:
        self.entries: list[Entry] = []  # those that changed the component, oldest first
        self.absences = Absences()
        self.yanks: list[_Chapter] = []
        self._reasons: dict[str, str] = {}  # version → reason, while it is yanked
        self._operation: dict[str, str] = {}
        self._ends: dict[tuple[str, str, str], str] = {}
        before = whole = ""
        for oid, commit in [*store.operations()][::-1]:
            view = store.view(oid)
            whole, last = view.source_entry(source), whole
            now = before if whole == last else view.component_entry(source, uid)  # most are of others
            component = view.component(source, uid) if now != before else None
            if component is not None:
                self.entries.append(entry_at(view, oid, commit))
                recorded = view.absences(source, uid)
                self._note(oid, component, recorded if recorded.spans else _after(self.absences, component))
                yanks = view.yanks(source, uid)
                self._note_yanks(oid, {version: yank.reason for version, yank in yanks.items()})
            before = now

    def _note(self, oid: str, component: Component, absences: Absences) -> None:
        for version in component.versions:
            self._operation.setdefault(version, oid)
        for newest, gone, back in absences.spans:
            self._ends.setdefault((newest, "withdrawn", gone), oid)
            self._ends.setdefault((newest, "returned", back), oid)
        self.absences = absences

    def _note_yanks(self, oid: str, reasons: dict[str, str]) -> None:
        for version, reason in sorted(reasons.items()):
            if self._reasons.get(version) != reason:
                self.yanks.append(_Chapter("yanked", version, oid, reason=reason))
        gone = sorted(self._reasons.keys() - reasons.keys())
        self.yanks += [_Chapter("unyanked", version, oid) for version in gone]
        self._reasons = reasons

    def is_after(self, operation: str, other: str) -> bool:
        """True when one operation of the log is later than another; both changed this component."""
        order = [entry.id for entry in self.entries]
        return order.index(operation) > order.index(other)

    def of(self, what: str, version: str, commit: str) -> str:
        """The id of the operation that published a release, a withdrawal or a return."""
        return self._operation.get(version, "") if what == "release" else self._ends[version, what, commit]


def _after(absences: Absences, component: Component) -> Absences:
    """Withdrawals of a folder's component, which only its own record tells of."""
    away = bool(absences.spans) and not absences.spans[-1][2]
    if component.withdrawn and not away:
        return absences.begin(component.newest, component.withdrawn)
    return absences.end(_PUT_BACK) if away and not component.withdrawn else absences


class _Teller:
    """Makes events; reads a record only when it is told."""

    def __init__(self, store: ObjectStore, view: LogView, source: str, component: Component) -> None:
        self._store, self._view, self._source = store, view, source
        self._component = component
        self._labels: dict[str, list[str]] = {}
        for label in sorted(component.labels, key=version_order):
            self._labels.setdefault(component.labels[label], []).append(label)

    def event(self, chapter: _Chapter) -> Event:
        """One event."""
        what, version = chapter.what, chapter.version
        release = self._release(version)
        name = f"{release.kind}:{release.name}"
        if what != "release":
            upstream = self._upstream(chapter.commit)
            return Event(what, version, name, upstream, chapter.operation, reason=chapter.reason)
        at = self._component.versions.index(version)
        former = self._release(self._component.versions[at - 1]) if at else release
        was = f"{former.kind}:{former.name}"
        return Event(
            what, version, name, self._upstream(release.commit), chapter.operation, release.bump,
            release.changes, tuple(self._labels.get(version, ())), was if was != name else "",
            former.path if former.path != release.path else "", release.tree,
        )  # fmt: skip

    def _release(self, version: str) -> Release:
        return self._view.release(self._source, self._component.uid, version)

    def _upstream(self, commit: str) -> Upstream:
        try:
            found = self._store.read_commit(commit)
        except CkstoreError:  # a folder has no commits, and not every history is kept
            return Upstream(commit)
        return Upstream(commit, found.author, found.time, found.message.strip().partition("\n")[0].strip())
