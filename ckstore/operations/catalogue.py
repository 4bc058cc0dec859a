"""The catalogue that the resolver asks: the index for candidates, the log for releases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ckstore.errors import Conflict
from ckstore.model.metadata import Need
from ckstore.model.query import Hit, Query
from ckstore.model.records import Release
from ckstore.model.requirements import Requirement
from ckstore.model.versions import parse_version
from ckstore.objects.log import LogView
from ckstore.operations.kinds import KINDS_SOURCE
from ckstore.resolve.problem import Candidate

Search = Callable[[Query], Iterable[Hit]]


class StoreCatalogue:
    """Candidates of a store, at one head of its log.

    ``order`` lists sources by precedence (the manifest's); the shipped kinds come next, all others last,
    by name. ``locked`` maps ``source:uid`` to the version that a present lock has: it is preferred.
    """

    def __init__(
        self, view: LogView, search: Search, suggest: Callable[[Query], tuple[str, ...]],
        order: Sequence[str] = (), locked: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._view = view
        self._search = search
        self._suggest = suggest
        self._order = [*order, *([] if KINDS_SOURCE in order else [KINDS_SOURCE])]
        self._locked = dict(locked or {})
        self._releases: dict[tuple[str, str], Release] = {}

    def rank(self, source: str) -> tuple[int, str]:
        """The place of a source in the order of precedence."""
        return (self._order.index(source) if source in self._order else len(self._order), source)

    def named(self, requirement: Requirement) -> list[Candidate]:
        """Candidates by name or UID, the source that comes first; ambiguous when no order says which."""
        query = Query(
            source=requirement.source, kind="|".join(requirement.kinds), name=requirement.name,
            all_versions=True, withdrawn=True,
        )  # fmt: skip
        here = self._still_here(self._group(self._search(query)))
        sources = {candidate.source for candidate in here}
        explicit = [c for c in here if c.source in self._order]
        if len(here) > 1 and (len(sources) == 1 or not explicit):
            raise _ambiguous(requirement, here)
        return (explicit or here)[:1]

    def _still_here(self, found: list[Candidate]) -> list[Candidate]:
        """Prefer components that are not withdrawn: what took over a name comes before what left it."""
        present = []
        for candidate in found:
            component = self._view.component(candidate.source, candidate.uid)
            if component is not None and not component.withdrawn:
                present.append(candidate)
        return present or found

    def tagged(self, requirement: Requirement) -> list[Candidate]:
        """Candidates by tags; components whose newest release has them come before those that lost them."""
        for everything in (False, True):
            query = Query(
                kind="|".join(requirement.kinds), tags=requirement.tags,
                all_versions=everything, withdrawn=everything,
            )  # fmt: skip
            candidates = self._group(self._search(query))
            if candidates:
                return candidates
        return []

    def _group(self, hits: Iterable[Hit]) -> list[Candidate]:
        """One candidate per component, named as its preferred release names it."""
        by_uid: dict[tuple[str, str], list[Hit]] = {}
        for hit in hits:
            by_uid.setdefault((hit.source, hit.uid), []).append(hit)
        candidates = []
        for (source, uid), releases in by_uid.items():
            locked = self._locked.get(f"{source}:{uid}")
            releases.sort(key=lambda hit: (hit.version == locked, parse_version(hit.version)), reverse=True)
            first = releases[0]
            versions = tuple(dict.fromkeys(hit.version for hit in releases))
            candidates.append(Candidate(f"{source}:{first.kind}:{first.name}", source, uid, versions))
        return sorted(candidates, key=lambda c: (self.rank(c.source), c.component))

    def release(self, candidate: Candidate, version: str) -> Release:
        """The release of a candidate, from the log."""
        key = (f"{candidate.source}:{candidate.uid}", version)
        if key not in self._releases:
            self._releases[key] = self._view.release(candidate.source, candidate.uid, version)
        return self._releases[key]

    def implied(self, release: Release) -> list[Need]:
        """The shipped module that gives the release's kind its actions, where there is one."""
        query = Query(source=KINDS_SOURCE, kind="module", name=release.kind)
        return [Need("kind", f"{KINDS_SOURCE}:module:{release.kind}")] if any(self._search(query)) else []

    def hints(self, requirement: Requirement) -> tuple[str, ...]:
        """Near misses of a requirement that nothing meets."""
        kinds = "|".join(requirement.kinds)
        return self._suggest(Query(requirement.source, kinds, requirement.name, tags=requirement.tags))


def _ambiguous(requirement: Requirement, found: list[Candidate]) -> Conflict:
    candidates = [f"{candidate.component}@{candidate.versions[0]}" for candidate in found]
    return Conflict(
        f"{requirement} is ambiguous: it means {' and '.join(candidates)}.",
        code="ambiguous",
        hints=[
            f"name the source: `{found[0].component}`",
            "or order the sources under [sources] in ckstore.toml: the first one wins",
        ],
        details={"candidates": candidates},
    )
