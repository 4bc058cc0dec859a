"""What a lint looks at: a store, or a working folder beside a store, as one set of components."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from ckstore.index.relations import Asker, all_askers, answering, offering
from ckstore.index.schema import unpack_tags
from ckstore.index.search import search
from ckstore.model.query import Hit, Query
from ckstore.model.records import Release, Source
from ckstore.model.requirements import Requirement
from ckstore.objects.log import LogView

_VARIATION = "variation:"
_MANY = 200  # releases that answered once: enough to say which component it was
_NOW = (
    "SELECT s.name, l.kind, l.name, c.uid, r.version, r.digest, r.tags FROM components c "
    "CROSS JOIN sources s ON s.id = c.source CROSS JOIN lines l ON l.id = c.line "
    "CROSS JOIN releases r ON r.id = l.newest WHERE c.withdrawn = 0 ORDER BY 1, 2, 3, 4"
)


@dataclass(frozen=True, slots=True)
class Here:
    """A component as it is now."""

    source: str
    kind: str
    name: str
    uid: str
    version: str
    digest: str
    tags: tuple[str, ...]

    @property
    def reference(self) -> str:
        """``source:kind:name@=version``."""
        return f"{self.source}:{self.kind}:{self.name}@={self.version}"

    @property
    def called(self) -> str:
        """``kind:name``."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Part:
    """A store with its index; of the sources in ``hidden`` another part has what counts."""

    connection: sqlite3.Connection
    view: LogView
    hidden: frozenset[str] = frozenset()


class Corpus:
    """All that is there, in one or several stores."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts
        self._here: list[Here] | None = None

    def components(self) -> list[Here]:
        """Every component that is not withdrawn, by source, kind and name."""
        if self._here is None:
            rows = ((part, row) for part in self._parts for row in part.connection.execute(_NOW))
            self._here = [
                Here(source, kind, name, uid, version, digest, unpack_tags(tags))
                for part, (source, kind, name, uid, version, digest, tags) in rows
                if source not in part.hidden
            ]
        return self._here

    def askers(self, source: str) -> Iterator[Asker]:
        """Every need of the components of a source, or of all."""
        for part in self._parts:
            yield from (a for a in all_askers(part.connection, source) if a.source not in part.hidden)

    def answering(self, requirement: Requirement) -> list[Hit]:
        """What answers a requirement now."""
        return [
            hit for part in self._parts for hit in answering(part.connection, requirement)
            if hit.source not in part.hidden
        ]  # fmt: skip

    def answered_once(self, requirement: Requirement) -> list[Hit]:
        """Releases that answer a requirement, of any time: also older ones, and of withdrawn components."""
        query = Query(
            source=requirement.source, kind="|".join(requirement.kinds), name=requirement.name,
            tags=requirement.tags, all_versions=True, withdrawn=True, limit=_MANY,
        )  # fmt: skip
        return [
            hit for part in self._parts for hit in search(part.connection, query)
            if hit.source not in part.hidden
        ]  # fmt: skip

    def variations(self) -> dict[tuple[str, str], set[str]]:
        """Source and UID → the names of the variations that a component has."""
        found: dict[tuple[str, str], set[str]] = {}
        for part in self._parts:
            for source, uid, entry in offering(part.connection, _VARIATION):
                if source not in part.hidden:
                    found.setdefault((source, uid), set()).add(entry.removeprefix(_VARIATION))
        return found

    def sources(self) -> list[Source]:
        """All sources, by name."""
        found = [s for part in self._parts for s in part.view.sources() if s.name not in part.hidden]
        return sorted(found, key=lambda source: source.name)

    def view_of(self, source: str) -> LogView:
        """The log that a source is in."""
        return next(
            part.view for part in self._parts
            if source not in part.hidden and part.view.source(source) is not None
        )  # fmt: skip

    def release(self, source: str, uid: str, version: str) -> Release:
        """One release."""
        return self.view_of(source).release(source, uid, version)
