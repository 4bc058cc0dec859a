"""Packs written by hand, with every lie that their format allows (gitformat-pack(5))."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

COMMIT, TREE, BLOB, TAG, OFFSET_DELTA, NAMED_DELTA = 1, 2, 3, 4, 6, 7
_NAMES = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}


@dataclass(frozen=True)
class Entry:
    """``size``: as the header says (-1: the truth); ``base``: a distance or an id; ``oid``: as indexed."""

    kind: int
    stream: bytes  # before compression
    size: int = -1
    base: int | str = 0
    oid: str = ""
    packed: bytes = b""  # the compressed stream, when it shall not be that of `stream`

    @property
    def name(self) -> str:
        return self.oid or object_id(_NAMES.get(self.kind, "blob"), self.stream)

    def encode(self) -> bytes:
        size = len(self.stream) if self.size < 0 else self.size
        base = b""
        if self.kind == OFFSET_DELTA:
            assert isinstance(self.base, int)
            base = distance(self.base)
        elif self.kind == NAMED_DELTA:
            base = bytes.fromhex(str(self.base))
        return header(self.kind, size) + base + (self.packed or zlib.compress(self.stream, 1))


def object_id(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()


def header(kind: int, size: int) -> bytes:
    out, first = bytearray(), kind << 4 | size & 15
    size >>= 4
    while size:
        out.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    return bytes([*out, first])


def distance(back: int) -> bytes:
    out = [back & 0x7F]
    while back := back >> 7:
        back -= 1
        out.append(0x80 | back & 0x7F)
    return bytes(reversed(out))


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def copies(base: int, times: int) -> bytes:
    """A difference that copies the first 64 KiB of its base (``base`` bytes long) so many times."""
    return varint(base) + varint(0x10000 * times) + b"\x80" * times


def write_pack(
    folder: Path, entries: Sequence[Entry], *, count: int = -1, version: int = 2, trailer: bytes = b""
) -> Path:
    """The pack and its index in ``folder``; gives the path of the pack."""
    body = bytearray(struct.pack(">4sII", b"PACK", version, len(entries) if count < 0 else count))
    rows = []
    for entry in entries:
        encoded = entry.encode()
        rows.append((bytes.fromhex(entry.name), zlib.crc32(encoded), len(body)))
        body += encoded
    trailer = trailer or hashlib.sha1(body).digest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pack-{trailer.hex()}.pack"
    path.write_bytes(body + trailer)
    path.with_suffix(".idx").write_bytes(index(sorted(rows), trailer))
    return path


def index(rows: Sequence[tuple[bytes, int, int]], trailer: bytes, version: int = 2) -> bytes:
    first = Counter(oid[0] for oid, _, _ in rows)
    fan = struct.pack(">256I", *accumulate(first[n] for n in range(256)))
    if version == 1:
        body = fan + b"".join(struct.pack(">I", offset) + oid for oid, _, offset in rows)
    else:
        body = b"\xfftOc\0\0\0\2" + fan + b"".join(oid for oid, _, _ in rows)
        body += b"".join(struct.pack(">I", crc) for _, crc, _ in rows)
        body += b"".join(struct.pack(">I", offset) for _, _, offset in rows)
    body += trailer
    return body + hashlib.sha1(body).digest()
