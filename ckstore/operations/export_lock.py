"""``export``: a lock with everything that it names, as one verified file that stock git reads, too."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from ckstore.errors import CorruptData, NotFound
from ckstore.model.counting import plural
from ckstore.model.locks import Lock, Pin
from ckstore.model.manifest import LOCK_FILE
from ckstore.model.records import Component, Source
from ckstore.objects.bundles import Written, write_bundle
from ckstore.objects.digests import Digests
from ckstore.objects.hashing import object_id
from ckstore.objects.litter import sweep_folder
from ckstore.objects.log import LogView
from ckstore.objects.merge import in_order
from ckstore.objects.packs import ObjectType
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, GITLINK, TREE, TreeEntry, serialize_tree
from ckstore.operations.files import whole_file
from ckstore.operations.project import find_project, read_text
from ckstore.operations.snapshot import check_pins

BRANCH = "refs/heads/lock"
_UNFINISHED = ".ckstore-export-"
# Nothing of the moment or of the machine: the same lock gives the same bytes.
_SIGNATURE = "ckstore <export@ckstore> 0 +0000"
Folder = dict[str, "Folder | TreeEntry"]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written: ``size`` in bytes, ``lock`` the digest of the lock, ``commit`` what git calls it."""

    file: str
    lock: str
    commit: str
    releases: int
    objects: int
    size: int

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


def find_lock(path: Path | None) -> Lock:
    """The lock at ``path``, or that of the project here."""
    if path is None:
        project = find_project(Path.cwd())
        if project is None:
            raise NotFound(
                "There is no project here, and no lock was named.",
                code="no-lock",
                hints=["name the file, or go to its project", "`ckstore lock program:NAME` writes one"],
            )
        path = project / LOCK_FILE
    return Lock.parse(read_text(path), str(path))


def export_lock(
    store: ObjectStore, lock: Lock, target: Path | IO[bytes], progress: Callable[[str], None] = lambda _: None
) -> ExportReport:
    """Write ``lock`` and the closure of its pins to ``target``, a path or an open file.

    The file is a git bundle: its one commit holds the lock, and the record and the files of every pin where
    the log has them. Equal locks give equal files. Every digest is verified while the files are read; a
    path is replaced only by a whole file. Raises what checking the pins raises, :class:`CorruptData` for
    files that do not have their digest, :class:`Unavailable` when the file cannot be written.
    """
    check_pins(store, lock)
    made = _Made()
    commit = _commit(store.view(), lock, made)
    work = _Export(store, lock, made, progress)
    if not isinstance(target, Path):
        size = work.write(target, commit)
        return ExportReport("-", lock.digest, commit, len(lock.pins), work.count, size)
    sweep_folder(target.parent, _UNFINISHED, strangers=False)
    with whole_file(target, _UNFINISHED) as file:
        size = work.write(file, commit)
    return ExportReport(str(target), lock.digest, commit, len(lock.pins), work.count, size)


@dataclass(slots=True)
class _Made:
    """Objects that are made for the export alone, in memory; those that are read first come last."""

    objects: dict[str, tuple[ObjectType, bytes]] = field(default_factory=dict)

    def add(self, kind: ObjectType, data: bytes) -> str:
        """Keep an object; gives its id."""
        oid = object_id(kind, data)
        self.objects[oid] = (kind, data)
        return oid

    def folder(self, folder: Folder) -> str:
        """Keep a folder with all that is below it; gives the id of its tree."""
        entries = [
            item if isinstance(item, TreeEntry) else TreeEntry(TREE, name, self.folder(item))
            for name, item in folder.items()
        ]
        return self.add("tree", serialize_tree(entries))


def _commit(view: LogView, lock: Lock, made: _Made) -> str:
    root: Folder = {}
    sources: Folder = {}
    for name in sorted({pin.source for pin in lock.pins}):
        pins = [pin for pin in lock.pins if pin.source == name]
        sources[name] = _source(view, name, pins, made)
    if sources:
        root["sources"] = TreeEntry(TREE, "sources", made.folder(sources))
    root[LOCK_FILE] = _file(made, LOCK_FILE, lock.emit().encode())
    lines = [f"tree {made.folder(root)}", f"author {_SIGNATURE}", f"committer {_SIGNATURE}"]
    text = f"export: {plural(len(lock.pins), 'release')}\n\nlock {lock.digest}\n"
    return made.add("commit", ("\n".join(lines) + f"\n\n{text}").encode())


