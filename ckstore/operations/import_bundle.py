"""``import``: take the releases of an exported lock into a store, on a machine that needs no network.

The file may come from anyone. It is read once, from its beginning to its end, into an unfinished pack
that nobody sees; only when all of it was judged is the pack finished and the log moved. Otherwise nothing
is left behind.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from ckstore.errors import Conflict, NotFound, Unavailable
from ckstore.model.counting import plural
from ckstore.model.locks import Lock, Pin
from ckstore.model.manifest import LOCK_FILE
from ckstore.model.records import Operation, Release
from ckstore.objects.bundles import BundleReader, Limits, Packed
from ckstore.objects.digests import Digests
from ckstore.objects.folders import Staged
from ckstore.objects.hashing import object_id
from ckstore.objects.litter import temporary_file
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.merge import OPERATION, Merge
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, GITLINK, TreeEntry, parse_tree
from ckstore.operations.project import read_text, write_whole
from ckstore.operations.received import MAX_RECORD, Received, refused

_IN_MEMORY = 4 * 1024 * 1024
_MOST_LOCK = 64 * 1024 * 1024
_FOLDERS = {LOCK_FILE, "sources"}
_EARLY = 3  # the commit, its tree and the lock come first
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``lock`` is the lock's text; counts are of releases, ``new`` by source."""

    file: str
    lock: str
    releases: int
    new: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of the lock, hex."""
        return hashlib.sha256(self.lock.encode()).hexdigest()

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "new": dict(self.new), "digest": self.digest}


def import_bundle(
    store: ObjectStore, file: Path | IO[bytes], *, limits: Limits | None = None,
    progress: Progress = lambda line: None,
) -> ImportReport:  # fmt: skip
    """Take what ``ckstore export`` wrote into ``store``: one operation, all of it or nothing.

    Raises :class:`InvalidInput` for another kind of file, :class:`CorruptData` for a file that is damaged
    or holds something that its names do not promise, :class:`Unsupported` beyond the limits,
    :class:`Conflict` when a version is released here with other files.
    """
    if isinstance(file, Path):
        try:
            with file.open("rb") as opened:
                return _Import(store, opened, file.name, limits, progress).run()
        except FileNotFoundError:
            raise NotFound(f"There is no file {file}.", code="no-file", hints=["check the path"]) from None
        except OSError as error:
            raise Unavailable(
                f"{file} cannot be read: {error.strerror}.", code="file-not-readable"
            ) from error
    return _Import(store, file, "what came in", limits, progress).run()


def write_lock(path: Path, text: str) -> None:
    """Write the lock that was imported; :class:`Conflict` when another one is there."""
    if path.exists() and read_text(path) != text:
        raise Conflict(
            f"{path} is another lock; it was not replaced.",
            code="lock-exists",
            hints=["move it away, or name another file with --lock", "the releases were imported"],
        )
    write_whole(path, text)


@dataclass(slots=True)
class _Content:
    """What arrived: the entries of its root, its lock. ``joins``: its commit is to be kept as well."""

    commit: str
    joins: bool
    root: dict[str, TreeEntry]
    lock: Lock
    staged: Staged


@dataclass(slots=True)
class _Import:
    store: ObjectStore
    file: IO[bytes]
    name: str
    limits: Limits | None
    progress: Progress
    _new: dict[str, int] = field(default_factory=dict)

    def run(self) -> ImportReport:
        """Read, judge, publish."""
        lock: list[Lock] = []

        def prepare(writer: PackWriter) -> _Content:
            content = _Arrival(self.store, writer, self.progress).read(self.file, self.name, self.limits)
            lock.append(content.lock)
            return content

        self.store.publish(Operation("import", f"ckstore import {self.name}", ""), prepare, self._edit)
        text = lock[0].emit()
        return ImportReport(self.name, text, len(lock[0].pins), dict(sorted(self._new.items())))

    def _edit(self, view: LogView, change: LogEdit, content: _Content) -> None:
        self._new.clear()
        for pin in content.lock.pins:
            if not view.has_release(pin.source, pin.uid, pin.version):
                self._check_history(view, pin)
                self._new[pin.source] = self._new.get(pin.source, 0) + 1
        theirs = {name: entry for name, entry in content.root.items() if name != LOCK_FILE}
        ours = {e.name: e for e in self.store.read_tree(view.root)} if view.root else {}
        ours.pop(OPERATION, None)
        merge = Merge(content.staged, content.staged.writer)
        merged = merge.with_paths(merge.roots({}, ours, theirs), ours)
        if merged != ours:
            change.join(merged, [content.commit] if content.joins else [])
            listed = ", ".join(f"{count} of {source}" for source, count in sorted(self._new.items()))
            change.summary = f"releases: {listed or 'none new'}"

    def _check_history(self, view: LogView, pin: Pin) -> None:
        """What the history that is kept here holds, the mirror has derived: whoever says more is wrong."""
        source = view.source(pin.source)
        if source is not None and source.head and pin.commit and view.holds(pin.commit):
            raise Conflict(
                f"{pin.component}@{pin.version} is said to be of the commit {pin.commit[:12]}; that is here,"
                " and gives no such release.",
                code="not-derived",
                hints=[f"`ckstore mirror --update {pin.source}`, if it is behind", "nothing was published"],
                details={"release": f"{pin.component}@{pin.version}", "commit": pin.commit},
            )


@dataclass(slots=True)
class _Arrival:
    """Reads the file into a writer; then reads only what arrived."""

    store: ObjectStore
    writer: PackWriter
    progress: Progress
    _staged: Staged = field(init=False)
    _digests: Digests = field(init=False)
    _sizes: dict[str, tuple[str, int]] = field(default_factory=dict)  # id → type, bytes
    _first: dict[str, bytes] = field(default_factory=dict)  # the commit, its tree and the lock
    _joins: bool = False

    def __post_init__(self) -> None:
        # what a store begins with has nothing to be joined with: then these three are not kept
        self._joins = bool(self.store.view().head)
        self._staged = Staged(self.store, self.writer)
        self._digests = Digests(self.read_tree, self.read_blob, known=self.writer.digests)

    def read(self, file: IO[bytes], name: str, limits: Limits | None) -> _Content:
        """Everything in the file, judged."""
        reader = BundleReader(file, name, limits)
        for packed in reader.objects():
            self._take(name, packed)
        commit = reader.refs.get("HEAD", "")
        if set(reader.refs.values()) != {commit}:
            raise refused(name, "its refs do not name one commit")
        root = self._root(name, commit)
        entries = {entry.name: entry for entry in self.read_tree(root)}
        if entries.keys() - _FOLDERS or len(entries) != len(self.read_tree(root)):
            raise refused(name, "it holds more than a lock and its releases")
        lock = self._lock(name, entries.get(LOCK_FILE))
        self._all_reached(name, commit, root)
        Received(self, self._digests, self.progress).check(root)
        self._check_pins(name, LogView(self, "", root), lock)
        return _Content(commit, self._joins, entries, lock, self._staged)

    def _take(self, name: str, packed: Packed) -> None:
        """Write one object into the unfinished pack."""
        early = len(self._sizes) < _EARLY
        if packed.size > _IN_MEMORY and packed.kind == "blob" and not early:
            oid = self._take_large(packed)
        else:
            if packed.size > _MOST_LOCK:
                raise refused(name, "its lock is too large")
            data = b"".join(packed.pieces)
            if early:
                oid = object_id(packed.kind, data)
                self._first[oid] = data
            if not early or self._joins:
                oid = self.writer.add(packed.kind, data)
        if oid in self._sizes:
            raise refused(name, f"it holds the object {oid} twice", code="bad-bundle")
        self._sizes[oid] = (packed.kind, packed.size)
        if len(self._sizes) % 500 == 0:
            self.progress(f"read {plural(len(self._sizes), 'object')}")

    def _take_large(self, packed: Packed) -> str:
        """A large file goes by way of the disk: its id is wanted before it is written."""
        free = shutil.disk_usage(self.store.path).free
        if packed.size > free:
            raise Unavailable(
                f"A file of {packed.size} bytes does not fit on the disk of {self.store.path}.",
                code="disk-full",
                hints=[f"{free} bytes are free there", "--store names another place"],
            )
        with temporary_file(self.store.path, "tmp-") as path:
            with path.open("wb") as file:
                for piece in packed.pieces:
                    file.write(piece)
            return self.writer.add_file(path, packed.size)

    # -- reading what arrived: a Reader of a log ------------------------------------------------------

    def _check(self, oid: str, kind: str) -> None:
        found, size = self._sizes.get(oid, ("", 0))
        if found != kind:
            why = f"the object {oid} is a {found}, not a {kind}" if found else f"it lacks the object {oid}"
            raise refused("the file", why, code="bad-bundle")
        if kind == "blob" and size > max(MAX_RECORD, _MOST_LOCK):
            raise refused("the file", f"a record or symlink has {size} bytes")

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a small blob that arrived."""
        self._check(oid, "blob")
        return self._first[oid] if oid in self._first else self._staged.read_blob(oid)

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree that arrived."""
        self._check(oid, "tree")
        if oid in self._first:
            return parse_tree(self._first[oid])
        return self._staged.read_tree(oid)

    def size_of(self, oid: str) -> int:
        """The size of an object that arrived, in bytes."""
        return self._sizes.get(oid, ("", 0))[1]

    def has(self, oid: str) -> bool:
        """True when it arrived."""
        return oid in self._sizes

    def root_of(self, commit: str) -> str:
        """The tree of the one commit."""
        return self._root("the file", commit)

    # -- judging -------------------------------------------------------------------------------------

    def _root(self, name: str, commit: str) -> str:
        self._check(commit, "commit")
        if commit not in self._first:
            raise refused(name, "its commit is not the first of its objects")
        lines = self._first[commit].decode("utf-8", "replace").partition("\n\n")[0].split("\n")
        keys = [line.partition(" ")[0] for line in lines]
        if keys != ["tree", "author", "committer"] or len(lines[0]) != len("tree ") + 40:
            raise refused(name, "its commit is not one of `ckstore export`")
        return lines[0].removeprefix("tree ")

    def _all_reached(self, name: str, commit: str, root: str) -> None:
        """Everything that is named arrived, and everything that arrived is named."""
        reached = {commit}
        pending = [(root, "tree")]
        while pending:
            oid, kind = pending.pop()
            if oid in reached:
                continue
            if self._sizes.get(oid, ("", 0))[0] != kind:
                self._check(oid, kind)
            reached.add(oid)
            if kind == "tree":
                entries = self.read_tree(oid)
                pending += [(e.oid, "tree" if e.is_tree else "blob") for e in entries if e.mode != GITLINK]
        spare = len(self._sizes) - len(reached)
        if spare:
            raise refused(name, f"nothing names {spare} of its objects", code="bad-bundle")

    def _lock(self, name: str, entry: TreeEntry | None) -> Lock:
        if entry is None or entry.mode != FILE:
            raise refused(name, "it holds no lock")
        try:
            text = self.read_blob(entry.oid).decode("utf-8")
            lock = Lock.parse(text, f"the lock in {name}")
        except UnicodeDecodeError:
            raise refused(name, "its lock is not text") from None
        if lock.emit() != text:
            raise refused(name, "its lock is not in canonical form")
        return lock

    def _check_pins(self, name: str, view: LogView, lock: Lock) -> None:
        pinned = {(pin.source, pin.uid, pin.version): pin for pin in lock.pins}
        found = set(_releases(view))
        if found != pinned.keys():
            raise refused(name, "its releases are not those that its lock pins")
        urls = {source.name: source.url for source in lock.sources}
        for record in view.sources():
            if record.kind == "folder" and record.url:
                raise refused(name, f"the source {record.name} names a folder of another machine")
            if record.kind == "git" and record.url != urls.get(record.name):
                raise refused(name, f"the source {record.name} has another address in its lock")
        for (source, uid, version), pin in pinned.items():
            release = view.release(source, uid, version)
            if _identity(release) != (pin.kind, pin.name, pin.tree, pin.digest):
                raise refused(name, f"its lock says something else of {pin.component}@{version}")


def _identity(release: Release) -> tuple[str, str, str, str]:
    return release.kind, release.name, release.tree, release.digest


def _releases(view: LogView) -> Iterator[tuple[str, str, str]]:
    for source in view.sources():
        for component in view.components(source.name):
            yield from ((source.name, component.uid, version) for version in component.versions)
