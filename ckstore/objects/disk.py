"""What every writer to a disk needs: making names durable, and saying why a disk refuses."""

from __future__ import annotations

import os
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
