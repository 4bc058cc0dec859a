"""Garbage collection: what nothing reaches goes, after a time of grace; nothing else does.

Objects, in two phases. What is unreached is noted with the time when that was seen first; a later
collection removes what was unreached all the time since, for at least the grace. It decides alone with
the store (see sharing.py) and with the log locked, so nobody can come to rely on an object between the
decision and the removal. One unreadable tree, and no object is removed at all: what lies behind it cannot
be known.

A pack without deltas is written anew with what stays; one with deltas (they came from a mirror) goes as a
whole or not at all. The new pack is there, synced, before the old one goes: killed at any instant, a
collection leaves a whole store. Writing a pack anew needs room first and frees some later, so it comes last;
it is done where at least a tenth of the pack goes, and 64 KiB, and the disk has room for the new one. What
cannot be removed does not keep the rest from going.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ckstore.errors import CkstoreError, CorruptData, Unavailable, Unsupported
from ckstore.objects.disk import sync_folder
from ckstore.objects.head import is_object_id
from ckstore.objects.litter import remove_packs, temporary_file
from ckstore.objects.packedrefs import packed_refs_are_bad
from ckstore.objects.packindex import pack_rows
from ckstore.objects.packs import PackWriter
from ckstore.objects.reach import former_heads, reach, roots
from ckstore.objects.store import ObjectStore
from ckstore.objects.stored import all_ids

_MARKS = "unreached"
_DELTA_TYPES = (6, 7)
_TRAILER = 20
_UNFINISHED_SECONDS = 24 * 3600
_CHUNK = 1024 * 1024
_WORTH_BYTES, _WORTH_PART = 64 * 1024, 0.1  # of a pack, which is otherwise not written anew
_MARGIN = 64 * 1024  # that a disk should have beyond what a new pack takes
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something that can go: ``paths`` are removed; of packs written anew, ``size`` is what that saves.

    ``what`` is one of objects, tree, snapshot, damaged, quarantine, workspace, index; ``count`` says of how
    many objects or files, ``size`` in bytes.
    """

    what: str
    name: str
    size: int
    count: int = 1
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A pack to write anew without the ids in ``dead``; ``needs`` is what that takes, in bytes."""

    pack: Path
    dead: frozenset[bytes]
    garbage: Garbage
    needs: int


@dataclass(slots=True)
class Unreached:
    """What the packs and loose files hold that nothing reaches.

    ``due`` has been so for the time of grace and is removed as it is; ``rewrites`` are packs of which a part
    is due. ``first_seen`` maps ids (20 bytes) to when they were first seen unreached; of those that wait,
    ``waiting`` is the number and ``waiting_size`` the bytes.
    """

    due: list[Garbage] = field(default_factory=list)
    rewrites: list[Rewrite] = field(default_factory=list)
    first_seen: dict[bytes, int] = field(default_factory=dict)
    waiting: int = 0
    waiting_size: int = 0
    stuck: int = 0  # bytes of what is due, within packs of deltas that hold what is reached
    small: int = 0  # bytes of what is due, in packs that are not worth writing anew for it
    until: int = 0  # when the first of those that wait is due


def find_unreached(store: ObjectStore, seen: set[bytes], grace: float, progress: Progress) -> Unreached:
    """Compare what is stored with what is reached (``seen``, continued here to the present head).

    Raises :class:`Unavailable` (``store-damaged``) when something that must be walked is not whole.
    """
    try:
        _refuse_lost_refs(store)
        reach(store, roots(store), seen, progress)
        reach(store, former_heads(store), seen, progress, lenient=True)
    except Unsupported:  # a newer ckstore may reach what this one does not know
        raise
    except CkstoreError as error:
        raise Unavailable(
            f"Nothing was removed, because the store is damaged: {error.message}",
            code="gc-refused",
            hints=["`ckstore fsck --repair` mends what it can, then collect again"],
        ) from error
    now, found = int(time.time()), Unreached()
    marks = _read_marks(store.path)
    folder = store.git / "objects" / "pack"
    for index in sorted(folder.glob("pack-*.idx")):
        _pack(index, seen, marks, now, grace, found)
    for path, oid in _loose(store.git / "objects"):
        if oid not in seen:
            size = path.stat().st_size
            if _is_due(oid, size, marks, now, grace, found):
                found.due.append(Garbage("objects", f"loose {oid.hex()}", size, 1, (path,)))
    found.due += _unfinished(folder, now)
    return found


def _refuse_lost_refs(store: ObjectStore) -> None:
    """Raise :class:`CorruptData` for a store without a log that holds operations: one may have been lost.

    And for one whose log is at something else, or whose packed refs are damaged.
    """
    head = store.view().head
    if packed_refs_are_bad(store):
        raise CorruptData("packed-refs has damaged lines.", code="bad-packed-refs")
    if not head and any(_is_operation(store, oid) for oid in all_ids(store.git / "objects")):
        raise CorruptData(
            f"There is no log in {store.path}, but operations are: the log may have been lost.",
            code="bad-log-ref",
        )


def _is_operation(store: ObjectStore, oid: str) -> bool:
    with contextlib.suppress(CkstoreError):
        if store.kind_of(oid) == "commit":
            return store.view(oid).find(("operation",)) is not None
    return False


def _is_due(
    oid: bytes, size: int, marks: Mapping[bytes, int], now: int, grace: float, found: Unreached
) -> bool:
    since = found.first_seen[oid] = min(marks.get(oid, now), now)
    if now - since >= grace:
        return True
    found.waiting += 1
    found.waiting_size += size
    found.until = min(found.until or now + int(grace), since + int(grace))
    return False


def _pack(
    index: Path, seen: set[bytes], marks: Mapping[bytes, int], now: int, grace: float, found: Unreached
) -> None:
    pack = index.with_suffix(".pack")
    if index.with_suffix(".keep").exists() or not pack.exists():
        return
    try:
        rows = pack_rows(index.read_bytes())
        end = pack.stat().st_size - _TRAILER
    except (FileNotFoundError, struct.error):
        return
    if not rows:  # not an index of version 2, or a damaged one: fsck's matter
        return
    ends = [*(offset for offset, _, _ in rows[1:]), end]
    sizes = {bytes.fromhex(oid): at - offset for (offset, oid, _), at in zip(rows, ends, strict=True)}
    unreached = [oid for oid in sizes if oid not in seen]
    due = {oid for oid in unreached if _is_due(oid, sizes[oid], marks, now, grace, found)}
    saved = sum(sizes[oid] for oid in due)
    if due and len(due) == len(sizes):
        files = tuple(sorted(pack.parent.glob(f"{pack.stem}.*"), key=lambda path: path.suffix != ".idx"))
        size = sum(path.stat().st_size for path in files)
        found.due.append(Garbage("objects", pack.stem, size, len(due), files))
    elif due and _has_deltas(pack, [offset for offset, _, _ in rows]):
        found.stuck += saved
    elif due and saved < max(_WORTH_BYTES, _WORTH_PART * end):
        found.small += saved
    elif due:
        garbage = Garbage("objects", f"part of {pack.stem}", saved, len(due))
        needs = end - saved + index.stat().st_size + _MARGIN
        found.rewrites.append(Rewrite(pack, frozenset(due), garbage, needs))


def _has_deltas(pack: Path, offsets: Iterable[int]) -> bool:
    with pack.open("rb", buffering=0) as file:  # read, not mapped: what is mapped counts as memory of ours
        return any(_first_byte(file, offset) >> 4 & 7 in _DELTA_TYPES for offset in offsets)


def _first_byte(file: IO[bytes], offset: int) -> int:
    file.seek(offset)
    return int.from_bytes(file.read(1))


def _loose(objects: Path) -> Iterator[tuple[Path, bytes]]:
    for folder in sorted(objects.glob("[0-9a-f][0-9a-f]")):
        for path in sorted(folder.iterdir()):
            oid = folder.name + path.name
            if is_object_id(oid):
                yield path, bytes.fromhex(oid)


def _unfinished(folder: Path, now: int) -> Iterator[Garbage]:
    """Files of packs that lack their pack or their index: left by a kill between two renames."""
    names = {path.name for path in folder.glob("pack-*")}
    for name in sorted(names):
        path, stem = folder / name, name.partition(".")[0]
        whole = f"{stem}.pack" in names and f"{stem}.idx" in names
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            if not whole and now - status.st_mtime > _UNFINISHED_SECONDS:
                yield Garbage("objects", name, status.st_size, 0, (path,))


@dataclass(slots=True)
class Removed:
    """``done`` is gone, or would go; ``cramped`` needs more room; ``failures`` are what the disk refused.

    ``damaged`` are packs that would be written anew, if all of their entries had their checksums.
    """

    done: list[Garbage] = field(default_factory=list)
    cramped: list[Rewrite] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)


def foresee_removal(store: ObjectStore, found: Unreached, freed: int) -> Removed:
    """What :func:`remove_unreached` would do once ``freed`` bytes are given back by others."""
    room = shutil.disk_usage(store.git).free + freed + sum(garbage.size for garbage in found.due)
    would = Removed(list(found.due))
    for rewrite in found.rewrites:
        if rewrite.needs > room:
            would.cramped.append(rewrite)
            continue
        would.done.append(rewrite.garbage)
        room += rewrite.garbage.size
    return would


def remove_unreached(store: ObjectStore, found: Unreached, progress: Progress) -> Removed:
    """Remove what is due. The caller is alone with the store and holds the lock of the log.

    What the disk refuses to remove stays whole, and the rest goes nevertheless.
    """
    folder, removed = store.git / "objects" / "pack", Removed()
    with _noted(removed):
        if found.due or found.rewrites:
            _forget_derived(store.git / "objects")
        for garbage in found.due:
            with _noted(removed):
                _remove(folder, garbage)
                removed.done.append(garbage)
        with _noted(removed):  # not first: on a full disk there was no room for them
            _write_marks(store.path, found.first_seen)
        for rewrite in found.rewrites:
            if rewrite.needs > shutil.disk_usage(folder).free:
                removed.cramped.append(rewrite)
                continue
            progress(f"writing {rewrite.pack.name} anew")
            with _noted(removed):
                if _rewrite(folder, rewrite.pack, rewrite.dead):
                    removed.done.append(rewrite.garbage)
                else:
                    removed.damaged.append(rewrite.pack)
        sync_folder(folder)
    store.reopen()
    return removed


@contextlib.contextmanager
def _noted(removed: Removed) -> Iterator[None]:
    try:
        yield
    except (OSError, Unavailable) as error:
        removed.failures.append(error)


def _remove(folder: Path, garbage: Garbage) -> None:
    if garbage.name.startswith("pack-") and garbage.count:
        remove_packs(folder, [folder / f"{garbage.name}.pack"])
    else:
        for path in garbage.paths:
            path.unlink(missing_ok=True)


def _forget_derived(objects: Path) -> None:
    """Tables that stock git made of packs and commits; they would name what goes."""
    for path in (*(objects / "pack").glob("multi-pack-index*"), *(objects / "info").glob("commit-graph*")):
        for file in path.rglob("*") if path.is_dir() else [path]:
            file.unlink(missing_ok=True)


def _rewrite(folder: Path, pack: Path, dead: frozenset[bytes]) -> bool:
    """One pack anew without ``dead``; False, and left alone, when an entry does not have its checksum."""
    rows = pack_rows(pack.with_suffix(".idx").read_bytes())
    ends = [*(offset for offset, _, _ in rows[1:]), pack.stat().st_size - _TRAILER]
    with pack.open("rb") as file, PackWriter(folder, lambda oid, kind, data: "absent") as writer:
        for (offset, oid, crc), end in zip(rows, ends, strict=True):
            alive = bytes.fromhex(oid) not in dead
            if alive and not writer.copy(oid, _pieces(file, offset, end), crc):
                return False
        name = writer.finish()
    if name and name != pack.stem:
        remove_packs(folder, [pack])
    return True


def _pieces(file: IO[bytes], begin: int, end: int) -> Iterator[bytes]:
    """The bytes of a file from ``begin`` to ``end``."""
    file.seek(begin)
    while begin < end and (piece := file.read(min(_CHUNK, end - begin))):
        begin += len(piece)
        yield piece


def _read_marks(store: Path) -> dict[bytes, int]:
    marks = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (store / "gc" / _MARKS).read_text("ascii", "replace").splitlines():
            oid, _, since = line.partition(" ")
            if is_object_id(oid) and since.isdigit():
                marks[bytes.fromhex(oid)] = int(since)
    return marks


def _write_marks(store: Path, marks: Mapping[bytes, int]) -> None:
    path = store / "gc" / _MARKS
    path.parent.mkdir(exist_ok=True)
    with temporary_file(path.parent, "tmp-") as new:
        with new.open("w", encoding="ascii") as file:
            file.writelines(f"{oid.hex()} {since}\n" for oid, since in sorted(marks.items()))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
