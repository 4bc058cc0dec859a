"""``<store>/damaged/``: what was damaged is kept there when something sound takes its place."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ckstore.objects.disk import make_folders, sync_folder

FOLDER = "damaged"


def keep_copy(store: Path, path: Path, name: str) -> None:
    """Copy a file that is about to be replaced, synced, under a name of its own; OSError when refused."""
    new = _place(store, name)
    with new.open("xb") as file:
        file.write(path.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    sync_folder(new.parent)


def move_aside(store: Path, path: Path, name: str) -> Path:
    """Move what stands in the way there, a file or a folder; gives its new place. OSError when refused."""
    new = _place(store, name)
    path.rename(new)
    sync_folder(new.parent)
    sync_folder(path.parent)
    return new


def _place(store: Path, name: str) -> Path:
    make_folders(store / FOLDER)
    return store / FOLDER / f"{name.replace('/', '-')}-{time.time_ns()}"
