"""The index beside a pack, version 2: gitformat-pack(5)."""

from __future__ import annotations

import bisect
import hashlib
import struct
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path

VERSION_2 = b"\xfftOc\0\0\0\2"
IDS = 8 + 256 * 4  # where the ids begin
_TRAILERS = 40  # the checksums of the pack and of the index
_FAR = 2**31  # offsets from here on are in a table of their own


def index_bytes(entries: Mapping[str, tuple[int, int]], trailer: bytes) -> bytes:
    """The index of a pack with these entries, id → (offset, CRC-32), whose checksum is ``trailer``."""
    rows = sorted((bytes.fromhex(oid), *place) for oid, place in entries.items())
    counts = [0] * 256
    for oid, _, _ in rows:
        counts[oid[0]] += 1
    far = [offset for _, offset, _ in rows if offset >= _FAR]
    where = iter(range(len(far)))
    offsets = [offset if offset < _FAR else _FAR | next(where) for _, offset, _ in rows]
    body = b"".join([
        VERSION_2, struct.pack(">256I", *accumulate(counts)),
        b"".join(oid for oid, _, _ in rows),
        struct.pack(f">{len(rows)}I", *(crc for _, _, crc in rows)),
        struct.pack(f">{len(rows)}I", *offsets), struct.pack(f">{len(far)}Q", *far), trailer,
    ])  # fmt: skip
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def pack_rows(index: bytes) -> list[tuple[int, str, int]]:
    """(offset, id, CRC-32) in the order of the pack; empty for what is no index of version 2.

    Raises struct.error for one that ends too early, or whose offsets lie outside of its tables.
    """
    if index[:8] != VERSION_2:
        return []
    (count,) = struct.unpack_from(">I", index, IDS - 4)
    sums, offsets = (struct.unpack_from(f">{count}I", index, IDS + count * each) for each in (20, 24))
    ids = (index[IDS + 20 * n : IDS + 20 * n + 20].hex() for n in range(count))
    return sorted(zip(_resolved(index, IDS + 28 * count, offsets), ids, sums, strict=True))


def _resolved(index: bytes, table: int, offsets: tuple[int, ...]) -> Iterator[int]:
    far = index[table : len(index) - _TRAILERS]
    for offset in offsets:
        yield offset if offset < _FAR else struct.unpack_from(">Q", far, 8 * (offset - _FAR))[0]


def find_offset(index: Path, raw: bytes) -> int | None:
    """Where in the pack of this index (version 2) an object begins; None when it is not there."""
    with index.open("rb") as file:
        head = file.read(IDS)
        if head[:8] != VERSION_2:
            return None
        low = struct.unpack_from(">I", head, 4 + 4 * raw[0])[0] if raw[0] else 0
        (high,) = struct.unpack_from(">I", head, 8 + 4 * raw[0])
        (count,) = struct.unpack_from(">I", head, IDS - 4)
        file.seek(IDS + 20 * low)
        ids = file.read(20 * (high - low))
        at = bisect.bisect_left(range(high - low), raw, key=lambda n: ids[20 * n : 20 * n + 20])
        if ids[20 * at : 20 * at + 20] != raw:
            return None
        file.seek(IDS + 24 * count + 4 * (low + at))
        (offset,) = struct.unpack(">I", file.read(4))
        if offset & 0x80000000:
            file.seek(IDS + 28 * count + 8 * (offset & 0x7FFFFFFF))
            (offset,) = struct.unpack(">Q", file.read(8))
        return int(offset)
