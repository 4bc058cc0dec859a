"""``tree`` and ``why``: what a lock holds because of what. They read the lock alone, no store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ckstore.errors import NotFound
from ckstore.model.lockgraph import Asked, LockGraph, pins_named
from ckstore.model.locks import Lock, Pin
from ckstore.model.names import did_you_mean

Mark = Literal["", "above", "cycle"]


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of a tree. ``asked`` leads here from the line above; None at the top. No pin: the user.

    ``mark``: ``above`` where what follows is listed at its first place, ``cycle`` where it is one of the
    lines above itself, empty where it follows (or there is nothing).
    """

    depth: int
    pin: Pin | None
    asked: Asked | None
    mark: Mark = ""


@dataclass(frozen=True, slots=True)
class LockTree:
    """The lines of a tree, top down; ``inverted``: below a pin is who asked for it."""

    lock: Lock
    inverted: bool
    branches: tuple[Branch, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values: the graph, each pin once."""
        graph = LockGraph(self.lock)
        return {
            "digest": self.lock.digest,
            "roots": [{"ask": asked.ask, "got": asked.got} for asked in graph.roots],
            "pins": [
                {
                    "component": pin.component, "version": pin.version,
                    "needs": [asked.as_plain() for asked in graph.needs(pin.component)],
                    "required_by": [asked.as_plain() for asked in graph.required_by(pin.component)],
                }
                for pin in self.lock.pins
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Why:
    """Why a pin is there: who asked for it, and the shortest way from each requirement of the user."""

    pin: Pin
    required_by: tuple[Asked, ...]
    paths: tuple[tuple[Asked, ...], ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "component": self.pin.component, "version": self.pin.version,
            "required_by": [asked.as_plain() for asked in self.required_by],
            "paths": [[asked.as_plain() for asked in path] for path in self.paths],
        }  # fmt: skip


def lock_tree(lock: Lock, references: Sequence[str] = (), *, invert: bool = False) -> LockTree:
    """The tree of a lock from its roots, or from these pins; with ``invert`` who asked for them.

    What follows a pin is listed once. Raises what :func:`pins_of` raises.
    """
    graph = LockGraph(lock)
    if references:
        tops = [pin for reference in references for pin in pins_of(lock, reference)]
    elif invert:
        tops = [pin for pin in lock.pins if not graph.needs(pin.component)]
    else:
        tops = [lock.pin(got) for got in dict.fromkeys(got for _, got in lock.roots)]
    return LockTree(lock, invert, tuple(_walk(graph, tops, invert)))


def _walk(graph: LockGraph, tops: Sequence[Pin], invert: bool) -> Iterator[Branch]:
    """Depth first, with a stack of its own: a chain of needs may be longer than Python's."""
    listed: set[str] = set()
    above: list[str] = []
    waiting = [Branch(0, pin, None) for pin in reversed(tops)]
    while waiting:
        at = waiting.pop()
        del above[at.depth :]
        if at.pin is None:
            yield at
            continue
        name = at.pin.component
        below = list(_below(graph, name, at.depth + 1, invert))
        mark: Mark = "cycle" if name in above else "above" if below and name in listed else ""
        yield replace(at, mark=mark)
        above.append(name)
        listed.add(name)
        waiting += below[::-1] if not mark else []


def _below(graph: LockGraph, name: str, depth: int, invert: bool) -> Iterator[Branch]:
    for asked in graph.required_by(name) if invert else graph.needs(name):
        far = asked.asker if invert else asked.got
        yield Branch(depth, graph.lock.pin(far) if far else None, asked)


def why(lock: Lock, reference: str) -> tuple[Why, ...]:
    """Why the lock pins what a name, a pattern or a UID means; raises what :func:`pins_of` raises."""
    graph = LockGraph(lock)
    return tuple(
        Why(pin, graph.required_by(pin.component), tuple(graph.paths(pin.component)))
        for pin in pins_of(lock, reference)
    )


def pins_of(lock: Lock, reference: str) -> tuple[Pin, ...]:
    """The pins that a reference means; :class:`NotFound` with near misses when there is none."""
    found = pins_named(lock, reference)
    if not found:
        names = {pin.name for pin in lock.pins} | {f"{pin.kind}:{pin.name}" for pin in lock.pins}
        raise NotFound(
            f"The lock pins nothing that is called {reference}.",
            code="not-in-lock",
            hints=did_you_mean(reference, names) or ["`ckstore tree` lists what it pins"],
        )
    return found
