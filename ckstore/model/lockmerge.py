"""Two locks become one: a pure function of both and, where it is known, of what they come from.

What only one side changed is taken from it. Where both changed the same, the newer release is taken, by
semantic precedence; so it makes no difference which side is whose, and what was decided is said. The
outcome is a whole lock: everything that is needed has a pin. ``unsettled`` names what resolving anew has to
decide, as both sides together do not hold as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from semver import Version

from ckstore.errors import InvalidInput
from ckstore.model.answers import admits, read_ask
from ckstore.model.locks import Edge, Lock, Pin, SourcePin
from ckstore.model.versions import parse_version

_EMPTY = Lock((), (), ())
Answers = Mapping[tuple[str, str], frozenset[str]]  # (role, what was asked) → the components that answer


@dataclass(frozen=True, slots=True)
class Merged:
    """``decided``: where both sides changed the same, and what was taken. ``unsettled``: see above."""

    lock: Lock
    decided: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()


def merge_locks(base: Lock | None, ours: Lock, theirs: Lock) -> Merged:
    """Merge two locks; without ``base``, what only one of them has counts as added by it.

    ``merge_locks(base, a, b) == merge_locks(base, b, a)``. Sides may need what they do not pin (a text merge
    may have torn them): what the other side pins is taken, and what nobody pins is left out, unsettled.
    """
    since = base or _EMPTY
    sides = (since, ours, theirs)
    if ours == theirs or theirs == since:
        return _close(ours, sides, keep_all=True)
    if ours == since:
        return _close(theirs, sides, keep_all=True)
    merge = _Merge(*sides)
    merged = _close(merge.draft(), sides, keep_all=False)
    torn = _torn(ours, theirs, merged.lock)
    return Merged(merged.lock, tuple(sorted(merge.decided)), tuple(sorted({*merged.unsettled, *torn})))


# -- what each side changed --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Merge:
    base: Lock
    ours: Lock
    theirs: Lock
    decided: set[str] = field(default_factory=set)

    def draft(self) -> Lock:
        """Both sides' changes; what is needed may have no pin yet."""
        pins = self._pins()
        versions = {pin.component: pin.version for pin in pins}
        asked = self._answers(_asked(self.base), _asked(self.ours), _asked(self.theirs), versions)
        roots = ((ask, got) for (_, ask), found in asked.items() for got in found)
        return Lock(tuple(roots), tuple(self._sources(pins)), tuple(pins))

    def _pins(self) -> list[Pin]:
        old, mine, other = (
            {p.component: p for p in lock.pins} for lock in (self.base, self.ours, self.theirs)
        )
        names = sorted(mine.keys() | other.keys())
        found = {name: self._pin(old.get(name), mine.get(name), other.get(name)) for name in names}
        versions = {name: pin.version for name, pin in found.items() if pin}
        return [
            replace(pin, needs=self._needs(pin, old.get(name), mine.get(name), other.get(name), versions))
            for name, pin in found.items() if pin
        ]  # fmt: skip

    def _pin(self, old: Pin | None, mine: Pin | None, other: Pin | None) -> Pin | None:
        """The release that is pinned, with the needs of the side that pins it."""
        if mine is None or other is None:
            kept = mine or other
            return None if kept is None or _same(kept, old) else kept
        if _same(mine, other) or _same(other, old):
            return mine
        if _same(mine, old):
            return other
        older, newer = sorted((mine, other), key=_order)
        self.decided.add(f"{newer.component}: {newer.version}, not {older.version}")
        return newer

    def _needs(
        self, pin: Pin, old: Pin | None, mine: Pin | None, other: Pin | None, versions: Mapping[str, str]
    ) -> tuple[Edge, ...]:
        """The answers of both sides to what this release asks for."""
        sides = _by_role(old), _by_role(mine or pin), _by_role(other or pin)
        wanted: Iterable[tuple[str, str]] = _by_role(pin)
        if mine and other and _same(mine, other):
            wanted = {*sides[1], *sides[2]}
        merged = self._answers(*sides, versions, wanted)
        return tuple(sorted(Edge(role, ask, got) for (role, ask), found in merged.items() for got in found))

    def _answers(
        self, old: Answers, mine: Answers, other: Answers, versions: Mapping[str, str],
        wanted: Iterable[tuple[str, str]] | None = None,
    ) -> dict[tuple[str, str], frozenset[str]]:  # fmt: skip
        """What either side added, without what either side took away; one where each side has one."""
        found: dict[tuple[str, str], frozenset[str]] = {}
        for key in mine.keys() | other.keys() if wanted is None else wanted:
            before, one, two = (side.get(key, frozenset[str]()) for side in (old, mine, other))
            found[key] = (one & two) | (one - before) | (two - before)
            if len(found[key]) > 1 and len(one) == len(two) == 1:
                listed = sorted(found[key], key=lambda name: (*_precedence(versions.get(name, "")), name))
                self.decided.add(f"{key[1]}: {listed[-1]}, not {listed[0]}")
                found[key] = frozenset(listed[-1:])
        return found

    # -- sources -------------------------------------------------------------------------------------------

    def _sources(self, pins: Iterable[Pin]) -> Iterator[SourcePin]:
        sides = (self.base, self.ours, self.theirs)
        old, mine, other = ({source.name: source for source in lock.sources} for lock in sides)
        for rank, name in enumerate(self._in_order(*(lock.precedence for lock in sides)), 1):
            found = old.get(name), mine.get(name), other.get(name)
            url = self._one(f"the address of {name}", *(s.url if s else None for s in found))
            commit = self._commit(name, pins) or self._one(
                f"the commit of {name}", *(s.commit if s else None for s in found)
            )
            yield SourcePin(name, url, commit, rank)

    def _commit(self, name: str, pins: Iterable[Pin]) -> str:
        """The commit of the side all of whose releases of this source were taken, if that is one."""
        wanted = _trees(pins, name)
        whole = {
            source.commit
            for lock in (self.ours, self.theirs) for source in lock.sources
            if source.name == name and _trees(lock.pins, name) == wanted
        }  # fmt: skip
        return whole.pop() if len(whole) == 1 else ""

    def _one(self, what: str, old: str | None, mine: str | None, other: str | None) -> str:
        if mine is None or other is None or mine == other or other == old:
            return (other if mine is None else mine) or ""
        if mine == old:
            return other
        left, taken = sorted((mine, other))
        self.decided.add(f"{what}: {taken}, not {left}")
        return taken

    def _in_order(self, old: list[str], mine: list[str], other: list[str]) -> list[str]:
        """The sources of both sides; where these disagree, in the order of the one that changed it."""
        first = {name: min(s.index(name) for s in (mine, other) if name in s) for name in {*mine, *other}}
        if not _agree(mine, other):
            moved = [side for side in (mine, other) if not _agree(old, side)]
            lead = moved[0] if len(moved) == 1 else max(mine, other)
            if len(moved) != 1:
                self.decided.add(f"the order of sources: {', '.join(lead)}")
            first |= {name: rank for rank, name in enumerate(lead)}
        return sorted(first, key=lambda name: (first[name], name))


