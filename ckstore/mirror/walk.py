"""Which commits to derive releases from: the first-parent line, and what of it is new."""

from __future__ import annotations

from dataclasses import dataclass

from ckstore.errors import CkstoreError, CorruptData
from ckstore.objects.store import ObjectStore

Step = tuple[str, str]  # (commit, root tree)


@dataclass(frozen=True, slots=True)
class Walk:
    """``base`` is where the work was left (empty ids: at the beginning), ``steps`` what follows.

    ``rewritten``: upstream's line does not contain what was derived before. ``cut`` is a commit that is
    named as a parent but missing (a shallow clone).
    """

    base: Step
    steps: tuple[Step, ...]
    rewritten: bool = False
    cut: str = ""


def first_parents(objects: ObjectStore, head: str, until: str = "") -> tuple[list[Step], str]:
    """The first-parent line from the oldest commit to ``head``, and the parent that is missing, if any.

    Ends after ``until``, if that is on the line. Works on raw commits: histories are long.
    """
    line: list[Step] = []
    at = head
    while at:
        try:
            tree, parent = _header(objects, at)
        except CkstoreError:
            if not line:
                raise
            return line[::-1], at
        line.append((at, tree))
        at = "" if at == until else parent
    return line[::-1], ""


def _header(objects: ObjectStore, oid: str) -> tuple[str, str]:
    """(root tree, first parent) of a commit."""
    kind, data = objects.reread(oid)
    if kind != "commit" or data[:5] != b"tree ":
        raise CorruptData(f"The object {oid} is not a commit.", code="wrong-type")
    parent = data[53:93].decode("ascii", "replace") if data[46:53] == b"parent " else ""
    return data[5:45].decode("ascii", "replace"), parent


def parents_of(objects: ObjectStore, oid: str) -> tuple[str, ...]:
    """All parents of a commit, from its raw bytes."""
    kind, data = objects.read(oid)
    if kind != "commit":
        raise CorruptData(f"The object {oid} is not a commit.", code="wrong-type")
    parents, at = [], 46
    while data[at : at + 7] == b"parent ":
        parents.append(data[at + 7 : at + 47].decode("ascii", "replace"))
        at += 48
    return tuple(parents)


def plan(objects: ObjectStore, old_head: str, head: str) -> Walk:
    """What to walk from ``old_head`` (empty: nothing was derived before) to ``head``."""
    line, cut = first_parents(objects, head, until=old_head)
    if old_head and line[0][0] == old_head:
        return Walk(line[0], tuple(line[1:]), cut=cut)
    if not old_head:
        return Walk(("", ""), tuple(line), cut=cut)
    return _rewritten(objects, old_head, line, cut)


def _rewritten(objects: ObjectStore, old_head: str, line: list[Step], cut: str) -> Walk:
    """Upstream's line leaves the one that was derived: go on behind the last commit they share.

    What differs between the old head and the first commit after the fork becomes releases of that
    commit; a branch that was merely set back is derived as if it had been reverted.
    """
    if not objects.has(old_head):
        return Walk(("", ""), tuple(line), rewritten=True, cut=cut)
    before, _ = first_parents(objects, old_head)
    shared = {commit for commit, _ in before}
    fork = next((n for n in range(len(line) - 1, -1, -1) if line[n][0] in shared), -1)
    return Walk(before[-1], tuple(line[fork + 1 :] or line[-1:]), rewritten=True, cut=cut)
