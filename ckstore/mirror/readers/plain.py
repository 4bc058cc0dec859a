"""Any other repository: one component of kind ``repo``, its whole tree.

A root with nothing but a readme, a licence and dot files is no component yet: nearly every repository
begins so, and a release of that would only be withdrawn by the next commit.
"""

from __future__ import annotations

import re

from ckstore.mirror.readers.found import Changes, Found
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

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """The whole tree, if it holds anything."""
        out = Changes({""} if old else set())
        if any(entry.is_tree or not _FRAME.fullmatch(entry.name) for entry in trees.read_tree(new)):
            out.found.append(Found("", Place(KIND, self._name), new, "plain"))
        return out


def plain_metadata(place: Place) -> Metadata:
    """Metadata of a component that has none."""
    return Metadata(
        kind=place.kind,
        name=place.name,
        uid=place.uid or derive_uid(place.kind, place.name),
        format="ckstore",
    )
