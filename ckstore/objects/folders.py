"""A folder on disk as a git tree, and the view of objects that are not published yet."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ckstore.errors import InvalidInput
from ckstore.model.limits import MAX_DEPTH
from ckstore.model.names import unsafe_file_name
from ckstore.objects.digests import link_target, submodule_at
from ckstore.objects.disk import not_readable
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.stream import LARGE
from ckstore.objects.trees import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry, parse_tree

_LEFT_OUT = frozenset([".git", ".ckstore", ".svn", ".hg", "__pycache__"])


@dataclass(slots=True)
class Staged:
    """Objects of a writer over those of the store: what is being added can be read before it is published."""

    store: ObjectStore
    writer: PackWriter
    _trees: dict[str, tuple[TreeEntry, ...]] = field(default_factory=dict)

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
        if oid not in self._trees:
            self._trees[oid] = parse_tree(self.writer.read(oid))
        return self._trees[oid]

    def missing_objects(self, tree: str, seen: set[str]) -> list[str]:
        """Nothing: a folder that was read is complete."""
        return []


def import_folder(
    writer: PackWriter,
    folder: Path,
    *,
    ignored: Callable[[str], bool] = lambda path: False,
    progress: Callable[[str], None] = lambda line: None,
) -> tuple[str, int]:
    """Write a folder's files as objects; gives (tree id, number of files).

    Symlinks are kept as they are (never followed), executable bits are kept, empty folders are not, and
    neither is what version control and Python keep for themselves. ``ignored`` gets absolute paths.
    A laid-out submodule becomes the submodule that it was. Raises :class:`InvalidInput` on a name that
    cannot be laid out elsewhere and on devices and pipes, :class:`Unavailable` on what cannot be read.
    """
    count = 0

    def walk(path: str, depth: int) -> str:
        nonlocal count
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{path} is nested deeper than {MAX_DEPTH} folders.", code="too-deep")
        entries = []
        with os.scandir(path) as found:
            items = sorted(found, key=lambda e: e.name)
        for item in items:
            if item.name in _LEFT_OUT or ignored(item.path):
                continue
            entry = _import_entry(writer, item, lambda below: walk(below, depth + 1))
            if entry is not None:
                entries.append(entry)
                count += entry.mode != TREE
                if count % 500 == 0 and entry.mode != TREE:
                    progress(f"{folder.name}: {count} files")
        return writer.add_tree(entries) if entries else ""

    try:
        return walk(str(folder), 0) or writer.add_tree([]), count
    except OSError as error:  # the store's own troubles arrive as Unavailable
        raise not_readable(error) from error


def _import_entry(writer: PackWriter, item: os.DirEntry[str], walk: Callable[[str], str]) -> TreeEntry | None:
    reason = unsafe_file_name(item.name)
    if reason is not None:
        raise InvalidInput(
            f"{item.path!r} cannot be added: {reason}.", code="unsafe-path", details={"path": item.path}
        )
    status = item.stat(follow_symlinks=False)  # lstat: a link must never bring in what it points to
    if stat.S_ISLNK(status.st_mode):
        return TreeEntry(SYMLINK, item.name, writer.add("blob", link_target(item.path)))
    if stat.S_ISDIR(status.st_mode):
        commit = submodule_at(Path(item.path))
        if commit:
            return TreeEntry(GITLINK, item.name, commit)
        tree = walk(item.path)
        return TreeEntry(TREE, item.name, tree) if tree else None
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInput(
            f"{item.path} is neither a file, a folder nor a symlink.",
            code="special-file",
            hints=["move devices, pipes and sockets out of the component"],
        )
    mode = EXECUTABLE if status.st_mode & stat.S_IXUSR else FILE
    return TreeEntry(mode, item.name, writer.add_file(Path(item.path), status.st_size))
