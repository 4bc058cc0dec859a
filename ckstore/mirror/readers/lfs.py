"""Pointers of Git LFS: a few lines in the place of a large file that is kept elsewhere.

They are released as they are, so that versions and digests do not depend on a second server, and what they
say is never followed: the address would be a stranger's. But the user must know that the content is not here.
Format: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

from ckstore.mirror.trees import Trees

_BEGIN = b"version https://git-lfs.github.com/spec/v1\n"
_MOST_BYTES = 1024


def is_pointer(data: bytes) -> bool:
    """True for the bytes of a pointer."""
    return len(data) < _MOST_BYTES and data.startswith(_BEGIN) and b"\noid sha256:" in data


class Pointers:
    """Notices pointers among the blobs that are read through it."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._found: set[str] = set()

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        data = self._trees.read_blob(oid)
        if is_pointer(data):
            self._found.add(oid)
        return data

    def note(self, tree: str) -> str:
        """A sentence about the pointers among the files of a tree whose files were read; empty for none."""
        names, seen, pending = [], {tree}, [("", tree)]
        while self._found and pending:
            prefix, oid = pending.pop()
            for entry in self._trees.read_tree(oid):
                if entry.is_tree and entry.oid not in seen:
                    seen.add(entry.oid)
                    pending.append((f"{prefix}{entry.name}/", entry.oid))
                elif entry.oid in self._found:
                    names.append(prefix + entry.name)
        if not names:
            return ""
        verb = f"and {len(names) - 1} more are pointers" if len(names) > 1 else "is a pointer"
        return f"{min(names)} {verb} of Git LFS: the content is not in the repository"
