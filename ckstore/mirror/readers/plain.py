"""Any other repository: one component of kind ``repo``, its whole tree.

A root with nothing but a readme, a licence and dot files is no component yet: nearly every repository
begins so, and a release of that would only be withdrawn by the next commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckstore.mirror.readers.found import PLAIN, Changes, Found
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Metadata, Place
from ckstore.model.names import derive_uid

KIND = "repo"
_FRAME = re.compile(
    r"\..*|(readme|licen[cs]e|copying|notice|contributing|code_of_conduct)(\..*)?", re.IGNORECASE
)


class PlainReader:
    """``name`` is the component's: that of the repository."""

    def __init__(self, name: str) -> None:
        self._name = name

    def reads(self, trees: Trees, root: str) -> bool:
        """Always."""
        return True

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """The whole tree, if it holds anything."""
        found = self.at(trees, new, "") if new else None
        return Changes({""} if old else set(), [found] if found else [])

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The whole tree, if it holds anything."""
        if path or all(not entry.is_tree and _FRAME.fullmatch(entry.name) for entry in trees.read_tree(root)):
            return None
        return Found("", Place(KIND, self._name), root, PLAIN, root)

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """Nothing is inherited in this format."""
        return None

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """Nothing."""
        return iter(())


def plain_metadata(place: Place) -> Metadata:
    """Metadata of a component that has none."""
    return Metadata(
        kind=place.kind,
        name=place.name,
        uid=place.uid or derive_uid(place.kind, place.name),
        format="ckstore",
    )
