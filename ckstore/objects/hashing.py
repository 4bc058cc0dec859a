"""Object ids, by a SHA-1 that detects collision attacks (libgit2's SHA1DC, as git's own).

It costs four times as much as the plain one, so it is for what is hashed in memory: whatever gets its id here
is refused when it was made to share it with other bytes, even where those are never met. Large files have
the plain one; they are compared by SHA-256 with whatever has the same id (docs/design/0023).
"""

from __future__ import annotations

import threading

import pygit2

from ckstore.errors import CorruptData

_NUMBERS = {"commit": pygit2.enums.ObjectType.COMMIT, "tree": pygit2.enums.ObjectType.TREE,
            "tag": pygit2.enums.ObjectType.TAG}  # fmt: skip


class _Nowhere(pygit2.OdbBackend):
    """Keeps nothing: libgit2 gives the ids of trees and commits only for what it writes."""

    def write_cb(self, oid: pygit2.Oid, data: bytes, kind: int) -> None:
        """Forget it."""

    def exists_cb(self, oid: pygit2.Oid) -> bool:
        """Nothing is here."""
        return False

    def refresh_cb(self) -> None:
        """Nothing will be."""


class _Hasher(threading.local):
    """One database for each thread.

    Of one for all, the first thread holds the lock while Python runs the backend, and waits for Python; the
    second holds Python and waits for the lock.
    """

    def __init__(self) -> None:
        self.database = pygit2.Odb()
        self.database.add_backend(_Nowhere(), 1)


_HASHER = _Hasher()


def object_id(kind: str, data: bytes) -> str:
    """The id of an object; :class:`CorruptData` for one that is part of a collision attack."""
    try:
        return str(pygit2.hash(data) if kind == "blob" else _HASHER.database.write(_NUMBERS[kind], data))
    except pygit2.GitError as error:
        raise collision("An object", error) from error


def collision(what: str, error: Exception) -> CorruptData:
    """The error for bytes that were made to share their id with other bytes."""
    return CorruptData(
        f"{what} was made to have the id of something else ({error}).",
        code="sha1-collision",
        hints=["it is an attack, or somebody's example of one: leave the file out"],
    )
