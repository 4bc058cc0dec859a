"""Which reader a root tree asks for, and the metadata of what it finds."""

from __future__ import annotations

from ckstore.errors import InvalidInput
from ckstore.mirror.readers.ck import CkReader, EntryReader, is_entry, is_repository
from ckstore.mirror.readers.found import Changes, Found, Reader
from ckstore.mirror.readers.native import NativeReader, holds_components
from ckstore.mirror.readers.plain import PlainReader, plain_metadata
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_METADATA_BYTES
from ckstore.model.metadata import METADATA_FILES, Metadata, parse_metadata


class Readers:
    """All readers behind one; ``name`` is that of the repository or folder, for a component at its root.

    The choice is made for each root tree by itself, so that it does not depend on where a walk began.
    """

    def __init__(self, name: str) -> None:
        self._ck, self._entry = CkReader(), EntryReader()
        self._native, self._plain = NativeReader(name), PlainReader(name)
        self._native_below: dict[tuple[str, int], bool] = {}
        self._chosen: tuple[str, Reader] = ("", self._plain)

    def choose(self, trees: Trees, root: str) -> Reader:
        """The reader for a root tree."""
        if self._chosen[0] != root:
            self._chosen = root, self._choose(trees, root)
        return self._chosen[1]

    def _choose(self, trees: Trees, root: str) -> Reader:
        if is_repository(trees, root):
            return self._ck
        if holds_components(trees, root, self._native_below):
            return self._native
        return self._entry if is_entry(trees, root) else self._plain

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees (empty: nothing was, or is, there)."""
        former = self.choose(trees, old or new)  # usually chosen in the step before
        reader = self.choose(trees, new or old)
        if former is reader:
            return reader.changes(trees, old, new)
        gone = {found.path for found in former.changes(trees, "", old).found}
        return Changes(gone, reader.changes(trees, "", new).found)


def metadata_at(trees: Trees, found: Found) -> Metadata:
    """The metadata of a component; :class:`InvalidInput` names the file, the line and the reason."""
    if found.format == "plain":
        return plain_metadata(found.place)
    files = {path: data for path in METADATA_FILES if (data := _read(trees, found.tree, path)) is not None}
    try:
        return parse_metadata(files, found.place, found.path or ".")
    except RecursionError as error:
        raise InvalidInput(f"{found.path}: nested too deeply.", code="bad-json") from error


def _read(trees: Trees, tree: str, path: str) -> bytes | None:
    folder, _, name = path.rpartition("/")
    tree = trees.subtree(tree, folder) if folder else tree
    entry = trees.child(tree, name) if tree else None
    return None if entry is None or entry.is_tree else trees.read_small(entry.oid, MAX_METADATA_BYTES)


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
