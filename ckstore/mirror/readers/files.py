"""Reading the files that say something: small ones, by path, and never a large one by mistake."""

from __future__ import annotations

from collections.abc import Iterable

from ckstore.mirror.readers.found import descend
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_METADATA_BYTES


def file_ids(trees: Trees, tree: str, paths: Iterable[str]) -> dict[str, str]:
    """The blob ids of those of the files that are there, by path."""
    found = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        holder = descend(trees, tree, folder)
        entry = trees.child(holder, name) if holder else None
        if entry is not None and not entry.is_tree:
            found[path] = entry.oid
    return found


def read_file(trees: Trees, oid: str) -> bytes:
    """The bytes of a metadata file; CorruptData when it is too large to be one, or damaged."""
    return trees.read_small(oid, MAX_METADATA_BYTES)


def read_files(trees: Trees, tree: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The contents of those of the files that are there, by path."""
    return {path: read_file(trees, oid) for path, oid in file_ids(trees, tree, paths).items()}
