"""``gc``: give back the space of what nothing published, locked or recorded needs any more."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import CkstoreError, InvalidInput, Unsupported
from ckstore.index.schema import FORMAT
from ckstore.model.locks import Lock
from ckstore.model.manifest import LOCK_FILE
from ckstore.objects.disk import not_writable
from ckstore.objects.gc import (
    Garbage,
    Removed,
    Unreached,
    find_unreached,
    foresee_removal,
    remove_unreached,
)
from ckstore.objects.litter import sweep
from ckstore.objects.sharing import alone
from ckstore.objects.store import ObjectStore
from ckstore.objects.unused import find_unused, remove_unused, size_of
from ckstore.operations.project import read_text

GRACE_DAYS = 14.0
_DAY = 24 * 3600
_WAIT_SECONDS = 60.0
_INDEX = re.compile(r"index-(\d+)\.sqlite(-wal|-shm)?|index\.sqlite\.new.*")
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class GcReport:
    """``removed`` is gone, or in a dry run would go; sizes in bytes.

    ``waiting`` objects (``waiting_size``) are unreached as well, and go once they were so for the time of
    grace: the first of them at ``until``, in seconds since 1970. ``notes`` are sentences for a person.
    """

    removed: tuple[Garbage, ...]
    waiting: int
    waiting_size: int
    until: int
    notes: tuple[str, ...]
    dry_run: bool

    @property
    def size(self) -> int:
        """Bytes that are free now, or would be."""
        return sum(garbage.size for garbage in self.removed)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "dry_run": self.dry_run, "bytes": self.size, "notes": list(self.notes),
            "waiting": {"objects": self.waiting, "bytes": self.waiting_size, "until": self.until},
            "removed": [
                {"what": g.what, "name": g.name, "bytes": g.size, "count": g.count} for g in self.removed
            ],
        }  # fmt: skip


def gc(
    store: ObjectStore, *, dry_run: bool = False, grace: float = GRACE_DAYS,
    progress: Progress = lambda line: None,
) -> GcReport:  # fmt: skip
    """Remove what is unreached, unused or abandoned, and has been so for ``grace`` days.

    The log is never shortened: what was published once, also what was taken back, stays. Commands that are
    at work are waited for, for a minute; then Unavailable ``store-busy``. Raises Unavailable
    ``gc-refused`` when the store is damaged (no object is removed then), or ``store-not-writable`` when the
    disk lets nothing be removed; InvalidInput for a negative time of grace.
    """
    if not grace >= 0:
        raise InvalidInput("The time of grace cannot be negative.", code="bad-grace")
    seconds, seen = grace * _DAY, set[bytes]()
    unreached = find_unreached(store, seen, seconds, progress)
    if dry_run:
        unused = _unused(store, seconds)
        would = foresee_removal(store, unreached, sum(garbage.size for garbage in unused))
        return _report(unreached, would, unused, dry_run=True)
    sweep(store.path)
    with alone(store.path, _WAIT_SECONDS, progress) as sure:
        if not sure and grace < 1:
            raise Unsupported(
                "The file system of this store has no locks: other commands may be at work in it.",
                code="no-locks",
                hints=["leave a day of grace: --grace 1"],
            )
        progress("removing what is unused")  # first: on a full disk it makes room for the rest
        gone = [garbage for garbage in _unused(store, seconds) if remove_unused(store, garbage)]
        with store.lock("log"):  # what was published meanwhile is reached now
            unreached = find_unreached(store, seen, seconds, progress)
            removed = remove_unreached(store, unreached, progress)
    if removed.failures and not removed.done and not gone:
        raise not_writable(store.path, removed.failures[0])
    return _report(unreached, removed, gone, dry_run=False)


def _report(unreached: Unreached, removed: Removed, unused: list[Garbage], *, dry_run: bool) -> GcReport:
    return GcReport(
        (*removed.done, *unused), unreached.waiting, unreached.waiting_size, unreached.until,
        tuple(_notes(unreached, removed)), dry_run,
    )  # fmt: skip


def _notes(unreached: Unreached, removed: Removed) -> Iterator[str]:
    if unreached.stuck:
        yield f"{unreached.stuck} bytes are unreached, but in packs of deltas whose other objects are needed"
    if unreached.small:
        yield f"{unreached.small} bytes are unreached, but too few to write their packs anew"
    for rewrite in removed.cramped:
        yield (
            f"{rewrite.garbage.size} bytes are unreached, but writing {rewrite.pack.name} anew without them "
            f"takes {rewrite.needs} bytes, which the disk does not have"
        )
    for pack in removed.damaged:
        yield f"{pack.name} is damaged and was left as it is: `ckstore fsck --repair`"
    for error in removed.failures:
        yield f"not everything could be removed: {getattr(error, 'message', str(error)).rstrip('.')}"


def _unused(store: ObjectStore, seconds: float) -> list[Garbage]:
    snapshots, trees = _needed(store)
    return [*find_unused(store, seconds, snapshots, trees), *_old_indexes(store.path, time.time() - seconds)]


def _needed(store: ObjectStore) -> tuple[set[str], set[str]]:
    """(snapshots, trees) of the locks that the store keeps; all there are, when one cannot be read."""
    snapshots, trees = set(), set()
    for path in (store.path / "kept").glob(f"*/{LOCK_FILE}"):
        try:
            lock = Lock.parse(read_text(path), str(path))
        except CkstoreError:
            return _names(store.path / "snapshots"), _names(store.path / "trees")
        snapshots.add(lock.digest)
        trees |= {pin.tree for pin in lock.pins}
    return snapshots, trees


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _old_indexes(store: Path, before: float) -> Iterator[Garbage]:
    """Indexes in formats of other versions of ckstore, and halves of some that were never finished."""
    for path in sorted(store.glob("index*")):
        found = _INDEX.fullmatch(path.name)
        if found and found[1] != str(FORMAT) and path.stat().st_mtime <= before:
            yield Garbage("index", path.name, *size_of(path), (path,))
