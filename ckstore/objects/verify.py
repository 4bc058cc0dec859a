"""``fsck``: is everything that was published still what it was?

Answered by reading bytes: does every object that is reached from the log, and from the upstream histories
kept beside it, hash to its id; do the files of the object database have their checksums; does every
record decode, and does the tree beside it have the id and the digest it names; do refs hold what records
name; do the extracted trees still have their digests (they are derived: a damaged one is deleted and laid
out again).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ckstore.errors import CkstoreError, CorruptData, Unsupported
from ckstore.model.counting import plural
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.disk import remove_tree
from ckstore.objects.hashing import object_id
from ckstore.objects.head import LOG_REF, read_head
from ckstore.objects.history import is_elsewhere
from ckstore.objects.litter import sweep
from ckstore.objects.log import LogView
from ckstore.objects.packedrefs import packed_refs_are_bad
from ckstore.objects.reach import bad_refs, refs
from ckstore.objects.shape import ALTERNATES, flaws
from ckstore.objects.statcache import forget
from ckstore.objects.store import ObjectStore
from ckstore.objects.stored import bad_loose, bad_packs
from ckstore.objects.trees import GITLINK, parse_tree

_REPORT_EVERY = 1000
_REPAIR = "`ckstore fsck --repair` looks for good copies"
Progress = Callable[[str], None]


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


def check(store: ObjectStore, progress: Progress = lambda line: None) -> Health:
    """Check the whole store; never raises for damage, reports it."""
    damage = [_left_over(path) for path in sweep(store.path)]
    damage += _shape(store.path)
    walk = walk_all(store, progress)
    damage += walk.damage
    damage += _files(store, walk, progress)
    damage += _refs(store, walk)
    releases = 0
    digests: dict[str, str] = {}
    for what, tree, digest, problem in _releases(store):
        releases += 1
        wrong = [Damage("bad-release", what, problem)] if problem else _digest(store, what, tree, digest)
        damage += wrong
        if not wrong:
            digests[tree] = digest
        progress(f"checked {plural(releases, 'release')}")
    damage += _marks(store)
    damage += _runs(store)
    trees = list(_extracted(store, digests))
    if damage:
        forget(str(store.path))  # so that adding the same content again reads and heals it
    return Health(len(walk.seen), releases, len(trees), (*damage, *(d for d in trees if d is not None)))


@dataclass(slots=True)
class Walk:
    """A walk that goes on behind damage. ``broken`` are ids that are reached, and missing or damaged."""

    store: ObjectStore
    progress: Progress
    seen: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    damage: list[Damage] = field(default_factory=list)

    def commits(self, tips: list[str], where: str) -> None:
        """Everything below these commits (or tags), their ancestors included."""
        pending = list(tips)
        while pending:
            oid = pending.pop()
            if oid in self.seen:
                continue
            found = self._object(oid, where)
            if found is None:
                continue
            if found[0] == "commit":
                commit = self.store.read_commit(oid)
                pending += reversed(commit.parents)
                self._below(commit.tree)
            elif found[0] == "tag":
                pending.append(
                    found[1].split(b"\n", 1)[0].removeprefix(b"object ").decode("ascii", "replace")
                )
            elif found[0] == "tree":
                self.seen.discard(oid)
                self._below(oid)

    def _below(self, root: str) -> None:
        pending = [(root, True)]
        while pending:
            oid, is_tree = pending.pop()
            if oid in self.seen:
                continue
            found = self._object(oid, "")
            if is_tree and found is not None:
                try:
                    entries = parse_tree(found[1], f"The tree {oid}")
                    pending += [(entry.oid, entry.is_tree) for entry in entries if entry.mode != GITLINK]
                except CkstoreError as error:
                    self.damage.append(Damage(error.code, oid, error.message))

    def _object(self, oid: str, where: str) -> tuple[str, bytes] | None:
        """(type, bytes) of an object that is what its id says; of a large file, no bytes."""
        self.seen.add(oid)
        if len(self.seen) % _REPORT_EVERY == 0:
            self.progress(f"checked {plural(len(self.seen), 'object')}")
        try:
            pieces = self.store.large_blob(oid)
            if pieces is not None:  # its bytes are compared with its id at their end
                for _ in pieces:
                    pass
                return "blob", b""
            kind, data = self.store.read(oid)
            found = object_id(kind, data)
            if found != oid:
                raise CorruptData(f"The object {oid} hashes to {found}.", code="bad-object")
        except CkstoreError as error:
            self.broken.add(oid)
            what = f"{where} {oid}".strip()
            self.damage.append(Damage(error.code, what, f"{error.message.rstrip('.')}; {_REPAIR}."))
            return None
        return kind, data


def walk_all(store: ObjectStore, progress: Progress) -> Walk:
    """Walk the log, then whatever else refs are at."""
    walk = Walk(store, progress)
    head = ""
    with contextlib.suppress(CkstoreError):
        head = read_head(store.path)
        walk.commits([head] if head else [], "log")
    try:
        store.view()
    except Unsupported:
        raise
    except CkstoreError as error:
        if not head or not any(head in damage.what for damage in walk.damage):
            walk.damage.append(Damage(error.code, "log", error.message))
    for name, oid in _whole_refs(store):
        walk.commits([oid], name)
    return walk


def _shape(store: Path) -> Iterator[Damage]:
    """What stands in the wrong place, and what git misses."""
    for path, wrong in flaws(store):
        name = str(path.relative_to(store))
        yield Damage("bad-store", name, f"{wrong}; `ckstore fsck --repair` mends it.")
    if os.path.lexists(store / ALTERNATES):
        yield Damage(
            "bad-alternates",
            ALTERNATES,
            "It names objects of another repository, which a store does not use; "
            "`ckstore fsck --repair` takes what is missing from there, and moves it away.",
        )


def _whole_refs(store: ObjectStore) -> list[tuple[str, str]]:
    try:
        return list(refs(store, skip={LOG_REF, *(name for name, _ in bad_refs(store))}))
    except CkstoreError:
        return []


def _left_over(path: Path) -> Damage:
    return Damage("left-over", str(path), "Left behind by a process that was killed; deleted.", True)


def _files(store: ObjectStore, walk: Walk, progress: Progress) -> Iterator[Damage]:
    """Damaged packs, and damaged loose objects that the walk did not meet.

    A pack without index, or an index without pack, that nothing is missing for is litter: a kill between
    two renames left it, or a power cut of which one of both names survived.
    """
    for bad in bad_packs(store.git / "objects", progress):
        both = bad.path.exists() and bad.path.with_suffix(".idx").exists()
        if not walk.broken and not both:
            continue
        yield Damage("bad-pack", bad.path.name, f"In this pack, {bad.reason}; {_REPAIR}.")
    for oid, error in bad_loose(store.git / "objects"):
        if oid not in walk.broken:
            yield Damage("bad-loose", oid, f"{error.message.rstrip('.')}; {_REPAIR}.")


def _refs(store: ObjectStore, walk: Walk) -> Iterator[Damage]:
    """Refs that hold nothing, and commits that the records of sources name and no ref holds."""
    for name, _ in bad_refs(store):
        yield Damage("bad-ref", name, "It is no ref; `ckstore fsck --repair` sets it again or moves it away.")
    if packed_refs_are_bad(store):
        yield Damage(
            "bad-packed-refs",
            "packed-refs",
            "Some lines are damaged; `ckstore fsck --repair` sets these refs again.",
        )
        return
    for source, commits in unheld(store, walk.seen):
        yield Damage(
            "history-not-held", source,
            f"No ref holds {len(commits)} of its commits; `ckstore fsck --repair` sets refs, or fetches.",
        )  # fmt: skip


def unheld(store: ObjectStore, seen: set[str]) -> Iterator[tuple[str, list[str]]]:
    """(source, commits) that its record names and that were not ``seen`` from any ref."""
    try:
        sources = store.view().sources()
    except CkstoreError:  # told before
        return
    for source in sources:
        named = dict.fromkeys([source.head, *source.labels.values()]) if source.history else {}
        commits = [oid for oid in named if oid and oid not in seen]
        if commits and source.kind == "git" and not is_elsewhere(store.repo, source.name):
            yield source.name, commits


def _marks(store: ObjectStore) -> Iterator[Damage]:
    """Yanks and retired versions that cannot be read."""
    try:
        view = store.view()
        known = [(source.name, c.uid) for source in view.sources() for c in view.components(source.name)]
    except CkstoreError:  # told before
        return
    for source, uid in known:
        try:
            view.yanks(source, uid)
            view.retired(source, uid)
        except CkstoreError as error:
            yield Damage("bad-mark", f"{source}:{uid}", error.message)


def _releases(store: ObjectStore) -> Iterator[tuple[str, str, str, str]]:
    """(name, tree, digest, problem) of every release in the newest view."""
    try:
        view = store.view()
        sources = view.source_folders()
    except CkstoreError:  # told before
        return
    for source in sources:
        try:
            if view.source(source) is None:
                yield source, "", "", "The source has no record, so nothing finds what it holds."
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
            gone = not path.exists()
            said = "deleted, laid out anew when needed." if gone else "it could not be deleted."
            yield Damage("changed-tree", str(path), f"Its files were changed; {said}", gone)


def changed_trees(store: ObjectStore) -> Iterator[tuple[str, str]]:
    """(tree, digest) of laid-out trees of releases whose files are not what they should be."""
    expected = {tree: digest for _, tree, digest, problem in _releases(store) if not problem}
    for path in sorted((store.path / "trees").glob("*")):
        if path.name in expected and not _has_digest(path, expected[path.name]):
            yield path.name, expected[path.name]


def _has_digest(folder: Path, expected: str) -> bool:
    try:
        return digest_of_folder(folder) == expected
    except (CkstoreError, OSError):  # a pipe, a file that cannot be read: not what was laid out
        return False
