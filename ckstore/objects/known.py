"""Which objects the store has, asked thousands of times by a writer whose objects are mostly new.

libgit2 answers "no" only after it has looked for new packs, which costs a millisecond where there are
hundreds of them. So the indexes are kept at hand, and looked for anew by each writer. What others add
later it does not see; it then stores the object a second time, which is harmless.

A few questions are answered by searching the indexes as they are; for many, the ids are made a set, which
costs a moment for every object that the store has.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from ckstore.objects.packindex import IDS, VERSION_2

_SMALL = 4 * 1024 * 1024  # bytes of an index that is read as a whole: about 150,000 objects
_FEW = 100  # questions
Index = bytes | mmap.mmap


class KnownObjects:
    """The ids in the pack indexes below ``objects`` at one moment, and the loose files of its folders."""

    def __init__(self, objects: Path) -> None:
        self._objects = os.fspath(objects)
        self._indexes: dict[str, Index] = {}
        self._ids: set[bytes] = set()
        self._folders: set[str] = set()
        self._asked = 0
        self.refresh()

    def refresh(self) -> None:
        """See what came and went. An index never changes, so those that stayed are not read again."""
        self._ids, self._asked = set(), 0
        with os.scandir(self._objects) as found:
            self._folders = {entry.name for entry in found if len(entry.name) == 2}
        with contextlib.suppress(FileNotFoundError), os.scandir(f"{self._objects}/pack") as found:
            names = {entry.name for entry in found if entry.name.endswith(".idx")}
            before = self._indexes
            self._indexes = {name: before[name] for name in names & before.keys()}
            for name in names - before.keys():
                self._load(name)

    def _load(self, name: str) -> None:
        try:
            with open(f"{self._objects}/pack/{name}", "rb") as file:  # noqa: PTH123 - asked by every operation
                large = os.fstat(file.fileno()).st_size > _SMALL
                index = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if large else file.read()
        except FileNotFoundError:  # repacked meanwhile: its objects are taken for new ones
            return
        if len(index) >= IDS and index[:8] == VERSION_2:
            self._indexes[name] = index

    def may_have(self, oid: str) -> bool:
        """False when the object was certainly not there."""
        raw = bytes.fromhex(oid)
        self._asked += 1
        if self._asked == _FEW:
            self._know_all()
        if raw in self._ids or any(_search(index, raw) for index in self._to_search()):
            return True
        return oid[:2] in self._folders and os.path.exists(f"{self._objects}/{oid[:2]}/{oid[2:]}")  # noqa: PTH110 - a hot path

    def packed(self, ids: set[bytes]) -> set[bytes]:
        """Those of these raw ids that were in packs."""
        self._know_all()
        large = [index for index in self._indexes.values() if not isinstance(index, bytes)]
        return {*(ids & self._ids), *(raw for index in large for raw in ids if _search(index, raw))}

    def _know_all(self) -> None:
        self._asked = max(self._asked, _FEW)
        if not self._ids:
            for index in self._indexes.values():
                self._ids.update(_ids(index) if isinstance(index, bytes) else ())

    def _to_search(self) -> Iterator[Index]:
        for index in self._indexes.values():
            if self._asked < _FEW or not isinstance(index, bytes):
                yield index


def _ids(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 20] for at in range(IDS, IDS + 20 * _count(data, 255), 20))


def _count(data: Index, first: int) -> int:
    """How many ids begin with the byte ``first`` or a lower one."""
    return int(struct.unpack_from(">I", data, 8 + 4 * first)[0]) if first >= 0 else 0


def _search(data: Index, raw: bytes) -> bool:
    low, high = _count(data, raw[0] - 1), _count(data, raw[0])
    while low < high:
        middle = (low + high) // 2
        found = data[IDS + 20 * middle : IDS + 20 * middle + 20]
        if found == raw:
            return True
        low, high = (middle + 1, high) if found < raw else (low, middle)
    return False
