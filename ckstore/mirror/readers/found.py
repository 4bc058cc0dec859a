"""What a reader gives: where in a tree the components are, what changed between two trees, what is odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_FOLDERS_READ
from ckstore.model.metadata import Place

PLAIN = "plain"  # the format of a component without metadata


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that is a component: ``path`` in its source (empty: the root), ``tree`` its git id.

    ``format`` is a name of :data:`ckstore.model.metadata_formats.FORMATS`, or :data:`PLAIN`. ``root`` is the
    root tree in which another component can be looked up whose metadata this one inherits.
    """

    path: str
    place: Place
    tree: str
    format: str
    root: str = ""


@dataclass(slots=True)
class Changes:
    """``gone``: paths that may have held components before; ``found``: components that are new or differ.

    A component that changed is in both; gone comes first.
    """

    gone: set[str] = field(default_factory=set)
    found: list[Found] = field(default_factory=list)
    _looked_at: int = 0

    def look(self) -> None:
        """Count a place that is looked at: folders that hold each other many times must not keep us."""
        self._looked_at += 1
        if self._looked_at > MAX_FOLDERS_READ:
            raise CorruptData(
                f"More than {MAX_FOLDERS_READ} folders may hold components.", code="too-many-folders"
            )


class Reader(Protocol):
    """One format of repository. All of it is judged by one root tree, never by what was there before."""

    def reads(self, trees: Trees, root: str) -> bool:
        """True when the root says that it is a repository of this format."""

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees; an empty ``old`` gives everything in ``new``."""

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The component at a path, as :meth:`changes` would find it."""

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """The component that the metadata of another one names as its base; None: it is not there."""

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """What is odd about a root tree beside the components that are found: lines ``path: reason``."""


def components(reader: Reader, trees: Trees, root: str) -> Iterator[Found]:
    """All components below a root tree, by path."""
    yield from sorted(reader.changes(trees, "", root).found, key=lambda found: found.path.split("/"))


def join(*steps: str) -> str:
    """A path from its steps, without the empty ones."""
    return "/".join(step for step in steps if step)


def descend(trees: Trees, tree: str, path: str) -> str:
    """The id of the folder at a path below a tree; empty when there is none."""
    for step in path.split("/") if path else ():
        tree = trees.subtree(tree, step) if tree else ""
    return tree


def has_file(trees: Trees, tree: str, path: str) -> bool:
    """True when there is a file at a path below a tree."""
    *folders, name = path.split("/")
    for folder in folders:
        tree = trees.subtree(tree, folder)
        if not tree:
            return False
    entry = trees.child(tree, name) if tree else None
    return entry is not None and not entry.is_tree


def may_have(trees: Trees, tree: str, files: tuple[str, ...]) -> bool:
    """True when one of the files is there; also when that cannot be read: then it is reported as broken."""
    try:
        for file in files:
            if has_file(trees, tree, file):
                return True
    except (NotFound, CorruptData):
        return True
    return False
