"""Dying or failing at a chosen write: what changes files announces itself to a process, which then kills
itself, or is told that the disk is full.

Python tells audit hooks of every file that it opens, renames, links or removes, before it does; syncing is
wrapped, since it is not told. Libraries in C are not seen here: they are killed from outside (strace).
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

CHANGES = frozenset([
    "open", "os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.utime",
    "os.truncate", "sync", "synced", "subprocess.Popen", "sqlite3.connect",
])  # fmt: skip
_GROWING = frozenset(["open", "os.link", "os.symlink", "os.mkdir", "sync", "synced"])
_REFUSABLE = frozenset(["os.rename", "os.remove", "os.rmdir", "os.chmod", "os.utime", "os.truncate"])


def at_changes(below: Path, act: Callable[[int, str], None]) -> None:
    """For the rest of this process, call ``act(number, what)`` before each change below a folder.

    A file is also changed when it is about to be synced (``sync``; its number is ``descriptor`` in ``what``)
    and when it just was (``synced``): what was written before is on the way, what follows is not begun.
    """
    count, inside = 0, False

    def changed(what: str, path: str) -> None:
        nonlocal count, inside
        if (
            inside
            or not path.startswith(f"{below}/")
            or (what in ("open", "os.mkdir") and _changes_nothing(path))
        ):
            return
        count += 1
        inside = True
        try:
            act(count, what)
        finally:
            inside = False

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in CHANGES and not inside and _writes(event, arguments):
            changed(event, _path(event, arguments, below))

    fsync = os.fsync

    def synced(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        changed(f"sync {descriptor}", path)
        fsync(descriptor)
        changed("synced", path)

    os.fsync = synced  # type: ignore[assignment]  # narrower: we sync descriptors only
    sys.addaudithook(hook)


def _changes_nothing(path: str) -> bool:
    """A folder that is there, a lock that is there: asked for all the time."""
    return os.path.isdir(path) or ("/locks/" in path and os.path.exists(path))


def _writes(event: str, arguments: tuple[object, ...]) -> bool:
    return event != "open" or bool(int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR))


def _path(event: str, arguments: tuple[object, ...], below: Path) -> str:
    if event == "subprocess.Popen":  # whatever it does, it does it for the command that is killed
        return f"{below}/"
    if event in ("os.link", "os.symlink"):
        return os.fsdecode(str(arguments[1]))
    path = (
        os.fsdecode(arguments[0])
        if isinstance(arguments[0], str | bytes | os.PathLike)
        else str(arguments[0])
    )
    folder = arguments[-1] if event in ("os.remove", "os.rmdir", "os.mkdir") else -1
    if isinstance(folder, int) and folder >= 0 and not path.startswith("/"):
        return f"{os.readlink(f'/proc/self/fd/{folder}')}/{path}"
    if path.isdigit():
        return os.readlink(f"/proc/self/fd/{path}")
    return path


def die_at(number: int, below: Path, *, torn: bool = False) -> None:
    """Kill this process just before its change of this number.

    ``torn``: when that is a sync, half of what the file has gained is not written.
    """

    def act(at: int, what: str) -> None:
        if at == number:
            if torn and what.startswith("sync "):
                _tear(int(what.split()[1]))
            os.kill(os.getpid(), signal.SIGKILL)

    at_changes(below, act)


def refuse_at(number: int, below: Path, error: int) -> None:
    """From this change on the disk is full (ENOSPC: nothing new is made, but things can be removed).

    Other errors are raised once, at the first change from this number on that a disk can refuse.
    """
    left = 1

    def act(at: int, what: str) -> None:
        nonlocal left
        call = what.split()[0]
        grows = call in _GROWING or (error != errno.ENOSPC and call in _REFUSABLE)
        if at >= number and grows and left:
            left -= error != errno.ENOSPC
            raise OSError(error, os.strerror(error))

    at_changes(below, act)


def _tear(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    try:
        os.ftruncate(descriptor, size // 2)
    except OSError:  # a folder, or only open to be synced
        return


def changes_of(below: Path, work: Callable[[], object]) -> list[str]:
    """What ``work`` changes, in order; for use in a child process."""
    found: list[str] = []
    at_changes(below, lambda number, what: found.append(what))
    work()
    return found
