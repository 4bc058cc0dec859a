"""What is known to be whole since the machine was started: ``<store>/whole/<boot>/<name>``.

A name is that of a laid-out tree (then the file is empty), or of a snapshot (then it says by which records of
the log that was checked). Derived: without them the same is read and checked again.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from ckstore.objects.boot import boot_id
from ckstore.objects.disk import remove_tree

_READ, _CREATE = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_FORGOTTEN_SECONDS = 30 * 24 * 3600.0


def is_noted(store: Path, name: str, text: str = "") -> bool:
    """True when :func:`note` was told exactly this since the machine was started."""
    if not boot_id():
        return False
    try:
        descriptor = os.open(f"{store}/whole/{boot_id()}/{name}", _READ)
    except OSError:
        return False
    try:
        return os.read(descriptor, len(text) + 1) == text.encode("ascii")
    except OSError:
        return False
    finally:
        os.close(descriptor)


def note(store: Path, name: str, text: str = "") -> None:
    """Remember it; where that cannot be written, or was cut short, it is checked again next time."""
    if not boot_id():
        return
    folder = store / "whole" / boot_id()
    with contextlib.suppress(OSError):
        try:
            _write(f"{folder}/{name}", text)
        except FileNotFoundError:
            _begin(folder)
            _write(f"{folder}/{name}", text)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, _CREATE, 0o666)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)


def _begin(folder: Path) -> None:
    """The folder for this start of the machine; those of starts long ago are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.parent.iterdir():  # of this machine, or of another one with the same disk
        if time.time() - other.stat().st_mtime > _FORGOTTEN_SECONDS:
            remove_tree(other)
