"""From a fetched history to records: walk it, derive, label."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ckstore.errors import CkstoreError
from ckstore.mirror.derive import Derivation, Line
from ckstore.mirror.labels import Tagged, label
from ckstore.mirror.readers.choice import Readers
from ckstore.mirror.trees import RawTrees
from ckstore.mirror.walk import Walk, first_parents, plan
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


def load_lines(view: LogView, source: str) -> dict[str, Line]:
    """The lines of a source as they are recorded."""
    lines = {}
    for component in view.components(source):
        newest = view.release(source, component.uid, component.newest)
        absences = view.absences(source, component.uid)
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
    before = load_lines(view, source.name)
    trees = RawTrees(objects, objects.read)
    digests = Digests(trees.read_tree, trees.read_blob)
    work = Derivation(
        trees, Readers(root_name), digests.of_tree, lambda tree: missing_below(objects, tree),
        dict(before), skipped=[line for line in source.problems if _OF_THE_PAST.match(line)],
    )  # fmt: skip
    walk = plan(objects, source.head, arrived.head)
    _follow(work, walk, progress)
    _label(objects, trees, work, view, source, arrived)
    return Derived(
        lines=work.changed(before), known=before, problems=work.problems(),
        warnings=tuple(f"{path}: {text}" for path, text in sorted(work.warnings.items())),
        shared_uids=work.claims.across_kinds(), walk=walk,
        total=sum(not line.component.withdrawn for line in work.lines.values()),
    )  # fmt: skip


def _follow(work: Derivation, walk: Walk, progress: Callable[[str], None]) -> None:
    commit, root = walk.base
    work.start(commit, root)
    for number, (commit, tree) in enumerate(walk.steps, 1):
        if work.step(commit, root, tree):
            root = tree
        if number % _REPORT_EVERY == 0 or number == len(walk.steps):
            progress(f"reading history {number}/{len(walk.steps)}")


def _label(
    objects: ObjectStore, trees: RawTrees, work: Derivation, view: LogView, source: Source, arrived: Source
) -> None:
    """Put the labels of tags that are new, have moved, or have come onto the line, on every component."""
    if not arrived.labels:
        return
    positions = {commit: n for n, (commit, _) in enumerate(first_parents(objects, arrived.head)[0])}
    reached = positions.get(source.head, len(positions))
    tags = [
        tagged
        for tag, oid in sorted(arrived.labels.items())
        if (tagged := _tagged(objects, tag, oid, positions)).position > reached
        or source.labels.get(tag) != oid
    ]
    if not tags:
        return
    for uid, line in work.lines.items():
        releases = _all_releases(view, source.name, line)
        labels = dict(line.component.labels)
        for tag in tags:
            version = label(trees, tag, releases, positions)
            labels.pop(tag.name, None)
            labels |= {tag.name: version} if version else {}
        if labels != line.component.labels:
            work.lines[uid] = replace(line, component=replace(line.component, labels=labels))


def _all_releases(view: LogView, source: str, line: Line) -> list[Release]:
    recorded = line.component.versions[: len(line.component.versions) - len(line.added)]
    return [view.release(source, line.component.uid, version) for version in recorded] + list(line.added)


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
    """A sentence about the first object that is missing or damaged below a tree, with its path."""
    pending = [("", tree)]
    while pending:
        prefix, oid = pending.pop()
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
    return "an object is damaged"


def side_tips(objects: ObjectStore, head: str, others: list[str]) -> list[str]:
    """Those of ``others`` (commit ids) that ``head`` does not reach: they need refs of their own."""
    if not others:
        return []
    walker = objects.repo.walk(head)
    walker.reset()
    for oid in others:
        walker.push(oid)
    walker.hide(head)
    outside = {str(commit.id) for commit in walker}
    return sorted(set(others) & outside)
