"""A small engine in plain Python: unit propagation over two watched literals, and learning from conflicts.

It knows the first unique implication point, activities that decay, saved phases (false at first, because
most releases are not wanted), and restarts by Luby's sequence (https://doi.org/10.1016/0020-0190(93)90029-9);
it forgets nothing. The method is that of MiniSat (https://doi.org/10.1007/978-3-540-24605-3_37).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

_DECAY = 1 / 0.95
_RESCALE = 1e100
_UNIT = 100  # conflicts between restarts, times Luby's sequence


class LearningSearch:
    """See :class:`ckstore.resolve.engines.Engine`. Literals index lists: a negative one from the end."""

    def __init__(self) -> None:
        self.conflicts = 0
        self._count = 0
        self._sound = True
        self._clauses: list[list[int]] = []  # as given: those that came since the lists were made
        self._values: list[int] = [0]  # by literal: 1 holds, -1 does not
        self._watches: list[list[list[int]]] = [[]]
        self._levels: list[int] = [0]
        self._reasons: list[list[int] | None] = [None]
        self._phases: list[bool] = [False]
        self._preferred: set[int] = set()
        self._activity: list[float] = [0.0]
        self._bump = 1.0
        self._heap: list[tuple[float, int]] = []
        self._trail: list[int] = []
        self._limits: list[int] = []  # where each level begins in the trail
        self._head = 0
        self._found: list[int] = []

    # -- clauses ----------------------------------------------------------------------------------

    def add(self, clause: Sequence[int]) -> None:
        """One more clause."""
        self._clauses.append(list(clause))

    def prefer(self, variable: int) -> None:
        """Suppose that it holds."""
        self._preferred.add(variable)

    def _take_in(self) -> None:
        """At level 0: make room for new variables, and watch the clauses that came."""
        most = max((abs(literal) for clause in self._clauses for literal in clause), default=0)
        if most > self._count:
            self._grow(most)
        for clause in self._clauses:
            literals = list(dict.fromkeys(clause))
            if any(self._values[x] > 0 or -x in literals for x in literals):
                continue
            literals = [x for x in literals if not self._values[x]]
            if len(literals) > 1:
                self._watch(literals)
            elif not literals or not self._enter(literals[0], None) or self._propagate() is not None:
                self._sound = False
        self._clauses = []

    def _grow(self, most: int) -> None:
        more, middle = most - self._count, self._count + 1
        self._values[middle:middle] = [0] * (2 * more)
        self._watches[middle:middle] = [[] for _ in range(2 * more)]
        self._levels += [0] * more
        self._reasons += [None] * more
        self._phases += [variable in self._preferred for variable in range(middle, most + 1)]
        self._activity += [0.0] * more
        for variable in range(middle, most + 1):
            heapq.heappush(self._heap, (0.0, variable))
        self._count = most

    def _watch(self, literals: list[int]) -> None:
        self._watches[-literals[0]].append(literals)
        self._watches[-literals[1]].append(literals)

    # -- the search -----------------------------------------------------------------------------

    def solve(self, assumptions: Sequence[int], budget: int) -> bool | None:
        """Whether all clauses can hold with these literals."""
        if budget <= 0:
            return None
        self._take_in()
        self._clauses = [[x, -x] for x in assumptions if abs(x) > self._count]
        self._take_in()
        verdict = self._search(list(dict.fromkeys(assumptions)), self.conflicts + budget)
        if verdict:
            self._found = [v if self._values[v] > 0 else -v for v in range(1, self._count + 1)]
        self._undo(0)
        return verdict

    def model(self) -> Sequence[int]:
        """What holds, after True."""
        return self._found

    def _search(self, assumptions: list[int], most: int) -> bool | None:
        pauses = _luby()
        restart = self.conflicts + _UNIT * next(pauses)
        while self._sound:
            conflict = self._propagate()
            if conflict is not None:
                self.conflicts += 1
                if not self._limits:
                    self._sound = False
                    break
                self._learn(conflict)
                if self.conflicts >= most:
                    return None
                if self.conflicts >= restart:
                    restart = self.conflicts + _UNIT * next(pauses)
                    self._undo(0)
                continue
            literal = self._next(assumptions)
            if literal is None:
                return True
            if self._values[literal] < 0:
                return False  # an assumption contradicts what follows from the others
            self._limits.append(len(self._trail))
            self._enter(literal, None)
        return False

    def _next(self, assumptions: list[int]) -> int | None:
        """What to suppose: the next assumption, then the most active variable that has no value."""
        for literal in assumptions[len(self._limits) :]:
            if self._values[literal] <= 0:
                return literal
            self._limits.append(len(self._trail))  # a level of its own, so that levels count assumptions
        while self._heap:
            _, variable = heapq.heappop(self._heap)
            if not self._values[variable]:
                return variable if self._phases[variable] else -variable
        return None

    def _enter(self, literal: int, reason: list[int] | None) -> bool:
        if self._values[literal]:
            return self._values[literal] > 0
        self._values[literal], self._values[-literal] = 1, -1
        self._levels[abs(literal)] = len(self._limits)
        self._reasons[abs(literal)] = reason
        self._trail.append(literal)
        return True

    def _propagate(self) -> list[int] | None:
        """Enter all that follows; gives the clause that cannot hold, if there is one."""
        values, watches = self._values, self._watches
        while self._head < len(self._trail):
            literal = self._trail[self._head]
            self._head += 1
            watching, kept = watches[literal], 0
            for at, clause in enumerate(watching):
                if clause[0] == -literal:
                    clause[0], clause[1] = clause[1], clause[0]
                if values[clause[0]] <= 0 and self._moves(clause):
                    continue
                watching[kept] = clause
                kept += 1
                if not self._enter(clause[0], clause):
                    watching[kept:] = watching[at + 1 :]
                    return clause
            del watching[kept:]
        return None

    def _moves(self, clause: list[int]) -> bool:
        """Watch another literal than the second one, if any may still hold."""
        values = self._values
        for n in range(2, len(clause)):
            if values[clause[n]] >= 0:
                clause[1], clause[n] = clause[n], clause[1]
                self._watches[-clause[1]].append(clause)
                return True
        return False

    # -- learning -----------------------------------------------------------------------------------

    def _learn(self, conflict: list[int]) -> None:
        """Go back to where the clause that follows from the conflict has one literal left, and enter it."""
        here, open_, seen = len(self._limits), 0, set[int]()
        learned: list[int] = []
        at, clause = len(self._trail) - 1, conflict
        while True:
            for literal in clause:
                variable = abs(literal)
                if variable in seen or self._levels[variable] == 0 or self._values[literal] > 0:
                    continue
                seen.add(variable)
                self._excite(variable)
                if self._levels[variable] == here:
                    open_ += 1
                else:
                    learned.append(literal)
            while abs(self._trail[at]) not in seen:
                at -= 1
            pivot = self._trail[at]
            at -= 1
            open_ -= 1
            if open_ <= 0:
                break
            reason = self._reasons[abs(pivot)]
            assert reason is not None, "only the decision of a level has no reason, and it comes last"
            clause = reason
        self._bump *= _DECAY
        learned.sort(key=lambda literal: -self._levels[abs(literal)])
        self._undo(self._levels[abs(learned[0])] if learned else 0)
        learned.insert(0, -pivot)
        if len(learned) > 1:
            self._watch(learned)
        self._enter(-pivot, learned)

    def _excite(self, variable: int) -> None:
        self._activity[variable] += self._bump
        if self._activity[variable] > _RESCALE:
            self._activity = [value / _RESCALE for value in self._activity]
            self._bump /= _RESCALE
        heapq.heappush(self._heap, (-self._activity[variable], variable))

    def _undo(self, level: int) -> None:
        if len(self._limits) <= level:
            return
        for literal in self._trail[self._limits[level] :]:
            variable = abs(literal)
            self._values[literal] = self._values[-literal] = 0
            self._phases[variable] = literal > 0
            heapq.heappush(self._heap, (-self._activity[variable], variable))
        del self._trail[self._limits[level] :]
        del self._limits[level:]
        self._head = len(self._trail)


def _luby() -> Iterator[int]:
    """1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 …"""
    u, v = 1, 1
    while True:
        yield v
        u, v = (u + 1, 1) if u & -u == v else (u, 2 * v)
