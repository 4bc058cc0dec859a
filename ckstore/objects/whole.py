"""What is known to be whole since the machine was started: ``<store>/whole/<boot>/<name>``.

A name is that of a laid-out tree (then the file is empty), or of a snapshot (then it says by which records of
the log that was checked). Derived: without them the same is read and checked again.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from ckstore.objects.boot import boot_id
from ckstore.objects.disk import remove_tree

_FORGOTTEN_SECONDS = 30 * 24 * 3600.0


def is_noted(store: Path, name: str, text: str = "") -> bool:
    """True when :func:`note` was told exactly this since the machine was started."""
    if not boot_id():
        return False
    path = store / "whole" / boot_id() / name
    try:
        return path.read_text("ascii") == text
    except (OSError, UnicodeDecodeError):
        return False


def note(store: Path, name: str, text: str = "") -> None:
    """Remember it; where that cannot be written, or was cut short, it is checked again next time."""
    folder = store / "whole" / boot_id()
    if not boot_id():
        return
    with contextlib.suppress(OSError):
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for other in folder.parent.iterdir():  # of this machine, or of another one with the same disk
                if time.time() - other.stat().st_mtime > _FORGOTTEN_SECONDS:
                    remove_tree(other)
        (folder / name).write_text(text, "ascii")