def _file(made: _Made, name: str, data: bytes) -> TreeEntry:
    return TreeEntry(FILE, name, made.add("blob", data))


def _source(view: LogView, name: str, pins: list[Pin], made: _Made) -> Folder:
    """The source without its head: a part of a line, which a mirror of the same source completes."""
    source = view.source(name)
    assert source is not None, "the pins were checked"
    url = source.url if source.kind == "git" else ""  # a path of this machine means nothing elsewhere
    record = Source(name, url, source.kind)
    components: Folder = {}
    for uid in sorted({pin.uid for pin in pins}):
        versions = {pin.version for pin in pins if pin.uid == uid}
        prefix = components.setdefault(uid[:2], {})
        assert isinstance(prefix, dict)
        prefix[uid] = _component(view, name, uid, versions, made)
    return {"source": _file(made, "source", record.encode()), "components": components}


def _component(view: LogView, source: str, uid: str, versions: set[str], made: _Made) -> Folder:
    folder: Folder = {}
    names: list[str] = []
    for version in in_order(versions):
        release = view.release(source, uid, version)
        folder[version] = {
            "record": _file(made, "record", view.release_bytes(source, uid, version)),
            "tree": TreeEntry(TREE, "tree", release.tree),
        }
        called = f"{release.kind}:{release.name}"
        names += [called] if names[-1:] != [called] else []
    line = Component(uid, release.kind, release.name, tuple(names), in_order(versions))
    return {"component": _file(made, "component", line.encode()), **folder}


@dataclass(slots=True)
class _Export:
    """Writes the closure of one commit; ``count`` objects."""

    store: ObjectStore
    lock: Lock
    made: _Made
    progress: Callable[[str], None]
    count: int = 0
    known: dict[str, bytes] = field(default_factory=dict)  # blob → SHA-256

    def write(self, out: IO[bytes], commit: str) -> int:
        """Write the bundle, verifying; gives its size."""
        stored = self._closure()
        self.count = len(self.made.objects) + len(stored)
        size = write_bundle(out, {BRANCH: commit, "HEAD": commit}, self._objects(stored), self.count)
        store = self.store
        digests = Digests(store.read_tree, store.read_blob, store.large_blob, self.known)
        for pin in self.lock.pins:
            found = digests.of_tree(pin.tree)
            if found != pin.digest:
                raise CorruptData(
                    f"The files of {pin.component}@{pin.version} have the digest {found}, not {pin.digest}.",
                    code="digest-mismatch",
                    hints=["`ckstore fsck` finds what is damaged; nothing was exported"],
                )
        return size

    def _closure(self) -> dict[str, None]:
        """The trees and files below every pin, in the order of the lock."""
        found: dict[str, None] = {}
        pending = [(pin.tree, True) for pin in reversed(self.lock.pins)]
        while pending:
            oid, is_tree = pending.pop()
            if oid in found or oid in self.made.objects:
                continue
            found[oid] = None
            if is_tree:
                entries = self.store.read_tree(oid)
                pending += [(e.oid, e.is_tree) for e in reversed(entries) if e.mode != GITLINK]
        return found

    def _objects(self, stored: Mapping[str, None]) -> Iterator[Written]:
        for kind, data in reversed(self.made.objects.values()):  # commit, root, lock: as a reader needs them
            yield kind, len(data), [data]
        for number, oid in enumerate(stored, 1):
            pieces = self.store.large_blob(oid)
            if pieces is not None:
                yield "blob", self.store.size_of(oid), self._hashed(oid, pieces)
            else:
                yield self._small(oid)
            if number % 200 == 0:
                self.progress(f"exporting {number}/{len(stored)} objects")

    def _small(self, oid: str) -> Written:
        kind, data = self.store.read(oid)
        found = object_id(kind, data)
        if found != oid:
            raise CorruptData(f"The object {oid} hashes to {found}.", code="bad-object")
        if kind == "blob":
            self.known[oid] = hashlib.sha256(data).digest()
        return kind, len(data), [data]

    def _hashed(self, oid: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in pieces:  # the store checks the id
            digest.update(piece)
            yield piece
        self.known[oid] = digest.digest()
