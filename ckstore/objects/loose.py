"""Reading loose objects: one zlib stream ``<type> <size>\\0<bytes>`` per file (gitformat-loose(5)).

Ours are in packs; loose ones come from git's housekeeping. libgit2 (1.9.7) reads a file that ends too
early in an endless loop, so these files are never given to it.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path

from ckstore.errors import CorruptData
from ckstore.model.limits import too_large

_HEADER_BYTES = 64
_KINDS = (b"commit", b"tree", b"blob", b"tag")
_SIZE_DIGITS = 20  # of a number below 2 ** 64


def loose_path(objects: Path, oid: str) -> Path:
    """Where the object is when it is loose."""
    return objects / oid[:2] / oid[2:]


def loose_folders(objects: Path) -> frozenset[str]:
    """The first two digits of all ids that may be loose: asking for each id costs as much as reading it."""
    try:
        return frozenset(name for name in os.listdir(objects) if len(name) == 2)  # noqa: PTH208 - names are wanted
    except FileNotFoundError:
        return frozenset()


def read_loose(objects: Path, oid: str) -> tuple[str, bytes] | None:
    """(type, bytes) of a loose object, checked against its id; None when there is none.

    Raises :class:`CorruptData` when the file is damaged.
    """
    try:
        with open(f"{objects}/{oid[:2]}/{oid[2:]}", "rb") as file:  # noqa: PTH123 - asked for every object
            raw = file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
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


def refused(oid: str, reason: str) -> CorruptData:
    """The error for an object that is beyond a limit; ``reason`` says which."""
    return CorruptData(
        f"The object {oid} is not read: {reason}.",
        code="object-refused",
        details={"oid": oid, "reason": reason},
    )


def _unpack(raw: bytes, oid: str) -> tuple[str, bytes]:
    stream = zlib.decompressobj()
    begin = stream.decompress(raw, _HEADER_BYTES)
    header, found, data = begin.partition(b"\0")
    kind, _, size = header.partition(b" ")
    if not found or not size.isdigit() or len(size) > _SIZE_DIGITS:
        raise ValueError("it has no header")
    if kind not in _KINDS:
        raise ValueError(f"its type {kind[:20]!r} is unknown")
    excess = too_large(kind.decode("ascii"), int(size))
    if excess:
        raise refused(oid, excess)
    # never more than the header promises, whatever the stream would still give
    data += stream.decompress(stream.unconsumed_tail, max(int(size) - len(data), 0) + 1)
    if len(data) != int(size) or not stream.eof:
        raise ValueError(f"it has {len(data)} bytes instead of {int(size)}")
    if hashlib.sha1(header + b"\0" + data, usedforsecurity=False).hexdigest() != oid:
        raise ValueError("its bytes have another id")
    return kind.decode("ascii"), data
