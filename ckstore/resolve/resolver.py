"""The resolver.

**What it answers is defined, not how it searches.** Requirements are visited breadth-first, in the order
of roots and then of each release's needs sorted by role. For each, the candidates have one order (locked
first, then newest, then name); the answer takes the first candidate with which everything asked so far,
and everything that this brings, can be met. The search is complete: it goes back over earlier choices
before it gives up, and it gives up only when its budget of choices is spent, which it then says.

Three scopes (see :class:`ckstore.model.metadata.Need`): *one* component by name; *any* component with these
tags, where the host decides at run time and therefore all providers of the first source that offers one
are pinned; *every* component with these tags, a choice at run time, where none at all is only a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ckstore.errors import Conflict, NotFound, Unavailable
from ckstore.model.locks import Edge
from ckstore.model.metadata import Need
from ckstore.model.records import Release
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version

BUDGET = 20_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """One component that may answer; ``versions`` in the order of preference (locked, then newest)."""

    component: str  # source:kind:name
    source: str
    uid: str
    versions: tuple[str, ...]


class Catalogue(Protocol):
    """Where candidates come from."""

    def named(self, requirement: Requirement) -> list[Candidate]:
        """The components that a requirement by name or UID means; :class:`Conflict` when it is ambiguous."""

    def tagged(self, requirement: Requirement) -> list[Candidate]:
        """Components with releases that have the tags, in order of precedence of their sources.

        ``versions`` holds only releases that have the tags.
        """

    def release(self, candidate: Candidate, version: str) -> Release:
        """The release of a candidate."""

    def implied(self, release: Release) -> list[Need]:
        """Needs that no metadata states: the module that gives a kind its actions."""

    def hints(self, requirement: Requirement) -> tuple[str, ...]:
        """What to say about a requirement that nothing meets: near misses."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A requirement with who asked: ``by`` is a component, or empty for the user."""

    need: Need
    by: str = ""

    def __str__(self) -> str:
        asker = f"{self.by} (its {self.need.role})" if self.by else "you"
        return f"{asker} asked for {self.need.ask}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A component at a version."""

    candidate: Candidate
    version: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """``chosen`` by component; ``edges`` by the component that asked ("" for the user)."""

    chosen: dict[str, Choice]
    edges: dict[str, tuple[Edge, ...]]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _State:
    chosen: dict[str, Choice] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=dict)  # who constrains a component
    edges: list[tuple[str, Edge]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    agenda: list[Asked] = field(default_factory=list)
    at: int = 0

    def copy(self) -> _State:
        asked = {name: list(items) for name, items in self.asked.items()}
        return replace(
            self, chosen=dict(self.chosen), asked=asked, edges=list(self.edges), notes=list(self.notes),
            agenda=list(self.agenda),
        )  # fmt: skip


@dataclass(slots=True)
class _Failure:
    """The failure that reached furthest; its sentences are the explanation."""

    depth: int = -1
    error: NotFound | Conflict | None = None

    def consider(self, depth: int, error: NotFound | Conflict) -> None:
        if depth > self.depth:
            self.depth, self.error = depth, error


def resolve(roots: Sequence[Need], catalogue: Catalogue, budget: int = BUDGET) -> Resolution:
    """The answer to ``roots``, as defined above.

    Raises :class:`NotFound` or :class:`Conflict` with the reason when there is none, and
    :class:`Unavailable` (code ``gave-up``) when ``budget`` choices did not suffice to tell.
    """
    failure = _Failure()
    stack: list[Iterator[_State]] = [iter([_State(agenda=[Asked(need) for need in roots])])]
    while stack:
        state = next(stack[-1], None)
        if state is None:
            stack.pop()
            continue
        if state.at == len(state.agenda):
            return _result(state)
        budget -= 1
        if budget < 0:
            raise Unavailable(
                "The resolver gave up before it knew whether a solution exists.",
                code="gave-up",
                hints=["narrow a range in ckstore.toml"],
            )
        stack.append(_options(state, catalogue, failure))
    assert failure.error is not None
    raise failure.error


def _result(state: _State) -> Resolution:
    edges: dict[str, list[Edge]] = {}
    for by, edge in state.edges:
        edges.setdefault(by, []).append(edge)
    return Resolution(
        dict(sorted(state.chosen.items())),
        {by: tuple(sorted(set(found))) for by, found in edges.items()},
        tuple(dict.fromkeys(state.notes)),
    )


def _options(state: _State, catalogue: Catalogue, failure: _Failure) -> Iterator[_State]:
    """The states after meeting the next requirement, best first."""
    asked = state.agenda[state.at]
    requirement = Requirement.parse(asked.need.ask)
    try:
        candidates = _candidates(asked.need, requirement, catalogue)
    except (NotFound, Conflict) as error:
        failure.consider(state.at, _told_by(asked, error))
        return
    if not candidates and asked.need.scope == "every":
        yield _advance(state, note=f"{asked}: nothing has these tags now")
        return
    if not candidates:
        failure.consider(state.at, _nothing(asked, requirement, catalogue))
        return
    if asked.need.scope == "one":
        yield from _one(state, asked, requirement, candidates[0], catalogue, failure)
    else:
        yield from _all(state, asked, requirement, candidates, catalogue, failure)


def _candidates(need: Need, requirement: Requirement, catalogue: Catalogue) -> list[Candidate]:
    if not requirement.tags:
        return catalogue.named(requirement)
    found = catalogue.tagged(requirement)
    if need.scope == "any" and found:
        return [candidate for candidate in found if candidate.source == found[0].source]
    return found


def _one(
    state: _State, asked: Asked, requirement: Requirement, candidate: Candidate,
    catalogue: Catalogue, failure: _Failure,
) -> Iterator[_State]:  # fmt: skip
    admitted = _admitted(requirement, candidate)
    if not admitted:
        failure.consider(state.at, _no_version(asked, candidate))
    taken = state.chosen.get(candidate.component)
    if taken is not None:
        if taken.version in admitted:
            yield _advance(state, asked, [taken])
        elif admitted:
            failure.consider(state.at, _clash(state, asked, candidate, taken))
        return
    for version in admitted:
        yield _take(_advance(state), asked, [Choice(candidate, version)], catalogue)


def _all(
    state: _State, asked: Asked, requirement: Requirement, candidates: list[Candidate],
    catalogue: Catalogue, failure: _Failure,
) -> Iterator[_State]:  # fmt: skip
    choices = []
    for candidate in candidates:
        admitted = _admitted(requirement, candidate)
        taken = state.chosen.get(candidate.component)
        if taken is not None:
            choices.append(taken)
        elif admitted:
            choices.append(Choice(candidate, admitted[0]))
    if not choices:
        failure.consider(state.at, _no_version(asked, candidates[0]))
        return
    yield _take(_advance(state), asked, choices, catalogue)
    if asked.need.scope == "any" and len(choices) > 1:  # some provider may need what cannot be had
        for choice in choices:
            yield _take(_advance(state), asked, [choice], catalogue)


def _admitted(requirement: Requirement, candidate: Candidate) -> list[str]:
    admits = VersionRange.parse(requirement.range).admits
    return [version for version in candidate.versions if admits(parse_version(version))]


def _advance(
    state: _State, asked: Asked | None = None, choices: Sequence[Choice] = (), note: str = ""
) -> _State:
    after = state.copy()
    after.at += 1
    if note:
        after.notes.append(note)
    if asked is not None:
        _connect(after, asked, choices)
    return after


def _connect(state: _State, asked: Asked, choices: Sequence[Choice]) -> None:
    for choice in choices:
        got = choice.candidate.component
        state.edges.append((asked.by, Edge(asked.need.role, asked.need.ask, got)))
        state.asked.setdefault(got, []).append(asked)


def _take(state: _State, asked: Asked, choices: list[Choice], catalogue: Catalogue) -> _State:
    _connect(state, asked, choices)
    for choice in choices:
        component = choice.candidate.component
        if component in state.chosen:
            continue
        state.chosen[component] = choice
        release = catalogue.release(choice.candidate, choice.version)
        needs = sorted((*release.needs, *catalogue.implied(release)), key=lambda need: need.role)
        state.agenda += [Asked(need, component) for need in needs]
    return state


def _told_by(asked: Asked, error: NotFound | Conflict) -> NotFound | Conflict:
    return type(error)(
        f"{asked}: {error.message}" if asked.by else error.message,
        code=error.code, hints=error.hints, details=error.details,
    )  # fmt: skip


def _nothing(asked: Asked, requirement: Requirement, catalogue: Catalogue) -> NotFound:
    what = "has these tags" if requirement.tags else "has this name"
    return NotFound(
        f"{asked}, but no component {what}.",
        code="nothing-provides",
        hints=(*catalogue.hints(requirement), "mirror the repository that has it: `ckstore mirror URL`"),
        details={"ask": asked.need.ask, "by": asked.by},
    )


def _no_version(asked: Asked, candidate: Candidate) -> NotFound:
    newest = ", ".join(candidate.versions[:5])
    return NotFound(
        f"{asked}, but {candidate.component} has only {newest}.",
        code="no-version",
        hints=["widen the range", f"`ckstore show {candidate.component}` lists its versions and why each"],
        details={"ask": asked.need.ask, "versions": list(candidate.versions)},
    )


def _clash(state: _State, asked: Asked, candidate: Candidate, taken: Choice) -> Conflict:
    others = "; ".join(str(other) for other in state.asked.get(candidate.component, []))
    return Conflict(
        f"{asked}, but {candidate.component} is already at {taken.version} because {others}.",
        code="no-common-version",
        hints=["ask for ranges that overlap"],
        details={"component": candidate.component, "version": taken.version},
    )
