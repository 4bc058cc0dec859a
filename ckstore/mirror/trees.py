"""Reading git trees for the sake of what differs between two of them.

Walking a history costs what changed, not what is there: two folders are compared as sets of raw entries,
and only those that differ become values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from ckstore.errors import CorruptData
from ckstore.objects.trees import TreeEntry, parse_tree

_ENTRY = re.compile(rb"[0-7]+ [^\0]+\0.{20}", re.DOTALL)
_MODES = (b"100644", b"40000", b"100755", b"120000", b"160000", b"100664", b"040000")
_REMEMBERED = 2048


class Objects(Protocol):
    """What reading components needs of an object database, published or not."""

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree, in git's order."""

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""


class Trees:
    """Objects, seen through differences and children. An empty tree id stands for nothing at all."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree; none for the empty id."""
        return self.objects.read_tree(oid) if oid else ()

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self.objects.read_blob(oid)

    def child(self, tree: str, name: str) -> TreeEntry | None:
        """The entry of this name in a tree."""
        return next((entry for entry in self.read_tree(tree) if entry.name == name), None)

    def subtree(self, tree: str, name: str) -> str:
        """The id of the folder of this name in a tree; empty when there is none."""
        entry = self.child(tree, name)
        return entry.oid if entry is not None and entry.is_tree else ""

    def difference(self, old: str, new: str) -> tuple[dict[str, TreeEntry], dict[str, TreeEntry]]:
        """Entries by name: those of ``old`` that ``new`` has not, and the other way round."""
        before, after = self.read_tree(old), self.read_tree(new)
        gone, come = set(before) - set(after), set(after) - set(before)
        return {entry.name: entry for entry in gone}, {entry.name: entry for entry in come}


class RawTrees(Trees):
    """The same, quickly, where the bytes of trees can be had (``read_raw``)."""

    def __init__(self, objects: Objects, read_raw: Callable[[str], bytes]) -> None:
        super().__init__(objects)
        self._read_raw = read_raw
        self._known: dict[str, frozenset[bytes]] = {"": frozenset()}

    def _split(self, oid: str) -> frozenset[bytes]:
        known = self._known.get(oid)
        if known is None:
            data = self._read_raw(oid)
            items = _ENTRY.findall(data)
            if sum(map(len, items)) != len(data):
                raise CorruptData(f"The tree {oid} is damaged.", code="bad-tree", details={"oid": oid})
            if len(self._known) >= _REMEMBERED:
                self._known = {"": frozenset()}
            known = self._known[oid] = frozenset(items)
        return known

    def child(self, tree: str, name: str) -> TreeEntry | None:
        """The entry of this name in a tree."""
        wanted = tuple(b"%s %s\0" % (mode, name.encode("utf-8", "surrogateescape")) for mode in _MODES)
        found = next((item for item in self._split(tree) if item.startswith(wanted)), None)
        return parse_tree(found)[0] if found else None

    def difference(self, old: str, new: str) -> tuple[dict[str, TreeEntry], dict[str, TreeEntry]]:
        """Entries by name: those of ``old`` that ``new`` has not, and the other way round."""
        before, after = self._split(old), self._split(new)
        return _by_name(before - after), _by_name(after - before)


def _by_name(items: frozenset[bytes]) -> dict[str, TreeEntry]:
    return {entry.name: entry for entry in parse_tree(b"".join(sorted(items)))}