def _asked(lock: Lock) -> Answers:
    return _grouped((("", ask), got) for ask, got in lock.roots)


def _by_role(pin: Pin | None) -> Answers:
    return _grouped(((edge.role, edge.ask), edge.got) for edge in (pin.needs if pin else ()))


def _grouped(items: Iterable[tuple[tuple[str, str], str]]) -> Answers:
    found: dict[tuple[str, str], set[str]] = {}
    for key, got in items:
        found.setdefault(key, set()).add(got)
    return {key: frozenset(found[key]) for key in sorted(found)}


def _same(one: Pin, other: Pin | None) -> bool:
    """True for the same release, whatever answers its needs."""
    return other is not None and replace(one, needs=()) == replace(other, needs=())


def _order(pin: Pin) -> tuple[Version, str, Pin]:
    return *_precedence(pin.version), pin


def _precedence(version: str) -> tuple[Version, str]:
    try:
        return parse_version(version), version
    except InvalidInput:  # nothing in a lock is believed
        return Version(0), version


def _trees(pins: Iterable[Pin], source: str) -> set[tuple[str, str]]:
    return {(pin.component, pin.tree) for pin in pins if pin.source == source}


def _agree(one: list[str], other: list[str]) -> bool:
    """True when what both have is in the same order."""
    return [name for name in one if name in other] == [name for name in other if name in one]


