"""Why something is impossible: the fewest statements that contradict each other, the nearest to the user.

Statements are looked at layer by layer: the user's, then those of everything that may answer these, and so
on, until what was looked at contradicts itself; what lies deeper is not to blame. QuickXplain (Junker 2004,
"QuickXplain: preferred explanations and relaxations for over-constrained problems") then leaves only what
is needed for that, the upper layers before others. It asks only whether some statements can hold
together, so the reason does not depend on the engine either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ckstore.errors import CkstoreError, Unavailable
from ckstore.model.metadata import Need
from ckstore.resolve import explain, sentences
from ckstore.resolve.asking import Asking
from ckstore.resolve.clauses import Clauses, Statement
from ckstore.resolve.engines import Engine
from ckstore.resolve.problem import Asked, Choice
from ckstore.resolve.walk import Walk

_NEAR = 3  # layers below a provider that are looked at without what was taken for others
_TRIES = 24  # versions that are tried for a wider range


@dataclass(frozen=True, slots=True)
class Core:
    """Statements that contradict each other, with those of the ``taken`` releases that matter."""

    statements: tuple[Statement, ...]
    taken: tuple[Choice, ...] = ()
    ways: dict[str, tuple[str, ...]] = field(default_factory=dict)  # key → path to it, where it is known


class Reasons:
    """Reasons for one question of the user."""

    def __init__(
        self, roots: Sequence[Need], asking: Asking, engine: Callable[[], Engine], budget: int
    ) -> None:
        self._roots = roots
        self._asking = asking
        self._engine = engine
        self._budget = budget
        self._own: dict[tuple[str, str], Core | None] = {}  # why a release cannot be had at all

    def _clauses(self) -> Clauses:
        return Clauses(self._asking, self._engine(), self._budget, guarded=True)

    # -- nothing can be had ----------------------------------------------------------------------

    def why(self) -> CkstoreError:
        """The error of a question that has no answer."""
        clauses = self._clauses()
        clauses.state_roots(self._roots)
        try:
            core = _core(clauses)
        except Unavailable:
            return sentences.unknown([Asked(need) for need in self._roots])
        assert core is not None, "what cannot be satisfied is contradicted by what there is"
        asked = sentences.who_asked(core.statements, self._asking, core.ways)
        return sentences.impossible(core.statements, asked, self._asking, self._changes(clauses, core, asked))

    def _changes(self, clauses: Clauses, core: Core, asked: dict[int, Asked]) -> list[str]:
        """Single changes that would do, in sentences."""
        hints = []
        try:
            for statement in sentences.blamed(core.statements):
                if clauses.satisfiable(without=statement):
                    version = self._wider(clauses, statement)
                    hints.append(sentences.change(statement, asked[statement.guard], version))
            for statement in core.statements:
                at_top = statement.need is not None and not statement.askers
                if at_top and len(self._roots) > 1 and clauses.satisfiable(without=statement):
                    hints.append(sentences.drop(statement))
        except Unavailable:
            pass  # what is known is said
        return [hint for hint in dict.fromkeys(hints) if hint]

    def _wider(self, clauses: Clauses, statement: Statement) -> Choice | None:
        """The best release beyond its range with which everything else can be had."""
        offers = statement.offers
        if offers.by_tags or not offers.candidates:
            return None
        candidate = offers.candidates[0]
        admitted = set(offers.admitted(candidate))
        beyond = [version for version in candidate.versions if version not in admitted][:_TRIES]
        choices = (Choice(candidate, version) for version in beyond)
        return next((c for c in choices if clauses.satisfiable([clauses.variable(c)], statement)), None)

    # -- something was left out --------------------------------------------------------------------

    def why_not(self, asked: Asked, choice: Choice, walk: Walk) -> str:
        """Why a provider of tags cannot be had beside what was taken before."""
        key = choice.candidate.key, choice.version
        way = {choice.candidate.key: asked.path}
        try:
            if key not in self._own:
                self._own[key] = _core(self._clauses(), [choice], most=_NEAR)
            core = self._own[key] or self._beside(choice, walk)
        except Unavailable:
            core = None
        if core is None:
            return "with it nothing else could be had."
        for other in walk.chosen.values():
            way.setdefault(other.candidate.key, walk.who_asked(other.candidate.key)[0].path)
        told = sentences.who_asked(core.statements, self._asking, way)
        for taken in core.taken:
            for statement in core.statements:
                if any(c.key == taken.candidate.key for c in statement.offers.candidates):
                    others = walk.who_asked(taken.candidate.key)
                    by = told[statement.guard]
                    return explain.clash(by, taken.candidate, taken.version, others).message
        return sentences.impossible(core.statements, told, self._asking, []).message

    def _beside(self, choice: Choice, walk: Walk) -> Core | None:
        clauses = self._clauses()
        clauses.state_roots(self._roots)
        return _core(clauses, [choice], list(walk.chosen.values()))


def _core(
    clauses: Clauses, wanted: Sequence[Choice] = (), taken: Sequence[Choice] = (), most: int | None = None
) -> Core | None:
    """A smallest contradiction in the uppermost layers; None when ``most`` layers have none."""
    hard = [clauses.variable(choice) for choice in wanted]
    soft = {clauses.variable(choice): choice for choice in taken}
    depth = 0
    while True:
        guards = {statement.guard: statement for statement in clauses.statements.values()}
        if not clauses.consistent([*hard, *guards, *soft]):
            break
        unknown = clauses.unknown()
        if not unknown or depth == most:
            return None
        depth += 1
        for choice in unknown:
            clauses.know(choice)
    found = _fewest(clauses, hard, [*guards, *soft])
    return Core(
        tuple(sorted((guards[v] for v in found if v in guards), key=lambda s: s.order)),
        tuple(soft[v] for v in found if v in soft),
    )


def _fewest(clauses: Clauses, hard: Sequence[int], soft: Sequence[int]) -> list[int]:
    """QuickXplain: what of ``soft`` contradicts ``hard``, the first ones rather than the last ones."""

    def shrink(held: list[int], changed: bool, rest: Sequence[int]) -> list[int]:
        if changed and not clauses.consistent(held):
            return []
        if len(rest) <= 1:
            return list(rest)
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        of_second = shrink([*held, *first], bool(first), second)
        return [*shrink([*held, *of_second], bool(of_second), first), *of_second]

    return [] if not clauses.consistent(hard) else shrink(list(hard), False, soft)
