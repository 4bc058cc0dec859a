"""A repository in a folder of one's own: its packs are copied instead of being made anew by a fetch.

A fetch has the other side pack everything again and indexes it here, which is nearly all of its cost. Copying
leaves out the work, and so it must not leave out the checks:

- Only plain, whole repositories that belong to this user, without a symbolic link on the way
  (CVE-2024-32020 and -32021 were links and foreign owners in local clones). They are copied, never linked:
  what happens to the source later must not happen to the store.
- Pack and index must be as they were written: both end with a checksum of all their bytes.
- Nothing is missing: git, or our own walk, follows all that the wanted commits reach.
- An index could lie about what is where. Whatever is read is hashed (libgit2 does; releases are digested as
  well), so no lie becomes a release. An id that the store has already is read, and so hashed, here, so that
  no lie can hide what was right before.
- The copy is named by its own bytes: it can replace no other pack.

Whatever does not fit is left to a fetch, which is always right.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pygit2

from ckstore.errors import CkstoreError
from ckstore.mirror.borrowing import BorrowingStore
from ckstore.mirror.inspection import Inspected, inspect
from ckstore.mirror.loose_copies import copy_loose
from ckstore.objects.known import KnownObjects
from ckstore.objects.stream import Pieces

_PACK = re.compile(r"pack-[0-9a-f]{40}\.pack")
_ODD = ("shallow", "objects/info/alternates", "objects/info/http-alternates", "info/grafts")
_ODD_SUFFIXES = (".promisor", ".mtimes")  # objects left out on purpose; garbage kept for a while
_ODD_SETTINGS = re.compile(rb"objectformat|partialclone|promisor|refstorage|worktreeconfig", re.IGNORECASE)
_IDX_HEAD = b"\xfftOc\0\0\0\2"
_IDS = 8 + 1024
_MOST_SHARED = 2000
_MOST_STEPS = 20_000
_CHUNK = 8 * 1024 * 1024


class _Unsuitable(Exception):
    """Not for copying; the reason is for nobody but whoever debugs this."""


@dataclass(frozen=True, slots=True)
class Copied:
    """The packs that were copied, and the newest commits of those asked for that are in them."""

    packs: tuple[Path, ...]
    commits: frozenset[str]

    def discard(self) -> None:
        """Something was missing after all."""
        for path in self.packs:
            path.with_suffix(".idx").unlink(missing_ok=True)
            path.unlink(missing_ok=True)


def copy_packs(
    source: Path, target: BorrowingStore, store: Path, tips: set[str], inspected: Inspected
) -> Copied | None:
    """Copy the packs of the repository at ``source`` (its git folder) into ``target``; None: not suitable.

    ``store`` is the objects folder of the store, ``tips`` the commits that are wanted. Whether what they
    reach is whole is for the caller to check. ``inspected``: see :func:`inspect`.
    """
    packs: list[Path] = []
    try:
        _check_folder(source)
        there, here = source / "objects" / "pack", target.git / "objects" / "pack"
        packs.extend(_copy(path, here) for path in _packs(there))
        packs += copy_loose(source / "objects", here, packs)
        if inspect(here, inspected):
            raise _Unsuitable("objects beyond a limit: a fetch leaves out what holds them")
        ids = {raw for pack in packs for raw in _ids(pack.with_suffix(".idx"))}
        _check_shared(packs, ids, store)
        commits = _newest(source / "objects", target, ids, tips) if ids else frozenset[str]()
        if commits:
            return Copied(tuple(packs), commits)
    except (_Unsuitable, CkstoreError, OSError, ValueError, KeyError, pygit2.GitError):
        pass
    Copied(tuple(packs), frozenset()).discard()
    return None


def _check_folder(git: Path) -> None:
    if os.name == "nt":
        raise _Unsuitable("nobody can say whose files these are")
    for folder in (git, git / "objects", git / "objects" / "pack"):
        _own(folder.lstat(), stat.S_IFDIR)
    if any(os.path.lexists(git / name) for name in _ODD):
        raise _Unsuitable("it borrows from others, or is cut short")
    config = git / "config"
    if config.exists() and _ODD_SETTINGS.search(config.read_bytes()):
        raise _Unsuitable("it has extensions")


def _own(status: os.stat_result, kind: int) -> None:
    if stat.S_IFMT(status.st_mode) != kind or status.st_uid != os.geteuid():
        raise _Unsuitable("not a plain file or folder of this user")


def _packs(folder: Path) -> Iterator[Path]:
    names = sorted(os.listdir(folder))  # noqa: PTH208 - names are what is looked at
    odd = {name.rpartition(".")[0] for name in names if name.endswith(_ODD_SUFFIXES)}
    for name in names:
        if _PACK.fullmatch(name):
            if name.rpartition(".")[0] in odd:
                raise _Unsuitable("a pack that is not all there")
            yield folder / name


def _copy(pack: Path, folder: Path) -> Path:
    """Copy a pack and its index; both are checked as they arrived. Gives the pack's new path."""
    part = folder / f"tmp_copy_{pack.stem}"
    index = folder / f"tmp_copy_{pack.stem}.idx"
    try:
        count = _check_pack(_copied(pack, part))
        name = _check_index(_copied(pack.with_suffix(".idx"), index), part, count)
        path = folder / f"pack-{name}.pack"
        part.replace(path)
        index.replace(path.with_suffix(".idx"))
        return path
    finally:
        part.unlink(missing_ok=True)
        index.unlink(missing_ok=True)


