"""``needs`` and ``needed-by``: what a component asks for, and who asks for it, across all sources.

The graph is that of the components as they are now: the newest release of each that is not withdrawn. A
need is answered by name or by tags, by every component that qualifies, whichever a lock would choose.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Literal

from ckstore.errors import InvalidInput
from ckstore.index.relations import (
    Asker,
    answered_by,
    answering,
    askers,
    asking_for,
    needs_of,
    newest_offer,
)
from ckstore.model.answers import Offer, answers, read_ask
from ckstore.model.query import Hit
from ckstore.model.records import Release
from ckstore.model.requirements import Requirement
from ckstore.objects.store import ObjectStore
from ckstore.operations.find import with_index
from ckstore.operations.lookup import lookup
from ckstore.operations.strong import strong_components

Progress = Callable[[str], None]
Direction = Literal["needs", "needed-by"]
Mark = Literal["", "above", "cycle", "limit"]


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A component at a version; for ``needed-by TAGS`` the tags (``name``) that are asked for."""

    source: str
    kind: str
    name: str
    uid: str
    version: str

    @property
    def reference(self) -> str:
        """``source:kind:name@=version``."""
        return f"{self.source}:{self.kind}:{self.name}@={self.version}" if self.uid else self.name

    @property
    def key(self) -> tuple[str, str]:
        """Source and UID: what stays when the version changes."""
        return (self.source, self.uid) if self.uid else ("", self.name)


@dataclass(frozen=True, slots=True)
class Relation:
    """One need and one component that answers it; ``answer`` is None when nothing in the store does.

    ``depth`` is 1 for what concerns the component in question itself. ``mark`` says why what follows the
    farther component is not listed behind this: it is listed elsewhere (``above``), the need is part of a
    ``cycle``, or the depth was limited (``limit``); empty where it follows.
    """

    asker: Node
    role: str
    ask: str
    scope: str
    answer: Node | None
    depth: int
    mark: Mark = ""

    def as_plain(self) -> dict[str, object]:
        """JSON-able values: ``asker`` and ``answer`` as references."""
        answer = self.answer.reference if self.answer else ""
        return {"asker": self.asker.reference, "role": self.role, "ask": self.ask, "scope": self.scope,
                "answer": answer, "depth": self.depth, "mark": self.mark}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relations:
    """What was found, nearest first. ``root`` is what was asked about.

    Counts: ``components`` besides the root, ``requirements`` (who asks, in which role, for what), ``unmet``
    ones, and ``cycles``: groups of components that need each other.
    """

    root: Node
    direction: Direction
    relations: tuple[Relation, ...]
    components: tuple[Node, ...]
    sources: tuple[str, ...]
    requirements: int
    unmet: int
    cycles: int

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "root": self.root.reference, "direction": self.direction,
            "relations": [relation.as_plain() for relation in self.relations],
            "components": [asdict(node) | {"reference": node.reference} for node in self.components],
            "sources": list(self.sources), "requirements": self.requirements, "unmet": self.unmet,
            "cycles": self.cycles,
        }  # fmt: skip


def needs(store: ObjectStore, reference: str, *, depth: int = 1, progress: Progress = _silent) -> Relations:
    """What a component needs, and what answers each need now; ``depth`` steps far (0: to the end).

    With a version behind the reference, the needs of that release. Raises what
    :func:`~ckstore.operations.lookup.lookup` raises.
    """
    source, _, release = lookup(store, Requirement.parse(reference), progress=progress)
    root = _node_of(source, release)

    def explore(db: sqlite3.Connection, _: tuple[str, ...]) -> Relations:
        return _Walk(_Answers(db, root, release), "needs", root).run(depth)

    return with_index(store.path, explore, progress)


def needed_by(
    store: ObjectStore, reference: str, *, depth: int = 1, progress: Progress = _silent
) -> Relations:
    """The components that need what ``reference`` means; ``depth`` steps far (0: to the end).

    A name, a UID: a component, whichever of its releases answers. With a version: what this release answers.
    Tags (``soft[compiler]``): who asks for at least these. Raises what
    :func:`~ckstore.operations.lookup.lookup` raises; InvalidInput ``range-of-tags`` for tags with a range.
    """
    requirement = Requirement.parse(reference)
    if requirement.tags:
        if requirement.range != "*":
            raise InvalidInput(
                f"{reference!r} asks for tags and versions: who asks for tags is told without versions.",
                code="range-of-tags",
                hints=[f"ckstore needed-by '{replace(requirement, range='*')}'"],
            )
        root, offer = Node("", "", str(requirement), "", ""), None
    else:
        source, _, release = lookup(store, requirement, progress=progress)
        root = _node_of(source, release)
        offer = offer_of_release(source, release) if requirement.range != "*" else None

    def explore(db: sqlite3.Connection, _: tuple[str, ...]) -> Relations:
        wanted = requirement if requirement.tags else None
        return _Walk(_Askers(db, root, offer, wanted), "needed-by", root).run(depth)

    return with_index(store.path, explore, progress)


def offer_of_release(source: str, release: Release) -> Offer:
    """What of a release a requirement can ask for."""
    return Offer(
        source, release.kind, release.name, release.uid, release.version, frozenset(release.tags)
    )  # fmt: skip


