"""Two logs: where they part, what one of them must still hold, and following the other one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ckstore.errors import Conflict
from ckstore.model.records import Release
from ckstore.objects.head import LogMoved, move_head, read_head
from ckstore.objects.keepfiles import release_packs
from ckstore.objects.log import LogView
from ckstore.objects.merge import precedes, says_the_same, two_sources
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
    """Raise :class:`Conflict` unless ``after`` still holds everything of ``ours`` that must stay.

    Every release stays, or was taken back and is remembered as such; what was taken back here never becomes
    other files; runs stay, and sources stay where they are. Gives the names of the releases that were taken
    back there.
    """
    _check_sources(ours, after)
    _check_runs(ours, after)
    _check_retired(ours, after)
    retired = []
    for source, uid in after.changed_since(ours.head):
        for version, _ in ours.release_trees(source, uid):
            path = ("sources", source, "components", uid[:2], uid, version)
            if ours.find(path) == after.find(path):
                continue
            release = ours.release(source, uid, version)
            if after.has_release(source, uid, version):
                _check_record(ours, after, source, release)
                continue
            kept = after.retired(source, uid).get(version)
            if kept is None or kept.digest != release.digest:
                raise _lost(source, release)
            retired.append(f"{source}:{release.kind}:{release.name}@{version}")
    return retired


def _check_retired(ours: LogView, after: LogView) -> None:
    """What was taken back here is remembered still, or is there again with the same files."""
    for source, uid in ours.retired_components():
        if ours.find(("retired", source, uid[:2], uid)) == after.find(("retired", source, uid[:2], uid)):
            continue
        now = after.retired(source, uid)
        for version, was in ours.retired(source, uid).items():
            known = now.get(version)
            digest = known.digest if known else _digest(after, source, uid, version)
            if digest != was.digest:
                raise Conflict(
                    f"{source}:{uid}@{version} was taken back here and had {was.digest}; "
                    f"the other store has {digest or 'forgotten it'}.",
                    code="release-lost",
                    hints=[
                        "a version that was released once never becomes other files: take nothing from it"
                    ],
                    details={"release": f"{source}:{uid}@{version}", "here": was.digest, "there": digest},
                )


def _digest(view: LogView, source: str, uid: str, version: str) -> str:
    return view.release(source, uid, version).digest if view.has_release(source, uid, version) else ""


def _check_record(ours: LogView, after: LogView, source: str, release: Release) -> None:
    """A release keeps its record, unless a merge took the other one of two that say the same."""
    path = ("sources", source, "components", release.uid[:2], release.uid, release.version, "record")
    here, now = ours.find(path), after.find(path)
    if here == now:
        return
    record = after.release(source, release.uid, release.version)
    if here is None or now is None or not says_the_same(record, release):
        raise _lost(source, release)
    before, since = ours.source(source), after.source(source)
    derived = before is not None and since is not None and before.head != since.head
    if not derived and not precedes(record, now.oid, release, here.oid):
        raise _lost(source, release)


def _check_sources(ours: LogView, after: LogView) -> None:
    """A source is not moved elsewhere by another store; what it holds is looked at by itself."""
    for source in ours.sources():
        now = after.source(source.name)
        if now is not None and (now.kind, now.url) != (source.kind, source.url):
            raise two_sources(source, now)


def _check_runs(ours: LogView, after: LogView) -> None:
    for path, entry in _differing(ours, after, "runs"):
        how = "changed" if after.find(path) else "lost"
        raise Conflict(
            f"The run {entry.name} is here; the other store has {how} it.",
            code="run-lost",
            hints=["take the other store for damaged, and nothing from it"],
            details={"run": entry.name},
        )
    for path, entry in _differing(ours, after, "references"):
        key = entry.name
        now = after.reference(key)
        if not now or after.run(now).started > ours.run(ours.reference(key)).started:
            raise Conflict(
                f"Runs with the key {key} are compared with the run {ours.reference(key)} here; "
                f"the other store has {f'the later run {now}' if now else 'lost that'}.",
                code="run-lost",
                hints=["take the other store for damaged, and nothing from it"],
                details={"reference": "/".join(path)},
            )


def _differing(ours: LogView, after: LogView, what: str) -> Iterator[tuple[tuple[str, ...], TreeEntry]]:
    """(path, entry here) of what is below ``what`` here, and not the same afterwards."""
    for prefix in ours.entries((what,)):
        if after.find((what, prefix.name)) == prefix:
            continue
        for entry in ours.entries((what, prefix.name)):
            path = (what, prefix.name, entry.name)
            if after.find(path) != entry:
                yield path, entry


def _lost(source: str, release: Release) -> Conflict:
    called = f"{source}:{release.kind}:{release.name}@{release.version}"
    return Conflict(
        f"{called} was released here with {release.digest}; the other store has lost or changed it.",
        code="release-lost",
        hints=["what was released stays: take the other store for damaged, and nothing from it"],
        details={"release": called, "here": release.digest},
    )
