"""A catalogue as clauses: as much of it as has to be known, and no more.

A release is a variable. That it asks for something becomes clauses only when a model wants the release;
until then it is believed to have no needs. So what cannot be satisfied without these clauses cannot be
satisfied at all, and a model which wants only releases that are known is a true answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ckstore.errors import Unavailable
from ckstore.model.metadata import Need
from ckstore.resolve.asking import Asking, Offers
from ckstore.resolve.engines import Engine
from ckstore.resolve.problem import Choice


@dataclass(slots=True, eq=False)
class Statement:
    """What can be blamed: a need, of the user or of releases of one component, or a name that two have.

    ``guard`` is the variable that makes it hold. ``askers`` are those releases; for a name, the two.
    """

    guard: int
    order: int
    need: Need | None = None
    offers: Offers = field(default_factory=Offers)
    askers: list[Choice] = field(default_factory=list)


class Clauses:
    """Clauses that grow. ``guarded``: every statement holds only under an assumption, to find reasons."""

    def __init__(self, asking: Asking, engine: Engine, budget: int, *, guarded: bool = False) -> None:
        self.asking = asking
        self.statements: dict[tuple[str, str, str], Statement] = {}
        self._engine = engine
        self._budget = budget
        self._guarded = guarded
        self._count = 0
        self._variables: dict[tuple[str, str], int] = {}
        self._unknown: dict[int, Choice] = {}  # variable → a release whose needs no clause states
        self._last: dict[str, int] = {}  # key → "one of the versions so far"
        self._met: dict[int, int] = {}  # id of offers → "one of them is taken"
        self._names: dict[str, list[tuple[Choice, int]]] = {}
        self._model: Sequence[int] = ()  # of known releases only: a true answer, with what was taken so far

    # -- stating -----------------------------------------------------------------------------------

    def state_roots(self, roots: Iterable[Need]) -> None:
        """State what the user asks for."""
        for need in roots:
            self._state(None, 0, need)

    def know(self, choice: Choice) -> None:
        """State what a release asks for."""
        variable = self.variable(choice)
        if self._unknown.pop(variable, None) is None:
            return
        name = self.asking.name(choice)
        for other, its in self._names.setdefault(name, []):
            if other.candidate.key != choice.candidate.key:
                self._clash(name, (other, its), (choice, variable))
        self._names[name].append((choice, variable))
        for need in self.asking.needs(choice):
            self._state(choice, variable, need)

    def _state(self, asker: Choice | None, variable: int, need: Need) -> None:
        offers = self.asking.offers(asker, need)
        if offers.optional:
            return
        clause = [*([-variable] if variable else []), self._one_of(offers)]
        if self._guarded:
            key = (asker.candidate.key if asker else "", need.role, f"{need.scope} {need.ask}")
            statement = self._statement(key, need, offers)
            if asker is not None:
                statement.askers.append(asker)
            clause.append(-statement.guard)
        self._engine.add(clause)

    def _clash(self, name: str, one: tuple[Choice, int], other: tuple[Choice, int]) -> None:
        clause = [-one[1], -other[1]]
        if self._guarded:
            keys = sorted((one[0].candidate.key, other[0].candidate.key))
            statement = self._statement(("=", name, " ".join(keys)), None, Offers())
            statement.askers = statement.askers or sorted((one[0], other[0]), key=lambda c: c.candidate.key)
            clause.append(-statement.guard)
        self._engine.add(clause)

    def _statement(self, key: tuple[str, str, str], need: Need | None, offers: Offers) -> Statement:
        found = self.statements.get(key)
        if found is None:
            found = self.statements[key] = Statement(self._new(), len(self.statements), need, offers)
        return found

    def _one_of(self, offers: Offers) -> int:
        known = self._met.get(id(offers))
        if known is None:
            known = self._met[id(offers)] = self._new()
            self._engine.add([-known, *(self.variable(choice) for choice in offers.choices())])
        return known

    def variable(self, choice: Choice) -> int:
        """That this release is taken; with a new one, that no other version of its component is.

        The latter by a ladder: three clauses for each version, not one for each pair.
        """
        key = choice.candidate.key, choice.version
        found = self._variables.get(key)
        if found is not None:
            return found
        found = self._variables[key] = self._new()
        self._unknown[found] = choice
        before, after = self._last.get(key[0]), self._new()
        self._last[key[0]] = after
        if before is None:
            self._engine.prefer(found)
        self._engine.add([-found, after])
        if before is not None:
            self._engine.add([-before, after])
            self._engine.add([-before, -found])
        return found

    def _new(self) -> int:
        self._count += 1
        return self._count

    def unknown(self) -> list[Choice]:
        """The releases that something asks for, and of which it is not known what they ask for."""
        return list(self._unknown.values())

    # -- asking ------------------------------------------------------------------------------------

    def satisfiable(self, assumptions: Sequence[int] = (), without: Statement | None = None) -> bool:
        """Whether everything can be had; of a guarded statement, unless it is ``without``."""
        while self.consistent([*assumptions, *self._guards(without)]):
            model = self._engine.model()
            most = len(model)
            unknown = [c for v, c in self._unknown.items() if v <= most and model[v - 1] > 0]
            if not unknown:
                self._model = model
                return True
            for choice in unknown:
                self.know(choice)
        return False

    def _guards(self, without: Statement | None) -> list[int]:
        return [s.guard for s in self.statements.values() if s is not without] if self._guarded else []

    def consistent(self, assumptions: Sequence[int]) -> bool:
        """Whether the clauses that there are can hold, whatever else is not known."""
        verdict = self._engine.solve(assumptions, self._budget - self._engine.conflicts)
        if verdict is None:
            raise Unavailable(
                f"The resolver gave up after {self._budget} conflicts, before it knew whether there is "
                "a solution.",
                code="gave-up",
                hints=["narrow a range in ckstore.toml"],
            )
        return verdict

    def takes(self, choice: Choice) -> bool:
        """Whether a release can be had with all that was taken before; if so, it is taken for good."""
        variable = self.variable(choice)
        wanted = variable <= len(self._model) and self._model[variable - 1] > 0
        if (wanted and variable not in self._unknown) or self.satisfiable([variable]):
            self._engine.add([variable])
            return True
        self._engine.add([-variable])
        return False
