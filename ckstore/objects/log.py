"""The log: what is published, as the tree of the commit at ``refs/ckstore/log``.

::

    operation                                         the Operation record of this commit
    sources/<source>/source                           Source record
    sources/<source>/components/<2 of uid>/<uid>/component        Component record
    sources/<source>/components/<2 of uid>/<uid>/absences         Absences record, if it was withdrawn ever
    sources/<source>/components/<2 of uid>/<uid>/<version>/record Release record
    sources/<source>/components/<2 of uid>/<uid>/<version>/tree/  the component's files, as a tree
    sources/<source>/components/<2 of uid>/<uid>/<version>/yank   Yank record, while the release is yanked
    retired/<source>/<2 of uid>/<uid>/<version>       Retired record of a release that was taken back
    runs/<2 of id>/<id>/{record,lock,outputs/}        Run record, the lock it used, files kept
    references/<2 of key>/<key>                       id of the run whose outputs others must equal

Because the files are entries of the log's own tree, stock git reaches them: neither ``git gc`` nor a
force-push upstream can take a release away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from ckstore.errors import CkstoreError, Conflict, CorruptData, InvalidInput, NotFound, Unsupported
from ckstore.model.names import unsafe_file_name
from ckstore.model.records import Absences, Component, Operation, Release, Retired, Run, Source, Yank
from ckstore.objects.packs import PackWriter
from ckstore.objects.trees import FILE, TREE, TreeEntry, parse_tree

RUN_ID_DIGITS = 16
_DAMAGE = (CorruptData, NotFound, Unsupported)  # a lost object and a newer record say nothing of the others
Path = tuple[str, ...]


class Reader(Protocol):
    """What the log needs of an object database."""

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""

    def has(self, oid: str) -> bool:
        """True when the object is here."""

    def root_of(self, commit: str) -> str:
        """The tree of a commit."""


def _component_path(source: str, uid: str) -> Path:
    return ("sources", source, "components", uid[:2], uid)


def _retired_path(source: str, uid: str) -> Path:
    return ("retired", source, uid[:2], uid)


class LogView:
    """What was published at one commit of the log; immutable."""

    def __init__(self, objects: Reader, head: str, root: str) -> None:
        self.head = head
        self.root = root
        self._objects = objects

    def holds(self, oid: str) -> bool:
        """True when the object is here, published or not: a commit of a history that is kept, say."""
        return self._objects.has(oid)

    def find(self, path: Path) -> TreeEntry | None:
        """The entry at a path below the root; None when there is none."""
        oid, entry = self.root, None
        for name in path:
            if not oid:
                return None
            entry = next((e for e in self._objects.read_tree(oid) if e.name == name), None)
            if entry is None:
                return None
            oid = entry.oid
        return entry

    def entries(self, path: Path) -> tuple[TreeEntry, ...]:
        """What is in the folder at a path below the root; nothing when there is none."""
        return self._list(path)

    def _list(self, path: Path) -> tuple[TreeEntry, ...]:
        entry = self.find(path)
        return self._objects.read_tree(entry.oid) if entry else ()

    def _blob(self, path: Path) -> bytes | None:
        entry = self.find(path)
        return self._objects.read_blob(entry.oid) if entry else None

    def source(self, name: str) -> Source | None:
        """The source of this name, if there is one."""
        data = self._blob(("sources", name, "source"))
        return Source.decode(data, f"the record of source {name}") if data else None

    def sources(self) -> list[Source]:
        """All sources, by name."""
        found = (self.source(entry.name) for entry in self._list(("sources",)))
        return [source for source in found if source is not None]

    def component(self, source: str, uid: str) -> Component | None:
        """The component with this UID in a source, if there is one."""
        data = self._blob((*_component_path(source, uid), "component"))
        return Component.decode(data, f"the record of {source}:{uid}") if data else None

    def absences(self, source: str, uid: str) -> Absences:
        """When a component was withdrawn."""
        data = self._blob((*_component_path(source, uid), "absences"))
        return Absences.decode(data, f"the absences of {source}:{uid}") if data else Absences()

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self._objects.read_blob(oid)

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""
        return self._objects.read_tree(oid)

    def releases_entry(self) -> str:
        """The tree id of all that is published, of every source; runs are not in it. Empty for nothing."""
        entry = self.find(("sources",))
        return entry.oid if entry else ""

    def source_entry(self, source: str) -> str:
        """The tree id of all that is published of a source."""
        entry = self.find(("sources", source))
        return entry.oid if entry else ""

    def component_entry(self, source: str, uid: str) -> str:
        """The tree id of all that is published of a component; it changes when anything of that does."""
        entry = self.find(_component_path(source, uid))
        return entry.oid if entry else ""

    def components(self, source: str) -> Iterator[Component]:
        """All components of a source, by UID."""
        for prefix in self._list(("sources", source, "components")):
            for entry in self._objects.read_tree(prefix.oid):
                record = self._sub(entry.oid, "component")
                if record:
                    what = f"the record of {source}:{entry.name}"
                    yield Component.decode(self._objects.read_blob(record), what)

    def lines(self, source: str) -> Iterator[tuple[Component, Release, Absences]]:
        """Every component of a source with its newest release and its absences, by UID, in one pass."""
        for prefix in self._list(("sources", source, "components")):
            for entry in self._objects.read_tree(prefix.oid):
                held = {e.name: e.oid for e in self._objects.read_tree(entry.oid)}
                if "component" in held:
                    yield self._line(source, entry.name, held)

    def _line(self, source: str, uid: str, held: Mapping[str, str]) -> tuple[Component, Release, Absences]:
        """``held``: the ids of what the log has of the component, by name."""
        read, what = self._objects.read_blob, f"{source}:{uid}"
        component = Component.decode(read(held["component"]), f"the record of {what}")
        newest = component.newest
        record = self._sub(held.get(newest, ""), "record")
        if not record:
            self.release(source, uid, newest)  # raises, and says what is not there
        release = Release.decode(read(record), f"the record of {what}@{newest}")
        absences = held.get("absences")
        away = Absences.decode(read(absences), f"the absences of {what}") if absences else Absences()
        return component, release, away

    def has_release(self, source: str, uid: str, version: str) -> bool:
        """True when this version was released."""
        return self.find((*_component_path(source, uid), version)) is not None

    def release(self, source: str, uid: str, version: str) -> Release:
        """One release; :class:`NotFound` when there is none."""
        data = self.release_bytes(source, uid, version)
        return Release.decode(data, f"the record of {source}:{uid}@{version}")

    def release_bytes(self, source: str, uid: str, version: str) -> bytes:
        """The record of a release as it is stored; :class:`NotFound` when there is none."""
        data = self._blob((*_component_path(source, uid), version, "record"))
        if data is None:
            raise NotFound(
                f"{source} has no version {version} of the component {uid}.",
                code="no-release",
                hints=[f"`ckstore show {source}:*:{uid}` lists its versions"],
            )
        return data

    def release_trees(self, source: str, uid: str) -> Iterator[tuple[str, str]]:
        """(version, tree id as the log holds it) for every release of a component."""
        for entry in self._list(_component_path(source, uid)):
            if entry.is_tree:
                held = {e.name: e.oid for e in self._objects.read_tree(entry.oid)}
                yield entry.name, held.get("tree", "")

    def version_entries(self, source: str, uid: str) -> dict[str, str]:
        """Version → tree id of all that is published of a release; it changes when anything of that does."""
        return {entry.name: entry.oid for entry in self._list(_component_path(source, uid)) if entry.is_tree}

    def yanks(self, source: str, uid: str) -> dict[str, Yank]:
        """Version → record of every yanked release of a component."""
        found = {}
        for entry in self._list(_component_path(source, uid)):
            record = self._sub(entry.oid, "yank") if entry.is_tree else ""
            if record:
                what = f"the yank of {source}:{uid}@{entry.name}"
                found[entry.name] = Yank.decode(self._objects.read_blob(record), what)
        return found

    def yank(self, source: str, uid: str, version: str) -> Yank | None:
        """Why a release was yanked; None when it was not."""
        data = self._blob((*_component_path(source, uid), version, "yank"))
        return Yank.decode(data, f"the yank of {source}:{uid}@{version}") if data else None

    def retired(self, source: str, uid: str) -> dict[str, Retired]:
        """Version → record of every release of a component that was ever taken back."""
        return {
            entry.name: Retired.decode(self._objects.read_blob(entry.oid), f"{source}:{uid}@{entry.name}")
            for entry in self._list(_retired_path(source, uid))
        }

    def retired_components(self) -> Iterator[tuple[str, str]]:
        """(source, uid) of every component of which a release was ever taken back."""
        for source in self._list(("retired",)):
            for prefix in self._objects.read_tree(source.oid):
                yield from ((source.name, entry.name) for entry in self._objects.read_tree(prefix.oid))

    def source_folders(self) -> list[str]:
        """The names of all that there are folders for, also of one that lost its record."""
        return [entry.name for entry in self._list(("sources",))]

    def operation(self) -> Operation | None:
        """The operation that this commit of the log is."""
        data = self._blob(("operation",))
        return Operation.decode(data, "the operation record") if data else None

    def runs(self) -> Iterator[tuple[str, Run]]:
        """(id, record) of every run that can be read, by id; see :meth:`damaged_runs`."""
        return ((run_id, run) for run_id, run in self._each_run() if isinstance(run, Run))

    def damaged_runs(self) -> list[tuple[str, CkstoreError]]:
        """(id, what is wrong) of every run whose record cannot be read; the id may be only its beginning."""
        return [(run_id, run) for run_id, run in self._each_run() if isinstance(run, CkstoreError)]

    def _each_run(self) -> Iterator[tuple[str, Run | CkstoreError]]:
        for prefix in self._list(("runs",)):
            try:
                entries = self._objects.read_tree(prefix.oid)
            except _DAMAGE as error:
                yield prefix.name, error
                continue
            for entry in entries:
                try:
                    yield entry.name, self.run(entry.name)
                except _DAMAGE as error:
                    yield entry.name, error

    def run(self, run_id: str) -> Run:
        """The record of a run; :class:`NotFound` when there is none."""
        data = self._blob(("runs", run_id[:2], run_id, "record"))
        if data is None:
            raise NotFound(f"There is no run {run_id}.", code="no-run", hints=["`ckstore runs` lists them"])
        return Run.decode(data, f"the record of run {run_id}")

    def run_lock(self, run_id: str) -> str:
        """The text of the lock that a run used."""
        data = self._blob(("runs", run_id[:2], run_id, "lock"))
        return data.decode() if data else ""

    def reference(self, key: str) -> str:
        """The id of the run whose outputs every run with this key must equal; empty if there is none."""
        data = self._blob(("references", key[:2], key)) if key else None
        return data.decode() if data else ""

    def changed_since(self, old_head: str) -> list[tuple[str, str]]:
        """(source, uid) of every component whose records differ from those at ``old_head``.

        ``old_head`` is an earlier head of the log (empty: everything); :class:`NotFound` when there is no
        such commit. Equal subtrees are not entered.
        """
        old_root = self._objects.root_of(old_head) if old_head else ""
        changed: list[tuple[str, str]] = []
        for name, old, new in self._differing(
            self._sub(old_root, "sources"), self._sub(self.root, "sources")
        ):
            pairs = self._differing(self._sub(old, "components"), self._sub(new, "components"))
            for _, old_prefix, new_prefix in pairs:
                changed += [(name, uid) for uid, _, _ in self._differing(old_prefix, new_prefix)]
        return changed

    def _sub(self, tree: str, name: str) -> str:
        if not tree:
            return ""
        return next((e.oid for e in self._objects.read_tree(tree) if e.name == name), "")

    def _differing(self, old: str, new: str) -> Iterator[tuple[str, str, str]]:
        if old == new:
            return
        before = {e.name: e.oid for e in self._objects.read_tree(old)} if old else {}
        after = {e.name: e.oid for e in self._objects.read_tree(new)} if new else {}
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                yield name, before.get(name, ""), after.get(name, "")


def _same_files(old: Release | Retired | None, new: Release) -> None:
    if old is None or old.digest == new.digest:
        return
    hints = ["a released version never changes: give the new files a new version"]
    if isinstance(old, Retired):
        hints.append("it was taken back since: `ckstore log` names the undo, and undoing that brings it back")
    raise Conflict(
        f"{new.kind}:{new.name}@{new.version} was released with the digest {old.digest}; "
        f"these files have {new.digest}.",
        code="release-exists",
        hints=hints,
        details={"version": new.version, "released": old.digest, "new": new.digest},
    )


class LogEdit:
    """The changes of one operation, collected and then written as new trees over those of the head."""

    def __init__(self, writer: PackWriter, objects: Reader, view: LogView) -> None:
        self.writer = writer
        self._objects = objects
        self._view = view
        self._changes: dict[Path, TreeEntry | None] = {}  # None: nothing is there any more
        self.history: dict[str, dict[str, str]] = {}
        self.joined: tuple[str, ...] = ()
        self.summary = ""  # says better than the operation what it did, where only the edit knows it

    def _put_blob(self, path: Path, data: bytes) -> None:
        self._put(path, FILE, self.writer.add("blob", data))

    def _put(self, path: Path, mode: int, oid: str) -> None:
        """Note one entry. What the head already holds is no change."""
        for name in path:
            reason = unsafe_file_name(name)
            if reason is not None:
                raise InvalidInput(f"{name!r} cannot be a name in the log: {reason}.", code="unsafe-name")
        if not (oid in self.writer or self._objects.has(oid)):
            raise NotFound(f"The object {oid} was not added to the store.", code="no-object")
        entry = TreeEntry(mode, path[-1], oid)
        if self._view.find(path) != entry:
            self._changes[path] = entry

    def put(self, path: Path, entry: TreeEntry) -> None:
        """Make ``path`` what it was at another time: an entry that the log has held already."""
        self._put(path, entry.mode, entry.oid)

    def remove(self, path: Path) -> None:
        """Let nothing be at ``path``; folders that become empty go as well."""
        if self._view.find(path) is not None:
            self._changes[path] = None

    def put_yank(self, source: str, uid: str, version: str, yank: Yank) -> None:
        """Mark a release that is there as yanked."""
        self._put_blob((*_component_path(source, uid), version, "yank"), yank.encode())

    def remove_yank(self, source: str, uid: str, version: str) -> None:
        """Let a release be chosen again."""
        self.remove((*_component_path(source, uid), version, "yank"))

    def retire(self, source: str, release: Release) -> None:
        """Remember the files of a release that is taken back by this operation."""
        path = (*_retired_path(source, release.uid), release.version)
        self._put_blob(path, Retired(release.digest, release.tree).encode())

    def put_source(self, source: Source) -> None:
        """Publish or replace the record of a source."""
        self._put_blob(("sources", source.name, "source"), source.encode())

    def put_component(self, source: str, component: Component, releases: Iterable[Release]) -> None:
        """Publish a component's record and its new releases; releases already there are not touched.

        Raises :class:`Conflict` when a version was released with other files.
        """
        path = _component_path(source, component.uid)
        retired = self._view.retired(source, component.uid)
        self._put_blob((*path, "component"), component.encode())
        for release in releases:
            _same_files(retired.get(release.version), release)
            if self._view.has_release(source, release.uid, release.version):
                _same_files(self._view.release(source, release.uid, release.version), release)
                continue
            self._put_blob((*path, release.version, "record"), release.encode())
            self._put((*path, release.version, "tree"), TREE, release.tree)

    def put_absences(self, source: str, uid: str, absences: Absences) -> None:
        """Publish when a component was withdrawn."""
        self._put_blob((*_component_path(source, uid), "absences"), absences.encode())

    def put_run(self, run: Run, lock: str) -> str:
        """Publish a run with the lock it used and its outputs; gives its id."""
        data = run.encode()
        run_id = hashlib.sha256(data).hexdigest()[:RUN_ID_DIGITS]
        path = ("runs", run_id[:2], run_id)
        self._put_blob((*path, "record"), data)
        self._put_blob((*path, "lock"), lock.encode())
        if run.outputs:
            self._put((*path, "outputs"), TREE, run.outputs)
        return run_id

    def put_reference(self, key: str, run_id: str) -> None:
        """Make a run the reference of its key."""
        self._put_blob(("references", key[:2], key), run_id.encode())

    def put_operation(self, operation: Operation) -> None:
        """Say what this commit of the log is."""
        self._put_blob(("operation",), operation.encode())

    def keep_history(self, source: str, tips: dict[str, str]) -> None:
        """Keep the upstream history below these commits reachable; replaces what was kept before."""
        self.history[source] = dict(tips)

    def join(self, entries: Mapping[str, TreeEntry], heads: Iterable[str]) -> None:
        """Make these the entries of the log's root: what is here joined with the logs at ``heads``."""
        now = {e.name: e for e in self._objects.read_tree(self._view.root)} if self._view.root else {}
        for name in (now.keys() | entries.keys()) - {"operation"}:
            if now.get(name) != entries.get(name):
                self._changes[(name,)] = entries.get(name)
        self.joined = tuple(heads)

    def __bool__(self) -> bool:
        return bool(self._changes or self.joined)

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree, also of one that this operation wrote."""
        return parse_tree(self.writer.read(oid)) if oid in self.writer else self._objects.read_tree(oid)

    def write(self, root: str) -> str:
        """The id of the new root tree: ``root`` (empty: nothing) with the changes applied."""
        return self._rewrite(root, self._changes, 0)

    def _rewrite(self, tree: str, changes: dict[Path, TreeEntry | None], depth: int) -> str:
        """The id of the new tree; empty for one that lost all its entries, but for the root."""
        entries: dict[str, TreeEntry | None] = {}
        entries |= {e.name: e for e in self.read_tree(tree)} if tree else {}
        below: dict[str, dict[Path, TreeEntry | None]] = {}
        for path, entry in changes.items():
            if len(path) == depth + 1:
                entries[path[depth]] = entry
            else:
                below.setdefault(path[depth], {})[path] = entry
        for name, part in below.items():
            old = entries.get(name)
            oid = self._rewrite(old.oid if old else "", part, depth + 1)
            entries[name] = TreeEntry(TREE, name, oid) if oid else None
        kept = [entry for entry in entries.values() if entry is not None]
        return self.writer.add_tree(kept) if kept or not depth else ""
