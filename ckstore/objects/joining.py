"""Two logs: where they part, what one of them must still hold, and following the other one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ckstore.errors import Conflict
from ckstore.model.records import Release
from ckstore.objects.head import LogMoved, move_head, read_head
from ckstore.objects.keepfiles import release_packs
from ckstore.objects.log import LogView
from ckstore.objects.sharing import shared
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import GITLINK, TreeEntry

_COMMIT_BYTES = 1024 * 1024
_WHO = rb"[^\n<>]* <[^\n<>]*> [0-9]{1,12} [+-][0-9]{4}\n"
_COMMIT = re.compile(
    rb"tree [0-9a-f]{40}\n(?:parent [0-9a-f]{40}\n){0,16}author " + _WHO + rb"committer " + _WHO
    + rb"(?:[a-z0-9-]+ [^\n]*\n(?: [^\n]*\n)*){0,16}\n"
)  # fmt: skip
Parents = dict[str, tuple[str, ...]]


def ancestors(objects: ObjectStore, head: str) -> Parents:
    """Every commit that ``head`` reaches, itself included, with its parents."""
    found: Parents = {}
    pending = [head] if head else []
    while pending:
        oid = pending.pop()
        if oid not in found:
            found[oid] = objects.read_commit(oid).parents
            pending += found[oid]
    return found


def is_sound_commit(data: bytes) -> bool:
    """True for a commit as git's own fsck wants it, signed or not, with a handful of parents."""
    return len(data) <= _COMMIT_BYTES and _COMMIT.match(data) is not None and b"\0" not in data


def common_base(ours: Parents, theirs: Parents) -> str:
    """The last commit that both logs hold; empty when they have nothing in common.

    Where there are several, the choice is the same from either side.
    """
    common = ours.keys() & theirs.keys()
    inner = {parent for oid in common for parent in ours[oid]}
    return max(common - inner, default="")


def unheld_here(store: ObjectStore, after: LogView) -> list[str]:
    """The mirrored sources of ``after`` whose records name commits that are not in this store."""
    return [
        source.name
        for source in after.sources()
        if source.kind == "git"
        and source.history
        and not all(store.has(oid) for oid in (source.head, *source.labels.values()) if oid)
    ]


def forward(store: ObjectStore, old: str, new: str, adopt: Callable[[], None]) -> None:
    """Make ``new`` the head of the log, which is at ``old`` and is part of the history of ``new``.

    ``adopt`` brings the objects in, synced. :class:`LogMoved` when the log is elsewhere by now.
    """
    with shared(store.path), store.lock("log"):
        if read_head(store.path) != old:
            raise LogMoved
        try:
            adopt()
            move_head(store.path, old, new)
        finally:
            release_packs(store.git / "objects" / "pack")
    store.reopen()


def below(objects: ObjectStore, root: str, seen: set[str]) -> Iterator[tuple[str, tuple[TreeEntry, ...]]]:
    """(id, entries) of every tree below ``root`` that is not in ``seen``, which is added to."""
    pending = [root]
    while pending:
        oid = pending.pop()
        if oid in seen:
            continue
        seen.add(oid)
        entries = objects.read_tree(oid)
        yield oid, entries
        pending += [entry.oid for entry in entries if entry.is_tree]
        seen.update(entry.oid for entry in entries if not entry.is_tree and entry.mode != GITLINK)


def check_kept(ours: LogView, after: LogView) -> list[str]:
    """Raise :class:`Conflict` unless ``after`` still holds every release of ``ours``.

    Gives the names of those that were taken back there, and remembered as such.
    """
    retired = []
    for source, uid in after.changed_since(ours.head):
        for version, _ in ours.release_trees(source, uid):
            path = ("sources", source, "components", uid[:2], uid, version)
            if ours.find(path) == after.find(path):
                continue
            release = ours.release(source, uid, version)
            if after.has_release(source, uid, version):
                if _essence(after.release(source, uid, version)) != _essence(release):
                    raise _lost(source, release)
                continue
            kept = after.retired(source, uid).get(version)
            if kept is None or kept.digest != release.digest:
                raise _lost(source, release)
            retired.append(f"{source}:{release.kind}:{release.name}@{version}")
    return retired


def _essence(release: Release) -> tuple[str, ...]:
    return release.digest, release.tree, release.kind, release.name


def _lost(source: str, release: Release) -> Conflict:
    called = f"{source}:{release.kind}:{release.name}@{release.version}"
    return Conflict(
        f"{called} was released here with {release.digest}; the other store has lost or changed it.",
        code="release-lost",
        hints=["what was released stays: take the other store for damaged, and nothing from it"],
        details={"release": called, "here": release.digest},
    )
