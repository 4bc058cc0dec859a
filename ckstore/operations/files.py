"""Files of the user's own: each is replaced at once, or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ckstore.errors import Unavailable
from ckstore.objects.disk import make_folders, sync_folder
from ckstore.objects.litter import temporary_file


@contextlib.contextmanager
def whole_file(path: Path, prefix: str) -> Iterator[IO[bytes]]:
    """A new file that takes the place of ``path``, synced, when all went well; else nothing has changed.

    Until then it is beside it, with a name that begins with ``prefix``: what a killed process leaves there
    is for :func:`~ckstore.objects.litter.sweep_folder`. Raises Unavailable ``file-not-writable``.
    """
    try:
        make_folders(path.parent)
        with temporary_file(path.parent, prefix) as new:
            with new.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            new.chmod(0o644)
            new.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror or error}.",
            code="file-not-writable",
            hints=["check the permissions of the folder and the free space of the disk"],
        ) from error
