"""A lock between processes for which all wait their turn: the one kind that named files of a store have.

Asking again and again whether a lock is free leaves it to luck who gets it, and an unlucky one of sixteen
writers waited for seconds; the system's own queue serves the first who came. The lock ends with its process.

A lock is that of an open file, not of its name: who waited for a file that was removed meanwhile has locked
nothing that others would see. So the file is looked at again, and locked anew when another is in its place.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module or nothing

_STEP_SECONDS = 0.02


@contextlib.contextmanager
def exclusive(path: Path, seconds: float | None = None) -> Iterator[None]:
    """Hold the lock of the file ``path``, made where it is missing; waits for it, ``seconds`` at most.

    Raises TimeoutError when others have it for longer, OSError when the file cannot be opened.
    """
    end = None if seconds is None else time.monotonic() + seconds
    with contextlib.ExitStack() as held:
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            held.callback(os.close, descriptor)
            if not _wait(descriptor, path, end):
                held.enter_context(_elsewhere(path, seconds))
                break
            if is_at(descriptor, path):
                break
            held.close()
        yield


def is_at(descriptor: int, path: Path) -> bool:
    """True while the open file is the one that has this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _wait(descriptor: int, path: Path, end: float | None) -> bool:
    """True when the lock was got; False where the file system has no such locks."""
    if fcntl is None:
        return False
    try:
        if end is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return True
        while not _try(descriptor):
            if time.monotonic() >= end:
                raise TimeoutError(errno.ETIMEDOUT, "it is locked by another process", str(path))
            time.sleep(_STEP_SECONDS)
    except TimeoutError:
        raise
    except OSError:
        return False
    return True


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _elsewhere(path: Path, seconds: float | None) -> contextlib.AbstractContextManager[object]:
    from filelock import FileLock

    return FileLock(path, timeout=-1 if seconds is None else seconds)
