"""The one ref that publishes: reading it without any library, moving it by compare-and-swap.

Reading is the quick path of ``find`` and so imports nothing but the standard library. Moving follows
git's own protocol (``<ref>.lock``, created exclusively, then renamed; see gitrepository-layout(5) and
lockfile.h), so that a concurrent ``git gc`` and its ``pack-refs`` are safe, and adds what git leaves
out by default: the file and its folder are synced.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from ckstore.errors import Conflict, CorruptData, Unavailable
from ckstore.objects.disk import store_not_readable, sync_folder

LOG_REF = "refs/ckstore/log"
GIT_FOLDER = "objects.git"
_FOREIGN_LOCK_SECONDS = 40.0
_STALE_SECONDS = 30.0  # a living git whose lock was taken would delete ours, or the log that we moved
_OBJECT_ID = re.compile(r"[0-9a-f]{40}")
_CONTROL = frozenset(map(chr, (*range(33), 127)))  # no name of a ref has one, see git-check-ref-format(1)


class LogMoved(Conflict):
    """Somebody published between two looks at the log."""

    def __init__(self, message: str = "The log moved meanwhile.") -> None:
        super().__init__(message, code="log-moved", hints=["run the command again"])


def read_head(store: Path) -> str:
    """The commit id (40 hex digits) that the log of the store at ``store`` is at; empty if there is none.

    Raises :class:`CorruptData` (``bad-log-ref``) for a ref that holds no id, and for one that is not there
    although the store has published: a lost log must not be taken for one that never was.
    """
    git = store / GIT_FOLDER
    try:
        text = _log_ref(git)
        if not text and _has_published(git):
            text = _log_ref(git) or "?"  # somebody else may have published between the two looks
            if text == "?":
                raise bad_log_ref(store, f"The log ref of {store} is missing, and the store has published.")
    except OSError as error:
        raise store_not_readable(store, error) from error
    if text and not is_object_id(text):
        raise bad_log_ref(store, f"The log ref of {store} holds no commit id.")
    return text


def bad_log_ref(store: Path, message: str) -> CorruptData:
    """The error for a store whose log cannot be found."""
    git = store / GIT_FOLDER
    return CorruptData(
        message,
        code="bad-log-ref",
        hints=[
            "`ckstore fsck --repair` names the newest whole operation, and how to go back to it",
            f"`git -C {git} fsck` names the dangling commit that {git / LOG_REF} was at",
        ],
    )


def _log_ref(git: Path) -> str:
    """What the ref of the log holds; ``?`` for what is no text, empty where there is none."""
    try:
        return _loose(git) or _packed(git)
    except UnicodeDecodeError:
        return "?"


def _has_published(git: Path) -> bool:
    """True when git's own HEAD is not as in a new store: the first publication sets it (:func:`_name_head`).

    A HEAD that is missing or damaged tells nothing, and then the log must not be begun anew either.
    """
    try:
        return not (git / "HEAD").read_text("ascii").startswith("ref: refs/")
    except FileNotFoundError:
        return git.is_dir()
    except UnicodeDecodeError:
        return True
    except NotADirectoryError:
        return False


def is_object_id(text: str) -> bool:
    """True for 40 lower-case hexadecimal digits."""
    return _OBJECT_ID.fullmatch(text) is not None


def _loose(git: Path) -> str:
    try:  # what is there but empty was damaged, and must not be taken for a log that never was
        return (git / LOG_REF).read_text("ascii").strip() or "?"
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except IsADirectoryError:  # to git, an empty folder is nothing
        return "?" if any((git / LOG_REF).iterdir()) else ""


def _packed(git: Path) -> str:
    try:
        lines = packed_lines(git)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except IsADirectoryError:
        return "?"
    found = next((line[:40] for line in lines if line[41:] == LOG_REF and line[40:41] == " "), "")
    return found or ("?" if any(is_bad_packed_line(line) for line in lines) else "")


def packed_lines(git: Path) -> list[str]:
    """The lines of ``packed-refs``; OSError where there is none."""
    return (git / "packed-refs").read_text("utf-8", "surrogateescape").removesuffix("\n").split("\n")


def is_bad_packed_line(line: str) -> bool:
    """True for a line of ``packed-refs`` that git did not write: it may have been that of any ref."""
    if not line or line.startswith("#"):
        return False
    if line.startswith("^"):
        return not is_object_id(line[1:])
    return not (is_object_id(line[:40]) and line[40:46] == " refs/" and not _CONTROL & set(line[46:]))


def move_head(store: Path, old: str, new: str) -> None:
    """Move the log from ``old`` to ``new`` (commit ids; ``old`` empty: it must not exist yet).

    The caller holds the store's log lock, so another ckstore cannot be here; a lock file that is
    nevertheless there belongs to git for a moment, or to a process that was killed. Raises
    :class:`Conflict` when the log is not at ``old``, :class:`Unavailable` when the lock stays.
    """
    _write(store, new, old)
    _name_head(store / GIT_FOLDER, old or new)


def put_head(store: Path, new: str) -> None:
    """Let the log be at ``new`` whatever it was at: for one that is damaged. Locks as for moving it."""
    _write(store, new, None)


def _write(store: Path, new: str, old: str | None) -> None:
    def check() -> None:
        if old is not None and read_head(store) != old:
            raise LogMoved

    ref = store / GIT_FOLDER / LOG_REF
    write_locked(ref, f"{new}\n".encode("ascii"), check)
    sync_folder(ref.parent.parent)  # it may be new


def write_locked(path: Path, data: bytes, check: Callable[[], None] = lambda: None) -> None:
    """Replace a file as git does, by way of its lock file, if ``check`` does not raise with the lock held."""
    lock = path.with_name(path.name + ".lock")
    descriptor = _take(lock)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            check()
        with contextlib.suppress(OSError):
            path.rmdir()  # an empty folder, which git takes for nothing as well
        lock.replace(path)
    except BaseException:
        lock.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _name_head(git: Path, commit: str) -> None:
    """Let git's own HEAD be at the first operation, for good: so it is known that there was one, whatever
    happens to the ref of the log, and stock tools complain of a HEAD that is nowhere.

    One that names a branch which is there is somebody's, and stays.
    """
    new = git / "HEAD.new"
    with contextlib.suppress(OSError, UnicodeDecodeError):  # published it is, whatever git says of HEAD
        branch = (git / "HEAD").read_text("ascii").strip().removeprefix("ref: ")
        if not branch.startswith("refs/") or (git / branch).exists():
            return
        with new.open("wb") as file:
            file.write(f"{commit}\n".encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        new.replace(git / "HEAD")
        sync_folder(git)


def settle_head(store: Path) -> None:
    """Sync the log where it is: whoever moved it may have been killed before that, and it is built upon."""
    folder = (store / GIT_FOLDER / LOG_REF).parent
    with contextlib.suppress(OSError):  # nothing is published, or it is in packed-refs, which git keeps safe
        sync_folder(folder)


def _take(lock: Path) -> int:
    """Create the lock file; gives its descriptor."""
    wait = _Wait(lock)
    while True:
        try:
            # within the loop: pack-refs removes folders that it emptied
            lock.parent.mkdir(parents=True, exist_ok=True)
            return os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileNotFoundError:
            continue
        except FileExistsError:
            wait.step()


def wait_for_lock(lock: Path) -> None:
    """Wait until a lock file of git's is gone; one that was left behind is removed."""
    wait = _Wait(lock)
    while lock.exists():
        wait.step()


