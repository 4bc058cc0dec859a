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
    """The bytes of an open file; at the end, ``oid`` is their id as a blob and ``digest`` their SHA-256.

    Raises :class:`Unavailable` when they are not those of the state ``before``: somebody is writing.
    """

    def __init__(self, file: IO[bytes], path: str | Path, before: os.stat_result) -> None:
        self.oid, self.digest = "", b""
        self._file, self._path, self._before = file, path, before

    def pieces(self) -> Iterator[bytes]:
        """From the first byte to the last, each hashed."""
        left = self._before.st_size
        sha = hashlib.sha1(f"blob {left}\0".encode(), usedforsecurity=False)
        digest = hashlib.sha256()
        while left >= 0 and (chunk := self._file.read(_CHUNK)):
            sha.update(chunk)
            digest.update(chunk)
            left -= len(chunk)
            yield chunk
        if left != 0 or differ(self._before, os.fstat(self._file.fileno())):
            raise changed(self._path)
        self.oid, self.digest = sha.hexdigest(), digest.digest()

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


def changed(path: str | Path) -> Unavailable:
    """The error for a file that somebody writes while it is added."""
    return Unavailable(
        f"{path} changed while it was read.",
        code="file-changed",
        hints=["wait until it is written, then repeat"],
    )