def asks_met_by(db: sqlite3.Connection, offer: Offer) -> list[str]:
    """The requirements that the component with this newest release answers, with whichever release."""
    found = []
    for ask in answered_by(db, offer, any_version=True):
        requirement = read_ask(ask)
        if requirement is None:
            continue
        if requirement.range == "*":
            met = answers(requirement, offer)
        else:
            met = any((hit.source, hit.uid) == offer.key for hit in answering(db, requirement))
        if met:
            found.append(ask)
    return found


# -- what is next to a component -------------------------------------------------------------------------


class _Answers:
    """Needs of a component with all that answers them."""

    def __init__(self, db: sqlite3.Connection, root: Node, release: Release) -> None:
        self._db, self._root, self._release = db, root, release
        self._known: dict[str, list[Node]] = {}

    def __call__(self, node: Node, depth: int) -> Iterator[Relation]:
        stated: Iterable[tuple[str, str, str]] = (
            sorted((need.role, need.ask, need.scope) for need in self._release.needs) if node == self._root
            else [(a.role, a.ask, a.scope) for a in needs_of(self._db, *node.key)]
        )  # fmt: skip
        for role, ask, scope in stated:
            answers: list[Node | None] = [*self._answers(ask)] or [None]
            for answer in answers:
                yield Relation(node, role, ask, scope, answer, depth)

    def _answers(self, ask: str) -> list[Node]:
        if ask not in self._known:
            requirement = read_ask(ask)
            hits = answering(self._db, requirement) if requirement else []
            self._known[ask] = [_node_of_hit(hit) for hit in hits]
        return self._known[ask]


class _Askers:
    """The components that ask for another one. ``offer``: for the root, this very release."""

    def __init__(
        self, db: sqlite3.Connection, root: Node, offer: Offer | None, wanted: Requirement | None
    ) -> None:
        self._db, self._root, self._offer, self._wanted = db, root, offer, wanted
        self._known: dict[str, list[tuple[str, str, Node]]] = {}  # many state the same

    def __call__(self, node: Node, depth: int) -> Iterator[Relation]:
        found = []
        for ask in self._asks(node):
            if ask not in self._known:
                self._known[ask] = [(a.role, a.scope, _node_of(a.source, a)) for a in askers(self._db, ask)]
            found += [
                Relation(asker, role, ask, scope, node, depth) for role, scope, asker in self._known[ask]
            ]
        yield from sorted(found, key=lambda r: (r.asker, r.role, r.ask))

    def _asks(self, node: Node) -> list[str]:
        if node == self._root and self._wanted is not None:
            return asking_for(self._db, self._wanted)
        if node == self._root and self._offer is not None:
            return answered_by(self._db, self._offer)
        offer = newest_offer(self._db, *node.key)
        return asks_met_by(self._db, offer) if offer else []


def _node_of(source: str, found: Release | Asker) -> Node:
    return Node(source, found.kind, found.name, found.uid, found.version)


def _node_of_hit(hit: Hit) -> Node:
    return Node(hit.source, hit.kind, hit.name, hit.uid, hit.version)


# -- walking -----------------------------------------------------------------------------------------------


class _Walk:
    """Breadth first, each component once, so that it stands where it is nearest."""

    def __init__(
        self, neighbours: Callable[[Node, int], Iterator[Relation]], direction: Direction, root: Node
    ) -> None:
        self._neighbours, self._direction, self._root = neighbours, direction, root

    def run(self, depth: int) -> Relations:
        found: list[Relation] = []
        places = {self._root.key: 0}  # component → how far it is
        layer, at = [self._root], 0
        while layer and (not depth or at < depth):
            at += 1
            following: list[Node] = []
            for relation in (r for node in layer for r in self._neighbours(node, at)):
                far = self._far(relation)
                if far is not None and far.key in places:
                    relation = replace(relation, mark="above")
                elif far is not None:
                    places[far.key] = at
                    following.append(far)
                    relation = replace(relation, mark="limit" if depth and at == depth else "")
                found.append(relation)
            layer = following
        return self._report(found)

    def _far(self, relation: Relation) -> Node | None:
        return relation.answer if self._direction == "needs" else relation.asker

    def _report(self, found: list[Relation]) -> Relations:
        group = strong_components((r.asker.key, r.answer.key) for r in found if r.answer)
        marked = tuple(
            replace(r, mark="cycle")
            if r.answer and r.mark == "above" and group[r.asker.key] == group[r.answer.key] else r
            for r in found
        )  # fmt: skip
        circles = {
            group[r.asker.key] for r in found if r.answer and group[r.asker.key] == group[r.answer.key]
        }
        nodes = {far.key: far for r in found if (far := self._far(r)) and far.key != self._root.key}
        stated = {(r.asker.key, r.role, r.ask): r.answer for r in found}
        return Relations(
            self._root, self._direction, marked, tuple(sorted(nodes.values())),
            tuple(sorted({node.source for node in nodes.values()})), len(stated),
            sum(answer is None for answer in stated.values()), len(circles),
        )  # fmt: skip
