"""From a fetched history to records: walk it, derive, label."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pygit2

from ckstore.errors import CkstoreError
from ckstore.mirror.clashes import Clashes
from ckstore.mirror.derive import Derivation, Line
from ckstore.mirror.labels import Tagged, label
from ckstore.mirror.readers.choice import Readers
from ckstore.mirror.readers.lfs import Pointers
from ckstore.mirror.recorded import LEFT_OUT, Recorded
from ckstore.mirror.tagged import TaggedReleases, plain_only
from ckstore.mirror.tags import version_tags
from ckstore.mirror.trees import RawTrees
from ckstore.mirror.walk import Walk, first_parents, plan
from ckstore.model.limits import MAX_PROBLEM_CHARACTERS, MAX_PROBLEMS
from ckstore.model.records import Release, Source
from ckstore.objects.digests import Digests
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import GITLINK

_OF_THE_PAST = re.compile(r".*@[0-9a-f]{12}: ", re.DOTALL)
_REPORT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Derived:
    """What a mirror publishes. ``lines`` are those that changed, by UID; ``known`` those there were before.

    ``shared_uids``: components that share a UID with one of another kind; ``total``: those that have a
    release and are not withdrawn.
    """

    lines: Mapping[str, Line]
    known: Mapping[str, Line]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    shared_uids: int
    total: int
    walk: Walk
    notes: tuple[str, ...] = ()


def load_lines(view: LogView, source: str) -> dict[str, Line]:
    """The lines of a source as they are recorded."""
    lines = {}
    for component, newest, absences in view.lines(source):
        if component.withdrawn and not absences.spans:  # recorded before absences were
            absences = absences.begin(component.newest, component.withdrawn)
        lines[component.uid] = Line(component, newest, absences=absences)
    return lines


def derive(
    objects: ObjectStore, view: LogView, source: Source, arrived: Source, root_name: str,
    progress: Callable[[str], None],
) -> Derived:  # fmt: skip
    """Continue the releases of ``source`` (as recorded) to the head and labels of ``arrived``.

    ``root_name`` is the name of a component that is the whole repository: that of the repository, not
    the user's name for the source, so that two users get the same releases.
    """
    # without a head, only a part of its releases came here from another store: all are derived
    before = load_lines(view, source.name) if source.head else {}
    trees, readers = RawTrees(objects, objects.reread), Readers(root_name)
    pointers = Pointers(trees)
    digests = Digests(trees.read_tree, pointers.read_blob, trees.large_of(objects.large_blob))
    work = Derivation(
        trees, readers, digests.of_tree, lambda tree: missing_below(objects, tree),
        dict(before), Clashes(view, source),
        skipped=[line for line in source.problems if source.head and _OF_THE_PAST.match(line)],
    )  # fmt: skip
    newest = {uid: (line.component, line.newest) for uid, line in before.items()}
    work.recorded = Recorded(newest, work.clashes.left, source.problems).claim
    walk = plan(objects, source.head, arrived.head)
    line = first_parents(objects, arrived.head)[0] if arrived.labels else []
    tags = plain_only(trees, readers, version_tags(objects, arrived.labels, root_name, line))
    tagged = TaggedReleases(work, root_name, tags, lambda uid, text: view.release(source.name, uid, text))
    work.from_tags, work.pointers_in = tagged.decide, pointers.note
    positions = {commit: n for n, (commit, _) in enumerate(line)}
    _follow(work, walk, tagged, positions, progress)
    tagged.retell(positions)
    _Labelling(objects, trees, view, source, arrived, positions).apply(work, tagged)
    return Derived(
        lines=work.changed(before), known=before,
        problems=bounded((*work.problems(), *sorted(tagged.problems()))),
        warnings=tuple(f"{path}: {text}" for path, text in sorted(work.warnings.items())),
        shared_uids=work.claims.across_kinds(), walk=walk,
        total=sum(not each.component.withdrawn for each in work.lines.values()),
        notes=tuple(tagged.notes(line)),
    )  # fmt: skip


def bounded(problems: Sequence[str]) -> tuple[str, ...]:
    """As many lines as a record may hold, those about the head apart from those about the past."""
    of_the_past = [line for line in problems if _OF_THE_PAST.match(line)]
    others = [line for line in problems if not _OF_THE_PAST.match(line)]
    kept = [*others[:MAX_PROBLEMS], *of_the_past[:MAX_PROBLEMS]]
    more = [LEFT_OUT] if len(kept) < len(problems) else []
    return tuple(line[:MAX_PROBLEM_CHARACTERS] for line in [*kept, *more])


def _follow(
    work: Derivation, walk: Walk, tagged: TaggedReleases, positions: Mapping[str, int],
    progress: Callable[[str], None],
) -> None:  # fmt: skip
    commit, root = walk.base
    first = walk.steps[0][0] if walk.steps else ""
    tagged.up_to(positions.get(first, len(positions)) - 1)
    work.start(commit, root)
    if not walk.steps:
        work.withdraw(commit)
    for number, (commit, tree) in enumerate(walk.steps, 1):
        tagged.up_to(positions.get(commit, -1))
        if work.step(commit, root, tree):
            root = tree
        if number % _REPORT_EVERY == 0 or number == len(walk.steps):
            progress(f"reading history {number}/{len(walk.steps)}")


@dataclass(frozen=True, slots=True)
class _Labelling:
    """Puts the labels of tags that are new, have moved, or have come onto the line, on every component."""

    objects: ObjectStore
    trees: RawTrees
    view: LogView
    source: Source
    arrived: Source
    positions: Mapping[str, int]  # of commits on the line

    def apply(self, work: Derivation, tagged: TaggedReleases) -> None:
        """All components; one whose releases are tags gets a place for each anew: they come in any order."""
        everything = [
            _tagged(self.objects, tag, oid, self.positions)
            for tag, oid in sorted(self.arrived.labels.items())
        ]
        reached = self.positions.get(self.source.head, len(self.positions))
        fresh = [
            tag
            for tag in everything
            if tag.position > reached or self.source.labels.get(tag.name) != self.arrived.labels[tag.name]
        ]
        for uid, line in work.lines.items():
            if uid in work.clashes.left:
                continue
            if uid == tagged.uid and line.newest.bump == "explicit":
                labels = self._of(line, everything, {**self.positions, **tagged.positions})
                labels |= tagged.labels()
            else:
                labels = self._of(line, fresh, self.positions)
            if labels != line.component.labels:
                work.lines[uid] = replace(line, component=replace(line.component, labels=labels))

    def _of(self, line: Line, tags: list[Tagged], positions: Mapping[str, int]) -> dict[str, str]:
        labels = dict(line.component.labels)
        releases = _all_releases(self.view, self.source.name, line) if tags else []
        for tag in tags:
            version = label(self.trees, tag, releases, positions)
            labels.pop(tag.name, None)
            labels |= {tag.name: version} if version else {}
        return labels


def _all_releases(view: LogView, source: str, line: Line) -> list[Release]:
    added = {release.version: release for release in line.added}
    uid, versions = line.component.uid, line.component.versions
    return [added.get(version) or view.release(source, uid, version) for version in versions]


def _tagged(objects: ObjectStore, tag: str, commit: str, positions: Mapping[str, int]) -> Tagged:
    """The tag with the position of its nearest first-parent ancestor on the line."""
    try:
        own = first_parents_to(objects, commit, positions)
    except CkstoreError:
        return Tagged(tag, -1, "")
    return Tagged(tag, own, objects.root_of(commit))


def first_parents_to(objects: ObjectStore, commit: str, positions: Mapping[str, int]) -> int:
    """The position of the first of a commit's first parents (itself included) that is on the line; -1."""
    at = commit
    while at and at not in positions:
        parents = objects.read_commit(at).parents
        at = parents[0] if parents else ""
    return positions.get(at, -1)


