"""zlib streams, as packs and loose objects hold them: ISA-L's where it is installed, else Python's own zlib.

ISA-L compresses four to fifteen times as quickly as zlib at its lowest level, data that does not compress
included, and inflates twice as quickly. There are no builds of it for a few platforms.
"""

from __future__ import annotations

import zlib
from typing import Protocol

try:
    from isal import isal_zlib
except ImportError:  # no build for this platform: the same bytes after inflating, later
    isal_zlib = None  # type: ignore[assignment]  # a module or nothing

_LEVEL = 1  # measured: several times quicker than the default, and `git gc` repacks anyway
_STORED = 0
_PROBE = 64 * 1024
_WORTH_IT = 0.95
# what either library raises for bytes that are no zlib stream
ERRORS: tuple[type[Exception], ...] = (zlib.error,)
if isal_zlib is not None:
    ERRORS += (isal_zlib.error,)  # type: ignore[operator]  # it is a class, which their types do not say


class Compressor(Protocol):
    """Takes bytes, gives those of the stream that are ready; the rest on ``flush``."""

    def compress(self, data: bytes, /) -> bytes:
        """Some of the stream, perhaps none yet."""

    def flush(self) -> bytes:
        """The end of the stream."""


class Decompressor(Protocol):
    """Takes the bytes of a stream; what did not fit into ``max_length`` waits in ``unconsumed_tail``."""

    eof: bool
    unconsumed_tail: bytes

    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes:
        """At most ``max_length`` bytes (0: all)."""


def compress(data: bytes) -> bytes:
    """One whole stream."""
    if isal_zlib is not None:
        done: bytes = isal_zlib.compress(data, _LEVEL)
        return done
    return zlib.compress(data, _LEVEL)


def compressor(begin: bytes) -> Compressor:
    """For a large stream that begins with these bytes: what will not shrink is stored as it is."""
    if isal_zlib is not None:  # finds out by itself, for each block
        made: Compressor = isal_zlib.compressobj(_LEVEL)
        return made
    probe = begin[:_PROBE]
    level = _LEVEL if len(zlib.compress(probe, _LEVEL)) < _WORTH_IT * len(probe) else _STORED
    return zlib.compressobj(level)


def decompressor() -> Decompressor:
    """For a stream that is read in pieces. Raises one of :data:`ERRORS` on what is no stream."""
    if isal_zlib is not None:
        made: Decompressor = isal_zlib.decompressobj()
        return made
    return zlib.decompressobj()


def crc32(data: bytes, value: int = 0) -> int:
    """The checksum of entries in a pack index, continued from ``value``."""
    if isal_zlib is not None:
        return int(isal_zlib.crc32(data, value))
    return zlib.crc32(data, value)
