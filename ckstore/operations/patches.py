"""Text differences of files, as unified patches that ``git apply`` and ``patch -p1`` understand."""

from __future__ import annotations

import pygit2

from ckstore.errors import CkstoreError
from ckstore.objects.compare import FileChange
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import GITLINK, TreeEntry

MAX_BYTES = 8 * 2**20  # of either side: what is larger is named, not compared line by line


def patch_of(store: ObjectStore, change: FileChange) -> str:
    """The patch of one file, ending with a line end; binary and very large files are named only.

    Bytes that are no UTF-8 come as U+FFFD: this is for reading.
    """
    old, new = change.former_path or change.path, change.path
    if change.what == "mode" or change.what == "renamed":
        return f"diff --git a/{old} b/{new}\n" + "".join(f"{line}\n" for line in _header(change))
    entries = [entry for entry in (change.old, change.new) if entry is not None]
    if any(entry.mode == GITLINK for entry in entries):
        return f"diff --git a/{old} b/{new}\n" + _submodule(change.old, change.new)
    try:
        if any(store.size_of(entry.oid) > MAX_BYTES for entry in entries):
            return f"diff --git a/{old} b/{new}\nFiles larger than {MAX_BYTES // 2**20} MiB differ\n"
        before, after = (None if e is None else store.read_blob(e.oid) for e in (change.old, change.new))
    except CkstoreError as error:
        return f"diff --git a/{old} b/{new}\nCannot be compared: {error.message}\n"
    return _text(before, after, old, new) or f"diff --git a/{old} b/{new}\n"


def _text(before: bytes | None, after: bytes | None, old: str, new: str) -> str:
    paths = [path.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for path in (old, new)]
    made = pygit2.Patch.create_from(
        before,
        after,
        paths[0] if before is not None else None,  # type: ignore[arg-type]  # the stub forgets /dev/null
        paths[1] if after is not None else None,  # type: ignore[arg-type]  # the same
    )
    text: str = made.data.decode("utf-8", "replace")
    return text


def _header(change: FileChange) -> list[str]:
    lines = []
    if change.old is not None and change.new is not None and change.old.mode != change.new.mode:
        lines = [f"old mode {change.old.mode:o}", f"new mode {change.new.mode:o}"]
    if change.what == "renamed":
        lines += [
            "similarity index 100%", f"rename from {change.former_path}", f"rename to {change.path}",
        ]  # fmt: skip
    return lines


def _submodule(old: TreeEntry | None, new: TreeEntry | None) -> str:
    return "".join(
        f"{sign}Subproject commit {entry.oid}\n" for sign, entry in (("-", old), ("+", new)) if entry
    )
