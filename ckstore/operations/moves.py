"""What one lock has that another has not, what that means, and what holds a pin back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from ckstore.model.answers import Offer, admits, lacks, read_ask
from ckstore.model.locks import Lock, Pin
from ckstore.model.records import Release
from ckstore.objects.log import LogView
from ckstore.operations.diff import interface_change
from ckstore.operations.relations import offer_of_release

YOU = "you"


@dataclass(frozen=True, slots=True)
class Move:
    """One component whose pin differs; ``before`` or ``after`` is empty where it came or went.

    ``former`` is its name before where that was another one. ``bump`` and the difference of the interfaces
    say what the change means; they are empty where a release is not here. ``used_by`` names those in the
    lock who ask for it, with the roles: ``source:kind:name (role, role)``, or ``you``.
    """

    component: str
    former: str
    before: str
    after: str
    bump: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    used_by: tuple[str, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


def moves(view: LogView, before: Lock, after: Lock) -> tuple[Move, ...]:
    """What changes from one lock to the other, by name; a component keeps its identity through a rename."""
    old, new = ({pin.key: pin for pin in lock.pins} for lock in (before, after))
    users = {pin.key: _users(after, pin) or _users(before, pin) for pin in (*before.pins, *after.pins)}
    found = [
        _move(view, old.get(key), new.get(key), users[key])
        for key in old.keys() | new.keys()
        if key not in old or key not in new or old[key].version != new[key].version
    ]
    return tuple(sorted(found, key=lambda move: (move.component, move.after)))


def _move(view: LogView, old: Pin | None, new: Pin | None, users: tuple[str, ...]) -> Move:
    pin = new or old
    assert pin is not None, "one of the two locks has it"
    was, now = (_release(view, pin) if pin else None for pin in (old, new))
    change = interface_change(was, now) if was and now else None
    return Move(
        pin.component, old.component if old and old.component != pin.component else "",
        old.version if old else "", new.version if new else "", change.bump if change else "",
        change.removed if change else (), change.added if change else (), users,
    )  # fmt: skip


def _release(view: LogView, pin: Pin) -> Release | None:
    there = view.has_release(pin.source, pin.uid, pin.version)
    return view.release(pin.source, pin.uid, pin.version) if there else None


def _users(lock: Lock, pin: Pin) -> tuple[str, ...]:
    roles: dict[str, dict[str, None]] = {}
    for who, role, _ in _asked(lock, pin):
        roles.setdefault(who, {})[role] = None
    return tuple(f"{who} ({', '.join(roles[who])})" if who != YOU else who for who in roles)


def _asked(lock: Lock, pin: Pin) -> Iterator[tuple[str, str, str]]:
    """(who, role, requirement) of everything in the lock that got this pin; the user has no role."""
    yield from ((YOU, "", ask) for ask, got in lock.roots if got == pin.component)
    for other in lock.pins:
        yield from (
            (other.component, edge.role, edge.ask) for edge in other.needs if edge.got == pin.component
        )


@dataclass(frozen=True, slots=True)
class Behind:
    """A pin with a newer release that it does not have.

    ``removed`` and ``added`` are the difference of the interfaces; ``reasons`` are sentences: who asks for
    what the newer one has not. Without any it could be had: the lock is older.
    """

    component: str
    version: str
    newest: str
    newest_name: str
    bump: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    reasons: tuple[str, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


def behind(view: LogView, lock: Lock) -> tuple[Behind, ...]:
    """The pins of a lock that have newer releases, which are not yanked."""
    found = (_behind(view, lock, pin) for pin in lock.pins)
    return tuple(one for one in found if one is not None)


def _behind(view: LogView, lock: Lock, pin: Pin) -> Behind | None:
    line = view.component(pin.source, pin.uid)
    if line is None or pin.version not in line.versions:
        return None
    yanked = view.yanks(pin.source, pin.uid)
    later = [v for v in line.versions[line.versions.index(pin.version) + 1 :] if v not in yanked]
    was = _release(view, pin)
    if not later or was is None:
        return None
    now = view.release(pin.source, pin.uid, later[-1])
    change = interface_change(was, now)
    name = f"{pin.source}:{now.kind}:{now.name}"
    held = dict.fromkeys(reasons(lock, pin, offer_of_release(pin.source, now)))
    return Behind(
        pin.component, pin.version, now.version, name if name != pin.component else "", change.bump,
        change.removed, change.added, tuple(held),
    )  # fmt: skip


def lacking(view: LogView, lock: Lock, pin: Pin) -> str:
    """What its newest release lacks: ``lacks tag:x, which program:y (role) asks for``; empty for nothing.

    Its name is not told here: a component keeps it until the requirement is changed.
    """
    line = view.component(pin.source, pin.uid)
    if line is None or not view.has_release(pin.source, pin.uid, line.newest):
        return ""
    newest = offer_of_release(pin.source, view.release(pin.source, pin.uid, line.newest))
    for who, role, ask in _asked(lock, pin):
        requirement = read_ask(ask)
        missing = lacks(requirement, newest) if requirement and requirement.tags else ()
        if missing:
            asks = f"{who} ({role}) asks" if role else "you ask"
            return f"lacks {', '.join(missing)}, which {asks} for"
    return ""


def reasons(lock: Lock, pin: Pin, newest: Offer) -> Iterator[str]:
    """Who in a lock asks for what a newer release than the pinned one has not; none: it could be had."""
    for who, role, ask in _asked(lock, pin):
        requirement = read_ask(ask)
        if requirement is None:
            continue
        asks = f"{who} ({role}) asks for {ask}" if role else f"you ask for {ask}"
        missing = lacks(requirement, newest)
        if missing:
            yield f"{asks}, and it lacks {', '.join(missing)}"
        elif not admits(requirement.range, newest.version):
            yield f"{asks}"
