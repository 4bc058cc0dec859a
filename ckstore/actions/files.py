"""Copying from the read-only snapshot into the workspace."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

_DATA_TO_COPY = 256 * 1024 * 1024  # bytes; larger data sets are linked, see copy_or_link


def copy_tree(source: Path, target: Path) -> None:
    """Copy a component's files: writable, with their executable bits; metadata of CK is left out.

    Symbolic links are kept as they are, so one that leads out of the component leads nowhere.
    """
    target.mkdir(parents=True)
    for entry in sorted(source.iterdir()):
        if entry.name == ".cm" or entry.name == "__pycache__":
            continue
        place = target / entry.name
        if entry.is_symlink():
            place.symlink_to(entry.readlink())
        elif entry.is_dir():
            copy_tree(entry, place)
        else:
            copy_file(entry, place)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file; the copy is writable and keeps its executable bits."""
    shutil.copyfile(source, target)
    target.chmod(0o644 | stat.S_IMODE(source.stat().st_mode) & 0o111)


def copy_or_link(source: Path, target: Path) -> bool:
    """Bring a data set into the workspace; True when it was copied, False when its files are links.

    Programs may write beside or into what they read, so they get copies; above 256 MiB, where that
    would cost more than the run, they get links to the read-only files.
    """
    size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    if size <= _DATA_TO_COPY:
        copy_tree(source, target)
        return True
    for folder, _, names in os.walk(source):
        place = target / Path(folder).relative_to(source)
        place.mkdir(parents=True)
        for name in names:
            (place / name).symlink_to(Path(folder) / name)
    return False
