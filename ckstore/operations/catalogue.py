"""The catalogue that the resolver asks: the index for candidates, the log for releases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ckstore.errors import Conflict
from ckstore.model.locks import Lock
from ckstore.model.metadata import Need
from ckstore.model.query import Hit, Query
from ckstore.model.records import Release, Source
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.objects.log import LogView
from ckstore.operations.origins import KINDS_SOURCE
from ckstore.operations.underived import underived
from ckstore.resolve.problem import Candidate, Choice

Search = Callable[[Query], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Steering:
    """Where a new lock shall go; components are named by ``source:uid``.

    ``free`` ones of a present lock may move: it stays with them, and not with their versions. ``wished`` has
    versions that are taken as if a lock had them. What is ``barred`` is offered to nobody.
    """

    free: frozenset[str] = frozenset()
    wished: Mapping[str, str] = field(default_factory=dict)
    barred: frozenset[str] = frozenset()


STRAIGHT = Steering()


class StoreCatalogue:
    """Candidates of a store, at one head of its log.

    ``order`` lists sources by precedence (the manifest's); the shipped kinds come next, all others last,
    by name. What a ``present`` lock has is preferred: its versions, its choice among sources that no order
    decides, and its providers for the same tags, as long as all of them still have these. A release that it
    pins keeps exactly the providers that it had, even none, unless ``refill``: then what had none is asked
    anew. ``preferred`` maps ``source:uid`` to the version to take where the lock says nothing, instead of the
    newest. What was yanked, or is only claimed to be of a mirrored source, is offered only to the lock that
    has it already.
    """

    def __init__(
        self, view: LogView, search: Search, suggest: Callable[[Query], tuple[str, ...]],
        order: Sequence[str] = (), present: Lock | None = None, preferred: Mapping[str, str] | None = None,
        *, refill: bool = False, steering: Steering = STRAIGHT,
    ) -> None:  # fmt: skip
        self._view = view
        self._barred = steering.barred
        self._search = search
        self._suggest = suggest
        self._order = [*order, *([] if KINDS_SOURCE in order else [KINDS_SOURCE])]
        locked = {pin.key: pin.version for pin in present.pins} if present else {}
        self._locked = {
            **{key: version for key, version in locked.items() if key not in steering.free},
            **steering.wished,
        }
        self._known = locked.keys() | self._locked.keys() | steering.free
        self._preferred = {**(preferred or {}), **self._locked}
        self._providers = _providers_by_ask(present) if present else {}
        self._answers = _answers_by_asker(present) if present else {}
        self._refill = refill
        self._releases: dict[tuple[str, str], Release] = {}
        self._named: dict[str, list[Candidate]] = {}
        self._tagged: dict[str, list[Candidate]] = {}
        self._modules: dict[str, list[Need]] = {}
        self._sources: dict[str, Source | None] = {}

    def rank(self, source: str) -> tuple[int, str]:
        """The place of a source in the order of precedence."""
        return (self._order.index(source) if source in self._order else len(self._order), source)

    def named(self, requirement: Requirement) -> list[Candidate]:
        """The candidate by name or UID: that of the source which comes first, else the locked one.

        :class:`Conflict` (``ambiguous``) when neither decides between several.
        """
        key = str(requirement)
        if key not in self._named:
            self._named[key] = self._find_named(requirement)
        return self._named[key]

    def _find_named(self, requirement: Requirement) -> list[Candidate]:
        query = Query(
            source=requirement.source, kind="|".join(requirement.kinds), name=requirement.name,
            all_versions=True, withdrawn=True,
        )  # fmt: skip
        found = self._still_here(self._group(self._search(query)))
        found = [candidate for candidate in found if candidate.versions] or found
        ordered = [c for c in found if c.source in self._order]
        if ordered:
            found = [c for c in ordered if c.source == ordered[0].source]
        if len(found) > 1:
            found = [c for c in found if c.key in self._known] or found
        if len(found) > 1:
            raise _ambiguous(requirement, found)
        return found

    def _still_here(self, found: list[Candidate]) -> list[Candidate]:
        """Prefer components that are not withdrawn: what took over a name comes before what left it."""
        present = []
        for candidate in found:
            component = self._view.component(candidate.source, candidate.uid)
            if component is not None and not component.withdrawn:
                present.append(candidate)
        return present or found

    def tagged(self, requirement: Requirement) -> list[Candidate]:
        """Candidates by tags, with all their versions that have them.

        Only components whose newest release has the tags, but for what is locked; when none of these is in
        the range, those that lost the tags or were withdrawn as well.
        """
        key = str(requirement)
        if key not in self._tagged:
            self._tagged[key] = self._find_tagged(requirement)
        return self._tagged[key]

    def _find_tagged(self, requirement: Requirement) -> list[Candidate]:
        kind = "|".join(requirement.kinds)
        everything = self._group(
            self._search(Query(kind=kind, tags=requirement.tags, all_versions=True, withdrawn=True))
        )
        wanted = VersionRange.parse(requirement.range)
        usable = [c for c in everything if any(wanted.admits(parse_version(v)) for v in c.versions)]
        locked = self._providers.get(str(requirement), frozenset())
        if locked and locked <= {candidate.key for candidate in usable}:
            return [candidate for candidate in usable if candidate.key in locked]
        now = {f"{h.source}:{h.uid}" for h in self._search(Query(kind=kind, tags=requirement.tags))}
        return [c for c in usable if c.key in now or c.key in self._locked] or usable or everything

    def kept(self, asker: Choice | None, need: Need) -> frozenset[str] | None:
        """What the present lock has for a need of a release that it pins, if all of it can still be had."""
        who = (asker.candidate.key, asker.version) if asker else ("", "")
        answers = self._answers.get(who)
        if answers is None or (asker is None and need.ask not in answers):
            return self._of_first_source(need) if need.when else None
        keys = answers.get(need.ask, frozenset())
        if not keys and (self._refill or need.scope != "every"):
            return self._of_first_source(need) if need.when else None
        return keys if keys <= {c.key for c in self.tagged(Requirement.parse(need.ask))} else None

    def _of_first_source(self, need: Need) -> frozenset[str]:
        """Like what *any* may provide, what *maybe* does comes from one source: the first that has it."""
        requirement = Requirement.parse(need.ask)
        wanted = VersionRange.parse(requirement.range)
        usable = [
            candidate for candidate in self.tagged(requirement)
            if any(wanted.admits(parse_version(version)) for version in candidate.versions)
        ]  # fmt: skip
        return frozenset(c.key for c in usable if c.source == usable[0].source)

    def _group(self, hits: Iterable[Hit]) -> list[Candidate]:
        """One candidate per component, named as its preferred release names it."""
        by_uid: dict[tuple[str, str], list[Hit]] = {}
        for hit in hits:
            if f"{hit.source}:{hit.uid}" not in self._barred:
                by_uid.setdefault((hit.source, hit.uid), []).append(hit)
        candidates = []
        for (source, uid), releases in by_uid.items():
            first, kept = self._preferred.get(f"{source}:{uid}"), self._locked.get(f"{source}:{uid}")
            releases.sort(
                key=lambda hit: (hit.version == first, parse_version(hit.version), hit.version), reverse=True
            )
            claimed = self._claimed(source, uid)
            usable = [
                hit for hit in releases
                if hit.version == kept or not (hit.yanked or hit.version in claimed)
            ]  # fmt: skip
            best = (usable or releases)[0]
            versions = tuple(dict.fromkeys(hit.version for hit in usable))
            yanked = {hit.version: self._reason(hit) for hit in releases if hit not in usable and hit.yanked}
            left = tuple(hit.version for hit in releases if hit not in usable and not hit.yanked)
            name = f"{source}:{best.kind}:{best.name}"
            candidates.append(Candidate(name, source, uid, versions, yanked, left))
        return sorted(candidates, key=lambda c: (self.rank(c.source), c.component))

    def _claimed(self, source: str, uid: str) -> frozenset[str]:
        if source not in self._sources:
            self._sources[source] = self._view.source(source)
        component = self._view.component(source, uid)
        return underived(self._view, self._sources[source], component) if component else frozenset()

    def _reason(self, hit: Hit) -> str:
        yank = self._view.yank(hit.source, hit.uid, hit.version)
        return yank.reason if yank else ""

    def release(self, candidate: Candidate, version: str) -> Release:
        """The release of a candidate, from the log; its needs as they are asked for."""
        key = (candidate.key, version)
        if key not in self._releases:
            release = self._view.release(candidate.source, candidate.uid, version)
            self._releases[key] = replace(release, needs=tuple(map(_as_asked, release.needs)))
        return self._releases[key]

    def implied(self, release: Release) -> list[Need]:
        """The shipped module that gives the release's kind its actions, where there is one."""
        kind = release.kind
        if kind not in self._modules:
            there = any(self._search(Query(source=KINDS_SOURCE, kind="module", name=kind)))
            self._modules[kind] = [Need("kind", f"{KINDS_SOURCE}:module:{kind}")] if there else []
        return self._modules[kind]

    def hints(self, requirement: Requirement) -> tuple[str, ...]:
        """Near misses of a requirement that nothing meets."""
        kinds = "|".join(requirement.kinds)
        return self._suggest(Query(requirement.source, kinds, requirement.name, tags=requirement.tags))


def _as_asked(need: Need) -> Need:
    """What may be needed is asked for like a choice at run time: as much as can be had, perhaps nothing."""
    return replace(need, scope="every", when=need.when or "wanted") if need.scope == "maybe" else need


def _providers_by_ask(lock: Lock) -> dict[str, frozenset[str]]:
    """``source:uid`` of what a lock has for each ask, whoever asked."""
    edges = ((edge.ask, edge.got) for pin in lock.pins for edge in pin.needs)
    return _keys(lock, [*lock.roots, *edges])


def _answers_by_asker(lock: Lock) -> dict[tuple[str, str], dict[str, frozenset[str]]]:
    """By ``source:uid`` and version of who asked (empty: the user): ask → ``source:uid`` of what answered."""
    found: dict[tuple[str, str], dict[str, frozenset[str]]] = {("", ""): _keys(lock, lock.roots)}
    for pin in lock.pins:
        pairs = ((edge.ask, edge.got) for edge in pin.needs)
        found[pin.key, pin.version] = _keys(lock, pairs)
    return found


def _keys(lock: Lock, pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for ask, got in pairs:
        found.setdefault(ask, set()).add(lock.pin(got).key)
    return {ask: frozenset(keys) for ask, keys in found.items()}


def _ambiguous(requirement: Requirement, found: list[Candidate]) -> Conflict:
    candidates = [
        f"{candidate.component}@{(*candidate.versions, *candidate.yanked, *candidate.claimed)[0]}"
        for candidate in found
    ]
    hints = [f"name exactly one: `{found[0].component}`"]
    if len({candidate.source for candidate in found}) > 1:
        hints.append("or order the sources under [sources] in ckstore.toml: the first one wins")
    return Conflict(
        f"{requirement} is ambiguous: it means {' and '.join(candidates)}.",
        code="ambiguous", hints=hints, details={"candidates": candidates},
    )  # fmt: skip
