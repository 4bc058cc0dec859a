"""Locks of runs outside of any project: made once, kept in the store, used ever after."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import InvalidInput
from ckstore.model.locks import Lock
from ckstore.model.manifest import LOCK_FILE
from ckstore.model.requirements import Requirement
from ckstore.objects.store import ObjectStore
from ckstore.operations.project import read_text, write_whole
from ckstore.operations.yank import yank_notes

_NAME_LENGTH = 80
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A lock with where it is kept and what to tell the user."""

    lock: Lock
    path: Path
    notes: tuple[str, ...]


def kept_lock(store: ObjectStore, reference: str, *, relock: bool = False) -> Kept:
    """The lock kept for ``reference``; made now, and kept, when there is none or with ``relock``.

    A lock that has nothing for a choice at run time (no data set was there) is completed, with all that it
    pins as it is, as soon as something is there: nobody could edit it.
    """
    requirement = str(Requirement.parse(reference))
    path = _place(store, requirement)
    if not path.is_file() or relock:
        return _make(store, requirement, path)
    lock = _read(path)
    unmet = _unmet(store, lock)
    yanked = yank_notes(store.view(), lock.pins)
    if not unmet:
        told = f"using the lock kept for {requirement} (--relock makes a new one)"
        return Kept(lock, path, (told, *yanked))
    if _any_now(store, unmet):
        return _make(store, requirement, path, lock)
    return Kept(lock, path, (_incomplete(requirement, unmet), *yanked))


def _make(store: ObjectStore, requirement: str, path: Path, present: Lock | None = None) -> Kept:
    from ckstore.operations.lock import make_lock  # a kept lock needs no resolver

    lock, notes = make_lock(store, [requirement], present=present, refill=True)
    if lock != present:
        write_whole(path, lock.emit())
    unmet = _unmet(store, lock)
    done = "completed the lock kept for" if present else "not in a project: locked"
    told = f"{done} {requirement}, the lock is kept in {path}"
    if lock == present:
        told = f"using the lock kept for {requirement} (--relock makes a new one)"
    return Kept(lock, path, (told, *notes, *([_incomplete(requirement, unmet)] if unmet else [])))


def _incomplete(requirement: str, unmet: Sequence[str]) -> str:
    more = f" and {len(unmet) - _SHOWN} more" if len(unmet) > _SHOWN else ""
    return (
        f"the lock kept for {requirement} has nothing for {', '.join(unmet[:_SHOWN])}{more}: mirror or add "
        "what has these tags, and the next run takes it (--relock makes a new lock)"
    )


def _unmet(store: ObjectStore, lock: Lock) -> list[str]:
    """What pinned releases ask for as a choice at run time, and the lock has nothing for."""
    view = store.view()
    found: dict[str, None] = {}
    for pin in lock.pins:
        if not view.has_release(pin.source, pin.uid, pin.version):
            continue  # told when the pins are checked
        answered = {edge.ask for edge in pin.needs}
        needs = view.release(pin.source, pin.uid, pin.version).needs
        found |= dict.fromkeys(n.ask for n in needs if n.scope == "every" and n.ask not in answered)
    return list(found)


def _any_now(store: ObjectStore, asks: Sequence[str]) -> bool:
    from ckstore.operations.find import find
    from ckstore.operations.lookup import query_of

    return any(find(store.path, query_of(Requirement.parse(ask))).hits for ask in asks)


def _read(path: Path) -> Lock:
    try:
        return Lock.parse(read_text(path), str(path))
    except InvalidInput as error:
        raise InvalidInput(error.message, code=error.code, hints=["--relock writes it anew"]) from error


def _place(store: ObjectStore, requirement: str) -> Path:
    short = hashlib.sha256(requirement.encode()).hexdigest()[:8]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", requirement)[:_NAME_LENGTH].strip("-.")
    return store.path / "kept" / f"{name}-{short}" / LOCK_FILE
