"""Who is at work in a store: any number of commands together, or one garbage collection alone.

Whoever writes objects, fetches into a quarantine or lays out trees relies on what is there, also on what
nothing reaches yet: a collection must not take it away in between. So all of them share one lock, and a
collection takes it alone for as long as it removes. Whoever uses a snapshot holds a lease on its folder.

The locks belong to open files, so they end with their process. Where a file system has none, collections
keep to what nobody touched for days.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ckstore.errors import Unavailable
from ckstore.objects.exclusive import is_at

try:
    import fcntl
except ImportError:  # Windows: see above
    fcntl = None  # type: ignore[assignment]  # a module or nothing

_LOCK = "use.lock"
_STEP_SECONDS = 0.05
_TOUCH_SECONDS = 24 * 3600


@contextlib.contextmanager
def shared(store: Path, progress: Callable[[str], None] = lambda line: None) -> Iterator[None]:
    """Be at work in the store; waits, and says so, for as long as a collection or a repair is alone with it.

    A store that cannot be written to is read without: who cannot write a lock there cannot remove either.
    """
    path = store / "locks" / _LOCK
    while True:
        descriptor = _open(path)
        try:
            if descriptor is not None:
                _share(descriptor, progress)
                if not is_at(descriptor, path):  # removed while this one waited
                    continue
            yield
            return
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _share(descriptor: int, progress: Callable[[str], None]) -> None:
    with contextlib.suppress(OSError):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for a collection or a repair of this store to end")
            fcntl.flock(descriptor, fcntl.LOCK_SH)


@contextlib.contextmanager
def alone(store: Path, seconds: float, progress: Callable[[str], None] = lambda line: None) -> Iterator[bool]:
    """Be the only one at work in the store; False where the file system has no locks.

    Raises :class:`Unavailable` when others are still at work after ``seconds``.
    """
    path, end = store / "locks" / _LOCK, time.monotonic() + seconds
    while True:
        descriptor = _open(path)
        try:
            sure = descriptor is not None and _take(descriptor, end, progress)
            if sure and descriptor is not None and not is_at(descriptor, path):
                continue
            yield sure
            return
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _take(descriptor: int, end: float, progress: Callable[[str], None]) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise Unavailable(
                    "Other commands are at work in this store.",
                    code="store-busy",
                    hints=["run the command again when they are done"],
                ) from None
            progress("waiting for other commands to end")
            time.sleep(_STEP_SECONDS)
        except OSError:
            return False
        else:
            return True


@contextlib.contextmanager
def lease(folder: Path) -> Iterator[tuple[int, ...]]:
    """Keep a folder from being collected; whoever takes the lease is at work in the store.

    Gives the descriptor that the lease belongs to, where there is one: a child process that inherits it keeps
    the lease when this process is killed, for as long as it lives.
    """
    descriptor = _open_folder(folder)
    if descriptor is None:
        yield ()
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield (descriptor,)
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for what a child left running on purpose
        os.close(descriptor)


def is_leased(folder: Path) -> bool:
    """True while somebody uses the folder."""
    descriptor = _open_folder(folder)
    if descriptor is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def touch(folder: Path) -> None:
    """Note that a laid-out folder is used: its time of change, once a day; its files are left alone."""
    with contextlib.suppress(OSError):
        if time.time() - folder.stat().st_mtime > _TOUCH_SECONDS:
            os.utime(folder)


def _open(path: Path) -> int | None:
    if fcntl is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        return None


def _open_folder(folder: Path) -> int | None:
    if fcntl is None:
        return None
    try:
        return os.open(folder, os.O_RDONLY)
    except OSError:
        return None
