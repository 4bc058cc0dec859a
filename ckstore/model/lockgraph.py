"""Who asked for what in a lock: its requirements as a graph, read in both directions."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ckstore.model.locks import Lock, Pin
from ckstore.model.requirements import Requirement
from ckstore.model.wildcards import fits


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """``asker`` (``source:kind:name``; empty: the user) asked for ``ask`` in ``role`` and got ``got``."""

    asker: str
    role: str
    ask: str
    got: str

    def as_plain(self) -> dict[str, str]:
        """JSON-able values."""
        return {"asker": self.asker, "role": self.role, "ask": self.ask, "got": self.got}


class LockGraph:
    """The requirements of a lock, by who asks (:meth:`needs`) and by what answers (:meth:`required_by`)."""

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self.roots = tuple(Asked("", "", ask, got) for ask, got in lock.roots)
        stated = [
            *self.roots,
            *(Asked(pin.component, edge.role, edge.ask, edge.got) for pin in lock.pins for edge in pin.needs),
        ]
        self._by_asker = _grouped((asked.asker, asked) for asked in stated)
        self._by_got = _grouped((asked.got, asked) for asked in stated)

    def needs(self, component: str) -> tuple[Asked, ...]:
        """What a pinned component asks for; what the user asks for where it is empty."""
        return self._by_asker.get(component, ())

    def required_by(self, component: str) -> tuple[Asked, ...]:
        """Who asks for a pinned component: the inverse of :meth:`needs`."""
        return self._by_got.get(component, ())

    def paths(self, component: str) -> Iterator[tuple[Asked, ...]]:
        """For each root that leads to a component, the shortest way there; shortest ways first."""
        ways = [way for root in self.roots if (way := self._way(root, component))]
        yield from sorted(ways, key=lambda way: (len(way), way))

    def _way(self, root: Asked, component: str) -> tuple[Asked, ...]:
        before: dict[str, Asked] = {root.got: root}
        waiting = deque([root.got])
        while waiting and component not in before:
            at = waiting.popleft()
            for asked in self.needs(at):
                if asked.got not in before:
                    before[asked.got] = asked
                    waiting.append(asked.got)
        if component not in before:
            return ()
        way = [before[component]]
        while way[-1].asker:
            way.append(before[way[-1].asker])
        return tuple(reversed(way))


def pins_named(lock: Lock, reference: str) -> tuple[Pin, ...]:
    """The pins that a name, a pattern or a UID means; InvalidInput where it names no component."""
    wanted = Requirement.parse(reference)
    return tuple(pin for pin in lock.pins if _is_named(wanted, pin))


def _is_named(wanted: Requirement, pin: Pin) -> bool:
    return (
        (not wanted.source or fits(wanted.source, pin.source))
        and (not wanted.kinds or any(fits(kind, pin.kind) for kind in wanted.kinds))
        and not wanted.tags
        and (wanted.name == pin.uid or fits(wanted.name, pin.name))
    )


def _grouped(items: Iterable[tuple[str, Asked]]) -> Mapping[str, tuple[Asked, ...]]:
    found: dict[str, list[Asked]] = {}
    for key, asked in items:
        found.setdefault(key, []).append(asked)
    return {key: tuple(sorted(set(listed))) for key, listed in found.items()}
