"""Git bundles (gitformat-bundle(5), version 2): a whole history of objects in one file.

What is written here holds no deltas and names no objects outside of itself, so that it can be read in one
pass by a reader that trusts nothing: sizes are compared with limits before anything is inflated, nothing
is inflated beyond its declared size, large files are passed on in pieces. Stock git verifies, clones and
fetches the same files.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from ckstore.errors import CorruptData, InvalidInput, Unsupported
from ckstore.model.limits import MAX_OBJECT_BYTES, MAX_TREE_BYTES
from ckstore.objects.entries import object_header
from ckstore.objects.packs import ObjectType

_SIGNATURE = b"# v2 git bundle\n"
_REF = re.compile(rb"([0-9a-f]{40}) (HEAD|refs/[!-~]{1,240})\n")
_LEVEL = 6  # written once, copied and kept many times
_PROBE, _WORTH_IT = 64 * 1024, 0.95
_CHUNK = 256 * 1024
_KINDS: dict[int, ObjectType] = {1: "commit", 2: "tree", 3: "blob"}
_TRAILER = 20
_SIZE_BYTES = 9  # of a size of at most 60 bits
Written = tuple[str, int, Iterable[bytes]]
_OVERHEAD = 256  # compressed bytes beyond the inflated ones that are looked at together


@dataclass(frozen=True, slots=True)
class Limits:
    """What a bundle may hold: refs, objects, bytes of one commit or tree, of one file, of all together."""

    refs: int = 16
    objects: int = 20_000_000
    small: int = MAX_TREE_BYTES
    blob: int = MAX_OBJECT_BYTES
    total: int = 1024**4


@dataclass(frozen=True, slots=True)
class Packed:
    """One object as it comes out of a bundle; ``pieces`` gives ``size`` bytes, once."""

    kind: ObjectType
    size: int
    pieces: Iterator[bytes]


# -- writing -------------------------------------------------------------------------------------------


def write_bundle(out: IO[bytes], refs: Mapping[str, str], objects: Iterable[Written], count: int) -> int:
    """Write a bundle of these refs (name → id) and ``count`` objects; gives its size.

    An object is (type, size in bytes, pieces of it). The same refs and objects in the same order are the
    same bytes.
    """
    head = _SIGNATURE + b"".join(f"{oid} {name}\n".encode("ascii") for name, oid in refs.items()) + b"\n"
    size = out.write(head)
    sha = hashlib.sha1(usedforsecurity=False)
    for piece in _pack(objects, count):
        sha.update(piece)
        size += out.write(piece)
    return size + out.write(sha.digest())


def _pack(objects: Iterable[Written], count: int) -> Iterator[bytes]:
    yield struct.pack(">4sII", b"PACK", 2, count)
    for kind, size, pieces in objects:
        yield object_header(kind, size)
        packer = None
        for piece in pieces:
            packer = packer or zlib.compressobj(_level(piece))
            yield packer.compress(piece)
        yield (packer or zlib.compressobj()).flush()


def _level(begin: bytes) -> int:
    """What is large and does not shrink is stored as it is."""
    if len(begin) < _PROBE:
        return _LEVEL
    return _LEVEL if len(zlib.compress(begin[:_PROBE], 1)) < _PROBE * _WORTH_IT else 0


# -- reading -------------------------------------------------------------------------------------------


class BundleReader:
    """Reads a bundle from a file that may come from anyone.

    ``what`` names the file in errors: :class:`InvalidInput` when it is no bundle, :class:`CorruptData`
    when it is not what a bundle must be, :class:`Unsupported` beyond the limits and for what others write
    (deltas, other versions, bundles that need objects from elsewhere).
    """

    def __init__(self, file: IO[bytes], what: str, limits: Limits | None = None) -> None:
        self._what = what
        self._limits = limits or Limits()
        self._input = _Input(file, self._damaged)
        self.refs = self._read_refs(file)

    def _damaged(self, problem: str) -> CorruptData:
        return CorruptData(
            f"{self._what} is damaged: {problem}.",
            code="bad-bundle",
            hints=["copy the file once more, or ask for a new one; nothing of it was taken"],
        )

    def _unsupported(self, problem: str) -> Unsupported:
        return Unsupported(
            f"{self._what} {problem}.",
            code="unsupported-bundle",
            hints=["`ckstore export` writes what can be read here"],
        )

    def _read_refs(self, file: IO[bytes]) -> dict[str, str]:
        first = file.readline(len(_SIGNATURE))
        if first != _SIGNATURE:
            if first.startswith(b"# v") and first.endswith(b"git bundle\n"):
                raise self._unsupported("is a git bundle of another version")
            if first and _SIGNATURE.startswith(first):
                raise self._damaged("it ends within its first line")
            raise InvalidInput(
                f"{self._what} is no file of `ckstore export`.",
                code="not-a-bundle",
                hints=["a lock is exported with: ckstore export ckstore.lock FILE"],
            )
        refs: dict[str, str] = {}
        while (line := file.readline(300)) != b"\n":
            found = _REF.fullmatch(line)
            if line.startswith(b"-"):
                raise self._unsupported("needs objects that it does not hold")
            if found is None or len(refs) >= self._limits.refs or found[2].decode() in refs:
                raise self._damaged("its list of refs is malformed")
            refs[found[2].decode()] = found[1].decode()
        return refs

    def objects(self) -> Iterator[Packed]:
        """Every object, in the order of the file. What the caller leaves of one is read and checked, too.

        The file is known to be whole only when this ends.
        """
        count = self._count()
        total = 0
        for number in range(count):
            kind, size = self._object(number)
            total += size
            if total > self._limits.total:
                raise self._unsupported(f"holds more than {self._limits.total} bytes")
            pieces = self._inflate(size, number)
            yield Packed(kind, size, pieces)
            for _ in pieces:
                pass
        self._input.finish()

    def _count(self) -> int:
        magic, version, count = struct.unpack(">4sII", self._input.take(12))
        if magic != b"PACK" or version != 2:
            raise self._damaged("no pack follows its refs")
        if not 0 < count <= self._limits.objects:
            raise self._unsupported(f"holds {count} objects; at most {self._limits.objects} are read")
        return int(count)

    def _object(self, number: int) -> tuple[ObjectType, int]:
        """(type, size) that an object declares."""
        byte = self._input.take(1)[0]
        code, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            if shift > 4 + 7 * (_SIZE_BYTES - 1):
                raise self._damaged(f"the size of object {number} is malformed")
            byte = self._input.take(1)[0]
            size |= (byte & 0x7F) << shift
            shift += 7
        if code in (6, 7):
            raise self._unsupported(f"holds deltas (object {number}), as git writes them")
        kind = _KINDS.get(code)
        if kind is None:
            raise self._damaged(f"object {number} has the type {code}")
        most = self._limits.blob if kind == "blob" else self._limits.small
        if size > most:
            raise self._unsupported(f"holds a {kind} of {size} bytes; at most {most} are read")
        return kind, size

    def _inflate(self, size: int, number: int) -> Iterator[bytes]:
        unpacker, left = zlib.decompressobj(), size
        while not unpacker.eof:
            chunk = self._input.peek(left + _OVERHEAD)
            try:  # one byte more than promised is enough to tell a lie
                data = unpacker.decompress(chunk, min(_CHUNK, left + 1))
            except zlib.error as error:
                raise self._damaged(f"object {number} cannot be inflated") from error
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            self._input.skip(len(chunk) - len(rest))
            left -= len(data)
            if left < 0:
                raise self._damaged(f"object {number} is larger than it says")
            if data:
                yield data
        if left:
            raise self._damaged(f"object {number} is smaller than it says")


class _Input:
    """The pack within a file: hashed as far as it was consumed, never read further than needed."""

    def __init__(self, file: IO[bytes], damaged: Callable[[str], CorruptData]) -> None:
        self._file = file
        self._damaged = damaged
        self._buffer = memoryview(b"")
        self._sha = hashlib.sha1(usedforsecurity=False)

    def peek(self, most: int) -> memoryview:
        """Some bytes that come next: at least one, at most ``most``."""
        if not self._buffer:
            self._buffer = memoryview(self._file.read(_CHUNK))
        if not self._buffer:
            raise self._damaged("it ends too early")
        return self._buffer[:most]

    def skip(self, size: int) -> None:
        """Consume bytes that were peeked at."""
        self._sha.update(self._buffer[:size])
        self._buffer = self._buffer[size:]

    def take(self, size: int) -> bytes:
        """Consume exactly so many bytes."""
        taken = b""
        while len(taken) < size:
            piece = bytes(self.peek(size - len(taken)))
            self.skip(len(piece))
            taken += piece
        return taken

    def finish(self) -> None:
        """Compare the checksum; nothing may follow it."""
        wanted = self._sha.digest()
        if self.take(_TRAILER) != wanted:
            raise self._damaged("its bytes do not have the checksum at its end")
        if self._buffer or self._file.read(1):
            raise self._damaged("something follows its end")
