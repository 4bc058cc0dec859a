"""``impact``: who would no longer find what they need if one release became another, or went away.

The releases that are compared may be of any time; those who need them are the components of the store as
they are now. What does not change for somebody is not told: a need that the new release answers as well.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from ckstore.errors import InvalidInput
from ckstore.index.relations import Asker, answered_by, answering, askers
from ckstore.model.answers import Offer, answers, lacks, read_ask
from ckstore.model.interface import InterfaceChange
from ckstore.model.requirements import Requirement
from ckstore.objects.store import ObjectStore
from ckstore.operations.diff import Side, interface_change, pair_named, release_named, side_of
from ckstore.operations.find import with_index
from ckstore.operations.relations import offer_of_release

Progress = Callable[[str], None]
Fate = Literal["lost", "served", "kept"]
WITHDRAWN = "-"


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Concerned:
    """A need that the old release answers, and the new one does not.

    ``fate``: *lost*, nothing else in the store answers it; *served*, the components ``by`` (references) do;
    *kept*, its range admits the old release, which stays in the store, so that it goes on finding that.
    ``missing`` is what the new release lacks: tags, or the name; empty for a withdrawal.
    """

    component: str
    source: str
    kind: str
    name: str
    uid: str
    version: str
    role: str
    ask: str
    scope: str
    fate: Fate
    missing: tuple[str, ...]
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Impact:
    """``new`` is None for a withdrawal; ``removed`` and ``added`` are the difference of the interfaces."""

    old: Side
    new: Side | None
    meaning: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    concerned: tuple[Concerned, ...]

    def of(self, fate: Fate) -> tuple[Concerned, ...]:
        """The needs that fare so."""
        return tuple(found for found in self.concerned if found.fate == fate)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values, with the numbers of components and sources that lose something."""
        lost = self.of("lost")
        return {
            **asdict(self),
            "counts": {
                "lost": len(lost), "served": len(self.of("served")), "kept": len(self.of("kept")),
                "components_that_lose": len({found.component for found in lost}),
                "sources_that_lose": len({found.source for found in lost}),
            },
        }  # fmt: skip


def impact(
    store: ObjectStore, first: str, second: str = "", *, precedence: Sequence[str] = (),
    progress: Progress = _silent,
) -> Impact:  # fmt: skip
    """What it means to others if the release ``first`` became ``second`` (``-``: if it were withdrawn).

    Both are references as :func:`~ckstore.operations.diff.diff` reads them; without ``second`` the release
    is ``first``, and what it replaced. Raises what that raises.
    """
    if second == WITHDRAWN:
        if first == WITHDRAWN:
            raise InvalidInput("Nothing would be withdrawn.", code="bad-reference")
        old, new = release_named(store, first, precedence, progress), None
        change = InterfaceChange((), tuple(sorted(old[1].interface)))
    else:
        old, new = pair_named(store, first, second, precedence, progress)
        change = interface_change(old[1], new[1])

    def judge(db: sqlite3.Connection, _: tuple[str, ...]) -> tuple[Concerned, ...]:
        return tuple(concerned(db, offer_of_release(*old), offer_of_release(*new) if new else None))

    return Impact(
        side_of(*old), side_of(*new) if new else None, change.bump, change.removed, change.added,
        with_index(store.path, judge, progress),
    )  # fmt: skip


def concerned(db: sqlite3.Connection, old: Offer, new: Offer | None) -> Iterator[Concerned]:
    """Every need that ``old`` answers and ``new`` does not, what is lost first."""
    found = []
    for ask in answered_by(db, old):
        requirement = read_ask(ask)
        if requirement is None or (new is not None and answers(requirement, new)):
            continue
        fate, by = _fate(db, requirement, old, new)
        missing = lacks(requirement, new) if new else ()
        found += [_concerned(asker, fate, missing, by) for asker in askers(db, ask) if asker.key != old.key]
    order = {"lost": 0, "served": 1, "kept": 2}
    yield from sorted(found, key=lambda one: (order[one.fate], one.component, one.role, one.ask))


def _fate(
    db: sqlite3.Connection, requirement: Requirement, old: Offer, new: Offer | None
) -> tuple[Fate, tuple[str, ...]]:
    """What becomes of a need, and which others answer it."""
    hits = [(hit.source, hit.uid, hit.reference) for hit in answering(db, requirement)]
    own = {old.key, new.key if new else old.key}
    by = tuple(reference for source, uid, reference in hits if (source, uid) not in own)
    if by:
        return "served", by
    if requirement.range != "*" and new is not None:
        return "kept", (old.reference,)
    return "lost", ()


def _concerned(asker: Asker, fate: Fate, missing: tuple[str, ...], by: tuple[str, ...]) -> Concerned:
    return Concerned(
        asker.reference, asker.source, asker.kind, asker.name, asker.uid, asker.version, asker.role,
        asker.ask, asker.scope, fate, missing, by,
    )  # fmt: skip
