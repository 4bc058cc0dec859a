"""Reading a user's file that others may be writing: what is stored is one state of it, or nothing is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from ckstore.errors import Unavailable
from ckstore.objects import deflate

_CHUNK = 1024 * 1024


class HashedPieces:
    """``size`` bytes in pieces; after the last, ``oid`` is their id as a blob, ``digest`` their SHA-256."""

    def __init__(self, size: int, pieces: Iterable[bytes]) -> None:
        self.size = size
        self.oid, self.digest = "", b""
        self._pieces = pieces

    def pieces(self) -> Iterator[bytes]:
        """From the first byte to the last, each hashed."""
        sha = hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        digest = hashlib.sha256()
        for piece in self._pieces:
            sha.update(piece)
            digest.update(piece)
            yield piece
        self.oid, self.digest = sha.hexdigest(), digest.digest()

    def deflated(self) -> Iterator[bytes]:
        """The same, as one zlib stream."""
        stream: deflate.Compressor | None = None
        for chunk in self.pieces():
            stream = stream or deflate.compressor(chunk)
            yield stream.compress(chunk)
        yield stream.flush() if stream else deflate.compress(b"")


class CheckedFile(HashedPieces):
    """An open file. Raises :class:`Unavailable` when its bytes are not those of the state ``before``."""

    def __init__(self, file: IO[bytes], path: str | Path, before: os.stat_result) -> None:
        super().__init__(before.st_size, self._read())
        self._file, self._path, self._before = file, path, before

    def _read(self) -> Iterator[bytes]:
        left = self.size
        while left >= 0 and (chunk := self._file.read(_CHUNK)):
            left -= len(chunk)
            yield chunk
        if left != 0 or differ(self._before, os.fstat(self._file.fileno())):
            raise changed(self._path)


def differ(before: os.stat_result, after: os.stat_result) -> bool:
    """True when a file was written between two looks at it."""
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def changed(path: str | Path) -> Unavailable:
    """The error for a file that somebody writes while it is added."""
    return Unavailable(
        f"{path} changed while it was read.",
        code="file-changed",
        hints=["wait until it is written, then repeat"],
    )