# -- a whole lock ------------------------------------------------------------------------------------------


def _close(draft: Lock, sides: Iterable[Lock], *, keep_all: bool) -> Merged:
    """The draft with a pin for every need; without ``keep_all``, only what the roots lead to."""
    spare = {pin.component: pin for pin in sorted((p for side in sides for p in side.pins), key=_order)}
    spare |= {pin.component: pin for pin in draft.pins}
    missing: set[str] = set()

    def pinned(who: str, ask: str, got: str) -> bool:
        if got not in spare:
            missing.add(f"{who} asked for {ask} and got {got}, which has no pin")
        return got in spare

    roots = tuple((ask, got) for ask, got in draft.roots if pinned("you", ask, got))
    pins: dict[str, Pin] = {}
    waiting = [got for _, got in roots] + [pin.component for pin in draft.pins if keep_all]
    while waiting:
        pin = spare[waiting.pop()]
        if pin.component not in pins:
            needs = tuple(edge for edge in pin.needs if pinned(pin.component, edge.ask, edge.got))
            pins[pin.component] = replace(pin, needs=needs)
            waiting += [edge.got for edge in needs]
    sources = _sources_of(draft, sides, pins.values(), keep_all)
    lock = Lock(roots, tuple(sources), tuple(pins.values()))
    return Merged(lock, (), tuple(sorted({*missing, *_outside(lock)})))


def _sources_of(
    draft: Lock, sides: Iterable[Lock], pins: Iterable[Pin], keep_all: bool
) -> Iterator[SourcePin]:
    """The blocks of the draft that pins are from, and of the sides where it has none; numbered through."""
    wanted = {pin.source for pin in pins}
    found = {source.name: source for source in sorted(s for side in sides for s in side.sources)}
    found |= {source.name: source for source in draft.sources}
    if keep_all and wanted <= set(draft.precedence):
        yield from draft.sources
        return
    listed = sorted((found[name] for name in wanted), key=lambda source: (source.rank, source.name))
    yield from (replace(source, rank=rank) for rank, source in enumerate(listed, 1))


def _outside(lock: Lock) -> Iterator[str]:
    """The requirements whose range does not admit what they have got."""
    asked = [("you", ask, got) for ask, got in lock.roots]
    asked += [(pin.component, edge.ask, edge.got) for pin in lock.pins for edge in pin.needs]
    for who, ask, got in asked:
        wanted, version = read_ask(ask), lock.pin(got).version
        if wanted and wanted.range != "*" and not _admits(wanted.range, version):
            yield f"{who} asked for {ask}; {got} is {version}"


def _admits(wanted: str, version: str) -> bool:
    try:
        return admits(wanted, version)
    except InvalidInput:
        return False


def _torn(ours: Lock, theirs: Lock, merged: Lock) -> Iterator[str]:
    """Tags that one component answered for everybody on each side, and two do now: one compiler for all."""
    before = _for_all(ours), _for_all(theirs)
    for ask, found in _for_all(merged).items():
        if "[" in ask and len(found) == 2 and {len(side.get(ask, ())) for side in before} == {1}:
            yield f"{ask} is answered by {' and '.join(sorted(found))}, which was one on each side"


def _for_all(lock: Lock) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for ask, got in [*lock.roots, *((e.ask, e.got) for pin in lock.pins for e in pin.needs)]:
        found.setdefault(ask, set()).add(got)
    return found
