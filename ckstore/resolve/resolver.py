"""The resolver.

**What it answers is defined, not how it searches.** Requirements are visited breadth-first: those of the user
sorted by what they ask for, then each release's needs sorted by role. Each offers its options in one order
(below); the answer takes the first option with which everything asked so far, and everything that this
brings, can be met. The procedure is complete, and it gives up only when its budget of conflicts is spent,
which it then says.

Three scopes (see :class:`ckstore.model.metadata.Need`):

- *one* component by name: its versions (locked first, then newest);
- *any* component with these tags. The host decides at run time which, therefore all providers of the first
  source that has one are pinned: for each its versions, then leaving it out; at least one must stay;
- *every* component with these tags, a choice at run time: for each its versions, then leaving it out; none
  at all is only a note.

Where the catalogue says that an earlier answer is kept, only its providers are offered. There is one release
of a component, and one component of a name.

It is found in two ways, which say the same. The quick one takes first options and looks at nothing else; when
nothing ever stands in their way, they are the answer by its definition: an unchanged lock is confirmed so.
Else the catalogue becomes clauses (:mod:`ckstore.resolve.clauses`), and an engine tells which options are
possible.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ckstore.model.metadata import Need
from ckstore.resolve.asking import Asking
from ckstore.resolve.clauses import Clauses
from ckstore.resolve.engines import Engine, new_engine
from ckstore.resolve.problem import Asked, Candidate, Catalogue, Choice, Resolution
from ckstore.resolve.reasons import Reasons
from ckstore.resolve.walk import DeadEnd, Walk

__all__ = ["BUDGET", "Candidate", "Catalogue", "Choice", "Resolution", "resolve", "resolve_by_clauses"]

BUDGET = 100_000


def resolve(roots: Sequence[Need], catalogue: Catalogue, budget: int = BUDGET) -> Resolution:
    """The answer to ``roots``, as defined above.

    Raises :class:`NotFound`, :class:`Conflict` or (a malformed range) :class:`InvalidInput` with the reason
    when there is none, and :class:`Unavailable` (code ``gave-up``) when ``budget`` conflicts of the engine
    did not suffice to tell.
    """
    roots, asking = _in_order(roots), Asking(catalogue)
    try:
        return Walk(asking, lambda _: True, _never).run(roots)
    except DeadEnd:
        return resolve_by_clauses(roots, asking, budget)


def resolve_by_clauses(
    roots: Sequence[Need], asking: Asking, budget: int = BUDGET, engine: Callable[[], Engine] = new_engine
) -> Resolution:
    """The same without the quick way."""
    roots = _in_order(roots)
    clauses = Clauses(asking, engine(), budget)
    clauses.state_roots(roots)
    reasons = Reasons(roots, asking, engine, budget)
    if not clauses.satisfiable():
        raise reasons.why()
    return Walk(asking, clauses.takes, reasons.why_not).run(roots)


def _in_order(roots: Sequence[Need]) -> list[Need]:
    return sorted(roots, key=lambda need: (need.role, need.ask, need.scope))


def _never(asked: Asked, choice: Choice, walk: Walk) -> str:
    raise AssertionError("the quick walk finds everything possible")
