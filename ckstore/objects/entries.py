"""One object in a file that holds it deflated: gitformat-pack(5), gitformat-loose(5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from ckstore.objects import deflate

# what reading a damaged entry raises
UNREADABLE: tuple[type[Exception], ...] = (OSError, ValueError, IndexError, *deflate.ERRORS)
TYPE_BITS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
TYPES = {bits: kind for kind, bits in TYPE_BITS.items()}
_CHUNK = 1024 * 1024
_FIRST = 4096  # bytes that most entries are smaller than
_HEADER = 64  # bytes that hold the header of any object, once inflated


def object_header(kind: str, size: int) -> bytes:
    """What an entry of a pack that is no delta begins with."""
    first = (TYPE_BITS[kind] << 4) | (size & 0x0F)
    size >>= 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first = size & 0x7F
        size >>= 7
    out.append(first)
    return bytes(out)


class Entry:
    """One object in an open file: ``kind``, ``size`` in bytes, and its ``pieces``."""

    kind: str
    size: int

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the object, from here to the end of the stream and no further than ``size``."""
        raise NotImplementedError


class PackedEntry(Entry):
    """An entry of a pack; ``kind`` is ``delta`` for one that is not to be had without its base."""

    def __init__(self, file: IO[bytes], offset: int) -> None:
        file.seek(offset)
        head = file.read(_FIRST)
        at, first = 1, head[0]
        self.kind = TYPES.get(first >> 4 & 7, "delta")
        self.size, shift, more = first & 15, 4, first & 0x80
        while more:
            self.size |= (head[at] & 0x7F) << shift
            at, shift, more = at + 1, shift + 7, head[at] & 0x80
        self._file, self._begin = file, head[at:]

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the object."""
        yield from inflate(self._file, deflate.decompressor(), self._begin, self.size)


class LooseEntry(Entry):
    """A loose object. Raises ValueError or one of :data:`UNREADABLE` for what is none."""

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
