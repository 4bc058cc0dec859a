"""``packed-refs`` when it is damaged: libgit2 then knows no ref at all, so it is read line by line here."""

from __future__ import annotations

import pygit2

from ckstore.errors import CkstoreError
from ckstore.objects.aside import keep_copy
from ckstore.objects.disk import not_writable
from ckstore.objects.head import is_bad_packed_line, packed_lines, read_head, write_locked
from ckstore.objects.shape import forget_no_log
from ckstore.objects.store import ObjectStore

_NAME = 41  # where it begins in a line: behind the id and a space


def packed_refs_are_bad(store: ObjectStore) -> bool:
    """True when some line of ``packed-refs`` is not what git writes, or libgit2 cannot read it."""
    try:
        lines = packed_lines(store.git)
    except IsADirectoryError:
        return True
    except OSError:
        return False
    if any(_is_bad(line) for line in lines):
        return True
    try:
        list(store.repo.references)
    except pygit2.GitError as error:
        return "packed" in str(error)
    return False


def _is_bad(line: str) -> bool:
    if is_bad_packed_line(line):
        return True
    name = line[_NAME:]
    return bool(line) and line[0] not in "#^" and not pygit2.reference_is_valid_name(name)


def mend_packed_refs(store: ObjectStore) -> bool:
    """Write it anew with the lines that are sound, and keep the damaged one in ``damaged/``.

    True if it was damaged. The caller holds the lock of the log. What it lacks now is set again from the
    records of sources; a log that was in it stays a damaged one until somebody goes back.
    """
    if not packed_refs_are_bad(store):
        return False
    path = store.git / "packed-refs"
    try:
        good = [
            line for line in packed_lines(store.git) if line and line[0] not in "#^" and not _is_bad(line)
        ]
        _remember_log(store)
        keep_copy(store.path, path, "packed-refs")
        write_locked(path, "".join(f"{line}\n" for line in good).encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise not_writable(store.path, error) from error
    store.reopen()
    return True


def _remember_log(store: ObjectStore) -> None:
    """A log that cannot be read leaves an empty ref, so that nobody takes it for one that never was."""
    try:
        read_head(store.path)
    except CkstoreError:
        forget_no_log(store.path)