class _Wait:
    """Patience with one lock file."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._deadline = time.monotonic() + _FOREIGN_LOCK_SECONDS
        self._met: dict[tuple[int, int], float] = {}  # this very file → when it was first met

    def step(self) -> None:
        """Remove it or sleep a moment; :class:`Unavailable` when the time is up."""
        with contextlib.suppress(FileNotFoundError):
            if self._is_stale():
                self._lock.unlink()
                return
        if time.monotonic() > self._deadline:
            raise Unavailable(
                f"Another program holds {self._lock}.",
                code="log-locked",
                hints=[f"if no git is running in that folder, delete {self._lock}"],
            )
        time.sleep(0.01)

    def _is_stale(self) -> bool:
        """True for what a killed process left.

        One that holds a commit id was ours: we write it at once, under our own lock, and git, whose
        housekeeping only deletes refs that it packed, leaves its own empty. An empty one is git's for
        milliseconds; when the very same file is still there after half a minute, its owner is gone. The clock
        of the file system is not asked.
        """
        status = self._lock.stat()
        since = self._met.setdefault((status.st_ino, status.st_mtime_ns), time.monotonic())
        ours = status.st_size == 41 and is_object_id(self._lock.read_text("latin-1").strip())
        return ours or time.monotonic() - since > _STALE_SECONDS
