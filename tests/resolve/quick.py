"""The made-up catalogue with look-up tables, for large ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ckstore.model.metadata import Need
from ckstore.model.names import derive_uid
from ckstore.model.records import Release
from ckstore.model.requirements import Requirement
from ckstore.model.versions import parse_version
from ckstore.resolve.problem import Candidate, Choice
from tests.resolve.world import Made


class QuickCatalogue:
    """Says what :class:`tests.resolve.world.Catalogue` says; names have their source. Counts what is read."""

    def __init__(self, made: Iterable[Made], locked: Mapping[str, str] | None = None) -> None:
        self._locked = locked or {}
        self._made = {(m.name, m.version): m for m in made}
        self._by_name: dict[str, list[Made]] = {}
        self._by_tag: dict[str, list[Made]] = {}
        self.read: set[tuple[str, str]] = set()
        for one in sorted(self._made.values(), key=lambda m: parse_version(m.version), reverse=True):
            self._by_name.setdefault(one.name, []).append(one)
            for tag in one.tags:
                self._by_tag.setdefault(tag, []).append(one)
        self._plain = {name: self._candidate(name, found) for name, found in self._by_name.items()}

    def _candidate(self, name: str, found: Iterable[Made]) -> Candidate:
        source, kind, bare = name.split(":")
        versions = [m.version for m in found]
        locked = self._locked.get(name)
        if locked in versions:
            versions.remove(locked)
            versions.insert(0, locked)
        return Candidate(name, source, derive_uid(kind, bare), tuple(versions))

    def named(self, requirement: Requirement) -> list[Candidate]:
        found = self._plain.get(f"{requirement.source}:{requirement.kinds[0]}:{requirement.name}")
        return [found] if found else []

    def tagged(self, requirement: Requirement) -> list[Candidate]:
        (tag,) = str(requirement.tags).split(",")
        by_name: dict[str, list[Made]] = {}
        for one in self._by_tag.get(tag, []):
            by_name.setdefault(one.name, []).append(one)
        return [self._candidate(name, by_name[name]) for name in sorted(by_name)]

    def kept(self, asker: Choice | None, need: Need) -> frozenset[str] | None:
        return None

    def release(self, candidate: Candidate, version: str) -> Release:
        self.read.add((candidate.component, version))
        return self._made[candidate.component, version].release()

    def implied(self, release: Release) -> list[Need]:
        return []

    def hints(self, requirement: Requirement) -> tuple[str, ...]:
        return ()
