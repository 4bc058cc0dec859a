"""Loose objects of a repository in a folder of one's own: packed here when there are large files.

A fetch has the other side pack everything, and git and libgit2 hold or map large files whole while they do.
Here it is inflated, checked against its id, and deflated again, piece by piece.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ckstore.model.limits import too_large
from ckstore.objects.checkedfile import HashedPieces
from ckstore.objects.entries import UNREADABLE, LooseEntry
from ckstore.objects.head import is_object_id
from ckstore.objects.loose import damaged, refused
from ckstore.objects.packs import ObjectType, PackWriter
from ckstore.objects.stream import LARGE

_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_KINDS: dict[str, ObjectType] = {"commit": "commit", "tree": "tree", "blob": "blob", "tag": "tag"}


def copy_loose(objects: Path, folder: Path, packs: Iterable[Path]) -> list[Path]:
    """Pack the loose objects below ``objects`` into ``folder``; nothing where they and ``packs`` are small.

    Gives the new pack. Raises :class:`CorruptData` for an object that is damaged or beyond a limit, and for
    files that are not plain ones of this user; OSError when they cannot be read.
    """
    found = list(_loose(objects))
    sizes = [*(size for _, _, size in found), *(pack.stat().st_size for pack in packs)]
    if not found or max(sizes) < LARGE:  # bytes on disk
        return []
    with PackWriter(folder, lambda oid, kind, data: "absent") as writer:
        for oid, path, _ in found:
            _add(writer, oid, path)
        name = writer.finish()
    return [folder / f"{name}.pack"] if name else []


def _loose(objects: Path) -> Iterator[tuple[str, str, int]]:
    """(id, path, bytes on disk)."""
    for name in sorted(os.listdir(objects)):  # noqa: PTH208 - names are what is looked at
        below = f"{objects}/{name}"
        if len(name) == 2 and stat.S_ISDIR(os.lstat(below).st_mode):
            with os.scandir(below) as found:
                for entry in sorted(found, key=lambda entry: entry.name):
                    if is_object_id(name + entry.name):
                        yield name + entry.name, entry.path, entry.stat(follow_symlinks=False).st_size


def _add(writer: PackWriter, oid: str, path: str) -> None:
    descriptor = os.open(path, _OPEN)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise refused(oid, "it is not a plain file of this user")
        try:
            added = _add_entry(writer, oid, LooseEntry(file))
        except UNREADABLE as error:
            raise damaged(oid, error) from error
    if added != oid:
        raise damaged(oid, ValueError("its bytes have another id"))


def _add_entry(writer: PackWriter, oid: str, entry: LooseEntry) -> str:
    excess = (
        too_large(entry.kind, entry.size) if entry.kind in _KINDS else f"its type {entry.kind!r} is unknown"
    )
    if excess:
        raise refused(oid, excess)
    if entry.kind == "blob" and entry.size >= LARGE:
        return writer.add_pieces(HashedPieces(entry.size, entry.pieces()))
    return writer.add(_KINDS[entry.kind], b"".join(entry.pieces()))
