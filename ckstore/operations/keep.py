"""Locks of runs outside of any project: made once, kept in the store, used ever after."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import InvalidInput
from ckstore.model.locks import Lock
from ckstore.model.manifest import LOCK_FILE
from ckstore.model.requirements import Requirement
from ckstore.objects.store import ObjectStore
from ckstore.operations.project import read_text, write_whole

_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Kept:
    """A lock with where it is kept and what to tell the user."""

    lock: Lock
    path: Path
    notes: tuple[str, ...]


def kept_lock(store: ObjectStore, reference: str, *, relock: bool = False) -> Kept:
    """The lock kept for ``reference``; made now, and kept, when there is none or with ``relock``."""
    requirement = str(Requirement.parse(reference))
    path = _place(store, requirement)
    if path.is_file() and not relock:
        lock = _read(path)
        return Kept(lock, path, (f"using the lock kept for {requirement} (--relock makes a new one)",))
    from ckstore.operations.lock import make_lock  # a kept lock needs no resolver

    lock, notes = make_lock(store, [requirement])
    write_whole(path, lock.emit())
    return Kept(lock, path, (f"not in a project: locked {requirement}, the lock is kept in {path}", *notes))


def _read(path: Path) -> Lock:
    try:
        return Lock.parse(read_text(path), str(path))
    except InvalidInput as error:
        raise InvalidInput(error.message, code=error.code, hints=["--relock writes it anew"]) from error


def _place(store: ObjectStore, requirement: str) -> Path:
    short = hashlib.sha256(requirement.encode()).hexdigest()[:8]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", requirement)[:_NAME_LENGTH].strip("-.")
    return store.path / "kept" / f"{name}-{short}" / LOCK_FILE
