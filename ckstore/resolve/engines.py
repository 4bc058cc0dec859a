"""Who decides whether clauses can be satisfied: python-sat where it is installed, else our own search.

The resolver asks an engine nothing but yes or no, and which model it found is only a hint where to look
next. So no answer depends on the engine, only the time that it takes and when it gives up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Engine(Protocol):
    """Clauses over the variables 1, 2, …; a literal is a variable or its negative."""

    conflicts: int  # met so far: the unit in which patience is counted

    def add(self, clause: Sequence[int]) -> None:
        """From now on at least one of these literals holds; of none: nothing can be satisfied any more."""

    def prefer(self, variable: int) -> None:
        """Suppose of this variable that it holds, of all others that they do not: a hint where to look."""

    def solve(self, assumptions: Sequence[int], budget: int) -> bool | None:
        """Whether all clauses can hold with ``assumptions``; None after ``budget`` more conflicts."""

    def model(self) -> Sequence[int]:
        """After True: the literal that holds, for each variable in turn; the last ones may be missing."""


class Glucose:
    """Glucose 4 through python-sat."""

    def __init__(self) -> None:
        from pysat.solvers import Glucose4

        self._solver: Any = Glucose4(incr=False)
        self.conflicts = 0

    def add(self, clause: Sequence[int]) -> None:
        """One more clause."""
        self._solver.add_clause(clause)

    def prefer(self, variable: int) -> None:
        """Suppose that it holds."""
        self._solver.set_phases([variable])

    def solve(self, assumptions: Sequence[int], budget: int) -> bool | None:
        """Whether all clauses can hold with these literals."""
        if budget <= 0:
            return None
        self._solver.conf_budget(budget)
        verdict: bool | None = self._solver.solve_limited(assumptions=list(assumptions))
        self.conflicts = self._solver.accum_stats()["conflicts"]
        return verdict

    def model(self) -> Sequence[int]:
        """What holds, after True."""
        found: list[int] = self._solver.get_model()
        return found


def new_engine() -> Engine:
    """The quickest engine that is installed."""
    make: Callable[[], Engine] = Glucose
    try:
        return make()
    except ImportError:  # no builds for Windows on Arm
        from ckstore.resolve.learning import LearningSearch

        return LearningSearch()
