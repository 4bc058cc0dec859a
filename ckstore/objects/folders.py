"""A folder on disk as a git tree, and the view of objects that are not published yet."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ckstore.errors import InvalidInput
from ckstore.model.counting import plural
from ckstore.model.limits import MAX_DEPTH
from ckstore.model.names import unsafe_file_name
from ckstore.objects.digests import SUBMODULE_NOTE, link_target, submodule_at
from ckstore.objects.disk import not_readable
from ckstore.objects.packs import PackWriter
from ckstore.objects.statcache import Rows, fields
from ckstore.objects.store import ObjectStore
from ckstore.objects.stream import LARGE
from ckstore.objects.trees import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry, parse_tree

_LEFT_OUT = frozenset([".git", ".ckstore", ".svn", ".hg", "__pycache__"])
_IGNORING = ".gitignore"  # says what is left out, even where it is left out itself
_SLOW = 64 * 1024 * 1024  # bytes of a file that deserves a line of its own


@dataclass(slots=True)
class Staged:
    """Objects of a writer over those of the store: what is being added can be read before it is published."""

    store: ObjectStore
    writer: PackWriter

    def has(self, oid: str) -> bool:
        """True when the object is in either."""
        return oid in self.writer or self.store.has(oid)

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self.writer.read(oid) if oid in self.writer else self.store.read_blob(oid)

    def size_of(self, oid: str) -> int:
        """The size of an object in bytes, without inflating it."""
        return self.writer.size_of(oid) if oid in self.writer else self.store.size_of(oid)

    def large_blob(self, oid: str) -> Iterator[bytes] | None:
        """The pieces of a blob of some MiB; None for one that is to be read as a whole."""
        if oid not in self.writer:
            return self.store.large_blob(oid)
        return self.writer.pieces(oid) if self.writer.size_of(oid) >= LARGE else None

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""
        if oid not in self.writer:
            return self.store.read_tree(oid)
        return self.writer.trees.get(oid) or parse_tree(self.writer.read(oid))

    def missing_objects(self, tree: str, seen: set[str]) -> list[str]:
        """Nothing: a folder that was read is complete."""
        return []


def import_folder(
    writer: PackWriter,
    folder: Path,
    *,
    ignored: Callable[[str], bool] = lambda path: False,
    progress: Callable[[str], None] = lambda line: None,
    seen: Seen | None = None,
) -> tuple[str, int]:
    """Write a folder's files as objects; gives (tree id, number of files).

    Symlinks are kept as they are (never followed), executable bits are kept, empty folders are not, and
    neither is what version control and Python keep for themselves. ``ignored`` gets absolute paths.
    A laid-out submodule becomes the submodule that it was. Raises :class:`InvalidInput` on a name that
    cannot be laid out elsewhere and on devices and pipes, :class:`Unavailable` on what cannot be read.
    ``seen`` collects what everything looked like; files that it knows are not read.
    """
    root = str(folder)
    found = _Import(writer, ignored, progress, folder.name, seen or Seen(), len(root.rstrip("/")) + 1)
    try:
        found.seen.rows.note("", fields(folder.lstat()))
        return found.folder(root, 0) or writer.add_tree([]), found.count
    except OSError as error:  # the store's own troubles arrive as Unavailable
        raise not_readable(error) from error


@dataclass(slots=True)
class Seen:
    """``rows`` of what is imported now, and files ``known`` from earlier: path → (fields, id, SHA-256)."""

    known: Mapping[str, tuple[tuple[int, ...], str, bytes]] = field(default_factory=dict)
    rows: Rows = field(default_factory=Rows.empty)


@dataclass(slots=True)
class _Import:
    writer: PackWriter
    ignored: Callable[[str], bool]
    progress: Callable[[str], None]
    name: str
    seen: Seen
    skip: int  # characters of an absolute path in front of the one below the folder
    count: int = 0

    def folder(self, path: str, depth: int) -> str:
        """The tree of a folder; empty when there is nothing to keep in it."""
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{path} is nested deeper than {MAX_DEPTH} folders.", code="too-deep")
        with os.scandir(path) as found:
            items = sorted(found, key=_name)
        ignored = self.ignored
        entries = []
        for item in items:
            if item.name not in _LEFT_OUT and not ignored(item.path):
                entry = self.entry(item, depth)
                if entry is not None:
                    entries.append(entry)
            elif item.name == _IGNORING:
                self.seen.rows.note(item.path[self.skip :], fields(item.stat(follow_symlinks=False)))
        return self.writer.add_tree(entries) if entries else ""

    def entry(self, item: os.DirEntry[str], depth: int) -> TreeEntry | None:
        """One name in a folder; None for a folder with nothing to keep in it."""
        _check_name(item)
        status = item.stat(follow_symlinks=False)  # lstat: a link must never bring in what it points to
        looks = fields(status)
        if stat.S_ISDIR(status.st_mode):
            self.seen.rows.note(item.path[self.skip :], looks)
            commit = submodule_at(item.path)
            if commit:
                note = Path(item.path, SUBMODULE_NOTE)
                self.seen.rows.note(str(note)[self.skip :], fields(note.lstat()))
                self.count += 1
                return TreeEntry(GITLINK, item.name, commit)
            tree = self.folder(item.path, depth + 1)
            return TreeEntry(TREE, item.name, tree) if tree else None
        self.count += 1
        if self.count % 500 == 0 or status.st_size >= _SLOW:
            self.progress(f"{self.name}: {plural(self.count, 'file')}")
        if stat.S_ISREG(status.st_mode):
            mode = EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE
            return TreeEntry(mode, item.name, self.file(item.path, looks))
        if stat.S_ISLNK(status.st_mode):
            self.seen.rows.note(item.path[self.skip :], looks)
            return TreeEntry(SYMLINK, item.name, self.writer.add("blob", link_target(item.path)))
        raise InvalidInput(
            f"{item.path} is neither a file, a folder nor a symlink.",
            code="special-file",
            hints=["move devices, pipes and sockets out of the component"],
        )

    def file(self, path: str, looks: tuple[int, ...]) -> str:
        """The id of a file's bytes."""
        name = path[self.skip :]
        known, oid, digest = self.seen.known.get(name, ((), "", b""))
        if known == looks:
            self.writer.digests[oid] = digest
        else:
            oid = self.writer.add_file(path, looks[0])
        self.seen.rows.note(name, looks, oid, self.writer.digests[oid])
        return oid


def _name(item: os.DirEntry[str]) -> str:
    return item.name


def _check_name(item: os.DirEntry[str]) -> None:
    reason = unsafe_file_name(item.name)
    if reason is not None:
        raise InvalidInput(
            f"{item.path!r} cannot be added: {reason}.", code="unsafe-path", details={"path": item.path}
        )
