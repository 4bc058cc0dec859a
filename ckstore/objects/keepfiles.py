"""Bidding git's own housekeeping to leave a new pack alone until the log names its objects."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_KEEP = b"ckstore: being published\n"


def keep_pack(pack: Path) -> None:
    """Have `git repack` and `git gc` pass over a pack (see git-repack(1)), until :func:`release_packs`."""
    keep = pack.with_suffix(".keep")
    if not keep.exists():
        keep.write_bytes(_KEEP)


def release_packs(folder: Path) -> None:
    """Remove what :func:`keep_pack` wrote, also in processes that were killed; the caller holds the log lock.

    A keep file of somebody else's stays.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            if entry.name.endswith(".keep"):
                path = Path(entry.path)
                if path.read_bytes() == _KEEP:
                    path.unlink(missing_ok=True)
