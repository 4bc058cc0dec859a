"""Writing into a folder that is held open, so that no name can lead anywhere else while we write.

Where the system has them, everything goes through directory descriptors; elsewhere through paths below a
folder that nobody else knows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_BY_DESCRIPTOR = {os.open, os.mkdir, os.symlink} <= os.supports_dir_fd and hasattr(os, "fchmod")
_CREATE = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)  # fmt: skip
_ENTER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_SEALED = 0o555


class Place:
    """A folder that was just made. FileExistsError when a name in it is taken."""

    __slots__ = ("_descriptor", "_modes", "_path")

    def __init__(self, path: str, descriptor: int | None, modes: set[int]) -> None:
        self._path, self._descriptor = path, descriptor
        self._modes = modes  # those that files get as asked, whatever the umask

    def _name(self, name: str) -> str:
        return name if self._descriptor is not None else f"{self._path}/{name}"

    def file(self, name: str, mode: int, pieces: Iterable[bytes]) -> bytes:
        """Write a file with exactly this mode; gives the SHA-256 of what was written."""
        digest = hashlib.sha256()
        descriptor = os.open(self._name(name), _CREATE, mode, dir_fd=self._descriptor)
        try:
            for piece in pieces:
                digest.update(piece)
                written = os.write(descriptor, piece)
                while written < len(piece):
                    written += os.write(descriptor, memoryview(piece)[written:])
            if mode not in self._modes:
                self._set_mode(descriptor, mode)
        finally:
            os.close(descriptor)
        return digest.digest()

    def _set_mode(self, descriptor: int, mode: int) -> None:
        """Whatever the umask: a shared store is read by others."""
        if os.fstat(descriptor).st_mode & 0o777 == mode:
            self._modes.add(mode)
        elif hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)

    @contextlib.contextmanager
    def folder(self, name: str) -> Iterator[Place]:
        """Make a folder in this one; at the end nothing can be written there any more."""
        os.mkdir(self._name(name), dir_fd=self._descriptor)
        with _entered(f"{self._path}/{name}", self._name(name), self._descriptor, self._modes) as place:
            yield place

    def link(self, name: str, target: str) -> None:
        """Make a symlink."""
        os.symlink(target, self._name(name), dir_fd=self._descriptor)


def filled(folder: Path) -> contextlib.AbstractContextManager[Place]:
    """An empty folder, to be filled; at the end nothing can be written there any more."""
    return _entered(str(folder), str(folder), None, set())


@contextlib.contextmanager
def _entered(path: str, name: str, above: int | None, modes: set[int]) -> Iterator[Place]:
    if not _BY_DESCRIPTOR:
        yield Place(path, None, modes)
        os.chmod(path, _SEALED)  # noqa: PTH101 - likewise
        return
    descriptor = os.open(name, _ENTER, dir_fd=above)
    try:
        yield Place(path, descriptor, modes)
        os.fchmod(descriptor, _SEALED)
    finally:
        os.close(descriptor)
