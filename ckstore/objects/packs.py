"""Writing one pack per operation.

Thousands of loose files are slow and unsafe: git, libgit2 and dulwich do not sync them by default, and
none rewrites one that was left empty by a power cut. One pack needs three syncs however many objects it
holds. Format: gitformat-pack(5), pack version 2, index version 2, no deltas (``git gc`` makes them).
"""

from __future__ import annotations

import hashlib
import itertools
import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Literal

from ckstore.errors import Unavailable
from ckstore.objects.head import sync_folder
from ckstore.objects.trees import TreeEntry, serialize_tree

ObjectType = Literal["commit", "tree", "blob"]
_TYPE_BITS: dict[str, int] = {"commit": 1, "tree": 2, "blob": 3}
_LEVEL = 1  # measured: level 1 is several times quicker than the default and `git gc` repacks anyway
_STREAM_FROM = 4 * 1024 * 1024
_CHUNK = 1024 * 1024


class PackWriter:
    """Collects objects and publishes them as one pack; nothing is visible before :meth:`finish`.

    ``intact(oid, type, data)`` tells whether the store already holds exactly these bytes; ``data`` is
    None for a large file, where only presence is asked. An object that is there but damaged is not
    intact and so is written again: adding the same content heals.
    """

    def __init__(self, folder: Path, intact: Callable[[str, ObjectType, bytes | None], bool]) -> None:
        self._folder = folder
        self._intact = intact
        self._entries: dict[str, tuple[int, int]] = {}  # oid → offset, crc
        self._file: IO[bytes] | None = None
        self._path = Path()
        self._end = 0

    def __contains__(self, oid: str) -> bool:
        return oid in self._entries

    def add(self, kind: ObjectType, data: bytes) -> str:
        """Add an object; gives its id, whether or not it was there before."""
        oid = hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
        if oid not in self._entries and not self._intact(oid, kind, data):
            self._entries[oid] = self._write(kind, len(data), [zlib.compress(data, _LEVEL)])
        return oid

    def add_tree(self, entries: Iterable[TreeEntry]) -> str:
        """Add a tree made of these entries, in any order."""
        return self.add("tree", serialize_tree(entries))

    def add_file(self, path: Path, size: int) -> str:
        """Add the bytes of a file as a blob; large ones are streamed, never held in memory.

        ``size`` in bytes as lstat saw it. Raises :class:`Unavailable` when the file changes meanwhile.
        """
        with path.open("rb") as file:
            if size < _STREAM_FROM:
                data = file.read(size + 1)
                if len(data) != size:
                    raise _changed(path)
                return self.add("blob", data)
            return self._stream(file, path, size)

    def _stream(self, file: IO[bytes], path: Path, size: int) -> str:
        """Hash and compress in one pass; take the bytes back out of the pack if they were known."""
        start, sha = self._end, hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        left = size

        def pieces() -> Iterable[bytes]:
            nonlocal left
            packer = zlib.compressobj(_LEVEL)
            while chunk := file.read(_CHUNK):
                sha.update(chunk)
                left -= len(chunk)
                yield packer.compress(chunk)
            yield packer.flush()

        entry = self._write("blob", size, pieces())
        oid = sha.hexdigest()
        if left != 0 or oid in self._entries or self._intact(oid, "blob", None):
            assert self._file is not None
            self._file.seek(start)
            self._file.truncate()
            self._end = start
            if left != 0:
                raise _changed(path)
            return oid
        self._entries[oid] = entry
        return oid

    def _write(self, kind: ObjectType, size: int, pieces: Iterable[bytes]) -> tuple[int, int]:
        if self._file is None:
            self._open()
        assert self._file is not None
        offset, crc = self._end, 0
        for piece in itertools.chain([_object_header(_TYPE_BITS[kind], size)], pieces):
            crc = zlib.crc32(piece, crc)
            self._end += self._file.write(piece)
        return offset, crc

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # git's own name for unfinished packs: its gc removes what a killed process left
        descriptor, name = tempfile.mkstemp(prefix="tmp_pack_", dir=self._folder)
        self._file, self._path = os.fdopen(descriptor, "w+b"), Path(name)
        self._end = self._file.write(struct.pack(">4sII", b"PACK", 2, 0))

    def read(self, oid: str) -> bytes:
        """The bytes of an object added before, from the unfinished pack; KeyError if it is not here."""
        offset, _ = self._entries[oid]
        assert self._file is not None
        self._file.seek(offset)
        while self._file.read(1)[0] & 0x80:
            pass
        unpacker, out = zlib.decompressobj(), bytearray()
        while not unpacker.eof:
            out += unpacker.decompress(self._file.read(_CHUNK))
        self._file.seek(self._end)
        return bytes(out)

    def finish(self) -> str:
        """Publish: pack, then index, each synced, then the folder. Gives the pack's name, empty if none."""
        if self._file is None or not self._entries:
            self.discard()
            return ""
        trailer = self._seal()
        self._file.close()
        self._file = None
        index = self._path.with_name(self._path.name.replace("tmp_pack_", "tmp_idx_"))
        name = f"pack-{trailer.hex()}"
        try:
            with index.open("xb") as file:
                file.write(self._index(trailer))
                file.flush()
                os.fsync(file.fileno())
            for path in (self._path, index):
                path.chmod(0o444)
            self._path.replace(self._folder / f"{name}.pack")
            index.replace(self._folder / f"{name}.idx")
        except BaseException:
            self._path.unlink(missing_ok=True)
            index.unlink(missing_ok=True)
            raise
        sync_folder(self._folder)
        return name

    def _seal(self) -> bytes:
        """Write the object count into the header and the checksum behind the last object."""
        assert self._file is not None
        self._file.seek(0)
        self._file.write(struct.pack(">4sII", b"PACK", 2, len(self._entries)))
        self._file.seek(0)
        sha = hashlib.sha1(usedforsecurity=False)
        while chunk := self._file.read(_CHUNK):
            sha.update(chunk)
        self._file.write(sha.digest())
        self._file.flush()
        os.fsync(self._file.fileno())
        return sha.digest()

    def _index(self, trailer: bytes) -> bytes:
        rows = sorted((bytes.fromhex(oid), *place) for oid, place in self._entries.items())
        counts = [0] * 256
        for oid, _, _ in rows:
            counts[oid[0]] += 1
        fanout = [sum(counts[: i + 1]) for i in range(256)]
        large = [offset for _, offset, _ in rows if offset >= 2**31]
        where = iter(range(len(large)))
        offsets = [offset if offset < 2**31 else 2**31 | next(where) for _, offset, _ in rows]
        body = b"".join([
            b"\xfftOc", struct.pack(">I", 2), struct.pack(">256I", *fanout),
            b"".join(oid for oid, _, _ in rows),
            struct.pack(f">{len(rows)}I", *(crc for _, _, crc in rows)),
            struct.pack(f">{len(rows)}I", *offsets), struct.pack(f">{len(large)}Q", *large), trailer,
        ])  # fmt: skip
        return body + hashlib.sha1(body, usedforsecurity=False).digest()

    def discard(self) -> None:
        """Forget everything; leaves no file behind."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._path.unlink(missing_ok=True)
        self._entries.clear()


def _object_header(type_bits: int, size: int) -> bytes:
    first = (type_bits << 4) | (size & 0x0F)
    size >>= 4
    out = bytearray()
    while size:
        out.append(first | 0x80)
        first = size & 0x7F
        size >>= 7
    out.append(first)
    return bytes(out)


def _changed(path: Path) -> Unavailable:
    return Unavailable(
        f"{path} changed while it was read.",
        code="file-changed",
        hints=["wait until it is written, then repeat"],
    )
