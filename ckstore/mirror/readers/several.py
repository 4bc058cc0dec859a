"""A repository with the descriptors of several formats at its root: all of them are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ckstore.mirror.readers.found import Changes, Found, Reader
from ckstore.mirror.trees import Trees


class Several:
    """``readers`` in the order in which they count where a folder is a component for more than one."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self.readers = tuple(readers)

    def reads(self, trees: Trees, root: str) -> bool:
        """True when all of them do."""
        return all(reader.reads(trees, root) for reader in self.readers)

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees for any of them."""
        each = [reader.changes(trees, old, new) for reader in self.readers]
        gone = {path for changes in each for path in changes.gone}
        paths = gone | {found.path for changes in each for found in changes.found}
        at = (self.at(trees, new, path) for path in sorted(paths)) if new else ()
        return Changes(gone, [found for found in at if found is not None])

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The component at a path, for the first of them."""
        found = (reader.at(trees, root, path) for reader in self.readers)
        return next((item for item in found if item is not None), None)

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """The component that one of them means."""
        bases = (reader.base(trees, found, text) for reader in self.readers)
        return next((item for item in bases if item is not None and item.format == found.format), None)

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """What is odd for all of them: what one of them passes over may be a component for another."""
        told = [set(reader.remarks(trees, root)) for reader in self.readers]
        for line in sorted(set().union(*told)):
            path = line.partition(": ")[0]
            if self.at(trees, root, path) is None:
                yield line
