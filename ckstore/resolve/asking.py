"""What answers a need, asked of the catalogue once: for the walk, for the clauses, and for the reasons."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from ckstore.errors import CkstoreError, Conflict, InvalidInput, NotFound
from ckstore.model.metadata import Need
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.resolve.problem import Candidate, Catalogue, Choice


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """The candidates for a need, in the order of preference; with ``error``, none: it cannot be understood.

    ``by_tags``: one or more of them are taken, else the only one. ``optional``: perhaps none is.
    """

    range: str = "*"
    candidates: tuple[Candidate, ...] = ()
    by_tags: bool = False
    optional: bool = False
    error: CkstoreError | None = None

    def admitted(self, candidate: Candidate) -> Iterator[str]:
        """The versions of a candidate in the range, best first."""
        return (version for version in candidate.versions if admits(self.range, version))

    def choices(self) -> Iterator[Choice]:
        """Every candidate at every version that answers."""
        return (Choice(c, version) for c in self.candidates for version in self.admitted(c))


@functools.lru_cache(maxsize=1 << 16)
def admits(wanted: str, version: str) -> bool:
    """True when the range ``wanted`` admits the version."""
    return _range(wanted).admits(parse_version(version))


@functools.lru_cache(maxsize=4096)
def _range(text: str) -> VersionRange:
    return VersionRange.parse(text)


class Asking:
    """A catalogue with a memory. Equal needs get the same :class:`Offers`, which serves as their identity."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._plain: dict[tuple[str, bool], Offers] = {}
        self._kept: dict[tuple[str, bool, frozenset[str]], Offers] = {}
        self._needs: dict[tuple[str, str], tuple[Need, ...]] = {}
        self._names: dict[tuple[str, str], str] = {}

    def needs(self, choice: Choice) -> tuple[Need, ...]:
        """What a release asks for, in the order in which that is decided."""
        key = choice.candidate.key, choice.version
        if key not in self._needs:
            release = self.catalogue.release(choice.candidate, choice.version)
            needs = (*release.needs, *self.catalogue.implied(release))
            self._needs[key] = tuple(sorted(needs, key=lambda need: need.role))
        return self._needs[key]

    def name(self, choice: Choice) -> str:
        """``source:kind:name`` of a release."""
        key = choice.candidate.key, choice.version
        if key not in self._names:
            release = self.catalogue.release(choice.candidate, choice.version)
            self._names[key] = f"{choice.candidate.source}:{release.kind}:{release.name}"
        return self._names[key]

    def offers(self, asker: Choice | None, need: Need) -> Offers:
        """What may answer a need of this release (None: of the user)."""
        plain = self._plain.get((need.ask, need.scope == "every"))
        if plain is None:
            plain = self._plain[need.ask, need.scope == "every"] = self._find(need)
        kept = self.catalogue.kept(asker, need) if plain.by_tags else None
        if kept is None:
            return plain
        key = need.ask, need.scope == "every", kept
        if key not in self._kept:
            candidates = tuple(c for c in plain.candidates if c.key in kept)
            self._kept[key] = Offers(plain.range, candidates, by_tags=True, optional=plain.optional)
        return self._kept[key]

    def _find(self, need: Need) -> Offers:
        try:
            requirement = Requirement.parse(need.ask)
            wanted = str(_range(requirement.range))
            if not requirement.tags:
                return Offers(wanted, tuple(self.catalogue.named(requirement)[:1]))
            candidates = self.catalogue.tagged(requirement)
        except (NotFound, Conflict, InvalidInput) as error:
            return Offers(error=error)
        found = tuple(c for c in candidates if any(admits(wanted, version) for version in c.versions))
        return Offers(wanted, found, by_tags=True, optional=need.scope == "every")
