"""Mending the object database: good copies first, then the damaged ones are set aside, never deleted.

Where good copies come from is the caller's: a function that is asked for ids and yields what it found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ckstore.errors import CkstoreError, Unsupported
from ckstore.objects.aside import keep_copy, move_aside
from ckstore.objects.disk import not_writable, sync_folder
from ckstore.objects.hashing import object_id
from ckstore.objects.head import LOG_REF, put_head
from ckstore.objects.history import HISTORY_REFS, put_refs
from ckstore.objects.litter import UNFINISHED_INDEX, temporary_file
from ckstore.objects.loose import loose_path
from ckstore.objects.packindex import index_bytes
from ckstore.objects.packs import ObjectType, PackWriter
from ckstore.objects.reach import bad_refs, reach
from ckstore.objects.reindex import entries_of
from ckstore.objects.store import ObjectStore
from ckstore.objects.stored import BadPack, Object, all_ids, bad_loose, bad_packs, good_ids, salvage
from ckstore.objects.verify import unheld

Progress = Callable[[str], None]
Find = Callable[[Collection[str]], Iterator[Object]]


@dataclass(slots=True)
class Mended:
    """``objects`` were written anew, ``packs`` and ``loose`` objects set aside or indexed anew."""

    objects: set[str] = field(default_factory=set)
    packs: list[str] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)  # packs that were set aside, not all of which is here
    loose: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # wanted, and found nowhere


def mend(store: ObjectStore, wanted: Collection[str], find: Find, progress: Progress) -> Mended:
    """Mend damaged files, and bring back the ``wanted`` objects: reached, and missing or damaged.

    The caller is alone with the store and holds the lock of its log. ``find`` may bring packs into the
    store by itself. Raises :class:`Unavailable` when the disk refuses.
    """
    objects, done = store.git / "objects", Mended()
    try:
        damaged = [bad for bad in bad_packs(objects, progress) if not _index_anew(bad, done)]
        loose = [oid for oid, _ in bad_loose(objects)]
        listed = {oid for bad in damaged for oid in bad.ids}
        needed = (set(wanted) | set(loose) | listed) - good_ids(objects, damaged)
        _write_anew(store, damaged, needed, find, done, progress)
        _set_aside(store, damaged, loose, needed - done.objects, done)
    except OSError as error:
        raise not_writable(store.path, error) from error
    finally:
        store.reopen()
    done.lost = {oid for oid in wanted if not _is_whole(store, oid)}
    return done


def _index_anew(bad: BadPack, done: Mended) -> bool:
    """Give a whole pack its index again; False when that is not all that is wrong."""
    entries = entries_of(bad.path) if bad.whole else {}
    if not entries or len(entries) != _count(bad.path):
        return False
    with bad.path.open("rb") as file:
        file.seek(-20, os.SEEK_END)
        trailer = file.read()
    with temporary_file(bad.path.parent, UNFINISHED_INDEX) as new:
        with new.open("wb") as file:
            file.write(index_bytes(entries, trailer))
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o444)
        bad.path.with_suffix(".rev").unlink(missing_ok=True)
        new.replace(bad.path.with_suffix(".idx"))
    sync_folder(bad.path.parent)
    done.packs.append(bad.path.stem)
    return True


def _count(pack: Path) -> int:
    with pack.open("rb") as file:
        return int.from_bytes(file.read(12)[8:], "big")


def _write_anew(
    store: ObjectStore, damaged: list[BadPack], needed: set[str], find: Find, done: Mended, progress: Progress
) -> None:
    """One pack with all that is needed and can be had: what is left in damaged packs, else from elsewhere."""
    folder = store.git / "objects" / "pack"
    with PackWriter(folder, lambda oid, kind, content: "absent") as writer:
        writer.heals = True
        for bad in damaged:
            progress(f"reading what is left of {bad.path.name}")
            for oid, kind, data in salvage(store.path, bad):
                if oid in needed or not bad.ids:
                    _add(writer, oid, kind, data, done)
        if needed - done.objects:
            for oid, kind, data in find(needed - done.objects):
                _add(writer, oid, kind, data, done)
        writer.finish()


def _add(writer: PackWriter, oid: str, kind: str, data: bytes, done: Mended) -> None:
    """Add it if it is what its id says: where it comes from is not trusted."""
    if oid not in done.objects and object_id(kind, data) == oid:
        writer.add(cast("ObjectType", kind), data)
        done.objects.add(oid)


def _set_aside(
    store: ObjectStore, damaged: list[BadPack], loose: list[str], missing: set[str], done: Mended
) -> None:
    """Out of git's sight; a damaged loose object only once there is a good copy."""
    aside, objects = store.path / "damaged", store.git / "objects"
    aside.mkdir(exist_ok=True)
    for bad in damaged:
        for path in sorted(objects.glob(f"pack/{bad.path.stem}.*"), key=lambda path: path.suffix != ".idx"):
            path.replace(aside / path.name)
        whole = bad.ids and missing.isdisjoint(bad.ids)
        (done.packs if whole else done.partly).append(bad.path.stem)
    for oid in loose:
        if oid in done.objects or oid in good_ids(objects, []):
            loose_path(objects, oid).replace(aside / oid)
            done.loose.append(oid)
    if damaged:
        sync_folder(objects / "pack")
    if not any(aside.iterdir()):
        aside.rmdir()


