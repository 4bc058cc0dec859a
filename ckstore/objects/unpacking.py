"""Writing the files of a tree of the store into a new folder, with their digest.

Written by our own writer, never by a git checkout: no filters, no attributes, no hooks; symlinks last, so
that no name can lead through a link.

Most files are small and were never changed, so what is done for each is what this costs. Their bytes get a
SHA-256 here, which is compared with the one that was published; comparing them with git's id as well would
take as long as reading and writing them. Only where the digest is another one, everything is
written again with every object compared with its id: that says which one is damaged, or finds a sound copy.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache

import pygit2

from ckstore.errors import CorruptData
from ckstore.model.names import link_target_rule, unsafe_file_name, unsafe_link_name
from ckstore.objects.digests import SUBMODULE_NOTE, combine, gitlink_digest
from ckstore.objects.places import Place
from ckstore.objects.store import ObjectStore
from ckstore.objects.stream import LARGE
from ckstore.objects.trees import EXECUTABLE, GITLINK, SYMLINK, TREE, TreeEntry, check_depth, check_extent

_READ_ONLY, _READ_ONLY_EXECUTABLE = 0o444, 0o555
_BLOB = int(pygit2.enums.ObjectType.BLOB)
_unsafe = lru_cache(unsafe_file_name)  # trees have many names in common


class Unpacking:
    """Writes trees of a store. ``checked``: every file is compared with its id as well."""

    def __init__(self, store: ObjectStore, *, checked: bool = False) -> None:
        self._store = store
        self._packs = None if checked else pygit2.OdbBackendPack(str(store.git / "objects"))

    def write(self, tree: str, place: Place) -> bytes:
        """Write the files of a tree into an empty folder; gives the digest of what was written.

        Nothing is read back: the folder is new and nobody else's, so a second reading would come from the
        very memory that was just filled. What a disk makes of it later is for ``fsck``.
        """
        check_extent(self._store.read_tree, tree)
        return self._tree(tree, place, 0)

    def _tree(self, tree: str, place: Place, depth: int) -> bytes:
        check_depth(depth, f"The tree {tree}")
        links: list[tuple[str, bytes]] = []
        done: list[tuple[int, bytes, bytes]] = []
        for entry in self._store.read_tree(tree):
            name = entry.name
            reason = _unsafe(name)
            if reason is not None:
                raise CorruptData(f"The name {name!r} cannot be laid out: {reason}.", code="unsafe-path")
            try:
                if entry.mode == SYMLINK:
                    links.append((name, self._store.read_blob(entry.oid)))
                else:
                    done.append((entry.mode, os.fsencode(name), self._entry(entry, place, depth)))
            except FileExistsError:
                raise _twice(name) from None
        for name, data in links:  # last, so that no name can lead through one
            try:
                place.link(name, _target(name, data, depth))
            except FileExistsError:
                raise _twice(name) from None
            done.append((SYMLINK, os.fsencode(name), hashlib.sha256(data).digest()))
        return combine(done)

    def _entry(self, entry: TreeEntry, place: Place, depth: int) -> bytes:
        if entry.mode == TREE:
            with place.folder(entry.name) as below:
                return self._tree(entry.oid, below, depth + 1)
        if entry.mode == GITLINK:
            with place.folder(entry.name) as below:
                below.file(SUBMODULE_NOTE, _READ_ONLY, f"{entry.oid}\n".encode())
            return gitlink_digest(entry.oid)
        mode = _READ_ONLY_EXECUTABLE if entry.mode == EXECUTABLE else _READ_ONLY
        data = self._small_blob(entry.oid)
        if data is not None:
            return place.file(entry.name, mode, data)
        return place.large_file(entry.name, mode, self._store.stream_blob(entry.oid))

    def _small_blob(self, oid: str) -> bytes | None:
        """The bytes of a blob; None for one to be read in pieces."""
        if self._packs is not None:
            try:
                if self._packs.read_header(oid)[1] < LARGE:
                    kind, data = self._packs.read(oid)
                    if kind == _BLOB:
                        return data
            except (KeyError, pygit2.GitError, ValueError, OSError):
                pass  # the store knows where else to look, and what to say
        return self._store.read_blob(oid) if self._store.size_of(oid) < LARGE else None


def _twice(name: str) -> CorruptData:
    return CorruptData(f"A tree holds {name!r} twice, as this file system sees it.", code="name-twice")


def _target(name: str, data: bytes, depth: int) -> str:
    """Where a link leads; ``depth`` is that of its folder below the root, out of which it must not lead."""
    reason, climb = link_target_rule(data)
    reason = reason or unsafe_link_name(name) or ("it leads out of the tree" if climb > depth else None)
    if reason is not None:
        raise CorruptData(f"The symlink {name!r} cannot be laid out: {reason}.", code="bad-symlink")
    return os.fsdecode(data)
