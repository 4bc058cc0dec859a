"""The one ref that publishes: reading it without any library, moving it by compare-and-swap.

Reading is the quick path of ``find`` and so imports nothing but the standard library. Moving follows
git's own protocol (``<ref>.lock``, created exclusively, then renamed; see gitrepository-layout(5) and
lockfile.h), so that a concurrent ``git gc`` and its ``pack-refs`` are safe, and adds what git leaves
out by default: the file and its folder are synced.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from ckstore.errors import Conflict, CorruptData, Unavailable

LOG_REF = "refs/ckstore/log"
GIT_FOLDER = "objects.git"
_FOREIGN_LOCK_SECONDS = 10.0
_HEX = frozenset("0123456789abcdef")


def read_head(store: Path) -> str:
    """The commit id (40 hex digits) that the log of the store at ``store`` is at; empty if there is none."""
    git = store / GIT_FOLDER
    try:
        text = (git / LOG_REF).read_text("ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        text = _packed(git)
    except UnicodeDecodeError:
        text = "?"
    if text and not (len(text) == 40 and set(text) <= _HEX):
        raise CorruptData(
            f"The log ref of {store} holds no commit id.",
            code="bad-log-ref",
            hints=[f"see {git / LOG_REF}; `git -C {git} reflog` and `git fsck` find what it was"],
        )
    return text


def _packed(git: Path) -> str:
    try:
        lines = (git / "packed-refs").read_text("utf-8", "surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return next((line[:40] for line in lines if line[41:] == LOG_REF and line[40:41] == " "), "")


def move_head(store: Path, old: str, new: str) -> None:
    """Move the log from ``old`` to ``new`` (commit ids; ``old`` empty: it must not exist yet).

    The caller holds the store's log lock, so another ckstore cannot be here; a lock file that is
    nevertheless there belongs to git for a moment, or to a process that was killed. Raises
    :class:`Conflict` when the log is not at ``old``, :class:`Unavailable` when the lock stays.
    """
    ref = store / GIT_FOLDER / LOG_REF
    ref.parent.mkdir(parents=True, exist_ok=True)
    lock = ref.with_name(ref.name + ".lock")
    descriptor = _take(lock)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if read_head(store) != old:
                raise Conflict("The log moved meanwhile.", code="log-moved", hints=["run the command again"])
            file.write(f"{new}\n".encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        lock.replace(ref)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise
    sync_folder(ref.parent)


def _take(lock: Path) -> int:
    deadline = time.monotonic() + _FOREIGN_LOCK_SECONDS
    while True:
        try:
            return os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            _remove_stale(lock)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Another program holds {lock}.",
                    code="log-locked",
                    hints=[f"if no git is running in that folder, delete {lock}"],
                ) from None
            time.sleep(0.02)


def _remove_stale(lock: Path) -> None:
    """Remove what a killed process left: git holds this lock for milliseconds, never for seconds."""
    try:
        if time.time() - lock.stat().st_mtime > _FOREIGN_LOCK_SECONDS / 2:
            lock.unlink()
    except FileNotFoundError:
        pass


def sync_folder(folder: Path) -> None:
    """Make renames and new names in ``folder`` survive a power cut, where the system can."""
    if os.name == "nt":  # Windows opens no folders; NTFS journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
