"""Reading a pack without its index: one entry after the other, deltas applied (gitformat-pack(5))."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import CkstoreError
from ckstore.objects.entries import TYPES
from ckstore.objects.hashing import object_id

_HEADER, _TRAILER = 12, 20
_NEAR, _NAMED = 6, 7  # deltas against an entry before it, against an id
_CHUNK = 64 * 1024
_REMEMBERED = 256 * 1024 * 1024  # bytes of bases at a time
_LONGEST_CHAIN = 10_000
_DAMAGE = (ValueError, IndexError, KeyError, struct.error, zlib.error, CkstoreError)


@dataclass(frozen=True, slots=True)
class _Entry:
    """``base`` is an offset or an id; the zlib stream is from ``body`` to ``end``."""

    kind: str
    size: int
    base: int | str
    body: int
    end: int


def scan(pack: Path) -> Iterator[tuple[str, str, bytes]]:
    """(id, type, bytes) of every object up to the first entry that cannot be read."""
    for oid, _, _, kind, data in _objects(pack):
        yield oid, kind, data


def entries_of(pack: Path) -> dict[str, tuple[int, int]]:
    """Id → (offset, CRC-32) of every object that can be read, as an index holds them."""
    return {oid: (offset, crc) for oid, offset, crc, _, _ in _objects(pack)}


def _objects(pack: Path) -> Iterator[tuple[str, int, int, str, bytes]]:
    try:
        with pack.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            entries = _entries(data)
            yield from _Resolver(data, entries).each()
    except (OSError, ValueError):  # empty, or gone
        return


def _entries(data: mmap.mmap) -> dict[int, _Entry]:
    found: dict[int, _Entry] = {}
    at = _HEADER
    try:
        _, _, count = struct.unpack_from(">4sII", data, 0)
        while len(found) < count and at < len(data) - _TRAILER:
            found[at] = _entry(data, at)
            at = found[at].end
    except _DAMAGE:
        pass  # what comes after it cannot be found
    return found


def _entry(data: mmap.mmap, offset: int) -> _Entry:
    first, at = data[offset], offset + 1
    size, shift, more = first & 15, 4, first & 0x80
    while more:
        size |= (data[at] & 0x7F) << shift
        at, shift, more = at + 1, shift + 7, data[at] & 0x80
    number = first >> 4 & 7
    base: int | str = 0
    if number == _NEAR:
        distance = data[at] & 0x7F
        while data[at] & 0x80:
            at += 1
            distance = ((distance + 1) << 7) | (data[at] & 0x7F)
        at, base = at + 1, offset - distance
    elif number == _NAMED:
        at, base = at + 20, data[at : at + 20].hex()
    _, used = _inflate(data, at, size)
    return _Entry(TYPES.get(number, "") if not base else "", size, base, at, at + used)


def _inflate(data: mmap.mmap, at: int, size: int) -> tuple[bytes, int]:
    """(bytes, length of their zlib stream); ValueError when there are not ``size`` of them."""
    stream, out, used, pending = zlib.decompressobj(), bytearray(), 0, b""
    while not stream.eof:
        chunk = pending or data[at + used : at + used + _CHUNK]
        if not chunk:
            raise ValueError("it ends too early")
        used += 0 if pending else len(chunk)
        out += stream.decompress(chunk, size + 1 - len(out))
        pending = stream.unconsumed_tail
        if len(out) > size:
            raise ValueError("it is longer than it says")
    if len(out) != size:
        raise ValueError("it is shorter than it says")
    return bytes(out), used - len(stream.unused_data)


class _Resolver:
    """Turns entries into objects; bases are remembered, as much as memory is allowed for."""

    def __init__(self, data: mmap.mmap, entries: dict[int, _Entry]) -> None:
        self._data, self._entries = data, entries
        self._offsets: dict[str, int] = {}
        self._known: dict[int, tuple[str, bytes]] = {}
        self._held = 0

    def each(self) -> Iterator[tuple[str, int, int, str, bytes]]:
        """(id, offset, CRC-32, type, bytes); of deltas against an id that comes later, after it."""
        waiting = list(self._entries)
        while waiting:
            left = []
            for offset in waiting:
                try:
                    kind, content = self._resolve(offset)
                    oid = object_id(kind, content)
                except _DAMAGE:
                    left.append(offset)
                    continue
                self._offsets[oid] = offset
                yield oid, offset, zlib.crc32(self._data[offset : self._entries[offset].end]), kind, content
            if len(left) == len(waiting):
                return
            waiting = left

    def _resolve(self, offset: int) -> tuple[str, bytes]:
        chain = [offset]
        while chain[-1] not in self._known and self._entries[chain[-1]].base:
            base = self._entries[chain[-1]].base
            chain.append(self._offsets[base] if isinstance(base, str) else base)
            if len(chain) > _LONGEST_CHAIN:
                raise ValueError("its deltas never end")
        last = chain.pop()
        kind, content = self._known.get(last) or (self._entries[last].kind, self._body(last))
        self._remember(last, kind, content)
        while chain:
            last = chain.pop()
            content = _apply(content, self._body(last))
            self._remember(last, kind, content)
        return kind, content

    def _body(self, offset: int) -> bytes:
        entry = self._entries[offset]
        return _inflate(self._data, entry.body, entry.size)[0]

    def _remember(self, offset: int, kind: str, content: bytes) -> None:
        if offset in self._known:
            return
        if self._held > _REMEMBERED:
            self._known.clear()
            self._held = 0
        self._known[offset] = kind, content
        self._held += len(content)


def _apply(base: bytes, delta: bytes) -> bytes:
    """What a delta makes of its base; ValueError or IndexError when it is none of it."""
    before, at = _number(delta, 0)
    after, at = _number(delta, at)
    if before != len(base):
        raise ValueError("a delta against something else")
    out = bytearray()
    while at < len(delta):
        code, at = delta[at], at + 1
        if code & 0x80:
            start, at = _sparse(delta, at, code, 4)
            size, at = _sparse(delta, at, code >> 4, 3)
            size = size or 0x10000
            if start + size > len(base):
                raise ValueError("a delta beyond its base")
            out += base[start : start + size]
        elif code:
            out += delta[at : at + code]
            at += code
        else:
            raise ValueError("an unknown step in a delta")
    if len(out) != after:
        raise ValueError("a delta of another size")
    return bytes(out)


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def _sparse(data: bytes, at: int, bits: int, count: int) -> tuple[int, int]:
    """A little-endian number of which only the bytes named in ``bits`` are there."""
    value = 0
    for n in range(count):
        if bits >> n & 1:
            value |= data[at] << (8 * n)
            at += 1
    return value, at
