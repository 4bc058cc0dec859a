"""Reading a quarantine: its own objects, and those it borrows from the store or from a damaged folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pygit2

from ckstore.errors import CorruptData, NotFound
from ckstore.objects.loose import loose_path, read_loose
from ckstore.objects.store import ObjectStore
from ckstore.objects.stream import Pieces

_TYPES = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}  # as numbered by gitformat-pack(5)
_MOST_ALTERNATES = 8


class BorrowingStore(ObjectStore):
    """Reads from several folders of objects; nothing of it is ever written.

    Only packs are given to libgit2: it does not survive damaged loose files (see objects/loose.py), and
    damaged repositories are read here.
    """

    def __init__(self, path: Path, lenders: Sequence[Path]) -> None:
        super().__init__(path, create=False)
        self._folders = list(dict.fromkeys([self.git / "objects", *lenders]))
        self._borrowed = pygit2.Odb()
        for priority, folder in enumerate(self._folders, 1):
            self._borrowed.add_backend(pygit2.OdbBackendPack(str(folder)), priority)
        self.pieces = Pieces(self._folders, lambda: self._borrowed, self.read)

    def read(self, oid: str) -> tuple[str, bytes]:
        """(type, bytes) of an object; NotFound, or CorruptData when it is damaged."""
        try:
            kind, data = self._borrowed.read(oid)
        except KeyError:
            return self._read_loose(oid)
        except (pygit2.GitError, ValueError, OSError) as error:
            raise CorruptData(f"The object {oid} is damaged: {error}.", code="bad-object") from error
        return _TYPES[int(kind)], data

    def _read_loose(self, oid: str) -> tuple[str, bytes]:
        for folder in self._folders:
            found = read_loose(folder, oid)
            if found is not None:
                return found
        raise NotFound(f"The object {oid} is missing.", code="no-object", details={"oid": oid})

    def has(self, oid: str) -> bool:
        """True when the object is in one of the folders (its bytes are not looked at)."""
        return bool(self._borrowed.exists(oid)) or any(loose_path(f, oid).exists() for f in self._folders)


def object_folders(objects: Path, left: int = _MOST_ALTERNATES) -> Iterator[Path]:
    """A folder of objects and those that it borrows from in turn (gitrepository-layout(5), alternates)."""
    yield objects
    listed = objects / "info" / "alternates"
    if left and listed.is_file():
        for line in listed.read_text("utf-8", "replace").splitlines():
            folder = (objects / line).resolve()
            if line and not line.startswith("#") and folder.is_dir():
                yield from object_folders(folder, left - 1)