def _copied(source: Path, target: Path) -> Path:
    """By the file system where it can share blocks, else by the kernel, else by hand."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file, target.open("xb") as copy:
        status = os.fstat(descriptor)
        _own(status, stat.S_IFREG)
        left = status.st_size
        with contextlib.suppress(OSError):
            while left and (done := os.copy_file_range(descriptor, copy.fileno(), left)):
                left -= done
        if left:
            file.seek(0)
            copy.seek(0)
            shutil.copyfileobj(file, copy, _CHUNK)
    target.chmod(0o444)
    return target


def _check_pack(path: Path) -> int:
    """How many objects it says it has; checked against the checksum at its end."""
    left = path.stat().st_size - 20
    found = hashlib.sha1(usedforsecurity=False)
    with path.open("rb") as file:  # read, not mapped: the pages of a mapping count as memory of ours
        head = file.read(12)
        found.update(head)
        left -= len(head)
        while left > 0 and (chunk := file.read(min(_CHUNK, left))):
            found.update(chunk)
            left -= len(chunk)
        if len(head) < 12 or head[:8] != b"PACK\0\0\0\2" or left or found.digest() != file.read():
            raise _Unsuitable("a damaged pack")
        return int.from_bytes(head[8:12], "big")


def _check_index(path: Path, pack: Path, count: int) -> str:
    """A name made of the bytes of both; the index must be of this pack, and whole."""
    with pack.open("rb") as file:
        file.seek(-20, os.SEEK_END)
        trailer = file.read()
    data = path.read_bytes()
    fan = [int.from_bytes(data[at : at + 4], "big") for at in range(8, _IDS, 4)]
    if data[:8] != _IDX_HEAD or fan != sorted(fan) or fan[-1:] != [count] or not _intact(data):
        raise _Unsuitable("a damaged index")
    if len(data) < _IDS + count * 28 + 40 or data[-40:-20] != trailer:
        raise _Unsuitable("the index of another pack")
    return hashlib.sha1(data[-40:], usedforsecurity=False).hexdigest()


def _intact(data: bytes) -> bool:
    with memoryview(data) as view:
        found = hashlib.sha1(usedforsecurity=False)
        for at in range(0, len(view) - 20, _CHUNK):
            found.update(view[at : min(at + _CHUNK, len(view) - 20)])
        return found.digest() == bytes(view[-20:])


def _ids(index: Path) -> Iterator[bytes]:
    data = index.read_bytes()
    count = int.from_bytes(data[_IDS - 4 : _IDS], "big")
    return (data[at : at + 20] for at in range(_IDS, _IDS + 20 * count, 20))


def _check_shared(packs: list[Path], ids: set[bytes], store: Path) -> None:
    """What the store has already is read once more, from the copy, and so hashed."""
    shared = KnownObjects(store).packed(ids)
    if len(shared) > _MOST_SHARED:
        raise _Unsuitable("a fetch brings only what is new")
    if shared:
        objects = packs[0].parent.parent
        copies = pygit2.Odb()
        copies.add_backend(pygit2.OdbBackendPack(str(objects)), 1)
        pieces = Pieces([objects], lambda: copies, _unreadable)
        for oid in (raw.hex() for raw in shared):
            large = pieces.large_blob(oid)
            if large is None:
                copies.read(oid)
            else:
                collections.deque(large, maxlen=0)  # its id is compared at the end


def _unreadable(oid: str) -> tuple[str, bytes]:
    raise _Unsuitable(f"{oid} cannot be read piece by piece")


def _newest(source: Path, target: BorrowingStore, packed: set[bytes], tips: set[str]) -> frozenset[str]:
    """The wanted commits, or for those that are not packed yet their newest ancestors that are."""
    reading = BorrowingStore(target.path, (source,))
    found, seen, pending = set[str](), set(tips), list(tips)
    while pending:
        oid = pending.pop()
        if bytes.fromhex(oid) in packed:
            found.add(oid)
            continue
        if len(seen) > _MOST_STEPS:
            raise _Unsuitable("too much is not packed")
        if reading.read(oid)[0] == "commit":
            new = [parent for parent in reading.read_commit(oid).parents if parent not in seen]
            seen.update(new)
            pending += new
    return frozenset(found)
