"""Which reader a root tree asks for: here every format is registered.

The descriptor at the root decides, and where there are several of them, all are read; without one, the first
of the others that finds anything. To read another format, write a module with a
:class:`~ckstore.mirror.readers.found.Reader` and name it here.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.readers.ck import CkReader, EntryReader
from ckstore.mirror.readers.cm import DESCRIPTORS, CmReader
from ckstore.mirror.readers.contents import Contents
from ckstore.mirror.readers.found import Changes, Found, Reader
from ckstore.mirror.readers.mlc import MlcReader
from ckstore.mirror.readers.native import NativeReader
from ckstore.mirror.readers.nested import nested_repositories
from ckstore.mirror.readers.plain import PlainReader
from ckstore.mirror.readers.several import Several
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Metadata
from ckstore.model.metadata_ck import CK_FILE, CK_REPOSITORY
from ckstore.model.metadata_cm import MLC_FILES

# The entries of a root on which it depends which of the formats with descriptors it has.
_DESCRIBING = frozenset([*MLC_FILES, *DESCRIPTORS, CK_REPOSITORY, CK_FILE.partition("/")[0]])


class Readers:
    """All readers behind one; ``name`` is that of the repository or folder, for a component at its root.

    The choice is made for each root tree by itself, so that it does not depend on where a walk began.
    """

    def __init__(self, name: str) -> None:
        # Of two formats that meet in one folder, the one counts that came later and replaced the other.
        self._described: tuple[Reader, ...] = (MlcReader(), CmReader(), CkReader())
        self._others: tuple[Reader, ...] = (NativeReader(name), EntryReader(), PlainReader(name))
        self._several: dict[tuple[Reader, ...], Several] = {}
        self._chosen: tuple[str, Reader] = ("", self._others[-1])
        self._contents = Contents()

    def choose(self, trees: Trees, root: str, former: str = "") -> Reader:
        """The reader for a root tree; ``former``: another one, which may have the same descriptors."""
        if self._chosen[0] != root:
            same = former and self._chosen[0] == former and self._described_alike(trees, former, root)
            self._chosen = root, self._chosen[1] if same else self._choose(trees, root)
        return self._chosen[1]

    def _described_alike(self, trees: Trees, former: str, root: str) -> bool:
        if self._chosen[1] in self._others:  # what decided lies anywhere
            return False
        gone, come = trees.difference(former, root)
        return _DESCRIBING.isdisjoint(gone) and _DESCRIBING.isdisjoint(come)

    def _choose(self, trees: Trees, root: str) -> Reader:
        described = tuple(reader for reader in self._described if reader.reads(trees, root))
        if len(described) > 1:
            return self._several.setdefault(described, Several(described))
        return next(reader for reader in (*described, *self._others) if reader.reads(trees, root))

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees (empty: nothing was, or is, there).

        A component that inherits from one that changed is among what was found, as it is.
        """
        former = self.choose(trees, old or new)  # usually chosen in the step before
        reader = self.choose(trees, new, old) if new else former
        if former is reader:
            out = reader.changes(trees, old, new)
        else:
            gone = {found.path for found in former.changes(trees, "", old).found}
            out = Changes(gone, reader.changes(trees, "", new).found)
        touched = out.gone | {found.path for found in out.found}
        again = self._contents.heirs(touched, out.gone, new)
        return Changes(out.gone | {found.path for found in again}, [*out.found, *again])

    def metadata(self, trees: Trees, found: Found) -> Metadata:
        """The metadata of a component; :class:`InvalidInput` names the file, the line and the reason."""
        reader = self.choose(trees, found.root) if found.root else self._others[-1]
        return self._contents.metadata(trees, reader, found)

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """What is odd about a root tree beside its components, or is not read: lines ``path: reason``."""
        if not root:
            return
        try:
            yield from self.choose(trees, root).remarks(trees, root)
            yield from nested_repositories(trees, root)
        except (NotFound, CorruptData) as error:
            yield f"(root): not all of it can be looked at: {error.message}"


def metadata_at(trees: Trees, found: Found) -> Metadata:
    """The metadata of a component by itself, without what it inherits."""
    return Contents().metadata(trees, PlainReader(""), found)


def file_names(trees: Trees, tree: str) -> list[str]:
    """All files below a tree, as sorted paths relative to it."""
    names: list[str] = []
    pending = [("", tree)]
    while pending:
        prefix, oid = pending.pop()
        for entry in trees.read_tree(oid):
            if entry.is_tree:
                pending.append((f"{prefix}{entry.name}/", entry.oid))
            else:
                names.append(prefix + entry.name)
    return sorted(names)
