"""What two logs are joined over: the state that both held last.

Stores that pull from each other at the same time hold several such states, none of which is a part of
another: what one of them took back is still in the other. So these are joined themselves, over what *they*
held last, and so on; the result is the same from either side, and in no store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ckstore.errors import Unsupported
from ckstore.objects.hashing import object_id
from ckstore.objects.joining import Parents, ancestors
from ckstore.objects.merge import OPERATION, Entries, Merge
from ckstore.objects.packs import ObjectType
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import TreeEntry, parse_tree, serialize_tree

_DEEPEST = 50


@dataclass(slots=True)
class Bases:
    """Finds what commits of ``objects`` are joined over; reads like it, with what it made in memory."""

    objects: ObjectStore
    _made: dict[str, bytes] = field(default_factory=dict)
    _known: dict[tuple[str, str], Entries] = field(default_factory=dict)
    _parents: dict[str, Parents] = field(default_factory=dict)

    def entries(self, one: str, other: str, depth: int = 0) -> Entries:
        """The root of what both commits held last; empty when they have nothing in common."""
        pair = (min(one, other), max(one, other))
        if pair not in self._known:
            if depth > _DEEPEST:
                raise Unsupported(
                    "The two logs went apart and met again too often to say what both held last.",
                    code="log-entangled",
                    hints=["pull into a new store, and use that: --store"],
                )
            self._known[pair] = self._found(*pair, depth)
        return self._known[pair]

    def _found(self, one: str, other: str, depth: int) -> Entries:
        bases = self._last_common(one, other)
        if not bases:
            return {}
        joined = self._joined(bases, one, other)
        root = self._root(joined or bases[0])
        for base in [] if joined else bases[1:]:
            theirs = self._root(base)
            if theirs != root:
                root = Merge(self, self).roots(self.entries(bases[0], base, depth + 1), root, theirs)
        return root

    def _last_common(self, one: str, other: str) -> list[str]:
        """The last operations that both hold; a commit of an exported lock is none."""
        ours, theirs = self._ancestors(one), self._ancestors(other)
        common = ours.keys() & theirs.keys()
        inner = {parent for oid in common for parent in ours[oid]}
        return sorted(oid for oid in common - inner if self._is_operation(oid))

    def _joined(self, bases: list[str], one: str, other: str) -> str:
        """The operation that joined just these, if there is one: what it made of them is the answer."""
        known = {**self._ancestors(one), **self._ancestors(other)}
        found = (oid for oid, parents in known.items() if len(bases) > 1 and sorted(parents) == bases)
        return min(found, default="")

    def _ancestors(self, oid: str) -> Parents:
        if oid not in self._parents:
            self._parents[oid] = ancestors(self.objects, oid)
        return self._parents[oid]

    def _is_operation(self, commit: str) -> bool:
        return any(entry.name == OPERATION for entry in self.read_tree(self.root_of(commit)))

    def _root(self, commit: str) -> dict[str, TreeEntry]:
        entries = self.read_tree(self.root_of(commit))
        return {entry.name: entry for entry in entries if entry.name != OPERATION}

    # -- objects -------------------------------------------------------------------------------------

    def add(self, kind: ObjectType, data: bytes) -> str:
        """Keep an object in memory; gives its id."""
        oid = object_id(kind, data)
        self._made[oid] = data
        return oid

    def add_tree(self, entries: Iterable[TreeEntry]) -> str:
        """Keep a tree in memory; gives its id."""
        return self.add("tree", serialize_tree(list(entries)))

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""
        return parse_tree(self._made[oid]) if oid in self._made else self.objects.read_tree(oid)

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self._made[oid] if oid in self._made else self.objects.read_blob(oid)

    def has(self, oid: str) -> bool:
        """True when a store has the object, or is about to: what is in memory is in none."""
        return self.objects.has(oid)

    def root_of(self, commit: str) -> str:
        """The tree of a commit."""
        return self.objects.root_of(commit)
