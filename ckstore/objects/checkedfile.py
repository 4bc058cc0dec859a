"""Reading a user's file that others may be writing: what is stored is one state of it, or nothing is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ckstore.errors import Unavailable
from ckstore.objects import deflate

_CHUNK = 1024 * 1024


class CheckedFile:
    """The bytes of an open file that shall have this id as a blob; at the end, ``digest`` is their SHA-256.

    Raises :class:`Unavailable` when they have another one: somebody is writing.
    """

    def __init__(self, file: IO[bytes], path: Path, before: os.stat_result, oid: str) -> None:
        self.oid = oid
        self.digest = b""
        self._file, self._path, self._before = file, path, before

    def pieces(self) -> Iterator[bytes]:
        """From the first byte to the last, each hashed."""
        size = self._before.st_size
        sha = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        digest = hashlib.sha256()
        self._file.seek(0)
        while size >= 0 and (chunk := self._file.read(_CHUNK)):
            sha.update(chunk)
            digest.update(chunk)
            size -= len(chunk)
            yield chunk
        if sha.hexdigest() != self.oid or differ(self._before, os.fstat(self._file.fileno())):
            raise changed(self._path)
        self.digest = digest.digest()

    def deflated(self) -> Iterator[bytes]:
        """The same, as one zlib stream."""
        stream: deflate.Compressor | None = None
        for chunk in self.pieces():
            stream = stream or deflate.compressor(chunk)
            yield stream.compress(chunk)
        yield stream.flush() if stream else deflate.compress(b"")


def differ(before: os.stat_result, after: os.stat_result) -> bool:
    """True when a file was written between two looks at it."""
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


def changed(path: Path) -> Unavailable:
    """The error for a file that somebody writes while it is added."""
    return Unavailable(
        f"{path} changed while it was read.",
        code="file-changed",
        hints=["wait until it is written, then repeat"],
    )