def _is_whole(store: ObjectStore, oid: str) -> bool:
    try:
        kind, data = store.read(oid)
        return object_id(kind, data) == oid
    except CkstoreError:
        return False


def mend_refs(store: ObjectStore, seen: set[str]) -> list[str]:
    """Set refs of mirrored histories again; gives what was done. The caller holds the lock of the log.

    A damaged one by its own name or the record of its source; then those that records name and no ref
    holds (``seen`` is what refs reach), as far as these commits are here.
    """
    mended = []
    for name, path in bad_refs(store):
        move_aside(store.path, path, name)
        oid = _meant(store, name) if name.startswith(HISTORY_REFS) else ""
        if oid and store.has(oid):
            put_refs(store.repo, {name: oid})
            mended.append(f"the ref {name} was set again")
        else:
            mended.append(f"the ref {name}, which was none, was moved to damaged/")
    for source, commits in unheld(store, seen):
        record = store.view().source(source)
        for oid in commits:
            if store.has(oid):
                head = record is not None and oid == record.head
                name = f"{HISTORY_REFS}{source}/{'head' if head else f'side/{oid}'}"
                put_refs(store.repo, {name: oid})
                mended.append(f"the ref {name} was set again")
    return mended


def _meant(store: ObjectStore, name: str) -> str:
    """What a ref of a mirrored history was at: its name says it, or the record of the source."""
    source, _, rest = name.removeprefix(HISTORY_REFS).partition("/")
    if rest != "head":
        return rest.rpartition("/")[2]
    record = store.view().source(source)
    return record.head if record is not None else ""


@dataclass(frozen=True, slots=True)
class LogState:
    """A state that the log could go back to: an operation all of which is whole. ``lost`` come after it."""

    head: str
    summary: str
    lost: tuple[str, ...]


def last_good(store: ObjectStore, progress: Progress) -> LogState | None:
    """The newest operation of the log that is whole with all that it reaches; None when there is none.

    From the head where it can be read, else among all operations that are in the store, by time. Raises
    :class:`Unsupported` when one was written by a newer ckstore: whether it is whole is for that one to say.
    """
    lost: list[str] = []
    for oid in _candidates(store):
        progress(f"looking at operation {oid[:12]}")
        try:
            seen: set[bytes] = set()
            reach(store, [oid], seen)
            if all(store.has(each.hex()) for each in seen):
                operation = store.view(oid).operation()
                return LogState(
                    oid, f"{operation.verb}: {operation.summary}" if operation else "", tuple(lost)
                )
        except Unsupported:
            raise
        except CkstoreError:
            pass
        lost.append(oid)
    return None


def _candidates(store: ObjectStore) -> Iterator[str]:
    try:
        at = store.view().head
        while at:
            commit = store.read_commit(at)
            yield at
            at = commit.parents[0] if commit.parents else ""
    except CkstoreError:  # by what the store holds, the newest first
        yield from _all_operations(store)


def _all_operations(store: ObjectStore) -> list[str]:
    found = []
    for oid in sorted(all_ids(store.git / "objects")):
        try:
            if store.kind_of(oid) == "commit":
                commit = store.read_commit(oid)
                if store.view(oid).operation() is not None:
                    found.append((commit.time, commit.parents, oid))
        except Unsupported:
            raise
        except CkstoreError:
            continue
    followed = {parent for _, parents, _ in found for parent in parents}
    tips = [(oid not in followed, time, oid) for time, _, oid in found]
    return [oid for _, _, oid in sorted(tips, reverse=True)]


def restore_log(store: ObjectStore, head: str) -> None:
    """Let the log be at ``head`` again; what the ref held is kept in ``damaged/``. Locks: the log's."""
    ref = store.git / LOG_REF
    try:
        if ref.is_dir():
            move_aside(store.path, ref, "log")
        elif ref.exists():
            keep_copy(store.path, ref, "log")
        put_head(store.path, head)
    except OSError as error:
        raise not_writable(store.path, error) from error
