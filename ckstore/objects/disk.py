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


def make_folders(folder: Path) -> None:
    """``mkdir -p``, whose names survive a power cut, too."""
    new, at = [], folder
    while not at.exists():
        new.append(at)
        at = at.parent
    folder.mkdir(parents=True, exist_ok=True)
    for made in new:
        sync_folder(made.parent)


def sync_parents(path: Path, top: Path) -> None:
    """Make the names of all folders between ``path`` and ``top``, which is above it, survive a power cut."""
    for folder in path.parents:
        sync_folder(folder)
        if folder == top:
            break


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


def store_not_readable(path: Path, error: OSError) -> Unavailable:
    """The error for a store that cannot be read, with the reason of the system."""
    return Unavailable(
        f"The store at {path} cannot be read: {error.strerror or error}.",
        code="store-not-readable",
        hints=["check its permissions", "--store names another place"],
    )


def check_readable(path: Path) -> None:
    """Raise OSError when a folder, or a file in it, is there but cannot be read."""
    with contextlib.suppress(FileNotFoundError), os.scandir(path) as found:
        for entry in found:
            if entry.is_file() and not os.access(entry.path, os.R_OK):
                with contextlib.suppress(FileNotFoundError):  # repacked at this moment
                    os.close(os.open(entry.path, os.O_RDONLY))


def not_readable(error: OSError) -> Unavailable:
    """The error for a file of the user's that cannot be read."""
    return Unavailable(
        f"{error.filename or 'A file'} cannot be read: {error.strerror or error}.",
        code="file-not-readable",
        hints=["check its permissions, and that nothing else is writing there"],
    )
