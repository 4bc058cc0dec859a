"""Large objects, in pieces: libgit2 gives objects whole, in memory, and holds Python's lock meanwhile.

An entry of a pack is found through its index (version 2), a loose object by its name, and inflated piece by
piece. Format: gitformat-pack(5). A large object that is stored as a delta is the one that cannot be had
without memory; git makes none from files above ``core.bigFileThreshold`` (512 MiB), and nor do we.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import pygit2

from ckstore.errors import Unsupported
from ckstore.objects import deflate
from ckstore.objects.head import is_object_id
from ckstore.objects.loose import damaged, loose_path

LARGE = 4 * 1024 * 1024  # bytes from which an object is streamed
MOST_OF_A_DELTA = 512 * 1024 * 1024  # bytes of an object that is a delta: it is held in memory, with its base
_CHUNK = 1024 * 1024
_HEADER = 64  # bytes that hold the header of any object, once inflated
_VERSION_2 = b"\xfftOc\0\0\0\2"
_IDS = 8 + 256 * 4
_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_UNREADABLE: tuple[type[Exception], ...] = (OSError, ValueError, *deflate.ERRORS)
Read = Callable[[str], tuple[str, bytes]]


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
        if not is_object_id(oid):
            return len(self._read(oid)[1])
        try:
            _, size = self._packs().read_header(oid)
            return int(size)
        except (KeyError, ValueError, pygit2.GitError, OSError):
            pass
        for folder in self._folders:
            with contextlib.suppress(*_UNREADABLE), _open_loose(folder, oid) as file:
                return _Loose(file).size
        return len(self._read(oid)[1])

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

    def _entry(self, oid: str, held: contextlib.ExitStack) -> _Entry | None:
        """What can be inflated piece by piece; None when the object is to be read as a whole."""
        for pack, offset in self._places(oid):
            with contextlib.suppress(OSError):
                packed = _Packed(held.enter_context(pack.open("rb")), offset)
                return packed if packed.kind in _TYPES.values() else None
        for folder in self._folders if is_object_id(oid) else []:
            with contextlib.suppress(*_UNREADABLE):
                return _Loose(held.enter_context(_open_loose(folder, oid)))
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


class _Entry:
    """One object in an open file: ``kind``, ``size`` in bytes, and its ``pieces``."""

    kind: str
    size: int

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the object, from here to the end of the stream and no further than ``size``."""
        raise NotImplementedError


class _Packed(_Entry):
    def __init__(self, file: IO[bytes], offset: int) -> None:
        file.seek(offset)
        head = file.read(_HEADER)
        at, first = 1, head[0]
        self.kind = _TYPES.get(first >> 4 & 7, "delta")
        self.size, shift, more = first & 15, 4, first & 0x80
        while more:
            self.size |= (head[at] & 0x7F) << shift
            at, shift, more = at + 1, shift + 7, head[at] & 0x80
        self._file, self._begin = file, head[at:]

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the object."""
        yield from inflate(self._file, deflate.decompressor(), self._begin, self.size)


class _Loose(_Entry):
    def __init__(self, file: IO[bytes]) -> None:
        self._stream = deflate.decompressor()
        begin = self._stream.decompress(file.read(_CHUNK), _HEADER)
        header, found, self._first = begin.partition(b"\0")
        kind, _, size = header.partition(b" ")
        if not found or not size.isdigit():
            raise ValueError("it has no header")
        self.kind, self.size, self._file = kind.decode("ascii"), int(size), file

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the object."""
        yield self._first
        left = self.size - len(self._first)
        yield from inflate(self._file, self._stream, self._stream.unconsumed_tail, left)


def inflate(file: IO[bytes], stream: deflate.Decompressor, begin: bytes, size: int) -> Iterator[bytes]:
    """``size`` bytes of a zlib stream whose next bytes are ``begin`` and then those of the file.

    Raises ValueError when the stream has more bytes or fewer, or one of the errors of :mod:`deflate`.
    """
    while not stream.eof:
        raw = stream.unconsumed_tail or begin or file.read(_CHUNK)
        begin = b""
        piece = stream.decompress(raw, _CHUNK)
        size -= len(piece)
        if size < 0 or not (raw or piece):
            break
        if piece:
            yield piece
    if size != 0 or not stream.eof:
        raise ValueError("it is longer or shorter than it says")


def _verified(entry: _Entry, oid: str) -> Iterator[bytes]:
    sha = hashlib.sha1(f"{entry.kind} {entry.size}\0".encode(), usedforsecurity=False)
    if entry.kind != "blob":
        raise damaged(oid, ValueError(f"it is a {entry.kind}, not a blob"))
    try:
        for piece in entry.pieces():
            sha.update(piece)
            yield piece
    except _UNREADABLE as error:
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


def find_offset(index: Path, raw: bytes) -> int | None:
    """Where in the pack of this index (version 2) an object begins; None when it is not there."""
    with index.open("rb") as file:
        head = file.read(_IDS)
        if head[:8] != _VERSION_2:
            return None
        low = struct.unpack_from(">I", head, 4 + 4 * raw[0])[0] if raw[0] else 0
        (high,) = struct.unpack_from(">I", head, 8 + 4 * raw[0])
        (count,) = struct.unpack_from(">I", head, _IDS - 4)
        file.seek(_IDS + 20 * low)
        ids = file.read(20 * (high - low))
        at = bisect.bisect_left(range(high - low), raw, key=lambda n: ids[20 * n : 20 * n + 20])
        if ids[20 * at : 20 * at + 20] != raw:
            return None
        file.seek(_IDS + 24 * count + 4 * (low + at))
        (offset,) = struct.unpack(">I", file.read(4))
        if offset & 0x80000000:
            file.seek(_IDS + 28 * count + 8 * (offset & 0x7FFFFFFF))
            (offset,) = struct.unpack(">Q", file.read(8))
        return int(offset)
