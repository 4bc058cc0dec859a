"""Repositories within a repository: the descriptor at the root decides, so they are named and not read."""

from __future__ import annotations

from collections.abc import Iterator

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.readers.cm import DESCRIPTORS
from ckstore.mirror.readers.found import has_file, join
from ckstore.mirror.trees import Trees
from ckstore.model.metadata_ck import CK_REPOSITORY

MAX_DEPTH = 4
_NAMES = sorted([*DESCRIPTORS, CK_REPOSITORY])


def nested_repositories(trees: Trees, root: str) -> Iterator[str]:
    """A line for each folder below the root, down to four deep, that describes itself as a repository."""
    pending = [("", root, 0)]
    seen: set[tuple[str, int]] = set()  # a folder that lies in many places is looked at in the first
    while pending:
        path, tree, depth = pending.pop()
        if (tree, depth) in seen:
            continue
        seen.add((tree, depth))
        try:
            folders = trees.folders(tree)
            names = [name for name in _NAMES if has_file(trees, tree, name)] if path else []
        except (NotFound, CorruptData):  # told where it is a component's
            continue
        if names:
            yield f"{path}: not read: a repository of its own ({names[0]}) within this one"
        elif depth < MAX_DEPTH:
            pending += [(join(path, entry.name), entry.oid, depth + 1) for entry in reversed(folders)]
