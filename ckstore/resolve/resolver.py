"""The resolver.

**What it answers is defined, not how it searches.** Requirements are visited breadth-first, in the order
of roots and then of each release's needs sorted by role. Each offers its options in one order (below); the
answer takes the first option with which everything asked so far, and everything that this brings, can be
met. The search is complete, and it gives up only when its budget of choices is spent, which it then says.

Three scopes (see :class:`ckstore.model.metadata.Need`):

- *one* component by name: its versions (locked first, then newest);
- *any* component with these tags. The host decides at run time which, therefore all providers of the first
  source that has one are pinned: for each its versions, then leaving it out; at least one must stay;
- *every* component with these tags, a choice at run time: for each its versions, then leaving it out; none
  at all is only a note.

Where the catalogue says that an earlier answer is kept, only its providers are offered.

A failure remembers the choices that it follows from, and the search goes straight back to the latest of
these (conflict-directed backjumping: Prosser 1993, https://doi.org/10.1111/j.1467-8640.1993.tb00310.x). That
skips only choices that cannot help, so the answer is that of plain backtracking. A failure that follows
from one release alone bars this release for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ckstore.errors import CkstoreError, Conflict, InvalidInput, NotFound, Unavailable
from ckstore.model.locks import Edge
from ckstore.model.metadata import Need
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.resolve import explain
from ckstore.resolve.problem import Asked, Candidate, Catalogue, Choice, Resolution

__all__ = ["BUDGET", "Candidate", "Catalogue", "Choice", "Resolution", "resolve"]

BUDGET = 100_000
_ROOT = -1  # the level that asks for what the user asks for
_SHOWN = 5


def resolve(roots: Sequence[Need], catalogue: Catalogue, budget: int = BUDGET) -> Resolution:
    """The answer to ``roots``, as defined above.

    Raises :class:`NotFound`, :class:`Conflict` or (a malformed range) :class:`InvalidInput` with the reason
    when there is none, and :class:`Unavailable` (code ``gave-up``) when ``budget`` choices did not suffice
    to tell.
    """
    return _Search(catalogue, budget).run(roots)


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing to decide; ``cause`` is the level whose choice asked for it.

    With a ``candidate``: whether to take this provider of tags. Without, for tags: after its ``offers``
    providers, were enough of them taken? Otherwise: which version of the component that has the name.
    """

    asked: Asked
    cause: int
    candidate: Candidate | None = None
    offers: int = 0
    closes: bool = False


@dataclass(slots=True)
class _Level:
    """A step being decided: what is left to try, and which other levels its failures follow from."""

    step: _Step
    options: Iterator[Choice | None] = field(default_factory=lambda: iter(()))
    conflict: set[int] = field(default_factory=set)
    error: CkstoreError | None = None  # the first one: about the option that would have been best
    taken: bool = False
    chose: Choice | None = None  # set when the choice is new here
    agenda: int = 0  # lengths before the choice
    edges: int = 0

    def fail(self, error: CkstoreError) -> None:
        self.error = self.error or error


