"""git trees: reading, writing, and turning a folder into one.

A tree is a list of (mode, name, object id). Names from outside are bytes; they travel as text with
``surrogateescape``, so that nothing is lost and everything can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ckstore.errors import CorruptData
from ckstore.model.limits import MAX_DEPTH, MAX_FILES, MAX_PATH_BYTES

TREE, FILE, EXECUTABLE, SYMLINK, GITLINK = 0o040000, 0o100644, 0o100755, 0o120000, 0o160000
_MODES = {b"%o" % mode: mode for mode in (TREE, FILE, EXECUTABLE, SYMLINK, GITLINK)}
_ENTRY = re.compile(rb"([0-7]+) ([^\0]*)\0(.{20})", re.DOTALL)
_NEW = tuple.__new__
_FRAME = 22  # bytes of an entry besides mode and name: blank, zero, id


class TreeEntry(NamedTuple):  # made by the thousand: in a third of the time that a frozen dataclass takes
    """``mode`` is one of the five above, ``oid`` 40 hex digits."""

    mode: int
    name: str
    oid: str

    @property
    def is_tree(self) -> bool:
        """True for a folder."""
        return self.mode == TREE


def check_extent(read_tree: Callable[[str], tuple[TreeEntry, ...]], tree: str) -> None:
    """Raise :class:`CorruptData` when there is too much below a tree, before anything of it is walked.

    Counted are files and folders in every place where they lie, and the longest path. Every folder is read
    once, so a few of them that hold each other a billion times cost no more than they are.
    """
    known: dict[str, tuple[int, int]] = {}

    def extent(oid: str, depth: int) -> tuple[int, int]:
        check_depth(depth, f"The tree {tree}")
        if oid not in known:
            count = longest = 0
            for entry in read_tree(oid):
                below, path = extent(entry.oid, depth + 1) if entry.is_tree else (0, 0)
                count += below + 1
                longest = max(longest, len(entry.name) + 1 + path)
            known[oid] = count, longest
        return known[oid]

    count, longest = extent(tree, 0)
    if count > MAX_FILES:
        raise CorruptData(f"The tree {tree} holds more than {MAX_FILES} files.", code="too-many-files")
    if longest > MAX_PATH_BYTES:
        raise CorruptData(
            f"The tree {tree} has a path of more than {MAX_PATH_BYTES} bytes.", code="path-too-long"
        )


def check_depth(depth: int, what: str) -> None:
    """Raise :class:`CorruptData` when folders are nested deeper than :data:`MAX_DEPTH`."""
    if depth > MAX_DEPTH:
        raise CorruptData(f"{what} is nested deeper than {MAX_DEPTH} folders.", code="too-deep")


def parse_tree(data: bytes, what: str = "a tree") -> tuple[TreeEntry, ...]:
    """The entries in git's order. Odd modes of old repositories (100664 …) are read as git reads them."""
    found = _ENTRY.findall(data)
    try:
        entries = tuple([parse_entry(*parts) for parts in found])
        # mode, blank, name, zero, id
        if sum([len(mode) + len(name) for mode, name, _ in found]) + _FRAME * len(found) != len(data):
            raise ValueError("truncated")
    except ValueError as error:
        raise CorruptData(f"{what} is damaged: {error}.", code="bad-tree") from error
    return entries


def parse_entry(mode: bytes, name: bytes, oid: bytes) -> TreeEntry:
    """One entry from its parts as git stores them; ValueError for an unknown mode."""
    parts = _MODES.get(mode) or _normal(mode), name.decode("utf-8", "surrogateescape"), oid.hex()
    return _NEW(TreeEntry, parts)  # what TreeEntry(*parts) does, without a call of Python


def _normal(text: bytes) -> int:
    mode = int(text, 8)
    kind = mode & 0o170000
    if kind == 0o100000:
        return EXECUTABLE if mode & 0o111 else FILE
    if kind not in (TREE, SYMLINK, GITLINK):
        raise ValueError(f"mode {mode:o} is unknown")
    return kind


def in_order(entries: Iterable[TreeEntry]) -> tuple[TreeEntry, ...]:
    """The entries in git's order, which sorts a folder as if its name ended with a slash."""
    return tuple(sorted(entries, key=_sort_key))


def _sort_key(entry: TreeEntry) -> bytes:
    name = entry.name.encode("utf-8", "surrogateescape")
    return name + b"/" if entry.mode == TREE else name


def serialize_tree(entries: Iterable[TreeEntry]) -> bytes:
    """The bytes of a tree with these entries, in any order."""
    return b"".join(
        b"%o %s\0" % (e.mode, e.name.encode("utf-8", "surrogateescape")) + bytes.fromhex(e.oid)
        for e in in_order(entries)
    )
