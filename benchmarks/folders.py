"""Folders to work in, each new, and deleting them."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path


class Fresh:
    """A path below ``parent`` that is new after every :meth:`renew`; the one before is deleted."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True)
        self._paths = (parent / str(number) for number in count())
        self.path = next(self._paths)

    def renew(self) -> Path:
        """A path where nothing is."""
        remove_all(self.path)
        self.path = next(self._paths)
        return self.path


def remove_all(*paths: Path) -> None:
    """Delete folders, read-only ones in them too."""
    for path in paths:
        if path.exists():
            for folder in [path, *(p for p in path.rglob("*") if p.is_dir() and not p.is_symlink())]:
                folder.chmod(0o755)
            shutil.rmtree(path)
