"""The action of data sets: ``list_files``."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ckstore.actions.context import Context
from ckstore.actions.plan import Outcome


def list_files(context: Context, *, match: str = "*") -> Outcome:
    """List the files with their sizes (bytes) and SHA-256.

    Args:
        match: only paths that match this pattern (*.jpg)
    """
    component = context.component
    names = [name for name in component.files() if Path(name).match(match)]
    files = {name: _about(component.path / name) for name in names}
    total = sum((component.path / name).stat().st_size for name in names)
    return Outcome(
        message=f"{len(names)} file{'s' * (len(names) != 1)}, {total} bytes", details={"files": files}
    )


def _about(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}
