"""A made-up catalogue, and an oracle that answers by brute force."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ckstore.errors import Conflict
from ckstore.model.metadata import Need
from ckstore.model.names import derive_uid
from ckstore.model.records import Release
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.resolve.resolver import Candidate, Choice


@dataclass(frozen=True)
class Made:
    """One release of a made-up component."""

    name: str  # source:kind:name
    version: str
    tags: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    def release(self) -> Release:
        _, kind, name = self.name.split(":")
        return Release(
            uid=derive_uid(kind, name), kind=kind, name=name, version=self.version, tree="", digest="",
            commit="", path="", format="ckstore", bump="first", tags=self.tags, needs=self.needs,
        )  # fmt: skip


@dataclass
class Catalogue:
    """Versions newest first, but for those in ``locked``; sources in the order of their names."""

    made: list[Made]
    locked: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)  # by (asker, ask)

    def _candidates(self, found: list[Made]) -> list[Candidate]:
        by_name: dict[str, list[str]] = {}
        for made in found:
            by_name.setdefault(made.name, []).append(made.version)
        out = []
        for name, versions in sorted(by_name.items()):
            versions.sort(key=lambda v: (v == self.locked.get(name), parse_version(v)), reverse=True)
            source, kind, bare = name.split(":")
            out.append(Candidate(name, source, derive_uid(kind, bare), tuple(versions)))
        return out

    def named(self, requirement: Requirement) -> list[Candidate]:
        wanted = f"{requirement.source}:{requirement.kinds[0]}:{requirement.name}"
        found = self._candidates([m for m in self.made if wanted in (m.name, m.name[m.name.index(":") :])])
        if len(found) > 1:
            raise Conflict(f"{requirement} is ambiguous.", code="ambiguous")
        return found

    def tagged(self, requirement: Requirement) -> list[Candidate]:
        return self._candidates(
            [
                made
                for made in self.made
                if requirement.tags.matches(made.tags) and made.name.split(":")[1] in requirement.kinds
            ]
        )

    def kept(self, asker: Choice | None, need: Need) -> frozenset[str] | None:
        return self.answered.get((asker.candidate.component if asker else "", need.ask))

    def release(self, candidate: Candidate, version: str) -> Release:
        return next(m.release() for m in self.made if (m.name, m.version) == (candidate.component, version))

    def implied(self, release: Release) -> list[Need]:
        return []

    def hints(self, requirement: Requirement) -> tuple[str, ...]:
        return ()

    def admitted(self, candidate: Candidate, ask: str) -> list[str]:
        wanted = VersionRange.parse(Requirement.parse(ask).range)
        return [v for v in candidate.versions if wanted.admits(parse_version(v))]

    def candidates(self, ask: str) -> list[Candidate]:
        requirement = Requirement.parse(ask)
        return self.tagged(requirement) if requirement.tags else self.named(requirement)

    def needs(self, name: str, version: str) -> tuple[Need, ...]:
        needs = next(m.needs for m in self.made if (m.name, m.version) == (name, version))
        return tuple(sorted(needs, key=lambda need: need.role))


Answer = dict[str, str]


def is_satisfiable(catalogue: Catalogue, roots: list[Need]) -> bool:
    """Every assignment of a version, or none, to every component is tried; no order, no search."""
    names = sorted({made.name for made in catalogue.made})
    versions = [[None, *(m.version for m in catalogue.made if m.name == name)] for name in names]
    for assignment in itertools.product(*versions):
        pinned = {n: v for n, v in zip(names, assignment, strict=True) if v is not None}
        asked = [*roots, *(need for n, v in pinned.items() for need in catalogue.needs(n, v))]
        if all(_is_met(catalogue, need, pinned) for need in asked):
            return True
    return False


def _is_met(catalogue: Catalogue, need: Need, pinned: Answer) -> bool:
    if need.scope == "every":
        return True
    return any(
        pinned.get(c.component) in catalogue.admitted(c, need.ask) for c in catalogue.candidates(need.ask)
    )


def defined_answer(catalogue: Catalogue, roots: list[Need]) -> Answer | None:
    """The definition, word by word: breadth-first, the first option with which all the rest can be met."""
    first = sorted(roots, key=lambda need: (need.role, need.ask, need.scope))
    return next(_answers(catalogue, {}, [(need, "") for need in first], 0), None)


def _answers(
    catalogue: Catalogue, pinned: Answer, agenda: list[tuple[Need, str]], at: int
) -> Iterator[Answer]:
    if at == len(agenda):
        yield pinned
        return
    need, _ = agenda[at]
    if need.scope == "one":
        found = catalogue.candidates(need.ask)[:1]
        options = ([(c.component, v)] for c in found for v in catalogue.admitted(c, need.ask))
    else:
        options = (
            list(option) for option in _provisions(catalogue, need, catalogue.candidates(need.ask), pinned)
        )
    for option in options:
        if any(pinned.get(name, version) != version for name, version in option):
            continue
        new = {name: version for name, version in option if name not in pinned}
        asked = [(n, name) for name, version in new.items() for n in catalogue.needs(name, version)]
        yield from _answers(catalogue, {**pinned, **new}, [*agenda, *asked], at + 1)


def _provisions(
    catalogue: Catalogue, need: Need, candidates: list[Candidate], pinned: Answer
) -> Iterator[tuple[tuple[str, str], ...]]:
    """Sets of providers with versions, best first: each one's versions, then without it."""
    sources = dict.fromkeys(c.source for c in candidates)
    groups = (
        [candidates] if need.scope == "every" else [[c for c in candidates if c.source == s] for s in sources]
    )
    for group in groups:
        choices = [[*((c.component, v) for v in catalogue.admitted(c, need.ask)), None] for c in group]
        for option in itertools.product(*choices):
            taken = tuple(choice for choice in option if choice is not None)
            if taken:
                yield taken
    if need.scope == "every":
        yield ()
