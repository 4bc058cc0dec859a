"""``fsck``: is everything that was published still what it was?

Three questions, each answered by reading bytes: does every object reachable from the log, and from the
upstream histories kept beside it, hash to its id; does every record decode, and does the tree beside it
have the id and the digest it names; do the extracted trees still have their digests (they are derived: a
damaged one is deleted and laid out again).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import CkstoreError
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.disk import remove_tree
from ckstore.objects.litter import sweep
from ckstore.objects.log import LogView
from ckstore.objects.statcache import forget
from ckstore.objects.store import HISTORY_REFS, ObjectStore
from ckstore.objects.trees import GITLINK


@dataclass(frozen=True, slots=True)
class Damage:
    """``code`` is stable, ``what`` names the place, ``message`` says what is wrong and what mends it."""

    code: str
    what: str
    message: str
    repaired: bool = False

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"code": self.code, "what": self.what, "message": self.message, "repaired": self.repaired}


@dataclass(frozen=True, slots=True)
class Health:
    """What a check looked at and found."""

    objects: int
    releases: int
    trees: int
    damage: tuple[Damage, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "objects": self.objects, "releases": self.releases, "trees": self.trees,
            "damage": [damage.as_plain() for damage in self.damage],
        }  # fmt: skip


def check(store: ObjectStore, progress: Callable[[str], None] = lambda line: None) -> Health:
    """Check the whole store; never raises for damage, reports it."""
    damage = [_left_over(path) for path in sweep(store.path)]
    seen: set[str] = set()
    head = ""
    joined: list[str] = []  # logs of other stores, see objects/joining.py
    try:
        for head, commit in store.operations():
            joined += commit.parents[1:]
            damage += _object(store, head, seen)
            damage += _below(store, commit.tree, seen, progress)
    except CkstoreError as error:
        damage.append(Damage(error.code, f"log {head}", error.message))
    damage += _history(store, joined, seen, progress)
    releases = 0
    digests: dict[str, str] = {}
    for what, tree, digest, problem in _releases(store):
        releases += 1
        if problem:
            damage.append(Damage("bad-release", what, problem))
            continue
        digests[tree] = digest
        damage += _digest(store, what, tree, digest)
        progress(f"checked {releases} releases")
    damage += _runs(store)
    trees = list(_extracted(store, digests))
    if damage:
        forget(str(store.path))  # so that adding the same content again reads and heals it
    return Health(len(seen), releases, len(trees), (*damage, *(d for d in trees if d is not None)))


def _history(
    store: ObjectStore, joined: list[str], seen: set[str], progress: Callable[[str], None]
) -> list[Damage]:
    """Damage in the upstream histories that are kept beside the log, and in logs that were joined."""
    damage: list[Damage] = []
    references = store.repo.references
    pending = [str(references[name].target) for name in references if name.startswith(HISTORY_REFS)]
    pending += joined
    while pending:
        oid = pending.pop()
        if oid in seen:
            continue
        found = _object(store, oid, seen)
        damage += found
        if not found:
            commit = store.read_commit(oid)
            pending += commit.parents
            damage += _below(store, commit.tree, seen, progress)
    return damage


def _left_over(path: Path) -> Damage:
    return Damage("left-over", str(path), "Left behind by a process that was killed; deleted.", True)


def _object(store: ObjectStore, oid: str, seen: set[str]) -> list[Damage]:
    seen.add(oid)
    try:
        kind, data = store.read(oid)
    except CkstoreError as error:
        return [Damage(error.code, oid, error.message)]
    found = hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()
    return [] if found == oid else [Damage("bad-object", oid, f"The object {oid} hashes to {found}.")]


def _below(store: ObjectStore, root: str, seen: set[str], progress: Callable[[str], None]) -> list[Damage]:
    damage: list[Damage] = []
    pending = [(root, True)]
    while pending:
        oid, is_tree = pending.pop()
        if oid in seen:
            continue
        found = _object(store, oid, seen)
        damage += found
        if len(seen) % 1000 == 0:
            progress(f"checked {len(seen)} objects")
        if is_tree and not found:
            try:
                pending += [(e.oid, e.is_tree) for e in store.read_tree(oid) if e.mode != GITLINK]
            except CkstoreError as error:
                damage.append(Damage(error.code, oid, error.message))
    return damage


def _releases(store: ObjectStore) -> Iterator[tuple[str, str, str, str]]:
    """(name, tree, digest, problem) of every release in the newest view."""
    try:
        view = store.view()
        sources = [source.name for source in view.sources()]
    except CkstoreError as error:
        yield "log", "", "", error.message
        return
    for source in sources:
        try:
            for component in view.components(source):
                for version, held in view.release_trees(source, component.uid):
                    yield _release(view, source, component.uid, version, held)
        except CkstoreError as error:
            yield source, "", "", error.message


def _release(view: LogView, source: str, uid: str, version: str, held: str) -> tuple[str, str, str, str]:
    what = f"{source}:{uid}@{version}"
    try:
        release = view.release(source, uid, version)
    except CkstoreError as error:
        return what, "", "", error.message
    what = f"{source}:{release.kind}:{release.name}@{version}"
    problem = (
        "" if release.tree == held else f"its record names the tree {release.tree}, the log holds {held}"
    )
    return what, release.tree, release.digest, problem


def _digest(store: ObjectStore, what: str, tree: str, digest: str) -> list[Damage]:
    try:
        found = store.digests.of_tree(tree)
    except CkstoreError as error:
        return [Damage(error.code, what, error.message)]
    return (
        [] if found == digest else [Damage("digest-mismatch", what, f"Its files have {found}, not {digest}.")]
    )


def _runs(store: ObjectStore) -> list[Damage]:
    try:
        broken = store.view().damaged_runs()
    except CkstoreError:  # said above: nothing in the log can be read
        return []
    return [Damage("bad-run", f"run {run_id}", error.message) for run_id, error in broken]


def _extracted(store: ObjectStore, digests: dict[str, str]) -> Iterator[Damage | None]:
    folder = store.path / "trees"
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        expected = digests.get(path.name)
        if expected is None or _has_digest(path, expected):
            yield None
        else:
            remove_tree(path)
            yield Damage(
                "changed-tree", str(path), "Its files were changed; deleted, laid out anew when needed.", True
            )


def _has_digest(folder: Path, expected: str) -> bool:
    try:
        return digest_of_folder(folder) == expected
    except (CkstoreError, OSError):  # a pipe, a file that cannot be read: not what was laid out
        return False
