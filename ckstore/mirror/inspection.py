"""Looking at packs before anything in them is inflated.

The entry of an object in a pack says in clear how long the object is; that of a difference says so in the
first bytes of its stream (gitformat-pack(5)). So a few kilobytes that would become gigabytes are found by
reading a few bytes. What is beyond a limit is named here and never read: the component that holds it
is refused, the rest is mirrored.
"""

from __future__ import annotations

import re
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol

from ckstore.errors import CkstoreError, CorruptData
from ckstore.model.limits import MAX_DELTA_CHAIN, NEVER_TOO_LARGE, too_large
from ckstore.objects.entries import TYPES
from ckstore.objects.packindex import VERSION_2

_OFFSET_DELTA, _NAMED_DELTA = 6, 7
_FAN = struct.Struct(">256I")
_HEADER, _TRAILER, _OID = 12, 20, 20
_ENOUGH = 64  # compressed bytes that hold the two sizes at the beginning of a difference
_BEGINNING = 128  # bytes of an entry that hold its header and these
_WINDOW = 64 * 1024
_OUTSIDE = 8  # a type has three bits
_NO_BASE, _LOST, _ENDLESS, _UNKNOWN = -1, -2, -3, -4
_MANY_DIGITS = 10  # bytes of a size below 2 ** 64
_SIZES = re.compile(rb"[\x80-\xff]*[\0-\x7f]([\x80-\xff]*[\0-\x7f]?)")  # of the base, of what is made of it


class Whole(Protocol):
    """What reading whole objects needs."""

    def read(self, oid: str) -> tuple[str, bytes]:
        """(type, bytes) of an object, checked against its id."""

    def large_blob(self, oid: str) -> Iterator[bytes] | None:
        """The pieces of a large blob, checked at the end; None for one to be read as a whole."""


