"""What every writer to a disk needs: making names durable, and saying why a disk refuses."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path

from ckstore.errors import Unavailable


def sync_folder(folder: Path) -> None:
    """Make renames and new names in ``folder`` survive a power cut, where the system can."""
    if os.name == "nt":  # Windows opens no folders; NTFS journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(folder: Path) -> None:
    """Delete a laid-out tree, read-only as it is."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(path).chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def not_writable(path: Path, error: Exception) -> Unavailable:
    """The error for a place that cannot be written, with the reason of the system."""
    reason = getattr(error, "strerror", None) or str(error)
    return Unavailable(
        f"The store at {path} cannot be written: {reason}.",
        code="store-not-writable",
        hints=["check its permissions and the free space of its disk", "--store names another place"],
    )


def not_readable(error: OSError) -> Unavailable:
    """The error for a file of the user's that cannot be read."""
    return Unavailable(
        f"{error.filename or 'A file'} cannot be read: {error.strerror or error}.",
        code="file-not-readable",
        hints=["check its permissions, and that nothing else is writing there"],
    )
