"""git trees: reading, writing, and turning a folder into one.

A tree is a list of (mode, name, object id). Names from outside are bytes; they travel as text with
``surrogateescape``, so that nothing is lost and everything can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ckstore.errors import CorruptData

TREE, FILE, EXECUTABLE, SYMLINK, GITLINK = 0o040000, 0o100644, 0o100755, 0o120000, 0o160000
# Nobody nests folders so deep, and whoever does on purpose must not exhaust the stack.
MAX_DEPTH = 128


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """``mode`` is one of the five above, ``oid`` 40 hex digits."""

    mode: int
    name: str
    oid: str

    @property
    def is_tree(self) -> bool:
        """True for a folder."""
        return self.mode == TREE


def check_depth(depth: int, what: str) -> None:
    """Raise :class:`CorruptData` when folders are nested deeper than :data:`MAX_DEPTH`."""
    if depth > MAX_DEPTH:
        raise CorruptData(f"{what} is nested deeper than {MAX_DEPTH} folders.", code="too-deep")


def parse_tree(data: bytes, what: str = "a tree") -> tuple[TreeEntry, ...]:
    """The entries in git's order. Odd modes of old repositories (100664 …) are read as git reads them."""
    entries, at = [], 0
    try:
        while at < len(data):
            blank = data.index(b" ", at)
            end = data.index(b"\0", blank)
            if end + 21 > len(data):
                raise ValueError("truncated")
            mode = _normal(int(data[at:blank], 8))
            name = data[blank + 1 : end].decode("utf-8", "surrogateescape")
            entries.append(TreeEntry(mode, name, data[end + 1 : end + 21].hex()))
            at = end + 21
    except ValueError as error:
        raise CorruptData(f"{what} is damaged: {error}.", code="bad-tree") from error
    return tuple(entries)


def _normal(mode: int) -> int:
    kind = mode & 0o170000
    if kind == 0o100000:
        return EXECUTABLE if mode & 0o111 else FILE
    if kind not in (TREE, SYMLINK, GITLINK):
        raise ValueError(f"mode {mode:o} is unknown")
    return kind


def serialize_tree(entries: Iterable[TreeEntry]) -> bytes:
    """The bytes of a tree. git sorts a folder as if its name ended with a slash."""
    keyed = [(e.name.encode("utf-8", "surrogateescape"), e) for e in entries]
    keyed.sort(key=lambda pair: pair[0] + b"/" if pair[1].is_tree else pair[0])
    return b"".join(b"%o %s\0" % (e.mode, name) + bytes.fromhex(e.oid) for name, e in keyed)
