"""``diff``: what changed from one release to another, what others depend on first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ckstore.errors import CkstoreError, InvalidInput, NotFound
from ckstore.model.interface import InterfaceChange, compare
from ckstore.model.records import Component, Release, storable
from ckstore.model.requirements import Requirement
from ckstore.objects.compare import FileChange, compare_trees
from ckstore.objects.described import metadata_of
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import GITLINK, TreeEntry
from ckstore.operations.at_commit import last_under, version_at
from ckstore.operations.lookup import line_of, version_named
from ckstore.operations.patches import patch_of

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two releases."""

    source: str
    kind: str
    name: str
    uid: str
    version: str
    commit: str
    path: str
    tree: str
    digest: str

    @property
    def reference(self) -> str:
        """``source:kind:name@=version``."""
        return f"{self.source}:{self.kind}:{self.name}@={self.version}"


@dataclass(frozen=True, slots=True)
class Changed:
    """One piece of metadata; values as JSON text, empty where there is none."""

    key: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file. Modes as octal text, sizes in bytes (-1: not there, or a submodule); see FileChange."""

    what: str
    path: str
    former_path: str
    old_mode: str
    new_mode: str
    old_size: int
    new_size: int


@dataclass(frozen=True, slots=True)
class DiffReport:
    """From ``old`` to ``new``: what left and what joined the interface, metadata, files.

    ``meaning`` is what that asks of a version: major, minor, patch, or none where nothing differs.
    ``patch`` is the text difference, empty unless it was asked for.
    """

    old: Side
    new: Side
    meaning: Literal["major", "minor", "patch", "none"]
    removed: tuple[str, ...]
    added: tuple[str, ...]
    metadata: tuple[Changed, ...]
    files: tuple[FileDiff, ...]
    patch: str = ""

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


Chosen = tuple[str, Release]  # source, release


def diff(
    store: ObjectStore, first: str, second: str = "", *, patch: bool = False,
    precedence: Sequence[str] = (), progress: Progress = _silent,
) -> DiffReport:  # fmt: skip
    """What changed from ``first`` to ``second``.

    Both are references; behind ``@`` stands a version, a repository tag, a commit of the source (7 digits or
    more) or a range, whose best release is taken; without, the newest. ``second`` may be ``@2.0.0`` alone.
    Without ``second``, ``first`` is compared with the release before it. Raises what
    :func:`~ckstore.operations.lookup.line_of` and :func:`~ckstore.operations.lookup.version_named` raise,
    and NotFound ``no-version`` for a first release.
    """
    old, new = pair_named(store, first, second, precedence, progress)
    return _report(store, old, new, patch)


def pair_named(
    store: ObjectStore, first: str, second: str, precedence: Sequence[str], progress: Progress
) -> tuple[Chosen, Chosen]:
    """The two releases that are to be compared; see :func:`diff`."""
    if not second:
        return _with_predecessor(store, first, precedence, progress)
    name = first.partition("@")[0]
    other = name + second if second.startswith("@") else second
    old = release_named(store, first, precedence, progress)
    return old, release_named(store, other, precedence, progress)


def _line(
    store: ObjectStore, reference: str, precedence: Sequence[str], progress: Progress
) -> tuple[str, Component, str]:
    """(source, component, version asked for); the version is empty when none was."""
    name, at, wanted = reference.partition("@")
    if at and not wanted:
        raise InvalidInput(f"{reference!r} has no version behind the @.", code="bad-reference")
    source, component = line_of(store, Requirement.parse(name), precedence, progress=progress)
    if not wanted:
        return source, component, ""
    at_commit = "" if wanted in component.labels else version_at(store, source, component, wanted)
    return source, component, at_commit or version_named(component, wanted)


def release_named(
    store: ObjectStore, reference: str, precedence: Sequence[str], progress: Progress
) -> Chosen:  # fmt: skip
    """The release that ``kind:name``, ``kind:name@VERSION``, ``@TAG``, ``@COMMIT`` or ``@RANGE`` means.

    A former name without version means the last release that had it.
    """
    source, component, version = _line(store, reference, precedence, progress)
    version = version or last_under(store, source, component, reference)
    return source, store.view().release(source, component.uid, version or component.newest)


def _with_predecessor(
    store: ObjectStore, reference: str, precedence: Sequence[str], progress: Progress
) -> tuple[Chosen, Chosen]:
    """(the one before it, the release that ``reference`` means); of a former name, the one that ended it."""
    source, component, version = _line(store, reference, precedence, progress)
    last = "" if version else last_under(store, source, component, reference)
    if last and component.versions.index(last) + 1 < len(component.versions):
        version = component.versions[component.versions.index(last) + 1]
    at = component.versions.index(version or component.newest)
    called = f"{component.kind}:{component.name}"
    view = store.view()
    if at == 0:
        raise _no_predecessor(view.release(source, component.uid, component.versions[0]), called)
    old, new = (view.release(source, component.uid, v) for v in component.versions[at - 1 : at + 1])
    return (source, old), (source, new)


def _no_predecessor(release: Release, called: str) -> NotFound:
    """A line may begin here with a later release: a lock that was imported brings only what it names."""
    hint = f"`ckstore log {called}` tells of its releases"
    if release.bump in ("first", "explicit") and not release.changes:
        found = "the first release: there is none to compare it with"
    else:
        found = "the earliest release in this store, which lacks those before it"
        hint = "mirroring its source, or `ckstore pull` from a store that has them, brings them"
    return NotFound(f"{called}@{release.version} is {found}.", code="no-version", hints=[hint])


def _report(store: ObjectStore, old: Chosen, new: Chosen, patch: bool) -> DiffReport:
    was, now = old[1], new[1]
    change = interface_change(was, now)
    files = compare_trees(store, was.tree, now.tree)
    same = not files and not change.added and change.bump == "patch"
    return DiffReport(
        side_of(*old), side_of(*new),
        "none" if same else change.bump,  # type: ignore[arg-type]  # never first or explicit
        change.removed, change.added,
        tuple(_metadata(store, was, now)), tuple(_file(store, found) for found in files),
        "".join(patch_of(store, found) for found in files) if patch else "",
    )  # fmt: skip


def interface_change(was: Release, now: Release) -> InterfaceChange:
    """What left the interface and what joined it; another kind is another thing to ask for."""
    change = compare(frozenset(was.interface), frozenset(now.interface))
    if was.kind == now.kind:
        return change
    return InterfaceChange((f"kind:{now.kind}", *change.added), (f"kind:{was.kind}", *change.removed))


def side_of(source: str, release: Release) -> Side:
    """The release as one side of a comparison."""
    return Side(
        source, release.kind, release.name, release.uid, release.version, release.commit, release.path,
        release.tree, release.digest,
    )  # fmt: skip


def _file(store: ObjectStore, change: FileChange) -> FileDiff:
    return FileDiff(
        change.what, storable(change.path), storable(change.former_path),
        f"{change.old.mode:06o}" if change.old else "", f"{change.new.mode:06o}" if change.new else "",
        _size(store, change.old), _size(store, change.new),
    )  # fmt: skip


def _size(store: ObjectStore, entry: TreeEntry | None) -> int:
    if entry is None or entry.mode == GITLINK:
        return -1
    try:
        return store.size_of(entry.oid)
    except CkstoreError:  # damaged: its change is told all the same
        return -1


def _metadata(store: ObjectStore, old: Release, new: Release) -> Iterator[Changed]:
    """What changed of the place and of the metadata as its author wrote it; tags are in the interface."""
    before, after = _pieces(store, old), _pieces(store, new)
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield Changed(key, before.get(key, ""), after.get(key, ""))


def _pieces(store: ObjectStore, release: Release) -> dict[str, str]:
    body = {key: value for key, value in metadata_of(store, release).items() if key != "tags"}
    place = {"path": release.path, "format": release.format, "uid": release.uid}
    needs = {need.role: need.ask for need in release.needs}
    found = _flat({"(place)": place, "(needs)": needs, **(body or _described(release))}, "")
    return {key.replace("(place).", "").replace("(needs).", "needs: "): value for key, value in found}


def _described(release: Release) -> dict[str, object]:
    """What the record itself knows, where the metadata cannot be read."""
    return {"title": release.title, "description": release.description}


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and (value or not key):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
