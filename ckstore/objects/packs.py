"""Writing one pack per operation.

Thousands of loose files are slow and unsafe: git, libgit2 and dulwich do not sync them by default, and
none rewrites one that was left empty by a power cut. One pack needs three syncs however many objects it
holds. Format: gitformat-pack(5), pack version 2, index version 2, no deltas (``git gc`` makes them).
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import IO, Literal, Self

from ckstore.errors import Unavailable
from ckstore.objects import deflate
from ckstore.objects.checkedfile import CheckedFile, HashedPieces, changed, differ
from ckstore.objects.disk import not_writable, sync_folder
from ckstore.objects.entries import PackedEntry, object_header
from ckstore.objects.hashing import collision, object_id
from ckstore.objects.keepfiles import keep_pack
from ckstore.objects.litter import UNFINISHED_INDEX, UNFINISHED_PACK, temporary_file
from ckstore.objects.packindex import index_bytes
from ckstore.objects.stream import LARGE, Sha256
from ckstore.objects.trees import TreeEntry, in_order, serialize_tree

ObjectType = Literal["commit", "tree", "blob", "tag"]
Presence = Literal["absent", "damaged", "intact"]
Present = Callable[[str, ObjectType, bytes | Sha256], Presence]
_CHUNK = 1024 * 1024
_TREES = 50_000
# A file that became a link or a pipe since it was looked at is not followed and does not block.
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class PackWriter:
    """Collects objects and publishes them as one pack; nothing is visible before :meth:`finish`.

    ``present(oid, type, content)`` tells whether the store already holds exactly these bytes, and raises when
    it holds others. An object that is there but damaged is written again: adding the same content heals.
    A disk that refuses is :class:`Unavailable`, other bytes under a known id are :class:`CorruptData`.

    ``heals`` is True when an object written here mends the store: it was damaged, or absent though a
    tree of the store names it. ``digests`` has the SHA-256 (32 bytes) of every blob that was added,
    ``trees`` the entries of (not too many) trees.
    """

    def __init__(self, folder: Path, present: Present) -> None:
        self._folder = folder
        self._present = present
        self._entries: dict[str, tuple[int, int]] = {}  # oid → offset, crc
        self._file: IO[bytes] | None = None
        self._path = Path()
        self._held = contextlib.ExitStack()  # the temporary file, while there is one
        self._end = 0
        self.heals = False
        self.digests: dict[str, bytes] = {}
        self.trees: dict[str, tuple[TreeEntry, ...]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.discard()

    def __contains__(self, oid: str) -> bool:
        return oid in self._entries

    def _known(self, oid: str, kind: ObjectType, content: bytes | Sha256) -> bool:
        if oid in self._entries:
            return True
        presence = self._present(oid, kind, content)
        self.heals |= presence == "damaged"
        return presence == "intact"

    def _remember(self, oid: str, digest: bytes) -> None:
        if self.digests.setdefault(oid, digest) != digest:
            raise collision(f"An object {oid}", ValueError("it was added before, with other bytes"))

    def add(self, kind: ObjectType, data: bytes) -> str:
        """Add an object; gives its id, whether or not it was there before."""
        oid = object_id(kind, data)
        if kind == "blob":
            self._remember(oid, hashlib.sha256(data).digest())
        if not self._known(oid, kind, data):
            self._entries[oid] = self._append([object_header(kind, len(data)) + deflate.compress(data)])
        return oid

    def copy(self, oid: str, pieces: Iterable[bytes], crc: int) -> bool:
        """Add an object as it is in another pack, where it is no delta. The new pack shall win.

        ``pieces`` are of its entry; False, and nothing is added, when their CRC-32 is not ``crc``.
        """
        self.heals = True
        if oid not in self._entries:
            entry = self._append(pieces)
            if entry[1] != crc:
                self._take_back(entry[0])
                return False
            self._entries[oid] = entry
        return True

    def add_tree(self, entries: Iterable[TreeEntry]) -> str:
        """Add a tree made of these entries, in any order."""
        listed = in_order(entries)
        oid = self.add("tree", serialize_tree(listed))
        if oid not in self._entries:
            self.heals |= any(entry.oid in self._entries for entry in listed)
        elif len(self.trees) < _TREES:
            self.trees[oid] = listed
        return oid

    def add_file(self, path: str | Path, size: int) -> str:
        """Add the bytes of a file as a blob; large ones are streamed, never held in memory.

        ``size`` in bytes as lstat saw it. Raises :class:`Unavailable` when the file changes meanwhile,
        OSError when it cannot be read.
        """
        descriptor = os.open(path, _OPEN)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode) or before.st_size != size:
                raise changed(path)
            if size >= LARGE:
                with open(descriptor, "rb", closefd=False) as file:
                    return self.add_pieces(CheckedFile(file, path, before))
            data = os.read(descriptor, size + 1)
            if len(data) != size or differ(before, os.fstat(descriptor)):
                raise changed(path)
        finally:
            os.close(descriptor)
        return self.add("blob", data)

    def add_pieces(self, checked: HashedPieces) -> str:
        """Add a blob, hashed and compressed in one pass; it is taken back out of the pack if it was known."""
        entry = self._append(itertools.chain([object_header("blob", checked.size)], checked.deflated()))
        known = True
        try:
            self._remember(checked.oid, checked.digest)
            known = self._known(checked.oid, "blob", Sha256(checked.digest))
        finally:
            if known:
                self._take_back(entry[0])
        if not known:
            self._entries[checked.oid] = entry
        return checked.oid

    def keep_only(self, oids: Set[str]) -> set[str]:
        """Take all other objects back out; what lies behind them moves up. Gives those that went."""
        dropped = self._entries.keys() - oids
        if not dropped:
            return dropped
        by_offset = sorted(self._entries, key=lambda oid: self._entries[oid][0])
        ends = [*(self._entries[oid][0] for oid in by_offset[1:]), self._end]
        target = self._entries[by_offset[0]][0]
        runs: list[list[int]] = []  # begin and end of what stays, neighbours as one
        for oid, end in zip(by_offset, ends, strict=True):
            if oid in dropped:
                del self._entries[oid]
                self.trees.pop(oid, None)
                continue
            begin, crc = self._entries[oid]
            self._entries[oid] = target, crc
            target += end - begin
            if runs and runs[-1][1] == begin:
                runs[-1][1] = end
            else:
                runs.append([begin, end])
        self._close_up(runs, target)
        return dropped

    def _close_up(self, runs: Sequence[Sequence[int]], end: int) -> None:
        """Move these parts of the file to lie behind one another, the last one up to ``end``."""
        assert self._file is not None
        target = end - sum(until - begin for begin, until in runs)
        for begin, until in runs:
            while begin < until and begin != target:
                with self._disk():
                    self._file.seek(begin)
                    piece = self._file.read(min(_CHUNK, until - begin))
                    self._file.seek(target)
                self._put(self._file, piece)
                begin, target = begin + len(piece), target + len(piece)
            target += until - begin
        self._take_back(end)

    def _append(self, pieces: Iterable[bytes]) -> tuple[int, int]:
        file = self._file or self._open()
        offset, crc = self._end, 0
        try:
            for piece in pieces:
                crc = deflate.crc32(piece, crc)
                self._end += self._put(file, piece)
        except BaseException:  # whoever goes on with other objects must find a whole pack
            self._take_back(offset)
            raise
        return offset, crc

    def _put(self, file: IO[bytes], piece: bytes) -> int:
        try:  # as _disk does, without what a context costs: asked for every object
            return file.write(piece)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> Unavailable:
        return not_writable(self._folder.parent.parent.parent, error)

    def _take_back(self, offset: int) -> None:
        assert self._file is not None
        self._end = offset
        with self._disk():
            self._file.seek(offset)
            self._file.truncate()

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._refused(error) from error

    def _open(self) -> IO[bytes]:
        with self._disk():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._path = self._held.enter_context(temporary_file(self._folder, UNFINISHED_PACK))
            self._file = self._path.open("w+b")
        self._end = self._file.write(struct.pack(">4sII", b"PACK", 2, 0))
        return self._file

    def read(self, oid: str) -> bytes:
        """The bytes of an object added before, from the unfinished pack; KeyError if it is not here."""
        return b"".join(self.pieces(oid))

    def pieces(self, oid: str) -> Iterator[bytes]:
        """The same in pieces; nothing may be added before the last one was taken."""
        with self._entry(oid) as entry:
            yield from entry.pieces()

    def size_of(self, oid: str) -> int:
        """The size of an object added before, in bytes; KeyError if it is not here."""
        with self._entry(oid) as entry:
            return entry.size

    @contextlib.contextmanager
    def _entry(self, oid: str) -> Iterator[PackedEntry]:
        offset, _ = self._entries[oid]
        assert self._file is not None
        with self._disk():
            yield PackedEntry(self._file, offset)
            self._file.seek(self._end)

    def finish(self, *, keep: bool = False) -> str:
        """Publish: pack, then index, each synced, then the folder. Gives the pack's name, empty if none.

        ``keep``: with a file that bids git to leave the pack alone, until :func:`release_packs`.
        """
        if self._file is None or not self._entries:
            self.discard()
            return ""
        with self._disk(), self._held:
            trailer = self._seal()
            self._file.close()
            self._file = None
            with temporary_file(self._folder, UNFINISHED_INDEX) as index:
                self._publish(index, trailer, keep)
            sync_folder(self._folder)
        return f"pack-{trailer.hex()}"

    def _publish(self, index: Path, trailer: bytes, keep: bool) -> None:
        with index.open("wb") as file:
            file.write(index_bytes(self._entries, trailer))
            file.flush()
            os.fsync(file.fileno())
        for path in (self._path, index):
            path.chmod(0o444)
        if self.heals:
            self._make_newest()
        pack = self._folder / f"pack-{trailer.hex()}.pack"
        if keep:
            keep_pack(pack)
        try:
            self._path.replace(pack)
            index.replace(pack.with_suffix(".idx"))
        except OSError:
            if not pack.with_suffix(".idx").exists():
                pack.unlink(missing_ok=True)
            raise

    def _make_newest(self) -> None:
        """git and libgit2 take an object from the pack with the newest time, in whole seconds.

        git goes on to the next pack when an object is damaged, libgit2 does not: the good copy must be
        the one that it meets first.
        """
        others = [path.stat().st_mtime for path in self._folder.glob("pack-*.pack")]
        newest = max([time.time(), *(at + 1 for at in others)])
        os.utime(self._path, (newest, newest))

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

    def discard(self) -> None:
        """Forget everything; leaves no file behind."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is still buffered may not fit on the disk
                self._file.close()
            self._file = None
        self._held.close()
        self._entries.clear()
