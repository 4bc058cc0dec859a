"""Which objects the store has, asked thousands of times by a writer whose objects are mostly new.

libgit2 answers "no" only after it has looked for new packs, which costs a millisecond where there are
hundreds of them. A writer therefore reads the indexes once. What others add later it does not see; it
then stores the object a second time, which is harmless.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_SMALL = 4 * 1024 * 1024  # bytes of an index that is read as a whole: about 150,000 objects
_VERSION_2 = b"\xfftOc\0\0\0\2"
_IDS = 8 + 256 * 4  # where the ids begin in an index, version 2


class KnownObjects:
    """The ids in the pack indexes below ``objects`` at one moment, and the loose files of its folders."""

    def __init__(self, objects: Path) -> None:
        self._objects = os.fspath(objects)
        self._ids: set[bytes] = set()
        self._large: list[mmap.mmap] = []
        with os.scandir(objects) as found:
            self._folders = {entry.name for entry in found if len(entry.name) == 2}
        for path in (objects / "pack").glob("*.idx"):
            self._load(path)

    def _load(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size > _SMALL:
                    self._large.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                else:
                    self._ids.update(_ids(file.read()))
        except FileNotFoundError:  # repacked meanwhile: its objects are taken for new ones
            pass

    def may_have(self, oid: str) -> bool:
        """False when the object was certainly not there."""
        raw = bytes.fromhex(oid)
        if raw in self._ids or any(_search(index, raw) for index in self._large):
            return True
        return oid[:2] in self._folders and os.path.exists(f"{self._objects}/{oid[:2]}/{oid[2:]}")  # noqa: PTH110 - a hot path

    def packed(self, ids: set[bytes]) -> set[bytes]:
        """Those of these raw ids that were in packs."""
        return {*(ids & self._ids), *(raw for index in self._large for raw in ids if _search(index, raw))}


def _ids(data: bytes) -> Iterator[bytes]:
    if len(data) < _IDS or data[:8] != _VERSION_2:
        return iter(())
    count = _count(data, 255)
    return (data[at : at + 20] for at in range(_IDS, _IDS + 20 * count, 20))


def _count(data: bytes | mmap.mmap, first: int) -> int:
    """How many ids begin with the byte ``first`` or a lower one."""
    return int(struct.unpack_from(">I", data, 8 + 4 * first)[0]) if first >= 0 else 0


def _search(data: mmap.mmap, raw: bytes) -> bool:
    low, high = _count(data, raw[0] - 1), _count(data, raw[0])
    while low < high:
        middle = (low + high) // 2
        found = data[_IDS + 20 * middle : _IDS + 20 * middle + 20]
        if found == raw:
            return True
        low, high = (middle + 1, high) if found < raw else (low, middle)
    return False
