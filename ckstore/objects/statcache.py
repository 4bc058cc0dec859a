"""What files looked like when they were added: an unchanged file is not read again.

One file per added folder below ``<store>/cache/``, derived and deletable: for every path its size, times,
inode and mode, and the ids of its bytes. Believed are rows

- that are the same today, and were older than the moment of looking by more than a clock's tick (a file
  written in that very tick may have been written again in it: git's rule for racy entries), and
- whose objects are in packs that are still there and were not touched since.

So a damaged pack, whose times tell, is not believed, and adding the same content again heals it. What
changes without a trace in the file system (a failing disk) is found by ``fsck``, which deletes this cache
when it finds any damage. Imports nothing that takes time: the quick door of ``add`` comes through here.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from array import array

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_MAGIC = b"ckstore stat cache 1\n"
_FIELDS = 5
_ID, _DIGEST = 20, 32
_NONE = (0,) * _FIELDS
_TICK = 100_000_000  # nanoseconds: kernels stamp files with the time of their last tick, at most 10 ms ago
_COARSE_TICK = 2_000_000_000  # of file systems that know whole seconds, or two
_SECOND = 1_000_000_000
_KEPT = 100  # folders


def fields(status: os.stat_result) -> tuple[int, ...]:
    """What of a status tells a change: size, mtime, ctime (ns), inode, mode."""
    return (
        status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & 0x7FFFFFFFFFFFFFFF,
        status.st_mode,
    )  # fmt: skip


class Rows:
    """Paths, what they looked like, and the ids of their bytes (empty for folders and what is no file)."""

    __slots__ = ("ids", "names", "numbers")

    def __init__(self, names: list[str], numbers: array[int], ids: bytearray) -> None:
        self.names, self.numbers, self.ids = names, numbers, ids

    @classmethod
    def empty(cls) -> Rows:
        """None yet."""
        return cls([], array("q"), bytearray())

    def note(self, name: str, found: tuple[int, ...], oid: str = "", digest: bytes = b"") -> None:
        """One more; ``found`` from before its bytes were read."""
        self.names.append(name)
        self.numbers.extend(found)
        self.ids += bytes.fromhex(oid) + digest if oid else bytes(_ID + _DIGEST)

    def unchanged(self, root: str) -> bool:
        """Whether every path, below ``root``, looks as it did."""
        now = array("q")
        extend, lstat, prefix = now.extend, os.lstat, f"{root}/" if root else ""
        try:
            for name in self.names:
                s = lstat(prefix + name)
                extend((s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino & 0x7FFFFFFFFFFFFFFF, s.st_mode))
        except (OSError, ValueError):
            return False
        return now == self.numbers

    def forget_racy(self, looked_at: int) -> bool:
        """Make rows that were too young at that time (ns since 1970) unbelievable; True: there were none."""
        clean = True
        for at in range(0, len(self.numbers), _FIELDS):
            changed = max(self.numbers[at + 1], self.numbers[at + 2])
            tick = _TICK if changed % _SECOND else _COARSE_TICK
            if changed > looked_at - tick:
                self.numbers[at : at + _FIELDS] = array("q", _NONE)
                clean = False
        return clean

    def forget_ids(self, oids: Collection[str]) -> None:
        """Know no more what files with these contents hold, only what they look like."""
        each, known = _ID + _DIGEST, {bytes.fromhex(oid) for oid in oids}
        for at in range(0, len(self.ids), each):
            if bytes(self.ids[at : at + _ID]) in known:
                self.ids[at : at + each] = bytes(each)

    def by_name(self) -> dict[str, tuple[tuple[int, ...], str, bytes]]:
        """name → (fields, object id, SHA-256) of files that are to be believed."""
        found, each = {}, _ID + _DIGEST
        for n, name in enumerate(self.names):
            ids = bytes(self.ids[each * n : each * (n + 1)])
            numbers = tuple(self.numbers[_FIELDS * n : _FIELDS * (n + 1)])
            if numbers != _NONE and any(ids):
                found[name] = numbers, ids[:_ID].hex(), ids[_ID:]
        return found

    def sections(self) -> list[bytes]:
        """As bytes, for :func:`save`."""
        return [join(self.names), self.numbers.tobytes(), bytes(self.ids)]

    @classmethod
    def read(cls, sections: Sequence[bytes]) -> Rows:
        """The rows of these sections; ValueError when they do not fit each other."""
        names, numbers = split(sections[0]), array("q", sections[1])
        ids = bytearray(sections[2])
        if len(numbers) != _FIELDS * len(names) or len(ids) != (_ID + _DIGEST) * len(names):
            raise ValueError("rows of different length")
        return cls(names, numbers, ids)


def join(texts: Iterable[str]) -> bytes:
    """Texts without NUL as bytes."""
    return "".join(f"{text}\0" for text in texts).encode("utf-8", "surrogateescape")


def split(data: bytes) -> list[str]:
    """The texts again."""
    return data.decode("utf-8", "surrogateescape").split("\0")[:-1]


def place(store: str, key: bytes) -> str:
    """The file for what is cached under a key; the key itself is in it, for two may have one place."""
    return f"{store}/cache/add-{zlib.crc32(key):08x}{zlib.adler32(key):08x}"


def load(path: str, key: bytes) -> list[bytes] | None:
    """The sections that were saved for a key; None when there are none, or not whole."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes as long as the rest
            data = file.read()
        head, _, body = data.removeprefix(_MAGIC).partition(b"\n")
        checksum, *lengths = map(int, head.split())
    except (OSError, ValueError):
        return None
    if not data.startswith(_MAGIC) or zlib.crc32(body) != checksum or sum(lengths) != len(body):
        return None
    sections, at = [], 0
    for length in lengths:
        sections.append(body[at : at + length])
        at += length
    return sections[1:] if sections and sections[0] == key else None


def save(path: str, key: bytes, sections: Sequence[bytes]) -> None:
    """Keep sections for a key, all or nothing; a place that cannot be written keeps nothing."""
    from pathlib import Path

    from ckstore.objects.litter import temporary_file

    parts = [key, *sections]
    body = b"".join(parts)
    head = " ".join(map(str, [zlib.crc32(body), *map(len, parts)]))
    target = Path(path)
    with contextlib.suppress(OSError):
        target.parent.mkdir(exist_ok=True)
        with temporary_file(target.parent, "tmp-") as work:
            work.write_bytes(_MAGIC + head.encode() + b"\n" + body)
            work.replace(target)
        kept = sorted(target.parent.glob("add-*"), key=lambda file: file.stat().st_mtime)
        for old in kept[:-_KEPT]:
            old.unlink()


def forget(store: str) -> None:
    """Delete what is cached for a store: every file is read again when it is added."""
    with contextlib.suppress(OSError), os.scandir(f"{store}/cache") as found:
        for entry in found:
            if entry.name.startswith("add-"):
                os.unlink(entry.path)  # noqa: PTH108 - as above


def packs_of(objects: str) -> list[str]:
    """What the packs and indexes in a folder of objects look like, one text each; OSError when unreadable."""
    with os.scandir(f"{objects}/pack") as found:
        return sorted(
            f"{entry.name} {' '.join(map(str, fields(entry.stat())))}"
            for entry in found
            if entry.name.startswith("pack-") and entry.name.endswith((".pack", ".idx"))
        )


def has_loose(objects: str) -> bool:
    """Whether some objects are in no pack, perhaps."""
    with os.scandir(objects) as found:
        return any(len(entry.name) == 2 and os.listdir(entry.path) for entry in found)  # noqa: PTH208 - as above
