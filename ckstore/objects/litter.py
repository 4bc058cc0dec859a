"""Temporary files and folders, and telling those of killed processes from those of living ones.

Whoever makes one holds an advisory lock on the thing itself for as long as it works there; the system
lets go of it when the process dies, however it dies. The name says on which host it was made. Whoever
sweeps takes the lock first: on the same host, getting it means that nobody is there. Elsewhere, and where
the file system has no locks, only what nobody touched for a day is removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path

from ckstore.objects.disk import remove_tree, sync_folder
from ckstore.objects.exclusive import is_at
from ckstore.objects.head import GIT_FOLDER

try:
    import fcntl
except ImportError:  # Windows: what is left there waits for a day
    fcntl = None  # type: ignore[assignment]  # a module or nothing

_ABANDONED_SECONDS = 24 * 3600
# not "tmp_": `git prune` deletes what begins so, also what somebody is writing
UNFINISHED_PACK, UNFINISHED_INDEX = "ckstore_pack_", "ckstore_idx_"
_INDEXES = (UNFINISHED_INDEX, "tmp_idx_")  # and as former versions called them; git calls its own so as well
_PACKS = (UNFINISHED_PACK, "tmp_")
_INDEX_TRAILER = 40  # the checksum of the pack, which is in the pack's name, and that of the index
_NAME = re.compile(r".*[-_]([0-9a-f]{6})_[a-z0-9_]{8}")  # host, then what tempfile adds
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def temporary_folder(parent: Path, prefix: str) -> contextlib.AbstractContextManager[Path]:
    """A new folder in ``parent``, which exists; removed at the end unless it was renamed by then.

    If this process is killed, :func:`sweep` or :func:`sweep_folder` of another one removes it.
    """
    return _held(lambda: Path(tempfile.mkdtemp(prefix=_prefix(prefix), dir=parent)))


def temporary_file(parent: Path, prefix: str) -> contextlib.AbstractContextManager[Path]:
    """A new empty file, like :func:`temporary_folder`."""

    def make() -> Path:
        descriptor, name = tempfile.mkstemp(prefix=_prefix(prefix), dir=parent)
        os.close(descriptor)
        return Path(name)

    return _held(make)


def remove_packs(folder: Path, packs: Collection[Path]) -> None:
    """Delete packs of ``folder`` and their indexes. Killed in between, what is left :func:`sweep` finds.

    The indexes go first, and that is synced: after a power cut as well, none must name a pack that is gone.
    """
    with contextlib.ExitStack() as asides:
        for pack in packs:
            aside = asides.enter_context(temporary_file(folder, UNFINISHED_INDEX))
            pack.with_suffix(".idx").replace(aside)  # without it, a pack is not seen
        if packs:
            sync_folder(folder)
        for pack in packs:
            for path in folder.glob(f"{pack.stem}.*"):  # and what git made of it
                path.unlink(missing_ok=True)


def give_back(incoming: Path, store: Path) -> None:
    """Undo the adoption of a pack that was killed half-way: its index did not follow it into the store.

    ``incoming`` is the folder of a quarantine; the caller holds its lock.
    """
    theirs, ours = (place / GIT_FOLDER / "objects" / "pack" for place in (incoming, store))
    for index in theirs.glob("pack-*.idx"):
        pack = ours / index.with_suffix(".pack").name
        if not index.with_suffix(".pack").exists() and not (ours / index.name).exists():
            with contextlib.suppress(FileNotFoundError):
                pack.replace(theirs / pack.name)


def quarantine_lock(source: str) -> str:
    """The name of the lock that whoever works in ``incoming/<source>`` holds."""
    return f"mirror-{source}"


def sweep(store: Path) -> list[Path]:
    """Remove what killed processes left anywhere in a store; gives what was removed. Never raises."""
    packs = store / GIT_FOLDER / "objects" / "pack"
    swept = _sweep_indexes(store, _listed(packs, _INDEXES))
    swept += [
        path for path in _listed(packs, _PACKS) if not path.name.startswith(_INDEXES) and _sweep(path, True)
    ]
    for folder in (store, *(store / name for name in ("trees", "snapshots", "cache", "gc"))):
        swept += sweep_folder(folder, "tmp-")
    swept += sweep_folder(store / "work", "run-", strangers=False)
    return swept + _sweep_quarantines(store)


def sweep_folder(parent: Path, prefix: str, *, strangers: bool = True) -> list[Path]:
    """Remove what killed processes left in ``parent`` under names that begin with ``prefix``.

    ``strangers``: also, after a day, what was not made by :func:`temporary_folder` or
    :func:`temporary_file`. Gives what was removed; what cannot be looked at or removed stays.
    """
    return [path for path in _listed(parent, prefix) if _sweep(path, strangers)]


def _prefix(prefix: str) -> str:
    return f"{prefix}{_host()}_"


@cache
def _host() -> str:
    name = os.uname().nodename if hasattr(os, "uname") else ""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:6]


@contextlib.contextmanager
def _held(make: Callable[[], Path]) -> Iterator[Path]:
    path, lock = _make(make)
    try:
        yield path
    finally:
        _remove(path)
        if lock is not None:
            os.close(lock)


def _make(make: Callable[[], Path]) -> tuple[Path, int | None]:
    """Something new, and the descriptor that its lock is held by; None where there are no locks.

    It may be swept before it is locked: then there is another try.
    """
    while True:
        path = make()
        if fcntl is None:
            return path, None
        try:
            lock = os.open(path, _OPEN)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # waits for whoever is sweeping it at this moment
        except OSError:
            os.close(lock)
            return path, None
        if is_at(lock, path):
            return path, lock
        os.close(lock)


def _listed(parent: Path, prefix: str | tuple[str, ...]) -> list[Path]:
    try:
        with os.scandir(parent) as found:
            return sorted(Path(entry.path) for entry in found if entry.name.startswith(prefix))
    except OSError:
        return []


def _sweep(path: Path, strangers: bool) -> bool:
    made = _NAME.fullmatch(path.name)
    if made is None and not strangers:
        return False
    with contextlib.suppress(OSError), _alone(path) as sure:
        here = made is not None and made[1] == _host()
        if (sure and here) or time.time() - _touched(path) > _ABANDONED_SECONDS:
            _remove(path)
            return not os.path.lexists(path)
    return False


def _sweep_indexes(store: Path, indexes: list[Path]) -> list[Path]:
    """Remove unfinished indexes, each with its pack, which nobody sees; only while nobody publishes packs."""
    swept: list[Path] = []
    if indexes:
        lock = store / "locks" / "log.lock"
        with contextlib.suppress(OSError):
            lock.parent.mkdir(exist_ok=True)
            lock.touch()
            with _alone(lock) as sure:
                for index in indexes:
                    pack = _pack_of(index) if sure else None
                    if _sweep(index, strangers=True):
                        swept.append(index)
                        if pack is not None and not pack.with_suffix(".idx").exists():
                            pack.unlink(missing_ok=True)
    return swept


def _pack_of(index: Path) -> Path | None:
    """The pack that an index is for; None when the index is not complete."""
    with contextlib.suppress(OSError), index.open("rb") as file:
        file.seek(0, os.SEEK_END)
        if file.tell() > _INDEX_TRAILER:
            file.seek(-_INDEX_TRAILER, os.SEEK_END)
            return index.with_name(f"pack-{file.read(20).hex()}.pack")
    return None


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """With the lock of ``path``: True; False where there are no locks. OSError when another has it."""
    try:
        lock = os.open(path, _OPEN) if fcntl is not None else None
    except PermissionError:  # another user's: its age decides, and whether it can be removed
        lock = None
    if lock is None:
        yield False
        return
    try:
        sure = _lock(lock)
        if not is_at(lock, path):
            raise FileNotFoundError(path)
        yield sure
    finally:
        os.close(lock)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _touched(path: Path) -> float:
    """When anything in it was last written, in seconds since 1970."""
    times = [path.lstat().st_mtime]
    for folder, names, files in os.walk(path):
        times += [os.lstat(os.path.join(folder, name)).st_mtime for name in (*names, *files)]  # noqa: PTH118 - asked for every file
    return max(times)


def _remove(path: Path) -> None:
    """Remove a file or a folder; nothing when it is gone, or renamed."""
    with contextlib.suppress(OSError):
        remove_tree(path) if stat.S_ISDIR(path.lstat().st_mode) else path.unlink()


def _sweep_quarantines(store: Path) -> list[Path]:
    """What killed fetches left: none is under way while we hold the lock of the quarantine.

    Nor has any left a git program behind, which would have a lease on the repository (sharing.py).
    """
    swept: list[Path] = []
    for incoming in _listed(store / "incoming", ""):
        litter = _listed(incoming / GIT_FOLDER / "objects" / "pack", _PACKS)
        lock = store / "locks" / f"{quarantine_lock(incoming.name)}.lock"
        if litter or _listed(incoming / GIT_FOLDER / "objects" / "pack", "pack-"):
            with contextlib.suppress(OSError), _alone(lock) as sure, _alone(incoming / GIT_FOLDER):
                if sure:
                    give_back(incoming, store)
                for path in litter:
                    if sure or time.time() - _touched(path) > _ABANDONED_SECONDS:
                        _remove(path)
                swept += [path for path in litter if not os.path.lexists(path)]
    return swept
