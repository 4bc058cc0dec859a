"""Reading git trees for the sake of what differs between two of them.

Walking a history costs what changed, not what is there: two folders are compared as sets of raw entries,
and only those that differ become values.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Protocol

from ckstore.errors import CorruptData, NotFound
from ckstore.model.limits import MAX_METADATA_BYTES, too_large
from ckstore.objects.loose import refused
from ckstore.objects.trees import TreeEntry, parse_entry, parse_tree

_ENTRY = re.compile(rb"[0-7]+ [^\0]*\0.{20}", re.DOTALL)
_FILES = (b"100644 ", b"100755 ", b"120000 ", b"160000 ")  # how an entry begins that is no folder
_ID_BYTES = 20
_REMEMBERED, _BYTES_REMEMBERED = 2048, 16 * 1024 * 1024
_LINE_BYTES = 1000
_SMALL = 16 * 1024
Difference = tuple[dict[str, TreeEntry], dict[str, TreeEntry]]
_Split = tuple[bytes, frozenset[bytes]]  # a tree's bytes, whole and entry by entry


class Objects(Protocol):
    """What reading components needs of an object database, published or not."""

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree, in git's order."""

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""

    def size_of(self, oid: str) -> int:
        """The size of an object in bytes, from its header."""


class Trees:
    """Objects, seen through differences and children. An empty tree id stands for nothing at all."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._lines: dict[str, str] = {}

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree; none for the empty id."""
        return self.objects.read_tree(oid) if oid else ()

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self.objects.read_blob(oid)

    def read_small(self, oid: str, most: int) -> bytes:
        """The bytes of a blob; one of more than ``most`` bytes is not read: :class:`CorruptData`."""
        size = self.objects.size_of(oid)
        if size > most:
            raise refused(oid, f"it has {size} bytes, more than {most}")
        return self.read_blob(oid)

    def first_line(self, oid: str) -> str:
        """The first line of a small blob, stripped; remembered, empty when the blob cannot be read."""
        if oid not in self._lines:
            try:
                data = self.read_small(oid, MAX_METADATA_BYTES)
            except (NotFound, CorruptData):
                data = b""
            self._lines[oid] = data[:_LINE_BYTES].decode("utf-8", "replace").split("\n", 1)[0].strip()
        return self._lines[oid]

    def folders(self, tree: str) -> list[TreeEntry]:
        """The folders in a tree, in git's order."""
        return [entry for entry in self.read_tree(tree) if entry.is_tree]

    def child(self, tree: str, name: str) -> TreeEntry | None:
        """The entry of this name in a tree."""
        return next((entry for entry in self.read_tree(tree) if entry.name == name), None)

    def subtree(self, tree: str, name: str) -> str:
        """The id of the folder of this name in a tree; empty when there is none."""
        entry = self.child(tree, name)
        return entry.oid if entry is not None and entry.is_tree else ""

    def difference(self, old: str, new: str) -> Difference:
        """Entries by name: those of ``old`` that ``new`` has not, and the other way round."""
        before, after = self.read_tree(old), self.read_tree(new)
        gone, come = set(before) - set(after), set(after) - set(before)
        return {entry.name: entry for entry in gone}, {entry.name: entry for entry in come}


