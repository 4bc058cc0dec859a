"""Repository tags as labels: for every component, the version that was current at the tag's commit.

A tag names a commit. If that is not on the first-parent line, its nearest first-parent ancestor on the
line counts: a label never promises more than what the tag's own history contains. Of the releases up to
there, the label is the newest whose very tree the tag holds, else (the component was broken there, or
changed on the side branch) the newest, provided that the tag holds its folder at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ckstore.mirror.trees import Trees
from ckstore.model.records import Release


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag: ``position`` on the first-parent line (-1: unrelated to it), ``root`` its own root tree."""

    name: str
    position: int
    root: str


def label(trees: Trees, tag: Tagged, releases: Sequence[Release], positions: Mapping[str, int]) -> str:
    """The version of a component that the tag names; empty when it has none there.

    ``releases`` in the order of release, ``positions`` of commits on the line; a release made from a
    commit that the line has lost counts as older than everything on it.
    """
    here: dict[str, str] = {}
    for release in releases:
        if release.path not in here:
            here[release.path] = subtree_at(trees, tag.root, release.path)
    older = [r for r in releases if positions.get(r.commit, -1) <= tag.position and here[r.path]]
    exact = [r for r in older if here[r.path] == r.tree]
    return (exact or older)[-1].version if older and tag.position >= 0 else ""


def subtree_at(trees: Trees, root: str, path: str) -> str:
    """The id of the folder at a path below a root tree; empty when there is none."""
    tree = root
    for step in path.split("/") if path else ():
        tree = trees.subtree(tree, step) if tree else ""
    return tree


def version_order(tag: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts tags as versions: runs of digits count as numbers."""
    return tuple(
        (0, int(part[:9]), part) if part.isdigit() and part.isascii() else (1, 0, part) for part in _runs(tag)
    )


def _runs(text: str) -> Iterator[str]:
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or text[at].isdigit() != text[start].isdigit():
            yield text[start:at]
            start = at
