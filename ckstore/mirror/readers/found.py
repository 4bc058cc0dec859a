"""What a reader gives: where in a tree the components are, and what changed between two trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ckstore.errors import CorruptData
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_FOLDERS_READ
from ckstore.model.metadata import Place

Format = Literal["ck", "native", "plain"]


@dataclass(frozen=True, slots=True)
class Found:
    """A folder that is a component: ``path`` in its source (empty: the root), ``tree`` its git id."""

    path: str
    place: Place
    tree: str
    format: Format


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
    """Finds the components of one format."""

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees; an empty ``old`` gives everything in ``new``."""


def components(reader: Reader, trees: Trees, root: str) -> Iterator[Found]:
    """All components below a root tree, by path."""
    yield from sorted(reader.changes(trees, "", root).found, key=lambda found: found.path.split("/"))


def join(*steps: str) -> str:
    """A path from its steps, without the empty ones."""
    return "/".join(step for step in steps if step)
