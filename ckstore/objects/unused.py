"""What a store can do without: laid-out trees and snapshots that nobody uses, and what was left lying about.

All of it is derived or abandoned. "Unused" is told by the time of change of a folder, which whoever uses
a snapshot renews (see sharing.py), and by leases of those who use it at this moment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from ckstore.errors import CkstoreError
from ckstore.objects.disk import remove_tree
from ckstore.objects.gc import Garbage
from ckstore.objects.head import GIT_FOLDER, is_object_id
from ckstore.objects.litter import quarantine_lock, temporary_folder
from ckstore.objects.sharing import is_leased
from ckstore.objects.store import ObjectStore

_LEVELS = 3  # a snapshot is source/kind/name


def find_unused(
    store: ObjectStore, grace: float, snapshots: Collection[str], trees: Collection[str]
) -> list[Garbage]:
    """What was not used for ``grace`` seconds, but for these ``snapshots`` and ``trees`` by name."""
    before = time.time() - grace
    gone = list(_snapshots(store, before, snapshots))
    dead = {garbage.name for garbage in gone}
    linked = _linked(store.path / "snapshots", dead)
    return [
        *gone,
        *_trees(store, before, linked | set(trees)),
        *_damaged(store, before),
        *_quarantines(store, before),
        *_workspaces(store, before),
    ]


def remove_unused(store: ObjectStore, garbage: Garbage) -> bool:
    """Remove one of them; the caller is alone with the store. False when somebody is using it after all.

    A folder gets another name first: killed at any instant, what has a name that means something is whole.
    """
    if garbage.what == "quarantine":
        try:
            with store.lock(quarantine_lock(garbage.name), seconds=0):
                return not is_leased(garbage.paths[0] / GIT_FOLDER) and _remove(garbage)
        except TimeoutError:
            return False
    if garbage.what == "snapshot" and is_leased(garbage.paths[0]):
        return False
    return _remove(garbage)


def _remove(garbage: Garbage) -> bool:
    for path in garbage.paths:
        try:
            if not stat.S_ISDIR(path.lstat().st_mode):
                path.unlink()
                continue
            if os.name != "nt":
                path.chmod(stat.S_IRWXU)  # moving a folder writes into it
            _remove_folder(path)
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _remove_folder(path: Path) -> None:
    with contextlib.ExitStack() as held:
        try:
            aside = held.enter_context(temporary_folder(path.parent, "tmp-")) / "gone"
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            aside = path.with_name(f"tmp-{path.name}")  # a full disk has no room for a folder either
            held.callback(remove_tree, aside)
        path.rename(aside)


def size_of(path: Path) -> tuple[int, int]:
    """(bytes, files) of a file, or of a folder with all that is in it."""
    try:
        if not stat.S_ISDIR(path.lstat().st_mode):
            return path.lstat().st_size, 1
    except OSError:
        return 0, 0
    size = count = 0
    for folder, _, files in os.walk(path):
        for name in files:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - asked for every file
                count += 1
    return size, count


def _garbage(what: str, path: Path) -> Garbage:
    size, count = size_of(path)
    return Garbage(what, path.name, size, count, (path,))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("tmp-"))
    except OSError:
        return []


def _is_older(path: Path, before: float) -> bool:
    try:
        return path.lstat().st_mtime <= before
    except OSError:
        return False


def _snapshots(store: ObjectStore, before: float, kept: Collection[str]) -> Iterator[Garbage]:
    for path in _listed(store.path / "snapshots"):
        if path.name not in kept and _is_older(path, before) and not is_leased(path):
            yield _garbage("snapshot", path)


def _linked(folder: Path, dead: Collection[str]) -> set[str]:
    """The trees that the snapshots in ``folder`` lead to, but for the dead ones."""
    found = set()
    for snapshot in _listed(folder):
        if snapshot.name not in dead:
            for path in snapshot.glob("/".join("*" * _LEVELS)):
                if path.is_symlink():
                    found.add(path.readlink().name)
    return found


def _trees(store: ObjectStore, before: float, kept: Collection[str]) -> Iterator[Garbage]:
    for path in _listed(store.path / "trees"):
        if path.name not in kept and is_object_id(path.name) and _is_older(path, before):
            yield _garbage("tree", path)


def _damaged(store: ObjectStore, before: float) -> Iterator[Garbage]:
    """Damaged objects that were set aside, once the store has them whole again."""
    for path in _listed(store.path / "damaged"):
        oid = path.name.partition(".")[0]
        with contextlib.suppress(CkstoreError):
            if _is_older(path, before) and is_object_id(oid) and store.read(oid):
                yield _garbage("damaged", path)


def _quarantines(store: ObjectStore, before: float) -> Iterator[Garbage]:
    """Mirrors that were given up: nobody works there, and nothing was written there for long."""
    for path in _listed(store.path / "incoming"):
        lock = store.lock(quarantine_lock(path.name), seconds=0)
        with contextlib.suppress(TimeoutError), lock:
            is_old = all(_is_older(Path(at), before) for at, _, _ in os.walk(path))
            if is_old and not is_leased(path / GIT_FOLDER):
                yield _garbage("quarantine", path)


def _workspaces(store: ObjectStore, before: float) -> Iterator[Garbage]:
    """Kept workspaces of runs; what a run published is in its record."""
    for path in _listed(store.path / "work"):
        if path.name.startswith("kept-") and all(_is_older(Path(at), before) for at, _, _ in os.walk(path)):
            yield _garbage("workspace", path)
