"""The refs that hold upstream's histories: ``refs/ckstore/mirrors/<source>/…``, beside the log.

A ref ahead of the log is harmless, a log ahead of its refs is not: it would name commits that nothing holds.
So refs are set, with their folders synced, before the log moves, and old ones go after it. libgit2 syncs a
ref and its own folder, not the folders above. The caller holds the store's log lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pygit2

from ckstore.errors import Unavailable
from ckstore.objects.disk import not_writable, sync_parents
from ckstore.objects.head import wait_for_lock

HISTORY_REFS = "refs/ckstore/mirrors/"
# Of a source that came from another store: its history is not here. It is at the head of the log there, and
# goes when a mirror of the source sets the refs of its history.
_ELSEWHERE = "elsewhere"


def keep_history(repo: pygit2.Repository, history: dict[str, dict[str, str]]) -> list[str]:
    """Set the refs (source → name → commit); gives those that are no longer wanted.

    Old refs whose name is a folder of a new one, or the other way, go at once.
    """
    left_over: list[str] = []
    for source, tips in history.items():
        prefix = f"{HISTORY_REFS}{source}/"
        wanted = {prefix + name: oid for name, oid in tips.items()}
        names = [name for name in repo.references if name.startswith(prefix)]
        present = {name: str(repo.references[name].target) for name in names}
        in_the_way = [name for name in present if any(_collide(name, other) for other in wanted)]
        forget_history(repo, in_the_way)
        # those that are new first: what moves away from a commit must leave it held by another
        _set_all(repo, {name: oid for name, oid in wanted.items() if name not in present}, present)
        _set_all(repo, {name: oid for name, oid in wanted.items() if name in present}, present)
        left_over += [name for name in present if name not in wanted and name not in in_the_way]
    return left_over


def forget_history(repo: pygit2.Repository, names: list[str]) -> None:
    """Delete these refs."""
    for name in names:
        _set(repo, name, None)


def is_elsewhere(repo: pygit2.Repository, source: str) -> bool:
    """True when the records of a mirrored source came from another store, which kept its history."""
    return f"{HISTORY_REFS}{source}/{_ELSEWHERE}" in repo.references


def mark_elsewhere(repo: pygit2.Repository, sources: Iterable[str], log: str) -> None:
    """Note that the histories of these sources are not here; ``log`` is the head of the log there."""
    put_refs(repo, {f"{HISTORY_REFS}{source}/{_ELSEWHERE}": log for source in sources})


def put_refs(repo: pygit2.Repository, refs: dict[str, str]) -> None:
    """Set these refs (full name → commit), whatever was there."""
    _set_all(repo, refs, {})


def _collide(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _set_all(repo: pygit2.Repository, refs: dict[str, str], present: dict[str, str]) -> None:
    git = Path(repo.path)
    for name, oid in refs.items():
        _wait(repo, name)  # also for one that is right: a killed process may have left its lock
        if present.get(name) != oid:
            _set(repo, name, oid)
    try:
        for folder in {(git / name).parent for name in refs}:
            sync_parents(folder, git / "refs")
    except OSError as error:
        raise not_writable(git.parent, error) from error


def _wait(repo: pygit2.Repository, name: str) -> None:
    for lock in (Path(repo.path, f"{name}.lock"), Path(repo.path, "packed-refs.lock")):
        wait_for_lock(lock)


def _set(repo: pygit2.Repository, name: str, oid: str | None) -> None:
    """Create, move or (None) delete a ref."""
    _wait(repo, name)
    try:
        if oid is None:
            repo.references.delete(name)
        else:
            repo.references.create(name, oid, force=True)
    except (pygit2.GitError, ValueError, KeyError) as error:
        raise Unavailable(
            f"The ref {name} cannot be written: {error}.",
            code="history-not-kept",
            hints=["run the command again"],
        ) from error
