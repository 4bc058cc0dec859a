"""From one lock to another in steps of one release each, in the order in which they were released."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Literal

from ckstore.errors import CkstoreError, Unavailable
from ckstore.model.locks import Lock, Pin
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.catalogue import Steering
from ckstore.operations.lock import make_lock

_NO_TIME = 1 << 62  # what nobody knows the time of comes last: releases of folders


@dataclass(frozen=True, slots=True)
class Step:
    """One component moves from the version ``before`` to ``version``.

    ``before`` is empty where it joins the lock, ``version`` where it leaves it. ``component`` is its name at
    the end of the step, ``commit`` is empty for folders; ``bump`` and ``changes`` are those of the release.
    """

    key: str
    component: str
    before: str
    version: str
    commit: str = ""
    bump: str = ""
    changes: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """``source:kind:name 1.0.0 → 1.0.1``."""
        return f"{self.component} {self.before or 'nothing'} → {self.version or 'nothing'}"

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "changes": list(self.changes)}


@dataclass(slots=True)
class Way:
    """The way from the lock ``good`` to the lock ``bad``; place 0 is ``good``, place ``len`` is ``bad``."""

    store: ObjectStore
    good: Lock
    bad: Lock
    steps: list[Step]
    _locks: dict[int, Lock | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.steps)

    def lock(self, place: int) -> Lock | None:
        """The lock with the first ``place`` steps taken; None when no lock has such a mixture."""
        if place in (0, len(self)):
            return self.bad if place else self.good
        if place not in self._locks:
            self._locks[place] = self._mixed(place)
        return self._locks[place]

    def _mixed(self, place: int) -> Lock | None:
        wished = {pin.key: pin.version for pin in self.good.pins}
        wished |= {step.key: step.version for step in self.steps[:place]}
        wished = {key: version for key, version in wished.items() if version}
        later = frozenset(step.key for step in self.steps[place:] if not step.before) - wished.keys()
        asks = dict.fromkeys(ask for ask, _ in (*self.good.roots, *self.bad.roots))
        try:
            lock, _ = make_lock(
                self.store, list(asks), self.bad.precedence, steering=Steering(wished=wished, barred=later)
            )
        except Unavailable:
            raise
        except CkstoreError:
            return None
        return lock if all(wished.get(pin.key, pin.version) == pin.version for pin in lock.pins) else None


def way(store: ObjectStore, good: Lock, bad: Lock) -> Way:
    """The steps from ``good`` to ``bad``.

    Of a component in both: every release between the two. Of one that joins: every release up to the one
    that is pinned, so that it joins when it came into being. What leaves, leaves last.
    """
    view = store.view()
    before, after = ({pin.key: pin for pin in lock.pins} for lock in (good, bad))
    timed: list[tuple[int, str, int, Step]] = []
    for key in before.keys() | after.keys():
        latest = 0
        for number, step in enumerate(_steps(view, before.get(key), after.get(key))):
            latest = max(latest, _time(store, step))  # time never runs backwards within a component
            timed.append((latest, key, number, step))
    return Way(store, good, bad, [step for *_, step in sorted(timed, key=lambda found: found[:3])])


def _steps(view: LogView, old: Pin | None, new: Pin | None) -> Iterator[Step]:
    if new is None:
        if old is not None:
            yield Step(old.key, old.component, old.version, "")
        return
    versions = _line(view, old.version if old else "", new)
    for before, version in pairwise(versions):
        release = view.release(new.source, new.uid, version)
        yield Step(
            new.key, f"{new.source}:{release.kind}:{release.name}", before, version, release.commit,
            release.bump, release.changes,
        )  # fmt: skip


def _line(view: LogView, before: str, pin: Pin) -> list[str]:
    """The versions from ``before`` (empty: none) to that of ``pin``; on the way back, only these two."""
    line = view.component(pin.source, pin.uid)
    versions = ["", *(line.versions if line else ())]
    if pin.version == before:
        return [before]
    if before not in versions or pin.version not in versions:
        return [before, pin.version]
    part = versions[versions.index(before) : versions.index(pin.version) + 1]
    return part or [before, pin.version]


def _time(store: ObjectStore, step: Step) -> int:
    """When the commit was made, in seconds; after everything else where nobody knows."""
    known = bool(step.commit) and store.has(step.commit)
    return store.read_commit(step.commit).time if known else _NO_TIME


Verdict = Literal["good", "bad", "skip"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Place ``good`` works and place ``bad`` does not; what lies in between (if anything) cannot be told."""

    good: int
    bad: int
    asked: Mapping[int, Verdict]


def turning_place(count: int, judge: Callable[[int], Verdict]) -> Turn:
    """Where good turns bad, knowing that place 0 is good and place ``count`` is bad.

    Halves the way with each question: O(log count) of them. Where a place cannot be judged its neighbours
    are asked, the nearest first.
    """
    good, bad = 0, count
    asked: dict[int, Verdict] = {}
    while place := next((p for p in _from_the_middle(good, bad) if asked.get(p) != "skip"), 0):
        asked[place] = judge(place)
        if asked[place] == "good":
            good = place
        elif asked[place] == "bad":
            bad = place
    return Turn(good, bad, asked)


def _from_the_middle(good: int, bad: int) -> list[int]:
    middle = (good + bad) // 2
    return sorted(range(good + 1, bad), key=lambda place: (abs(place - middle), place))
