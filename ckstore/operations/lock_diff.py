"""``diff`` of two locks: what came, what went, what moved and how far, and what that means for others.

The locks alone say which releases they name; a store that has these also says what left and joined their
interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from ckstore.errors import InvalidInput
from ckstore.model.lockgraph import LockGraph
from ckstore.model.locks import Lock, Pin
from ckstore.model.records import Release
from ckstore.model.versions import parse_version
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.diff import interface_change

Step = Literal["major", "minor", "patch", "pre-release", "back", "other files"]


@dataclass(frozen=True, slots=True)
class Moved:
    """A component that both locks pin, at different releases.

    ``former`` is what it was called before, where that differs. ``step`` is told by the versions (``back``:
    to an older one; ``other files``: the same version, which only a source that was derived anew can have).
    ``removed`` and ``added`` are members of the interface; ``known`` is False where no store could tell.
    """

    component: str
    former: str
    before: str
    after: str
    step: Step
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    known: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A component that came or went; ``asked`` says who asked for it first, the user being ``you``."""

    component: str
    version: str
    asked: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A requirement of a release that both locks pin, which other components answer now."""

    asker: str
    ask: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LockDiff:
    """From one lock to another. ``roots`` are lines ``+ask`` and ``-ask``, ``sources`` say what moved."""

    before: str
    after: str
    changed: tuple[Moved, ...]
    added: tuple[Named, ...]
    removed: tuple[Named, ...]
    answered: tuple[Answered, ...]
    roots: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def same(self) -> bool:
        """True when nothing differs."""
        return self.before == self.after

    @property
    def components(self) -> tuple[str, ...]:
        """The components that moved or came."""
        return (*(one.component for one in self.changed), *(one.component for one in self.added))

    @property
    def count(self) -> int:
        """How many pins differ."""
        return len(self.changed) + len(self.added) + len(self.removed)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


def diff_locks(store: ObjectStore | None, old: Lock, new: Lock) -> LockDiff:
    """What differs between two locks, sorted by component; resolves nothing and needs no network."""
    view = store.view() if store else None
    was, now = _by_identity(old), _by_identity(new)
    pairs = [(was[key], now[key]) for key in now if key in was]
    moved = (_moved(view, one, other) for one, other in pairs if not _same_release(one, other))
    return LockDiff(
        old.digest, new.digest,
        tuple(sorted(moved, key=lambda change: change.component)),
        tuple(_named(new, [pin for key, pin in now.items() if key not in was])),
        tuple(_named(old, [pin for key, pin in was.items() if key not in now])),
        tuple(change for one, other in pairs if _same_release(one, other) for change in _answers(one, other)),
        tuple(_lines({ask for ask, _ in old.roots}, {ask for ask, _ in new.roots})),
        tuple(_sources(old, new)),
    )  # fmt: skip


def _by_identity(lock: Lock) -> dict[tuple[str, str], Pin]:
    """Source and UID → pin; where a lock has two of them, as it may across majors, the name counts too."""
    found: dict[tuple[str, str], Pin] = {}
    for pin in lock.pins:
        key = (pin.source, pin.uid)
        found[(pin.source, f"{pin.uid} {pin.kind}:{pin.name}") if key in found else key] = pin
    return found


def _same_release(one: Pin, other: Pin) -> bool:
    return (one.version, one.tree, one.component) == (other.version, other.tree, other.component)


def _moved(view: LogView | None, old: Pin, new: Pin) -> Moved:
    former = old.component if old.component != new.component else ""
    step = step_between(old.version, new.version)
    releases = [_release(view, pin) for pin in (old, new)]
    was, now = releases
    if was is None or now is None:
        return Moved(new.component, former, old.version, new.version, step)
    change = interface_change(was, now)
    return Moved(
        new.component, former, old.version, new.version, step, change.removed, change.added, known=True
    )


def _release(view: LogView | None, pin: Pin) -> Release | None:
    """The record of a pin, if the store has exactly this release: nothing in a lock is believed."""
    if view is None or not view.has_release(pin.source, pin.uid, pin.version):
        return None
    release = view.release(pin.source, pin.uid, pin.version)
    return release if release.tree == pin.tree else None


def step_between(before: str, after: str) -> Step:
    """How far it is from one version to another."""
    try:
        old, new = parse_version(before), parse_version(after)
    except InvalidInput:
        return "other files"
    if old == new:
        return "other files"
    if new < old:
        return "back"
    if old.major != new.major:
        return "major"
    if old.minor != new.minor:
        return "minor"
    return "patch" if old.patch != new.patch else "pre-release"


def _named(lock: Lock, pins: list[Pin]) -> Iterator[Named]:
    graph = LockGraph(lock)
    for pin in sorted(pins):
        asked = graph.required_by(pin.component)
        who = f"{asked[0].asker or 'you'}: {asked[0].ask}" if asked else ""
        yield Named(pin.component, pin.version, who)


def _answers(old: Pin, new: Pin) -> Iterator[Answered]:
    was, now = _by_ask(old), _by_ask(new)
    for key in sorted(was.keys() | now.keys()):
        before, after = was.get(key, ()), now.get(key, ())
        if before != after:
            yield Answered(new.component, f"{key[0]}: {key[1]}", before, after)


def _by_ask(pin: Pin) -> Mapping[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for edge in pin.needs:
        key = edge.role, edge.ask
        found[key] = (*found.get(key, ()), edge.got)
    return found


def _lines(old: set[str], new: set[str]) -> Iterator[str]:
    yield from (f"-{ask}" for ask in sorted(old - new))
    yield from (f"+{ask}" for ask in sorted(new - old))


def _sources(old: Lock, new: Lock) -> Iterator[str]:
    was, now = ({source.name: source for source in lock.sources} for lock in (old, new))
    for name in sorted(was.keys() & now.keys()):
        one, other = was[name], now[name]
        if one.url != other.url:
            yield f"{name} is at {other.url} now, not {one.url}"
        if one.commit != other.commit:
            yield f"{name}: commit {one.commit[:12] or 'none'} → {other.commit[:12] or 'none'}"
    if [name for name in old.precedence if name in now] != [name for name in new.precedence if name in was]:
        yield f"precedence: {', '.join(new.precedence)}"
