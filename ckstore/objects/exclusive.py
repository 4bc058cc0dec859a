"""A lock between processes for which all wait their turn.

Asking again and again whether a lock is free leaves it to luck who gets it, and an unlucky one of sixteen
writers waited for seconds; the system's own queue serves the first who came. The lock is the same as that of
``filelock`` on the same file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module or nothing


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of the file ``path``, which exists; ends with the process at the latest."""
    with contextlib.ExitStack() as held:
        descriptor = os.open(path, os.O_RDWR)
        held.callback(os.close, descriptor)
        if not _wait(descriptor):
            held.enter_context(FileLock(path))
        yield


def _wait(descriptor: int) -> bool:
    """True when the lock was got; False where the file system has no such locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True
