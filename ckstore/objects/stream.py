"""Large objects, in pieces: libgit2 gives objects whole, in memory, and holds Python's lock meanwhile.

An entry of a pack is found through its index (version 2), a loose object by its name, and inflated piece by
piece. Format: gitformat-pack(5). A large object that is stored as a delta is the one that cannot be had
without memory; git makes none from files above ``core.bigFileThreshold`` (512 MiB), and nor do we.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pygit2

from ckstore.errors import Unsupported
from ckstore.objects.entries import TYPES, UNREADABLE, Entry, LooseEntry, PackedEntry
from ckstore.objects.head import is_object_id
from ckstore.objects.loose import damaged, loose_path
from ckstore.objects.packindex import find_offset

LARGE = 4 * 1024 * 1024  # bytes from which an object is streamed
MOST_OF_A_DELTA = 512 * 1024 * 1024  # bytes of an object that is a delta: it is held in memory, with its base
Read = Callable[[str], tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Sha256:
    """What stands for the bytes of a large blob: their SHA-256 (32 bytes)."""

    digest: bytes


class Pieces:
    """Sizes of objects, and objects in pieces, from several ``objects`` folders.

    ``packs`` gives libgit2's view of the same packs; ``read`` gives an object whole, or raises for one that
    is missing or damaged: it decides whatever cannot be had here.
    """

    def __init__(self, folders: Sequence[Path], packs: Callable[[], pygit2.Odb], read: Read) -> None:
        self._folders = folders
        self._packs = packs
        self._read = read

    def size_of(self, oid: str) -> int:
        """The size of an object in bytes, from its header; nothing is inflated but that."""
        return self._header(oid)[1]

    def _header(self, oid: str) -> tuple[str, int]:
        if is_object_id(oid):
            try:
                kind, size = self._packs().read_header(oid)
                return TYPES[int(kind)], int(size)
            except (KeyError, ValueError, pygit2.GitError, OSError):
                pass
            for folder in self._folders:
                with contextlib.suppress(*UNREADABLE), _open_loose(folder, oid) as file:
                    loose = LooseEntry(file)
                    return loose.kind, loose.size
        whole, data = self._read(oid)
        return whole, len(data)

    def blob(self, oid: str) -> Iterator[bytes]:
        """The bytes of a blob; its end raises :class:`CorruptData` when they were not what the id promises.

        So nothing may be made of the pieces before the last one is there. Raises :class:`Unsupported`
        when a large blob is a delta beyond :data:`MOST_OF_A_DELTA`.
        """
        with contextlib.ExitStack() as held:
            entry = self._entry(oid, held)
            if entry is None:
                kind, data = self._small(oid)
                if kind != "blob":
                    raise damaged(oid, ValueError(f"it is a {kind}, not a blob"))
                yield data
                return
            yield from _verified(entry, oid)

    def large_blob(self, oid: str) -> Iterator[bytes] | None:
        """The pieces of a blob that is :data:`LARGE`; None for one that is to be read as a whole."""
        kind, size = self._header(oid)
        return self.blob(oid) if size >= LARGE and kind == "blob" else None

    def same(self, oid: str, kind: str, content: bytes | Sha256) -> bool:
        """Whether the store holds this type and these bytes under an id; of a large blob by its SHA-256."""
        if isinstance(content, bytes):
            return self._read(oid) == (kind, content)
        found = hashlib.sha256()
        for piece in self.blob(oid):
            found.update(piece)
        return found.digest() == content.digest

    def _entry(self, oid: str, held: contextlib.ExitStack) -> Entry | None:
        """What can be inflated piece by piece; None when the object is to be read as a whole."""
        for pack, offset in self._places(oid):
            with contextlib.suppress(*UNREADABLE):
                packed = PackedEntry(held.enter_context(pack.open("rb")), offset)
                return packed if packed.kind != "delta" else None
        for folder in self._folders if is_object_id(oid) else []:
            with contextlib.suppress(*UNREADABLE):
                return LooseEntry(held.enter_context(_open_loose(folder, oid)))
        return None

    def _places(self, oid: str) -> Iterator[tuple[Path, int]]:
        """(pack, offset), in the order in which libgit2 asks the packs: the newest first."""
        raw = bytes.fromhex(oid) if is_object_id(oid) else b""
        for folder in self._folders if raw else []:
            for pack in _newest_first(folder / "pack"):
                with contextlib.suppress(OSError, struct.error):
                    offset = find_offset(pack.with_suffix(".idx"), raw)
                    if offset is not None:
                        yield pack, offset

    def _small(self, oid: str) -> tuple[str, bytes]:
        size = self.size_of(oid)
        if size > MOST_OF_A_DELTA:
            raise Unsupported(
                f"The object {oid} has {size} bytes and is stored as a delta: it would need them in memory.",
                code="delta-too-large",
                hints=["`git repack -adF` in its repository stores large files without deltas"],
                details={"oid": oid, "size": size},
            )
        return self._read(oid)


def _verified(entry: Entry, oid: str) -> Iterator[bytes]:
    sha = hashlib.sha1(f"{entry.kind} {entry.size}\0".encode(), usedforsecurity=False)
    if entry.kind != "blob":
        raise damaged(oid, ValueError(f"it is a {entry.kind}, not a blob"))
    try:
        for piece in entry.pieces():
            sha.update(piece)
            yield piece
    except UNREADABLE as error:
        raise damaged(oid, error) from error
    if sha.hexdigest() != oid:
        raise damaged(oid, ValueError("its bytes have another id"))


def _newest_first(folder: Path) -> list[Path]:
    found: list[tuple[int, Path]] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("pack-") and entry.name.endswith(".pack"):
                with contextlib.suppress(OSError):
                    found.append((int(entry.stat().st_mtime), Path(entry.path)))
    return [path for _, path in sorted(found, key=lambda pair: pair[0], reverse=True)]


def _open_loose(folder: Path, oid: str) -> IO[bytes]:
    return loose_path(folder, oid).open("rb")