class _Search:
    """``_levels[n]`` decides ``_agenda[n]``; both grow and shrink at their ends only."""

    def __init__(self, catalogue: Catalogue, budget: int) -> None:
        self._catalogue = catalogue
        self._budget = budget
        self._agenda: list[_Step] = []
        self._levels: list[_Level] = []
        self._chosen: dict[str, tuple[Choice, int]] = {}  # by key, with the level
        self._names: dict[str, str] = {}  # source:kind:name → key
        self._edges: list[tuple[Asked, str]] = []  # (who asked, key)
        self._barred: dict[tuple[str, str], CkstoreError] = {}  # (key, version) that can never be had

    def run(self, roots: Iterable[Need]) -> Resolution:
        self._ask(roots, (), _ROOT, None)
        while len(self._levels) < len(self._agenda):
            self._levels.append(self._open(self._agenda[len(self._levels)]))
            while not self._advance(self._levels[-1]):
                self._back()
        return self._result()

    # -- the agenda ------------------------------------------------------------------------------

    def _ask(self, needs: Iterable[Need], path: tuple[str, ...], cause: int, asker: Choice | None) -> None:
        for need in needs:
            asked = Asked(need, path)
            providers = self._providers(asked, asker)
            if providers is not None:
                self._agenda += [_Step(asked, cause, candidate) for candidate in providers]
            self._agenda.append(
                _Step(asked, cause, offers=len(providers or ()), closes=providers is not None)
            )

    def _providers(self, asked: Asked, asker: Choice | None) -> list[Candidate] | None:
        """The components that may provide the tags; None when a name was asked for, or nothing clear."""
        try:
            requirement = Requirement.parse(asked.need.ask)
            if not requirement.tags:
                return None
            found = [c for c in self._catalogue.tagged(requirement) if _admitted(requirement, c)]
        except InvalidInput:
            return None  # told when its turn comes
        kept = self._catalogue.kept(asker, asked.need)
        return [c for c in found if c.key in kept] if kept is not None else found

    def _open(self, step: _Step) -> _Level:
        level = _Level(step, conflict={step.cause} - {_ROOT})
        if step.candidate is not None:
            level.options = self._offer(level, step.candidate)
        else:
            level.options = self._close(level) if step.closes else self._named(level)
        return level

    # -- options, best first; a level that runs out of them has its conflict and error set -------------

    def _named(self, level: _Level) -> Iterator[Choice]:
        asked = level.step.asked
        try:
            requirement = Requirement.parse(asked.need.ask)
            candidates = self._catalogue.named(requirement)
            if candidates:
                yield from self._versions(level, candidates[0], _admitted(requirement, candidates[0]))
            else:
                level.fail(explain.nothing(asked, requirement, self._catalogue.hints(requirement)))
        except (NotFound, Conflict, InvalidInput) as error:
            level.fail(explain.told_by(asked, error))

    def _offer(self, level: _Level, candidate: Candidate) -> Iterator[Choice | None]:
        requirement = Requirement.parse(level.step.asked.need.ask)
        if not self._has_better_source(level.step, candidate):
            yield from self._versions(level, candidate, _admitted(requirement, candidate))
        yield None

    def _has_better_source(self, step: _Step, candidate: Candidate) -> bool:
        """True when another source provides already what *any* component may provide."""
        if step.asked.need.scope == "every":
            return False
        for level in reversed(self._levels[:-1]):
            other = level.step.candidate
            if other is None or level.step.asked is not step.asked:
                break
            if level.taken and other.source != candidate.source:
                return True
        return False

    def _close(self, level: _Level) -> Iterator[None]:
        step, here = level.step, len(self._levels) - 1
        offers = self._levels[here - step.offers : here]
        if step.asked.need.scope == "every" or any(offer.taken for offer in offers):
            yield None
            return
        level.conflict |= set(range(here - step.offers, here))
        level.fail(next((o.error for o in offers if o.error), None) or self._nothing_tagged(step.asked))

    def _nothing_tagged(self, asked: Asked) -> CkstoreError:
        requirement = Requirement.parse(asked.need.ask)
        others = self._catalogue.tagged(requirement)
        if others:
            return explain.no_version(asked, others[0])
        return explain.nothing(asked, requirement, self._catalogue.hints(requirement))

    def _versions(self, level: _Level, candidate: Candidate, admitted: list[str]) -> Iterator[Choice]:
        asked = level.step.asked
        if not admitted:
            level.fail(explain.no_version(asked, candidate))
            return
        present = self._chosen.get(candidate.key)
        if present is not None:
            choice, at = present
            if choice.version in admitted:
                yield choice
                return
            level.conflict.add(at)
            others = self._who_asked(candidate.key)
            level.fail(explain.clash(asked, candidate.component, choice.version, others))
            return
        for version in admitted:
            choice = Choice(candidate, version)
            barred = self._barred.get((candidate.key, version)) or self._name_clash(level, choice)
            if barred is None:
                yield choice
            else:
                level.fail(barred)

    def _name_clash(self, level: _Level, choice: Choice) -> CkstoreError | None:
        """A lock has one component of a name; two can have had the same one after the other."""
        name = self._name(choice)
        holder = self._names.get(name)
        if holder is None:
            return None
        level.conflict.add(self._chosen[holder][1])
        return explain.same_name(level.step.asked, name, self._who_asked(holder))

    def _who_asked(self, key: str) -> list[Asked]:
        return [asked for asked, got in self._edges if got == key]

    def _name(self, choice: Choice) -> str:
        release = self._catalogue.release(choice.candidate, choice.version)
        return f"{choice.candidate.source}:{release.kind}:{release.name}"

    # -- forth and back ---------------------------------------------------------------------------

    def _advance(self, level: _Level) -> bool:
        """Take the next option of the last level; False when there is none."""
        for option in level.options:
            self._budget -= 1
            if self._budget < 0:
                raise Unavailable(
                    "The resolver gave up before it knew whether a solution exists.",
                    code="gave-up",
                    hints=["narrow a range in ckstore.toml"],
                )
            level.agenda, level.edges = len(self._agenda), len(self._edges)
            level.taken = option is not None
            if option is not None:
                self._take(level, option)
            return True
        return False

    def _take(self, level: _Level, choice: Choice) -> None:
        key, asked = choice.candidate.key, level.step.asked
        self._edges.append((asked, key))
        if key in self._chosen:
            return
        here, name = len(self._levels) - 1, self._name(choice)
        level.chose = choice
        self._chosen[key] = choice, here
        self._names[name] = key
        release = self._catalogue.release(choice.candidate, choice.version)
        needs = (*release.needs, *self._catalogue.implied(release))
        self._ask(sorted(needs, key=lambda need: need.role), (*asked.path, name), here, choice)

    def _back(self) -> None:
        """Give up the last level, and the choices since the latest one that made it fail."""
        failed = self._levels.pop()
        assert failed.error is not None, "whoever runs out of options says why"
        if not failed.conflict:
            raise failed.error
        goal = max(failed.conflict)
        while len(self._levels) > goal + 1:
            self._undo(self._levels.pop())
        level = self._levels[goal]
        if failed.conflict == {goal} and level.chose is not None:
            self._barred[level.chose.candidate.key, level.chose.version] = failed.error
        self._undo(level)
        level.conflict |= failed.conflict - {goal}
        level.fail(failed.error)

    def _undo(self, level: _Level) -> None:
        if level.chose is not None:
            del self._names[self._name(level.chose)]
            del self._chosen[level.chose.candidate.key]
        level.chose, level.taken = None, False
        del self._agenda[level.agenda :]
        del self._edges[level.edges :]

    # -- the answer ----------------------------------------------------------------------------------

    def _result(self) -> Resolution:
        names = {key: self._name(choice) for key, (choice, _) in self._chosen.items()}
        edges: dict[str, set[Edge]] = {}
        for asked, key in self._edges:
            edge = Edge(asked.need.role, asked.need.ask, names[key])
            edges.setdefault(asked.by, set()).add(edge)
        notes = (self._note(n, level.step) for n, level in enumerate(self._levels) if level.step.closes)
        return Resolution(
            {names[key]: self._chosen[key][0] for key in sorted(names, key=lambda key: names[key])},
            {by: tuple(sorted(found)) for by, found in edges.items()},
            tuple(dict.fromkeys(note for note in notes if note)),
        )

    def _note(self, closing: int, step: _Step) -> str:
        """What the user should know about the providers of tags; usually nothing."""
        offers = self._levels[closing - step.offers : closing]
        if not offers:
            return f"{step.asked}: nothing that has these tags {self._why_nothing(step)}"
        if not any(offer.taken for offer in offers):
            left_out = f": {offers[0].error.message}" if offers[0].error else ""
            return f"{step.asked}: nothing that has these tags can be had now{left_out}"
        lost = [o for o in offers if not o.taken and o.error is not None and o.step.candidate is not None]
        if not lost:
            return ""
        names = [offer.step.candidate.component for offer in lost if offer.step.candidate is not None]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        reason = lost[0].error.message if lost[0].error else ""
        return f"{step.asked}; left out: {', '.join(names[:_SHOWN])}{more}, because {reason}"

    def _why_nothing(self, step: _Step) -> str:
        """Nothing at all was offered: nothing is there, or an earlier answer without it was kept."""
        requirement = Requirement.parse(step.asked.need.ask)
        there = [c for c in self._catalogue.tagged(requirement) if _admitted(requirement, c)]
        if not there:
            return "can be had now"
        return f"is in the lock; {there[0].component} has them now: take it with `ckstore lock --update`"


def _admitted(requirement: Requirement, candidate: Candidate) -> list[str]:
    admits = VersionRange.parse(requirement.range).admits
    return [version for version in candidate.versions if admits(parse_version(version))]
