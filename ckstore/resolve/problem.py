"""What the resolver is asked and what it answers: plain values, and the catalogue it asks itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ckstore.model.locks import Edge
from ckstore.model.metadata import Need
from ckstore.model.records import Release
from ckstore.model.requirements import Requirement


@dataclass(frozen=True, slots=True)
class Candidate:
    """One component that may answer; ``versions`` in the order of preference (locked, then newest).

    ``component`` is ``source:kind:name`` as its preferred version has it; identity is ``key``. What was
    ``yanked`` (version → reason) and ``claimed`` (imported, not derived by the mirror of the source) are not
    among the versions; only explanations name them.
    """

    component: str
    source: str
    uid: str
    versions: tuple[str, ...]
    yanked: Mapping[str, str] = field(default_factory=dict, compare=False)
    claimed: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """``source:uid``: what stays through a rename."""
        return f"{self.source}:{self.uid}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A component at a version."""

    candidate: Candidate
    version: str


class Catalogue(Protocol):
    """Where candidates come from. Equal questions must have equal answers."""

    def named(self, requirement: Requirement) -> list[Candidate]:
        """The component that a requirement by name or UID means; :class:`Conflict` when it is ambiguous."""

    def tagged(self, requirement: Requirement) -> list[Candidate]:
        """Components with releases that have the tags, in order of precedence of their sources.

        ``versions`` holds only releases that have the tags.
        """

    def kept(self, asker: Choice | None, need: Need) -> frozenset[str] | None:
        """Keys of the providers that an earlier answer has for this need of this release (None: the user).

        Then these, and no others, are offered; perhaps none at all. None when there is no such answer.
        """

    def release(self, candidate: Candidate, version: str) -> Release:
        """The release of a candidate."""

    def implied(self, release: Release) -> list[Need]:
        """Needs that no metadata states: the module that gives a kind its actions."""

    def hints(self, requirement: Requirement) -> tuple[str, ...]:
        """What to say about a requirement that nothing meets: near misses."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A requirement with who asked: ``path`` leads from what the user named to the asker; empty: the user.

    ``versions`` of the asker, when others do not ask for this.
    """

    need: Need
    path: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def by(self) -> str:
        """The component that asked, or empty for the user."""
        return self.path[-1] if self.path else ""

    def __str__(self) -> str:
        if not self.path:
            return f"you asked for {self.need.ask}"
        way = f", reached through {' → '.join(self.path[:-1])}," if len(self.path) > 1 else ""
        return f"{self.by}{self._which()} (its {self.need.role}){way} asked for {self.need.ask}"

    def _which(self) -> str:
        if not self.versions:
            return ""
        more = f" and {len(self.versions) - 1} more" if len(self.versions) > 1 else ""
        return f" {self.versions[0]}{more}"


@dataclass(frozen=True, slots=True)
class Resolution:
    """``chosen`` by component (``source:kind:name`` at the chosen version).

    ``edges`` by the component that asked ("" for the user); ``notes`` are sentences for the user.
    """

    chosen: dict[str, Choice]
    edges: dict[str, tuple[Edge, ...]]
    notes: tuple[str, ...]
