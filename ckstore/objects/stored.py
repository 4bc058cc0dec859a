"""The files of the object database themselves: packs with their indexes, and loose objects.

What is reached may be whole because there is a second copy of it; a damaged file is damage all the same:
stock git complains of it, and the next copy to break is the last one. Checked are the checksums of packs
and indexes, and of damaged packs every object (ids by a SHA-1 that detects collisions).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2

from ckstore.errors import CkstoreError
from ckstore.objects.entries import TYPES
from ckstore.objects.hashing import object_id
from ckstore.objects.head import is_object_id
from ckstore.objects.litter import temporary_folder
from ckstore.objects.loose import read_loose
from ckstore.objects.packindex import pack_rows
from ckstore.objects.reindex import scan

_CHECKSUM = 20
_CHUNK = 1024 * 1024
Progress = Callable[[str], None]
Object = tuple[str, str, bytes]  # id, type, bytes


@dataclass(frozen=True, slots=True)
class BadPack:
    """``whole``: only its index is damaged; ``ids`` are what the index says, if it is sound."""

    path: Path
    reason: str
    whole: bool
    ids: frozenset[str]


def bad_packs(objects: Path, progress: Progress = lambda line: None) -> list[BadPack]:
    """The packs below the folder ``objects`` that are not what they were when they were written."""
    found = []
    folder = objects / "pack"
    names = {path.stem for suffix in ("pack", "idx") for path in folder.glob(f"pack-*.{suffix}")}
    for number, name in enumerate(sorted(names), 1):
        progress(f"checking pack {number}/{len(names)}")
        bad = _check(folder / f"{name}.pack")
        if bad is not None:
            found.append(bad)
    return found


def _check(pack: Path) -> BadPack | None:
    index = pack.with_suffix(".idx")
    try:
        data = index.read_bytes()
    except OSError:
        data = b""
    sealed = (
        len(data) > 2 * _CHECKSUM and hashlib.sha1(data[:-20], usedforsecurity=False).digest() == data[-20:]
    )
    ids = _ids(data) if sealed else frozenset()
    trailer = _trailer(pack)
    if not pack.exists():
        return BadPack(pack, "its pack is missing", False, ids)
    if trailer is None:
        return BadPack(pack, "its bytes do not have their checksum", False, ids)
    if not sealed or data[-40:-20] != trailer:
        why = "its index is damaged" if data else "its index is missing"
        return BadPack(pack, why, True, ids if sealed and data[-40:-20] == trailer else frozenset())
    return None


def _ids(index: bytes) -> frozenset[str]:
    try:
        return frozenset(oid for _, oid, _ in pack_rows(index))
    except struct.error:
        return frozenset()


def _trailer(pack: Path) -> bytes | None:
    """The checksum of a pack if it is true."""
    sha, last = hashlib.sha1(usedforsecurity=False), b""
    with contextlib.suppress(OSError), pack.open("rb") as file:
        while chunk := file.read(_CHUNK):
            last += chunk
            sha.update(last[:-_CHECKSUM])
            last = last[-_CHECKSUM:]
    return last if len(last) == _CHECKSUM and sha.digest() == last else None


def salvage(store: Path, bad: BadPack) -> Iterator[Object]:
    """What can still be read out of a damaged pack, each checked against its id."""
    if bad.ids:
        with temporary_folder(store, "tmp-") as work:
            yield from _by_index(work, bad)
    else:
        yield from scan(bad.path)


def _by_index(work: Path, bad: BadPack) -> Iterator[Object]:
    """Through libgit2, which follows deltas, from this pack alone."""
    (work / "pack").mkdir()
    for suffix in (".pack", ".idx"):
        source, target = bad.path.with_suffix(suffix), work / "pack" / f"{bad.path.stem}{suffix}"
        try:
            os.link(source, target)
        except OSError:
            with contextlib.suppress(OSError):
                shutil.copyfile(source, target)
    alone = pygit2.Odb()
    alone.add_backend(pygit2.OdbBackendPack(str(work)), 1)
    for oid in sorted(bad.ids):
        try:
            number, data = alone.read(oid)
            kind = TYPES[int(number)]
            if object_id(kind, data) == oid:
                yield oid, kind, data
        except (KeyError, ValueError, OSError, pygit2.GitError, CkstoreError):
            continue


def good_ids(objects: Path, bad: list[BadPack]) -> set[str]:
    """The ids in packs that are whole."""
    broken = {each.path.stem for each in bad}
    found: set[str] = set()
    for index in (objects / "pack").glob("pack-*.idx"):
        if index.stem not in broken:
            with contextlib.suppress(OSError):
                found |= _ids(index.read_bytes())
    return found


def all_ids(objects: Path) -> set[str]:
    """The ids of all objects that packs and loose files name, whole or not."""
    loose = {path.parent.name + path.name for path in objects.glob("[0-9a-f][0-9a-f]/*")}
    return good_ids(objects, []) | {oid for oid in loose if is_object_id(oid)}


def bad_loose(objects: Path) -> Iterator[tuple[str, CkstoreError]]:
    """(id, what is wrong) of every loose object that is damaged."""
    for folder in sorted(objects.glob("[0-9a-f][0-9a-f]")):
        for path in sorted(folder.glob("*")):
            oid = folder.name + path.name
            if is_object_id(oid):
                try:
                    read_loose(objects, oid)
                except CkstoreError as error:
                    yield oid, error
