"""The walk that defines the answer: needs in turn, and for each the first option that is possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ckstore.model.locks import Edge
from ckstore.model.metadata import Need
from ckstore.model.requirements import Requirement
from ckstore.resolve import explain
from ckstore.resolve.asking import Asking, Offers, admits
from ckstore.resolve.problem import Asked, Candidate, Choice, Resolution

_SHOWN = 5


class DeadEnd(Exception):
    """Nothing can meet a need after what was taken for others. No error: the quick walk cannot tell."""


@dataclass(slots=True)
class _Left:
    """A provider that was left out; ``reason`` is told when somebody wants to know."""

    candidate: Candidate
    reason: Callable[[], str]


class Walk:
    """``possible`` judges a release, and remembers that it is taken when it says yes.

    ``why_not`` explains a no: given who asked, the release, and the walk so far.
    """

    def __init__(
        self, asking: Asking, possible: Callable[[Choice], bool],
        why_not: Callable[[Asked, Choice, Walk], str],
    ) -> None:  # fmt: skip
        self._asking = asking
        self._possible = possible
        self._why_not = why_not
        self._agenda: list[tuple[Asked, Choice | None]] = []
        self.chosen: dict[str, Choice] = {}  # by key
        self.edges: list[tuple[Asked, str]] = []  # (who asked, key)
        self._names: dict[str, str] = {}  # source:kind:name → key
        self._notes: dict[str, None] = {}

    def run(self, roots: Sequence[Need]) -> Resolution:
        """The answer; :class:`DeadEnd` when a need finds nothing possible."""
        self._agenda = [(Asked(need), None) for need in roots]
        for asked, asker in self._agenda:  # which grows
            offers = self._asking.offers(asker, asked.need)
            if offers.error is not None:
                raise DeadEnd
            if offers.by_tags:
                self._take_providers(asked, offers)
            elif not offers.candidates or self._take_one(asked, offers, offers.candidates[0]) is not None:
                raise DeadEnd
        return self._result()

    def _take_providers(self, asked: Asked, offers: Offers) -> None:
        source, left = "", list[_Left]()
        for candidate in offers.candidates:
            if source and candidate.source != source and not offers.optional:
                break  # any: of the first source that has one
            reason = self._take_one(asked, offers, candidate)
            if reason is None:
                source = candidate.source
            else:
                left.append(_Left(candidate, reason))
        if not source and not offers.optional:
            raise DeadEnd
        note = self._note(asked, offers, left, taken=bool(source))
        if note:
            self._notes[note] = None

    def _take_one(self, asked: Asked, offers: Offers, candidate: Candidate) -> Callable[[], str] | None:
        """Take the best possible version of a candidate; gives the reason when there is none."""
        present = self.chosen.get(candidate.key)
        if present is not None:
            if admits(offers.range, present.version) and present.version in candidate.versions:
                self.edges.append((asked, candidate.key))
                return None
            clash = explain.clash(asked, candidate, present.version, self.who_asked(candidate.key)).message
            return lambda: clash
        first: Callable[[], str] | None = None
        for version in offers.admitted(candidate):
            reason = self._try(asked, Choice(candidate, version))
            if reason is None:
                return None
            first = first or reason
        if first is None:
            raise DeadEnd  # by name, and no version in the range: by tags, that would be no candidate
        return first

    def _try(self, asked: Asked, choice: Choice) -> Callable[[], str] | None:
        name = self._asking.name(choice)
        holder = self._names.get(name)
        if holder is not None:
            same = explain.same_name(asked, name, self.who_asked(holder)).message
            return lambda: same
        if not self._possible(choice):
            return lambda: self._why_not(asked, choice, self)
        self.chosen[choice.candidate.key] = choice
        self._names[name] = choice.candidate.key
        self.edges.append((asked, choice.candidate.key))
        path = (*asked.path, name)
        self._agenda += [(Asked(need, path), choice) for need in self._asking.needs(choice)]
        return None

    def who_asked(self, key: str) -> list[Asked]:
        """Whose wish it is that a component is there."""
        return [asked for asked, got in self.edges if got == key]

    # -- the answer ----------------------------------------------------------------------------------

    def _result(self) -> Resolution:
        names = {key: self._asking.name(choice) for key, choice in self.chosen.items()}
        edges: dict[str, set[Edge]] = {}
        for asked, key in self.edges:
            edges.setdefault(asked.by, set()).add(Edge(asked.need.role, asked.need.ask, names[key]))
        return Resolution(
            {names[key]: self.chosen[key] for key in sorted(names, key=lambda key: names[key])},
            {by: tuple(sorted(found)) for by, found in edges.items()},
            tuple(self._notes),
        )

    def _note(self, asked: Asked, offers: Offers, left: list[_Left], *, taken: bool) -> str:
        """What the user should know about the providers of tags; usually nothing."""
        if not offers.candidates:
            return f"{asked}: nothing that has these tags {self._why_nothing(asked.need)}"
        if not left:
            return ""
        reason = left[0].reason()
        if not taken:
            return f"{asked}: nothing that has these tags can be had now: {reason}"
        names = ", ".join(_shown(left))
        return f"{asked}; left out: {names}, because {reason}"

    def _why_nothing(self, need: Need) -> str:
        """Nothing at all was offered: nothing is there, or an earlier answer without it was kept."""
        requirement = Requirement.parse(need.ask)
        for candidate in self._asking.catalogue.tagged(requirement):
            if any(admits(requirement.range, version) for version in candidate.versions):
                there = f"is in the lock; {candidate.component} has them now"
                return f"{there}: take it with `ckstore update`"
        return "can be had now"


def _shown(left: list[_Left]) -> Iterator[str]:
    yield from (one.candidate.component for one in left[: _SHOWN - 1])
    if len(left) >= _SHOWN:
        last = left[_SHOWN - 1].candidate.component
        yield f"{last} and {len(left) - _SHOWN} more" if len(left) > _SHOWN else last
