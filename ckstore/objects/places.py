"""Writing into a folder that is held open, so that no name can lead anywhere else while we write.

Where the system has them, everything goes through directory descriptors; elsewhere through paths below a
folder that nobody else knows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

_BY_DESCRIPTOR = {os.open, os.mkdir, os.symlink} <= os.supports_dir_fd and hasattr(os, "fchmod")
_CREATE = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
)  # fmt: skip
_ENTER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
SEALED = 0o555


class Place:
    """A folder that was just made, entered; at the end nothing can be written there any more.

    FileExistsError when a name in it is taken.
    """

    __slots__ = ("_descriptor", "_modes", "_path")

    def __init__(self, path: str, name: str, above: int | None, modes: set[int]) -> None:
        self._path = path
        self._descriptor = os.open(name, _ENTER, dir_fd=above) if _BY_DESCRIPTOR else None
        self._modes = modes  # those that files get as asked, whatever the umask

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._descriptor is None:
            if kind is None:
                os.chmod(self._path, SEALED)  # noqa: PTH101 - a path of text
            return
        try:
            if kind is None:
                os.fchmod(self._descriptor, SEALED)
        finally:
            os.close(self._descriptor)

    def _name(self, name: str) -> str:
        return name if self._descriptor is not None else f"{self._path}/{name}"

    def file(self, name: str, mode: int, data: bytes) -> bytes:
        """Write a file with exactly this mode; gives the SHA-256 of what was written."""
        descriptor = self._create(name, mode)
        try:
            _write(descriptor, data)
        finally:
            os.close(descriptor)
        return hashlib.sha256(data).digest()

    def large_file(self, name: str, mode: int, pieces: Iterable[bytes]) -> bytes:
        """As :meth:`file`."""
        digest = hashlib.sha256()
        descriptor = self._create(name, mode)
        try:
            for piece in pieces:
                digest.update(piece)
                _write(descriptor, piece)
        finally:
            os.close(descriptor)
        return digest.digest()

    def _create(self, name: str, mode: int) -> int:
        descriptor = os.open(self._name(name), _CREATE, mode, dir_fd=self._descriptor)
        if mode not in self._modes:
            try:
                self._set_mode(descriptor, mode)
            except OSError:
                os.close(descriptor)
                raise
        return descriptor

    def _set_mode(self, descriptor: int, mode: int) -> None:
        """Whatever the umask: a shared store is read by others."""
        if os.fstat(descriptor).st_mode & 0o777 == mode:
            self._modes.add(mode)
        elif hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)

    def folder(self, name: str) -> Place:
        """Make a folder in this one, and enter it."""
        os.mkdir(self._name(name), dir_fd=self._descriptor)
        return Place(f"{self._path}/{name}", self._name(name), self._descriptor, self._modes)

    def move(self, target: Path) -> None:
        """Rename this folder, which is not below another Place."""
        os.rename(self._path, target)  # noqa: PTH104 - a path of text
        self._path = str(target)

    def link(self, name: str, target: str) -> None:
        """Make a symlink."""
        os.symlink(target, self._name(name), dir_fd=self._descriptor)


def filled(folder: str) -> Place:
    """An empty folder, to be filled."""
    return Place(folder, folder, None, set())


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, memoryview(data)[written:])