class PackIndex:
    """The ids and offsets of a pack, from an index of version 2 or (before 2008) 1."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        begin = 8 if data[:8] == VERSION_2 else 0
        if len(data) < begin + _FAN.size + 2 * _TRAILER:
            raise _bad(path, "it ends too early")
        self._fan: tuple[int, ...] = _FAN.unpack_from(data, begin)
        self.count = self._fan[255]
        begin += _FAN.size
        if list(self._fan) != sorted(self._fan) or len(data) < begin + self.count * 24 + 2 * _TRAILER:
            raise _bad(path, "its counts are wrong")
        if begin == _FAN.size:
            rows = list(struct.iter_unpack(">I20s", data[begin : begin + self.count * 24]))
            self.ids = b"".join(oid for _, oid in rows)
            self.offsets = array("Q", (offset for offset, _ in rows))
        else:
            self.ids = data[begin : begin + self.count * _OID]
            self.offsets = array("Q", self._offsets(data, begin + self.count * 28, path))

    def _offsets(self, data: bytes, large: int, path: Path) -> Iterator[int]:
        small = array("I", data[large - 4 * self.count : large])
        if sys.byteorder == "little":
            small.byteswap()
        room = (len(data) - 2 * _TRAILER - large) // 8
        for offset in small:
            if offset < 1 << 31:
                yield offset
            elif offset - (1 << 31) < room:
                yield int(struct.unpack_from(">Q", data, large + 8 * (offset - (1 << 31)))[0])
            else:
                raise _bad(path, "an offset lies outside")

    def oid(self, number: int) -> str:
        """The id of an object by its number in the index."""
        return self.ids[number * _OID : (number + 1) * _OID].hex()

    def find(self, raw: bytes) -> int:
        """The number of an object; -1 when it is not in the pack."""
        low, high = self._fan[raw[0] - 1] if raw[0] else 0, self._fan[raw[0]]
        while low < high:
            middle = (low + high) // 2
            found = self.ids[middle * _OID : (middle + 1) * _OID]
            if found == raw:
                return middle
            low, high = (middle + 1, high) if found < raw else (low, middle)
        return -1


def _bad(path: Path, why: str) -> CorruptData:
    return CorruptData(f"The index {path.name} cannot be used: {why}.", code="bad-pack-index")


Inspected = dict[Path, dict[str, str]]  # pack → what must not be read of it: object id → reason


def inspect(folder: Path, inspected: Inspected | None = None) -> dict[str, str]:
    """What must not be read of the packs in a folder (``objects/pack``): object id → reason.

    ``inspected`` remembers it, for packs that nobody else changes; it is added to.
    """
    refused: dict[str, str] = {}
    inspected = {} if inspected is None else inspected
    for index in sorted(folder.glob("pack-*.idx")):
        pack = index.with_suffix(".pack")
        if pack.is_file() and pack.stat().st_size > _HEADER:
            if pack not in inspected:
                inspected[pack] = inspect_pack(pack, PackIndex(index))
            refused |= inspected[pack]
    return refused


def inspect_pack(pack: Path, index: PackIndex) -> dict[str, str]:
    """The objects of one pack that must not be read, with the reason; nothing is inflated."""
    with pack.open("rb", buffering=0) as file:
        return _Inspection(file, pack.stat().st_size - _TRAILER, index).refused()


def unreadable(folder: Path, objects: Whole) -> dict[str, str]:
    """The objects of the packs in a folder whose bytes are not what their id promises, with the reason.

    For packs that nobody has checked: git reads every object that arrives, libgit2 passes over some lies.
    """
    found = {}
    for index in sorted(folder.glob("pack-*.idx")):
        listed = PackIndex(index)
        for oid in map(listed.oid, range(listed.count)):
            try:
                pieces = objects.large_blob(oid)
                if pieces is None:
                    objects.read(oid)
                else:
                    for _ in pieces:
                        pass
            except CkstoreError as error:
                found[oid] = error.message
    return found


def _beginnings(file: IO[bytes], end: int, offsets: Iterable[int]) -> Iterator[tuple[bytes, int]]:
    """For each entry, in the order of the pack: (bytes, where it begins in them); none for one outside.

    Behind that follow :data:`_BEGINNING` bytes, or all before ``end``, where the last entry ends. Read, not
    mapped: the pages of a mapping that were touched count as memory of this process.
    """
    data, begin, enough = b"", 0, 0
    for offset in offsets:
        if offset >= enough:
            if not _HEADER <= offset < end:
                yield b"", 0
                continue
            file.seek(offset)
            data, begin = file.read(min(_WINDOW, end - offset)), offset
            enough = end if begin + len(data) == end else begin + max(len(data) - _BEGINNING, 1)
        yield data, offset - begin


class _Inspection:
    """``kinds``, ``sizes`` and ``bases`` are by place: the order of offsets in the pack."""

    def __init__(self, file: IO[bytes], end: int, index: PackIndex) -> None:
        self._file, self._end, self._index = file, end, index
        self._numbers = array("I", sorted(range(index.count), key=index.offsets.__getitem__))
        self._offsets = array("Q", sorted(index.offsets))
        self._place_of: array[int] = array("I")
        self.kinds = bytearray(index.count)
        self.sizes = array("Q", bytes(8 * index.count))
        self.bases = array("q", bytes(8 * index.count))

    def refused(self) -> dict[str, str]:
        """Object id → reason."""
        self._read_headers()
        depths = self._chains()
        found = {}
        for place, (size, base, depth) in enumerate(zip(self.sizes, self.bases, depths, strict=True)):
            if 0 <= depth <= MAX_DELTA_CHAIN and size <= NEVER_TOO_LARGE and self.kinds[place] in TYPES:
                continue
            reason = self._reason(place, size, base, depth)
            if reason:
                found[self._index.oid(self._numbers[place])] = reason
        return found

    def _reason(self, place: int, size: int, base: int, depth: int) -> str:
        if depth in (_LOST, _ENDLESS):
            return "its base is not in the pack" if depth == _LOST else "it is built upon itself"
        if depth > MAX_DELTA_CHAIN:
            return f"it is built upon more than {MAX_DELTA_CHAIN} others"
        kind = self.kinds[place]
        if kind == _OUTSIDE:
            return "it lies outside of the pack"
        if kind not in TYPES:
            return f"its type {kind} is unknown"
        return too_large(TYPES[kind], size, delta=base != _NO_BASE)

    def _read_headers(self) -> None:
        beginnings = _beginnings(self._file, self._end, self._offsets)
        for place, (data, begin) in enumerate(beginnings):
            if not data:
                self.kinds[place], self.bases[place] = _OUTSIDE, _NO_BASE
                continue
            kind, size, at = _entry(data, begin)
            base = _NO_BASE
            if kind == _OFFSET_DELTA:
                back, at = _distance(data, at)
                base = self._before(place, back)
            elif kind == _NAMED_DELTA:
                base = self._named(data[at : at + _OID])
                at += _OID
            if kind in (_OFFSET_DELTA, _NAMED_DELTA):
                size = _result_size(data[at : at + _ENOUGH])
            self.kinds[place], self.sizes[place], self.bases[place] = kind, size, base

    def _before(self, place: int, back: int) -> int:
        offset = max(self._offsets[place] - back, 0)
        found = bisect_left(self._offsets, offset, 0, place)
        return found if self._offsets[found] == offset else _LOST

    def _named(self, raw: bytes) -> int:
        number = self._index.find(raw)
        if number < 0:
            return _LOST
        if not self._place_of:
            self._place_of = array("I", bytes(4 * self._index.count))
            for place, known in enumerate(self._numbers):
                self._place_of[known] = place
        return self._place_of[number]

    def _chains(self) -> array[int]:
        """How many others each object is built upon; sets the type of differences to that of the first."""
        depths = array("q", [_UNKNOWN]) * len(self.bases)
        for place, base in enumerate(self.bases):
            if base == _NO_BASE:
                depths[place] = 0
            elif 0 <= base < place and depths[base] >= 0:  # nearly always: all before this one are known
                depths[place] = depths[base] + 1
                self.kinds[place] = self.kinds[base]
            elif depths[place] == _UNKNOWN:
                self._follow(depths, place)
        return depths

    def _follow(self, depths: array[int], place: int) -> None:
        """The same for one object, and for all of those that it is built upon."""
        path = []
        while place >= 0 and depths[place] == _UNKNOWN and self.bases[place] != _NO_BASE:
            depths[place] = _ENDLESS  # until it is known: whoever meets it again goes in a circle
            path.append(place)
            place = self.bases[place]
        depth = _LOST if place < 0 else 0 if self.bases[place] == _NO_BASE else depths[place]
        kind = self.kinds[place] if place >= 0 else 0
        for place in reversed(path):
            depth = depth + 1 if depth >= 0 else depth
            depths[place], self.kinds[place] = depth, kind


def _entry(data: bytes, at: int) -> tuple[int, int, int]:
    """(type, size, place behind) of the header of an entry."""
    byte = data[at]
    kind, size, shift = byte >> 4 & 7, byte & 15, 4
    while byte & 0x80 and at + 1 < len(data) and shift < 64:
        at += 1
        byte = data[at]
        size |= (byte & 0x7F) << shift
        shift += 7
    return kind, min(size, 2**64 - 1), at + 1


def _distance(data: bytes, at: int) -> tuple[int, int]:
    """(how far back the base lies, place behind)."""
    byte = data[at] if at < len(data) else 0
    back = byte & 0x7F
    while byte & 0x80 and at + 1 < len(data) and back < 1 << 63:
        at += 1
        byte = data[at]
        back = (back + 1) << 7 | (byte & 0x7F)
    return back, at + 1


def _result_size(stream: bytes) -> int:
    """The size of what a difference makes; 0 when it does not say (reading it will fail, and say so)."""
    try:
        head = zlib.decompressobj().decompress(stream, 2 * _MANY_DIGITS)
    except zlib.error:
        return 0
    found = _SIZES.match(head)
    size = 0
    for byte in reversed(found[1] if found else b""):
        size = size << 7 | (byte & 0x7F)
    return min(size, 2**64 - 1)
