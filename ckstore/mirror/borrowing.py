"""Reading a quarantine: its own objects, and those it borrows from the store or from a damaged folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pygit2

from ckstore.errors import CorruptData, NotFound
from ckstore.model.limits import MAX_ALTERNATES
from ckstore.objects.entries import TYPES
from ckstore.objects.loose import loose_path, read_loose, refused
from ckstore.objects.store import ObjectStore
from ckstore.objects.stream import Pieces

_HEADERS = {number: name.encode("ascii") for number, name in TYPES.items()}
_LISTED_BYTES = 64 * 1024


class BorrowingStore(ObjectStore):
    """Reads from several folders of objects; nothing of it is ever written.

    ``refused`` are objects beyond a limit, with the reason: they are never read. ``checked``: every object
    was compared with its id by git or libgit2 when it came into one of the folders.

    Only packs are given to libgit2: it does not survive damaged loose files (see objects/loose.py), and
    damaged repositories are read here.
    """

    def __init__(self, path: Path, lenders: Sequence[Path], refused: Mapping[str, str] | None = None) -> None:
        super().__init__(path, create=False)
        self.refused = dict(refused or {})
        self.checked = True
        self._folders = list(dict.fromkeys([self.git / "objects", *lenders]))
        self._borrowed = pygit2.Odb()
        self._packs_of = [pygit2.OdbBackendPack(str(folder)) for folder in self._folders]
        for priority, packs in enumerate(self._packs_of, 1):
            self._borrowed.add_backend(packs, priority)
        self.pieces = Pieces(self._folders, lambda: self._borrowed, self.read)

    def read(self, oid: str) -> tuple[str, bytes]:
        """(type, bytes) of an object; NotFound, or CorruptData when it is damaged or beyond a limit."""
        self._check(oid)
        try:
            kind, data = self._borrowed.read(oid)
        except KeyError:
            return self._read_loose(oid)
        except (pygit2.GitError, ValueError, OSError) as error:
            raise CorruptData(f"The object {oid} is damaged: {error}.", code="bad-object") from error
        return TYPES[int(kind)], data

    def reread(self, oid: str) -> tuple[str, bytes]:
        """The same, in two thirds of the time, for the many objects of a history that was checked on arrival.

        Damage is found here as well. Collisions made on purpose are found by :meth:`read` alone, or by git,
        one of which took the objects in. Whatever is not as it should be is left to :meth:`read`.
        """
        if self.checked and oid not in self.refused:
            for packs in self._packs_of:
                try:
                    kind, data = packs.read(oid)
                except (KeyError, pygit2.GitError, ValueError, OSError):
                    continue
                if packs is not self._packs_of[0]:  # the next object is most likely there as well
                    self._packs_of.remove(packs)
                    self._packs_of.insert(0, packs)
                name = hashlib.sha1(b"%s %d\0" % (_HEADERS[kind], len(data)), usedforsecurity=False)
                name.update(data)
                if name.hexdigest() == oid:
                    return TYPES[kind], data
        return self.read(oid)

    def _check(self, oid: str) -> None:
        if oid in self.refused:
            raise refused(oid, self.refused[oid])

    def kind_of(self, oid: str) -> str:
        """The type of an object, from its header where it is in a pack."""
        self._check(oid)
        try:
            return TYPES[pygit2.enums.ObjectType(self._borrowed.read_header(oid)[0])]
        except (KeyError, pygit2.GitError, ValueError, OSError):
            return self.read(oid)[0]

    def size_of(self, oid: str) -> int:
        """The size of an object in bytes, from its header."""
        self._check(oid)
        return super().size_of(oid)

    def stream_blob(self, oid: str) -> Iterator[bytes]:
        """The bytes of a blob, in pieces: trust none before the last one came."""
        self._check(oid)
        return super().stream_blob(oid)

    def large_blob(self, oid: str) -> Iterator[bytes] | None:
        """The pieces of a blob of some MiB; None for one to be read as a whole."""
        self._check(oid)
        return super().large_blob(oid)

    def _read_loose(self, oid: str) -> tuple[str, bytes]:
        for folder in self._folders:
            found = read_loose(folder, oid)
            if found is not None:
                return found
        raise NotFound(f"The object {oid} is missing.", code="no-object", details={"oid": oid})

    def has(self, oid: str) -> bool:
        """True when the object is in one of the folders (its bytes are not looked at)."""
        return bool(self._borrowed.exists(oid)) or any(loose_path(f, oid).exists() for f in self._folders)


def object_folders(objects: Path) -> Iterator[Path]:
    """A folder of objects and those that it borrows from in turn (gitrepository-layout(5), alternates).

    Each is named once, and no more than :data:`MAX_ALTERNATES`: they may name each other in a circle.
    """
    pending, seen = [objects.resolve()], {objects.resolve()}
    while pending:
        folder = pending.pop(0)
        yield folder
        for lender in _alternates(folder):
            if lender not in seen and len(seen) <= MAX_ALTERNATES:
                seen.add(lender)
                pending.append(lender)


def _alternates(objects: Path) -> Iterator[Path]:
    listed = objects / "info" / "alternates"
    if listed.is_file():
        with listed.open("rb") as file:
            text = file.read(_LISTED_BYTES)
        for line in text.decode("utf-8", "surrogateescape").splitlines():
            if line and "\0" not in line and not line.startswith("#") and (objects / line).is_dir():
                yield (objects / line).resolve()
