"""Joining what two stores published: a three-way merge of the trees of their logs.

What one side alone changed since the point that both know is taken as it is. What both changed is joined
by rules that give the same result whichever side asks, so that stores which pull from each other come to
hold the same. Releases never change: two that differ under one version are a :class:`Conflict`.

The records of a mirrored source belong together: its head says how far they were derived. Where both
sides have derived on, those of one side are taken whole, and what only the other side has released stands
before them in the lines: known and usable, but not what the next release is counted from.

Runs and what they are compared with are only ever added. Which folder of which machine a source is, each
store says for itself: see :meth:`Merge.with_paths`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Protocol

from ckstore.errors import CkstoreError, Conflict, CorruptData, Unsupported
from ckstore.model.records import Component, Release, Run, Source, Yank, decode
from ckstore.model.versions import parse_version
from ckstore.objects.packs import ObjectType
from ckstore.objects.trees import FILE, TREE, TreeEntry

Path = tuple[str, ...]
Entries = Mapping[str, TreeEntry]
OPERATION = "operation"
_ONLY_ADDED = ("runs", "references")


class Objects(Protocol):
    """What merging reads."""

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""


class Writer(Protocol):
    """What merging writes with."""

    def add(self, kind: ObjectType, data: bytes) -> str:
        """Add an object; gives its id."""

    def add_tree(self, entries: Iterable[TreeEntry]) -> str:
        """Add a tree; gives its id."""


class Merge:
    """One merge. ``ours`` and ``theirs`` in messages are this store and the other one."""

    def __init__(self, objects: Objects, writer: Writer) -> None:
        self._objects = objects
        self._writer = writer
        self._records: dict[str, str] = {}  # source → whose record it keeps: "ours" or "theirs"
        self._preferred: dict[str, str] = {}  # the same, of sources that were derived to different points
        self._derived: set[str] = set()  # sources that were derived to the same point
        self._urls: dict[str, str] = {}  # source → its address, where both changed its record
        self._runs: list[TreeEntry | None] = []  # the folders of runs on either side

    def roots(self, base: Entries, ours: Entries, theirs: Entries) -> dict[str, TreeEntry]:
        """The entries of the joined root, from those of three roots; the operation record is left out.

        Raises :class:`Conflict` where the sides contradict each other, and :class:`Unsupported` where both
        changed something that this version does not know.
        """
        sides = [{name: e for name, e in side.items() if name != OPERATION} for side in (base, ours, theirs)]
        for name in _ONLY_ADDED:
            sides[0].pop(name, None)
        self._runs = [ours.get("runs"), theirs.get("runs")]
        merged = self._entries((), *sides)
        self._keep_retired(merged, sides[1:])
        self._check_retired(merged)
        return merged

    def _read(self, entry: TreeEntry | None) -> dict[str, TreeEntry]:
        if entry is None or not entry.is_tree:
            return {}
        return {item.name: item for item in self._objects.read_tree(entry.oid)}

    def _entries(self, path: Path, base: Entries, ours: Entries, theirs: Entries) -> dict[str, TreeEntry]:
        merged = {}
        for name in sorted({**base, **ours, **theirs}):
            entry = self._entry((*path, name), base.get(name), ours.get(name), theirs.get(name))
            if entry is not None:
                merged[name] = entry
        return merged

    def _entry(
        self, path: Path, base: TreeEntry | None, ours: TreeEntry | None, theirs: TreeEntry | None
    ) -> TreeEntry | None:
        if ours == theirs or theirs == base:
            return ours
        if ours == base:
            return theirs
        if any(entry is not None and not entry.is_tree for entry in (ours, theirs)):
            return self._leaf(path, ours, theirs)
        if _is_component(path[:-2]) and path[-1] == "tree":
            raise _two_trees(path)  # the record beside it, which comes first, is the same
        sides = (self._read(base), self._read(ours), self._read(theirs))
        if _is_source(path):
            self._choose_side(path[1], *sides, ours, theirs)
        merged = self._component(path, *sides) if _is_component(path) else self._entries(path, *sides)
        if _is_component(path[:-1]) and "record" not in merged:
            return None  # taken back on one side: what the other one said of it goes with it
        if _is_source(path) and "components" in merged and "source" not in merged:
            # taken back on one side, while the other one put more into it
            merged["source"] = next(side["source"] for side in sides[1:] if "source" in side)
        return TreeEntry(TREE, path[-1], self._writer.add_tree(merged.values())) if merged else None

    # -- leaves --------------------------------------------------------------------------------------

    def _leaf(self, path: Path, ours: TreeEntry | None, theirs: TreeEntry | None) -> TreeEntry | None:
        """What stands at ``path`` when both sides changed it, one of them to a file."""
        if path[-1] == "absences" and _is_component(path[:-1]):
            return self._absences(path[1], ours, theirs)
        if ours is None or theirs is None:
            return ours or theirs  # one took it away, the other changed it: nothing is lost
        if _is_source(path[:-1]) and path[-1] == "source":
            return self._source_record(path[1], theirs if self._records.get(path[1]) == "theirs" else ours)
        if _is_component(path[:-2]) and path[-1] == "record":
            return self._same_release(path, ours, theirs)
        if _is_component(path[:-2]) and path[-1] == "yank":
            return max(ours, theirs, key=self._told)
        if path[0] == "references" and len(path) == 3:
            return min(ours, theirs, key=lambda entry: (self._started(entry), entry.oid))
        if path[0] == "retired":
            source, uid, version = path[1], path[-2], path[-1]
            raise _two_contents(f"{source}:{uid}@{version}", self._digest(ours), self._digest(theirs))
        raise Unsupported(
            f"Both stores changed {'/'.join(path)}, which this version of ckstore cannot join.",
            code="newer-log-entry",
            hints=["install a newer ckstore"],
        )

    def _absences(self, source: str, ours: TreeEntry | None, theirs: TreeEntry | None) -> TreeEntry | None:
        """Those of the side whose line it is, else the longer story."""
        if source in self._preferred:
            return ours if self._preferred[source] == "ours" else theirs
        told = [entry for entry in (ours, theirs) if entry is not None]
        return max(told, key=lambda entry: (len(self._objects.read_blob(entry.oid)), entry.oid))

    def _same_release(self, path: Path, ours: TreeEntry, theirs: TreeEntry) -> TreeEntry:
        """The record of a release that both have, if only where it came from differs in them."""
        one = Release.decode(self._objects.read_blob(ours.oid), "/".join(path))
        two = Release.decode(self._objects.read_blob(theirs.oid), "/".join(path))
        if not says_the_same(one, two):
            raise _two_contents(f"{path[1]}:{one.kind}:{one.name}@{one.version}", one, two)
        if path[1] in self._preferred:
            return ours if self._preferred[path[1]] == "ours" else theirs
        return ours if precedes(one, ours.oid, two, theirs.oid) else theirs

    def _told(self, yank: TreeEntry) -> tuple[bool, str, str]:
        """With a reason before without, and later before earlier."""
        said = Yank.decode(self._objects.read_blob(yank.oid), "a yank")
        return bool(said.reason), said.since, yank.oid

    def _started(self, reference: TreeEntry) -> str:
        """When the run that a reference names was started; what cannot be read comes last."""
        run_id = self._objects.read_blob(reference.oid).decode("ascii", "replace")
        for root in self._runs:
            record = self._read(self._read(self._read(root).get(run_id[:2])).get(run_id)).get("record")
            if record is not None:
                return Run.decode(self._objects.read_blob(record.oid), f"run {run_id}").started
        return "~"

    # -- sources and components ----------------------------------------------------------------------

    def _choose_side(
        self, name: str, base: Entries, ours: Entries, theirs: Entries,
        our_folder: TreeEntry | None, their_folder: TreeEntry | None,
    ) -> None:  # fmt: skip
        """Whose records a source has where they cannot be joined one by one."""
        before, one, two = (side.get("source") for side in (base, ours, theirs))
        if one is None or two is None:
            return
        if one == two:
            self._derived |= {name} if self._source(one).head else set()
            return
        our_source, their_source = self._source(one), self._source(two)
        self._urls[name] = _address(self._source(before) if before else None, our_source, their_source)
        if two == before:
            side = "ours"
        elif one == before:
            side = "theirs"
        else:
            our_rank = self._rank(our_source, ours, one, our_folder)
            their_rank = self._rank(their_source, theirs, two, their_folder)
            side = "theirs" if their_rank > our_rank else "ours"
        self._records[name] = side
        if (our_source if side == "ours" else their_source).head:  # else nothing was derived, by either
            self._preferred[name] = side

    def _source_record(self, name: str, entry: TreeEntry) -> TreeEntry:
        """The record of the side that is taken, with the address where the repository is by now."""
        source = self._source(entry)
        url = self._urls.get(name, source.url)
        return entry if url == source.url else self._written(replace(source, url=url))

    def _written(self, source: Source) -> TreeEntry:
        return TreeEntry(FILE, "source", self._writer.add("blob", source.encode()))

    def with_paths(self, entries: Entries, owner: Entries) -> dict[str, TreeEntry]:
        """``entries`` with the folders that ``owner`` says its sources are, and none of other machines."""
        folders, own = self._read(entries.get("sources")), self._read(owner.get("sources"))
        for name, folder in folders.items():
            held = self._read(folder)
            source = self._source(held["source"]) if "source" in held else None
            if source is None or source.kind != "folder":
                continue
            record = self._read(own.get(name)).get("source")
            url = self._source(record).url if record else ""
            if url != source.url:
                held["source"] = self._written(replace(source, url=url))
                folders[name] = TreeEntry(TREE, name, self._writer.add_tree(held.values()))
        joined = dict(entries)
        if folders:
            joined["sources"] = TreeEntry(TREE, "sources", self._writer.add_tree(folders.values()))
        return joined

    def _source(self, entry: TreeEntry) -> Source:
        return Source.decode(self._objects.read_blob(entry.oid), "the record of a source")

    def _rank(
        self, source: Source, entries: Entries, record: TreeEntry, folder: TreeEntry | None
    ) -> tuple[bool, bool, int, int, str, str, str]:
        """Derived before given, more releases before fewer; the rest only makes the order total."""
        releases = sum(
            entry.is_tree
            for prefix in self._read(entries.get("components")).values()
            for component in self._read(prefix).values()
            for entry in self._read(component).values()
        )
        return (
            bool(source.head), bool(source.url), releases, len(source.labels), source.head,
            record.oid, folder.oid if folder else "",
        )  # fmt: skip

    def _component(self, path: Path, base: Entries, ours: Entries, theirs: Entries) -> dict[str, TreeEntry]:
        """The releases one by one, then the record over those that there are."""
        record = "component"
        rest = [{name: e for name, e in side.items() if name != record} for side in (base, ours, theirs)]
        merged = self._entries(path, *rest)
        found = self._line(path[1], base.get(record), ours.get(record), theirs.get(record))
        versions = tuple(v for v in found.versions if v in merged)
        if not versions:
            return {}
        if versions != found.versions:
            last = self._release(merged[versions[-1]])
            called = f"{last.kind}:{last.name}"
            names = (*(name for name in found.names if name != called), called)
            found = replace(found, versions=versions, kind=last.kind, name=last.name, names=names)
        data = found.encode()
        return {record: TreeEntry(FILE, record, self._writer.add("blob", data)), **merged}

    def _release(self, folder: TreeEntry) -> Release:
        entry = self._read(folder).get("record")
        if entry is None:
            raise CorruptData(f"The release {folder.name} has no record.", code="bad-release")
        return Release.decode(self._objects.read_blob(entry.oid), f"the release {folder.name}")

    def _line(
        self, source: str, base: TreeEntry | None, ours: TreeEntry | None, theirs: TreeEntry | None
    ) -> Component:
        """The record of a component that both sides, or one, have."""
        if ours is None or theirs is None or ours == theirs:
            entry = ours or theirs
            if entry is None:
                raise CorruptData("A component has no record.", code="bad-component")
            return self._decode(entry)
        one, two = self._decode(ours), self._decode(theirs)
        if source in self._preferred:
            return led_by(one, two) if self._preferred[source] == "ours" else led_by(two, one)
        if theirs == base or ours == base:
            return one if theirs == base else two
        return joined(one, two, derived=source in self._derived)

    def _decode(self, entry: TreeEntry) -> Component:
        return Component.decode(self._objects.read_blob(entry.oid), "the record of a component")

    # -- what was taken back -------------------------------------------------------------------------

    def _keep_retired(self, merged: dict[str, TreeEntry], sides: Iterable[Entries]) -> None:
        """Remember what either side had taken back and is not there again.

        One side may have forgotten it, for its release was there again, and the other one taken it back anew.
        """
        if not any(side.get("retired") not in (None, merged.get("retired")) for side in sides):
            return
        known = self._flat(merged.get("retired"))
        sources = self._read(merged.get("sources"))
        for side in sides:
            for path, entry in self._flat(side.get("retired")).items():
                source, prefix, uid, version = path
                components = self._read(self._read(sources.get(source)).get("components"))
                if version not in self._read(self._read(components.get(prefix)).get(uid)):
                    known.setdefault(path, entry)
        if known:
            merged["retired"] = TreeEntry(TREE, "retired", self._folders(known))

    def _flat(self, entry: TreeEntry | None) -> dict[Path, TreeEntry]:
        """(source, two digits, uid, version) → what remains of a release that was taken back."""
        return {
            (source, prefix, uid, version): found
            for source, prefixes in self._read(entry).items()
            for prefix, uids in self._read(prefixes).items()
            for uid, versions in self._read(uids).items()
            for version, found in self._read(versions).items()
        }

    def _folders(self, entries: Mapping[Path, TreeEntry]) -> str:
        """Write folders with these entries; gives the id of the outermost."""
        inner: dict[str, dict[Path, TreeEntry]] = {}
        here = [entry for path, entry in entries.items() if len(path) == 1]
        for path, entry in entries.items():
            if len(path) > 1:
                inner.setdefault(path[0], {})[path[1:]] = entry
        here += [TreeEntry(TREE, name, self._folders(part)) for name, part in inner.items()]
        return self._writer.add_tree(here)

    def _check_retired(self, merged: Entries) -> None:
        """A version that was taken back on one side must not come back with other files from the other."""
        retired = self._read(merged.get("retired"))
        sources = self._read(merged.get("sources"))
        for source, folder in retired.items():
            components = self._read(self._read(sources.get(source)).get("components"))
            for prefix, uids in self._read(folder).items():
                present = self._read(components.get(prefix))
                for uid, versions in self._read(uids).items():
                    self._check_versions(source, self._read(versions), self._read(present.get(uid)))

    def _check_versions(self, source: str, retired: Entries, present: Entries) -> None:
        for version in retired.keys() & present.keys():
            was, release = self._digest(retired[version]), self._release(present[version])
            if was != release.digest:
                called = f"{source}:{release.kind}:{release.name}@{version}"
                raise _two_contents(called, was, release.digest)

    def _digest(self, entry: TreeEntry) -> str:
        return str(decode(self._objects.read_blob(entry.oid), "a retired release").get("digest", ""))


def led_by(first: Component, other: Component) -> Component:
    """``first``, with the releases that only ``other`` has before its own; each version once."""
    own = tuple(dict.fromkeys(first.versions[::-1]))[::-1]
    extra = in_order(set(other.versions) - set(own))
    if (*extra, *own) == first.versions:
        return first
    names = (*(name for name in other.names if name not in first.names), *first.names)
    return replace(first, versions=(*extra, *own), names=names)


def joined(one: Component, two: Component, *, derived: bool = False) -> Component:
    """Two lines as one; the same whichever comes first.

    Those that nobody derives grow together in the order of versions. Those that were ``derived`` to the same
    point end alike, and what others brought to either stays before that.
    """
    one, two = sorted((one, two), key=lambda component: component.encode())
    alike = _same_end(one.versions, two.versions) if derived else ()
    versions = (*_joined_versions(*(c.versions[: len(c.versions) - len(alike)] for c in (one, two))), *alike)
    holder = one if one.newest == versions[-1] else two
    called = f"{holder.kind}:{holder.name}"
    names = dict.fromkeys(name for name in (*one.names, *two.names) if name != called)
    return replace(
        holder,
        versions=versions,
        names=(*names, called),
        withdrawn=one.withdrawn and two.withdrawn,
        labels=dict(sorted({**two.labels, **one.labels}.items())),
    )


def _joined_versions(one: tuple[str, ...], two: tuple[str, ...]) -> tuple[str, ...]:
    if one == two or set(one) > set(two):
        return one
    return two if set(two) > set(one) else in_order({*one, *two})


def _same_end(one: tuple[str, ...], two: tuple[str, ...]) -> tuple[str, ...]:
    pairs = zip(reversed(one), reversed(two), strict=False)
    return tuple(mine for mine, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))[::-1]


def in_order(versions: set[str]) -> tuple[str, ...]:
    """Versions by precedence; those of equal precedence by their text."""
    return tuple(sorted(versions, key=lambda text: (parse_version(text), text)))


def _is_source(path: Path) -> bool:
    return len(path) == 2 and path[0] == "sources"


def _is_component(path: Path) -> bool:
    return len(path) == 5 and path[0] == "sources" and path[2] == "components"


def _address(before: Source | None, ours: Source, theirs: Source) -> str:
    """Where a source is, of which both sides changed the record: where the side says that followed it."""
    if ours.kind != theirs.kind:
        raise two_sources(ours, theirs)
    if ours.kind == "folder":  # a path means something on its own machine only: see `Merge.with_paths`
        return ours.url if ours.url == theirs.url else ""
    if ours.url == theirs.url:
        return ours.url
    if before is None or before.url not in (ours.url, theirs.url):
        raise two_sources(ours, theirs)
    return theirs.url if ours.url == before.url else ours.url


def says_the_same(one: Release, two: Release) -> bool:
    """True when two records of one release differ at most in where it came from and what was before it.

    Those who released the same files by themselves may have had other releases before, or other commits.
    """
    return _of_its_own(one) == _of_its_own(two)


def precedes(one: Release, one_id: str, two: Release, two_id: str) -> bool:
    """Which of two records that say the same stays: one that names a commit; then always the same."""
    return (not one.commit, one_id) < (not two.commit, two_id)


def _of_its_own(release: Release) -> Release:
    return replace(release, commit="", path="", bump="", changes=())


def two_sources(ours: Source, theirs: Source) -> Conflict:
    """The error for two sources of one name."""
    return Conflict(
        f"The source {ours.name} is {ours.url or ours.kind} here, and {theirs.url or theirs.kind} there.",
        code="source-differs",
        hints=[
            *([f"if its repository moved, `ckstore mirror {ours.url}` here follows it"] if ours.url else []),
            "give it another name in one of the stores: `ckstore mirror URL --name NAME`, "
            "`ckstore add PATH --source NAME`",
            "or use a store of its own for the other one: --store",
        ],
        details={"source": ours.name, "here": ours.url, "there": theirs.url},
    )


def _two_contents(called: str, ours: Release | str, theirs: Release | str) -> Conflict:
    here, there = (side.digest if isinstance(side, Release) else side for side in (ours, theirs))
    other = f"there it has {there}"
    if here == there and isinstance(ours, Release) and isinstance(theirs, Release):
        fields = [name for name in _SAID if getattr(ours, name) != getattr(theirs, name)]
        other = f"there it has that with another {', '.join(fields)}"
    return Conflict(
        f"{called} is released here with the digest {here}; {other}.",
        code="release-differs",
        hints=[
            "a released version never changes: one of the two must be released anew under another version",
            "nothing was published",
        ],
        details={"release": called, "here": here, "there": there},
    )


_SAID = ("kind", "name", "tree", "format", "title", "description", "tags", "needs", "interface")


def _two_trees(path: Path) -> CkstoreError:
    return CorruptData(f"{'/'.join(path)} differs, but its record does not.", code="bad-release")
