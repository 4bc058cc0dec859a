"""Reading loose objects: one zlib stream ``<type> <size>\\0<bytes>`` per file (gitformat-loose(5)).

Ours are in packs; loose ones come from git's housekeeping. libgit2 (1.9.7) reads a file that ends too
early in an endless loop, so these files are never given to it.
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

from ckstore.errors import CorruptData

_HEADER_BYTES = 64


def loose_path(objects: Path, oid: str) -> Path:
    """Where the object is when it is loose."""
    return objects / oid[:2] / oid[2:]


def read_loose(objects: Path, oid: str) -> tuple[str, bytes] | None:
    """(type, bytes) of a loose object, checked against its id; None when there is none.

    Raises :class:`CorruptData` when the file is damaged.
    """
    try:
        with open(f"{objects}/{oid[:2]}/{oid[2:]}", "rb") as file:  # noqa: PTH123 - asked for every object
            raw = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _unpack(raw, oid)
    except (ValueError, zlib.error) as error:
        raise damaged(oid, error) from error


def damaged(oid: str, reason: Exception) -> CorruptData:
    """The error for an object whose bytes are not what its id promises."""
    return CorruptData(
        f"The object {oid} is damaged: {reason}.",
        code="bad-object",
        hints=["`ckstore fsck` lists the damage; adding the same content again heals it"],
        details={"oid": oid},
    )


def _unpack(raw: bytes, oid: str) -> tuple[str, bytes]:
    stream = zlib.decompressobj()
    begin = stream.decompress(raw, _HEADER_BYTES)
    header, found, data = begin.partition(b"\0")
    kind, _, size = header.partition(b" ")
    if not found or not size.isdigit():
        raise ValueError("it has no header")
    # never more than the header promises, whatever the stream would still give
    data += stream.decompress(stream.unconsumed_tail, max(int(size) - len(data), 0) + 1)
    if len(data) != int(size) or not stream.eof:
        raise ValueError(f"it has {len(data)} bytes instead of {int(size)}")
    if hashlib.sha1(header + b"\0" + data, usedforsecurity=False).hexdigest() != oid:
        raise ValueError("its bytes have another id")
    return kind.decode("ascii"), data
