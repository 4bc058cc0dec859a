"""SHA-256 digests of trees, independent of git's SHA-1.

A Merkle digest over kind, executable bit, name, content, symlink target and gitlink; nothing else of
the file system counts. For a folder, the SHA-256 of ``ckstore tree 1\\0`` and then, for each entry in
the byte order of names: one letter (``d`` folder, ``f`` file, ``x`` executable, ``l`` symlink, ``m``
gitlink), the name's length in decimal, ``:``, the name, and the 32 bytes of the entry's own digest. That
of a file is the SHA-256 of its bytes, of a symlink that of its target, of a gitlink that of the
commit's 40 hex digits. Subtrees can be checked on their own.
"""

from __future__ import annotations

import hashlib
import operator
import os
import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from ckstore.errors import CorruptData
from ckstore.objects.trees import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry, check_depth

PREFIX = "sha256:"
# A submodule is laid out as a folder that holds this one file, with the commit: its files are not ours
# to include, and an empty folder would not say why it is empty.
SUBMODULE_NOTE = ".gitlink"
_LETTERS = {TREE: b"d", FILE: b"f", EXECUTABLE: b"x", SYMLINK: b"l", GITLINK: b"m"}
_NAME = operator.itemgetter(1)
_CHUNK = 1024 * 1024
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NOTE = re.compile(rb"[0-9a-f]{40}\n")


def combine(entries: Iterable[tuple[int, bytes, bytes]]) -> bytes:
    """The digest (32 bytes) of a folder from (mode, name, digest) of its entries, in any order."""
    found = [
        b"%s%d:%s%s" % (_LETTERS[mode], len(name), name, digest)
        for mode, name, digest in sorted(entries, key=_NAME)
    ]
    return hashlib.sha256(b"ckstore tree 1\0" + b"".join(found)).digest()


class Digests:
    """Digests of trees in an object database, each object hashed once in a lifetime of this value.

    ``large`` gives the pieces of a blob that is not to be held in memory, None for others. ``known`` has the
    SHA-256 of blobs that were just hashed; it is added to.
    """

    def __init__(
        self,
        read_tree: Callable[[str], tuple[TreeEntry, ...]],
        read_blob: Callable[[str], bytes],
        large: Callable[[str], Iterable[bytes] | None] = lambda oid: None,
        known: dict[str, bytes] | None = None,
    ) -> None:
        self._read_tree = read_tree
        self._read_blob = read_blob
        self._large = large
        self._known: dict[str, bytes] = {} if known is None else known

    def of_tree(self, oid: str) -> str:
        """``sha256:`` and 64 hex digits for the tree ``oid``."""
        return PREFIX + self._tree(oid, 0).hex()

    def _tree(self, oid: str, depth: int) -> bytes:
        if oid not in self._known:
            check_depth(depth, f"The tree {oid}")
            self._known[oid] = combine([
                (mode, name.encode("utf-8", "surrogateescape"), self._entry(mode, below, depth))
                for mode, name, below in self._read_tree(oid)
            ])  # fmt: skip
        return self._known[oid]

    def _entry(self, mode: int, oid: str, depth: int) -> bytes:
        if mode == TREE:
            return self._tree(oid, depth + 1)
        if mode == GITLINK:
            return gitlink_digest(oid)
        known = self._known.get(oid)
        if known is None:
            known = self._known[oid] = self._blob(oid)
        return known

    def _blob(self, oid: str) -> bytes:
        pieces = self._large(oid)
        if pieces is None:
            return hashlib.sha256(self._read_blob(oid)).digest()
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        return digest.digest()


def digest_of_folder(folder: Path) -> str:
    """The digest of what lies on disk; equal to that of the tree it was laid out from.

    Raises :class:`CorruptData` for what no tree can hold: pipes, devices, folders without end.
    """
    return PREFIX + _folder(str(folder), 0).hex()


def _folder(folder: str, depth: int) -> bytes:
    check_depth(depth, folder)
    with os.scandir(folder) as found:
        return combine([
            _file(entry) if entry.is_file(follow_symlinks=False) else _no_file(entry, depth)
            for entry in found
        ])  # fmt: skip


def _no_file(entry: os.DirEntry[str], depth: int) -> tuple[int, bytes, bytes]:
    name, path = os.fsencode(entry.name), entry.path
    if entry.is_symlink():
        return SYMLINK, name, hashlib.sha256(link_target(path)).digest()
    if not entry.is_dir(follow_symlinks=False):
        raise _special(path)
    commit = submodule_at(path)
    return (GITLINK, name, gitlink_digest(commit)) if commit else (TREE, name, _folder(path, depth + 1))


def _file(entry: os.DirEntry[str]) -> tuple[int, bytes, bytes]:
    descriptor = os.open(entry.path, _OPEN)
    try:
        status = os.fstat(descriptor)
        mode, size = status.st_mode, status.st_size
        if not stat.S_ISREG(mode):
            raise _special(entry.path)
        piece = os.read(descriptor, min(size, _CHUNK) + 1)
        digest = hashlib.sha256(piece)
        while piece and len(piece) != size:  # else that was all of it, as the next read would say
            piece = os.read(descriptor, _CHUNK)
            digest.update(piece)
    finally:
        os.close(descriptor)
    return EXECUTABLE if mode & stat.S_IXUSR else FILE, os.fsencode(entry.name), digest.digest()


def _special(path: str) -> CorruptData:
    return CorruptData(f"{path} is neither a file, a folder nor a symlink.", code="special-file")


def link_target(path: str | Path) -> bytes:
    """What a symlink says, to the byte."""
    return os.fsencode(os.readlink(path))  # noqa: PTH115 - a Path would turn ./a into a


def submodule_at(path: str | Path) -> str:
    """The commit of the submodule that a laid-out folder stands for; empty for an ordinary folder."""
    if not os.path.lexists(f"{path}/{SUBMODULE_NOTE}") or os.listdir(path) != [SUBMODULE_NOTE]:  # noqa: PTH208 - a hot path
        return ""
    note = Path(path, SUBMODULE_NOTE)
    if not stat.S_ISREG(note.lstat().st_mode):
        return ""
    with note.open("rb") as file:
        text = file.read(42)
    return text[:40].decode() if _NOTE.fullmatch(text) else ""


def gitlink_digest(commit: str) -> bytes:
    """The digest of a submodule that is at this commit."""
    return hashlib.sha256(commit.encode()).digest()