def missing_below(objects: ObjectStore, tree: str) -> str:
    """A sentence about the first object that is missing or refused below a tree; empty when none is."""
    pending, seen = [("", tree)], set()
    while pending:
        prefix, oid = pending.pop()
        if oid in seen:
            continue
        seen.add(oid)
        try:
            entries = objects.read_tree(oid)
        except CkstoreError as error:
            return f"{prefix or 'its folder'}: {error.message}"
        for entry in reversed(entries):
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_tree:
                pending.append((path, entry.oid))
            elif entry.mode != GITLINK and not objects.has(entry.oid):
                return f"{path}: the object {entry.oid} is missing in the source"
            elif entry.mode != GITLINK:
                try:
                    objects.size_of(entry.oid)
                except CkstoreError as error:  # it is beyond a limit, or has no header
                    return f"{path}: {error.message}"
    return ""


def side_tips(objects: ObjectStore, head: str, others: list[str]) -> list[str]:
    """Those of ``others`` (commit ids) that ``head`` does not reach: they need refs of their own."""
    if not others:
        return []
    try:
        walker = objects.repo.walk(head)
        walker.reset()
        for oid in others:
            walker.push(oid)
        walker.hide(head)
        outside = {str(commit.id) for commit in walker}
    except (pygit2.GitError, ValueError, KeyError):  # a commit whose author or time libgit2 cannot read
        outside = set(others) - reached_from(objects, head)
    return sorted(set(others) & outside)


def reached_from(objects: ObjectStore, head: str) -> set[str]:
    """All commits that ``head`` reaches, itself included, by their raw bytes."""
    pending, seen = [head], {head}
    while pending:
        for parent in objects.read_commit(pending.pop()).parents:
            if parent not in seen:
                seen.add(parent)
                pending.append(parent)
    return seen
