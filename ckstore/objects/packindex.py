"""The index beside a pack, version 2: gitformat-pack(5)."""

from __future__ import annotations

import bisect
import hashlib
import struct
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

_VERSION_2 = b"\xfftOc\0\0\0\2"
_IDS = 8 + 256 * 4
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
        _VERSION_2, struct.pack(">256I", *accumulate(counts)),
        b"".join(oid for oid, _, _ in rows),
        struct.pack(f">{len(rows)}I", *(crc for _, _, crc in rows)),
        struct.pack(f">{len(rows)}I", *offsets), struct.pack(f">{len(far)}Q", *far), trailer,
    ])  # fmt: skip
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


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
