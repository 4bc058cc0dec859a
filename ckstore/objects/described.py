"""The metadata that lies in the files of a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ckstore.errors import CkstoreError
from ckstore.model.metadata import Place
from ckstore.model.metadata_formats import BY_NAME, parse_metadata
from ckstore.model.records import Release
from ckstore.objects.trees import TreeEntry


class Files(Protocol):
    """Where the files are: a store, or a view of its log."""

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""


def metadata_of(files: Files, release: Release) -> Mapping[str, object]:
    """The body of the metadata as its author wrote it; empty for another format, or for damaged files."""
    try:
        own = BY_NAME[release.format].files if release.format in BY_NAME else ()
        read = {path: file_of(files, release.tree, path) for path in own}
        found = {path: data for path, data in read.items() if data is not None}
        place = Place(kind=release.kind, name=release.name, uid=release.uid)
        return parse_metadata(found, place, release.path).body
    except CkstoreError:
        return {}


def file_of(files: Files, tree: str, path: str) -> bytes | None:
    """The file at a path below a tree; None when there is none."""
    folder, _, rest = path.partition("/")
    entry = next((entry for entry in files.read_tree(tree) if entry.name == folder), None)
    if entry is None or entry.is_tree != bool(rest):
        return None
    return file_of(files, entry.oid, rest) if rest else files.read_blob(entry.oid)
