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
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from ckstore.objects.trees import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry

PREFIX = "sha256:"
# A submodule is laid out as a folder that holds this one file, with the commit: its files are not ours
# to include, and an empty folder would not say why it is empty.
SUBMODULE_NOTE = ".gitlink"
_LETTERS = {TREE: b"d", FILE: b"f", EXECUTABLE: b"x", SYMLINK: b"l", GITLINK: b"m"}
_CHUNK = 1024 * 1024


def combine(entries: Iterable[tuple[int, bytes, bytes]]) -> bytes:
    """The digest (32 bytes) of a folder from (mode, name, digest) of its entries, in any order."""
    out = hashlib.sha256(b"ckstore tree 1\0")
    for mode, name, digest in sorted(entries, key=lambda entry: entry[1]):
        out.update(b"%s%d:%s" % (_LETTERS[mode], len(name), name) + digest)
    return out.digest()


class Digests:
    """Digests of trees in an object database, each object hashed once in a lifetime of this value."""

    def __init__(
        self, read_tree: Callable[[str], tuple[TreeEntry, ...]], read_blob: Callable[[str], bytes]
    ) -> None:
        self._read_tree = read_tree
        self._read_blob = read_blob
        self._known: dict[str, bytes] = {}

    def of_tree(self, oid: str) -> str:
        """``sha256:`` and 64 hex digits for the tree ``oid``."""
        return PREFIX + self._tree(oid).hex()

    def _tree(self, oid: str) -> bytes:
        if oid not in self._known:
            entries = self._read_tree(oid)
            self._known[oid] = combine((e.mode, os.fsencode(e.name), self._entry(e)) for e in entries)
        return self._known[oid]

    def _entry(self, entry: TreeEntry) -> bytes:
        if entry.mode == TREE:
            return self._tree(entry.oid)
        if entry.mode == GITLINK:
            return _gitlink(entry.oid)
        if entry.oid not in self._known:
            self._known[entry.oid] = hashlib.sha256(self._read_blob(entry.oid)).digest()
        return self._known[entry.oid]


def digest_of_folder(folder: Path) -> str:
    """The digest of what lies on disk; equal to that of the tree it was laid out from."""
    return PREFIX + _folder(folder).hex()


def _folder(folder: Path) -> bytes:
    with os.scandir(folder) as found:
        return combine(_on_disk(entry) for entry in found)


def _on_disk(entry: os.DirEntry[str]) -> tuple[int, bytes, bytes]:
    name, path = os.fsencode(entry.name), Path(entry.path)
    if entry.is_symlink():
        return SYMLINK, name, hashlib.sha256(os.fsencode(path.readlink())).digest()
    if entry.is_dir():
        commit = submodule_at(path)
        return (GITLINK, name, _gitlink(commit)) if commit else (TREE, name, _folder(path))
    executable = entry.stat(follow_symlinks=False).st_mode & stat.S_IXUSR
    return EXECUTABLE if executable else FILE, name, digest_of_file(path)


def digest_of_file(path: Path) -> bytes:
    """SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def submodule_at(folder: Path) -> str:
    """The commit of the submodule that a laid-out folder stands for; empty for an ordinary folder."""
    note = folder / SUBMODULE_NOTE
    if not note.is_file() or len(list(folder.iterdir())) != 1:
        return ""
    return note.read_text("ascii", "replace").strip()


def _gitlink(commit: str) -> bytes:
    return hashlib.sha256(commit.encode()).digest()