class RawTrees(Trees):
    """The same, quickly, where objects can be had as (type, bytes) from ``read``.

    Whatever was read lately is remembered: metadata, checks and digests look at the same objects.
    """

    def __init__(self, objects: Objects, read: Callable[[str], tuple[str, bytes]]) -> None:
        super().__init__(objects)
        self._read = read
        self._blobs: dict[str, bytes] = {}
        self._held = 0  # bytes of trees
        self._known: dict[str, _Split] = {"": (b"", frozenset())}
        self._entries: dict[str, tuple[TreeEntry, ...]] = {"": ()}
        self._compared: tuple[str, str, Difference] = ("", "", ({}, {}))

    def _raw(self, kind: str, oid: str) -> bytes:
        found, data = self._read(oid)
        if found != kind:
            raise CorruptData(f"The object {oid} is a {found}, not a {kind}.", code="wrong-type")
        return data

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree; none for the empty id."""
        known = self._entries.get(oid)
        if known is None:
            if len(self._entries) >= _REMEMBERED:
                self._entries = {"": ()}
            known = self._entries[oid] = self._parsed(oid)
        return known

    def _parsed(self, oid: str) -> tuple[TreeEntry, ...]:
        data = self._split(oid)[0]
        try:
            return tuple(map(_entry, _ENTRY.findall(data)))  # most are those of an older tree, and known
        except CorruptData:
            return parse_tree(data, f"The tree {oid}")  # raises, and says which

    def folders(self, tree: str) -> list[TreeEntry]:
        """The folders in a tree, in git's order; files are not even parsed, unless their mode is odd."""
        others = (item for item in _ENTRY.findall(self._split(tree)[0]) if not item.startswith(_FILES))
        return [entry for entry in map(_entry, others) if entry.is_tree]

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        data = self._blobs.get(oid)
        if data is None:
            data = self._raw("blob", oid)
            if len(data) <= _SMALL:
                if len(self._blobs) >= _REMEMBERED:
                    self._blobs.clear()
                self._blobs[oid] = data
        return data

    def large_of(
        self, large: Callable[[str], Iterator[bytes] | None]
    ) -> Callable[[str], Iterator[bytes] | None]:
        """The same question (see ``ObjectStore.large_blob``), not asked about what is remembered anyway."""
        return lambda oid: None if oid in self._blobs else large(oid)

    def read_small(self, oid: str, most: int) -> bytes:
        """The bytes of a blob; one of more than ``most`` bytes is not read: :class:`CorruptData`."""
        data = self._blobs.get(oid)
        return data if data is not None and len(data) <= most else super().read_small(oid, most)

    def _split(self, oid: str) -> _Split:
        """The bytes of a tree, whole and as the set of its entries."""
        known = self._known.get(oid)
        if known is None:
            data = self._raw("tree", oid)
            excess = too_large("tree", len(data))
            if excess:
                raise refused(oid, excess)
            items = _ENTRY.findall(data)
            if len(b"".join(items)) != len(data):
                raise CorruptData(f"The tree {oid} is damaged.", code="bad-tree", details={"oid": oid})
            self._held += len(data)
            if len(self._known) >= _REMEMBERED or self._held > _BYTES_REMEMBERED:
                self._known, self._held = {"": (b"", frozenset())}, len(data)
            known = self._known[oid] = data, frozenset(items)
        return known

    def child(self, tree: str, name: str) -> TreeEntry | None:
        """The entry of this name in a tree."""
        data, items = self._split(tree)
        wanted = b" %s\0" % name.encode("utf-8", "surrogateescape")
        at = data.find(wanted)
        while at >= 0:
            end = at + len(wanted) + _ID_BYTES
            for start in (at - 6, at - 5):  # the mode has six digits, a folder's five
                item = data[max(start, 0) : end]
                if item in items:  # else the name was found within the bytes of an id
                    return _entry(item)
            at = data.find(wanted, at + 1)
        return None

    def subtree(self, tree: str, name: str) -> str:
        """The id of the folder of this name in a tree; empty when there is none."""
        data, items = self._split(tree)
        wanted = b"40000 %s\0" % name.encode("utf-8", "surrogateescape")
        at = data.find(wanted)
        while at >= 0:
            end = at + len(wanted) + _ID_BYTES
            if data[at:end] in items or data[max(at - 1, 0) : end] in items:  # some wrote 040000
                return data[end - _ID_BYTES : end].hex()
            at = data.find(wanted, at + 1)
        return ""

    def difference(self, old: str, new: str) -> Difference:
        """Entries by name: those of ``old`` that ``new`` has not, and the other way round."""
        if self._compared[:2] != (old, new):
            before, after = self._split(old)[1], self._split(new)[1]
            self._compared = old, new, (_by_name(before - after), _by_name(after - before))
        return self._compared[2]


def _by_name(items: frozenset[bytes]) -> dict[str, TreeEntry]:
    return {entry.name: entry for entry in map(_entry, items)}


@functools.lru_cache(maxsize=32_768)
def _entry(item: bytes) -> TreeEntry:
    """What an entry says; the new one of a comparison is the old one of the next."""
    mode, _, name = item[: -_ID_BYTES - 1].partition(b" ")
    try:
        return parse_entry(mode, name, item[-_ID_BYTES:])
    except ValueError as error:
        raise CorruptData(f"A tree is damaged: {error}.", code="bad-tree") from error
