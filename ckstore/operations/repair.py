"""``fsck --repair``: good copies in, damaged ones out of the way, everything derived made anew."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ckstore.errors import CkstoreError, Conflict
from ckstore.model.counting import plural
from ckstore.objects.layout import lay_out
from ckstore.objects.litter import sweep, temporary_folder
from ckstore.objects.packedrefs import mend_packed_refs
from ckstore.objects.repair import last_good, mend, mend_refs, restore_log
from ckstore.objects.shape import borrow_no_more, borrowed_from, mend_shape
from ckstore.objects.sharing import alone
from ckstore.objects.store import ObjectStore
from ckstore.objects.stored import bad_packs
from ckstore.objects.verify import Walk, changed_trees, unheld, walk_all
from ckstore.operations.good_copies import GoodCopies

_WAIT_SECONDS = 60.0
_ROUNDS = 50  # each brings back one more level of trees at least
_LARGE = 1024 * 1024  # a pack that is better fetched again, with its deltas, than written anew without them
_PARTLY = "what could be found of it was written anew, and the rest is missing until good copies come"
Progress = Callable[[str], None]


@dataclass(slots=True)
class Repair:
    """``done`` says what was mended, ``lost`` are ids that are nowhere, ``notes`` tell of places that
    were no help.

    ``back_to`` is set when the log itself is damaged: the newest whole operation, ``summary`` and how many
    operations come after it; nothing goes back to it unless it is asked for.
    """

    done: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    back_to: str = ""
    back_summary: str = ""
    behind: int = 0


def repair(
    store: ObjectStore,
    others: Sequence[Path] = (),
    *,
    back_to: str = "",
    progress: Progress = lambda line: None,
) -> Repair:
    """Mend what can be mended; the check that follows tells what is left.

    ``others`` are stores or repositories to take good copies from. ``back_to`` lets a log that cannot be
    mended be at its newest whole operation again, which must have this id. Nothing is deleted: damaged
    files are moved to ``damaged/``. Raises Unavailable when other commands are at work, or when the disk
    refuses.
    """
    done = mend_shape(store.path)
    sweep(store.path)
    report, copies = Repair(done), GoodCopies(store, [*others, *borrowed_from(store.path)], progress)
    with alone(store.path, _WAIT_SECONDS, progress), store.lock("log"):
        if mend_packed_refs(store):
            report.done.append("packed-refs was written anew without its damaged lines")
        _objects(store, copies, report, progress)
        report.done += borrow_no_more(store.path)
        _log(store, back_to, report, progress)
        walk = walk_all(store, progress)
        if any(unheld(store, walk.seen)):
            copies.adopt_upstream({oid for _, commits in unheld(store, walk.seen) for oid in commits})
        with contextlib.suppress(CkstoreError):
            report.done += mend_refs(store, walk.seen)
    report.notes += copies.told
    _derived(store, report)
    return report


def _objects(store: ObjectStore, copies: GoodCopies, report: Repair, progress: Progress) -> None:
    """Round by round: a tree that came back may name more that is missing."""
    large = [bad for bad in bad_packs(store.git / "objects") if bad.ids and bad.path.exists()]
    if any(bad.path.stat().st_size > _LARGE for bad in large):
        copies.adopt_upstream({oid for bad in large for oid in bad.ids})
    before: set[str] = set()
    for _ in range(_ROUNDS):
        walk = walk_all(store, progress)
        mended = mend(store, walk.broken, copies.find, progress)
        report.done += [f"{name} was mended" for name in mended.packs]
        report.notes += [f"{name} is damaged and was set aside: {_PARTLY}" for name in mended.partly]
        report.done += [f"the loose object {oid} was replaced" for oid in mended.loose]
        if mended.objects:
            report.done.append(f"{plural(len(mended.objects), 'object was', 'objects were')} written anew")
        report.lost = mended.lost
        if walk.broken <= before or not walk.broken:
            return
        before = walk.broken | before


def _log(store: ObjectStore, back_to: str, report: Repair, progress: Progress) -> None:
    """Offer, or take, the way back of a log that is damaged beyond repair."""
    if _is_whole(walk_all(store, progress), store):
        return
    state = last_good(store, progress)
    if state is None:
        return
    if not back_to:
        report.back_to, report.back_summary, report.behind = state.head, state.summary, len(state.lost)
        return
    if not state.head.startswith(back_to):
        raise Conflict(
            f"The newest whole operation of the log is {state.head[:12]}, not {back_to}.",
            code="another-operation",
            hints=[f"`ckstore fsck --repair --back-to {state.head[:12]}`"],
        )
    restore_log(store, state.head)
    report.done.append(f"the log went back to {state.head[:12]}, {state.summary}")


def _is_whole(walk: Walk, store: ObjectStore) -> bool:
    """True when nothing that the head of the log reaches is damaged, as far as the walk can tell."""
    bad = {damage.what for damage in walk.damage}
    if "log" in bad or any(what.startswith("log ") for what in bad):
        return False
    try:
        view = store.view()
        for source in view.sources():
            for component in view.components(source.name):
                for version, _ in view.release_trees(source.name, component.uid):
                    view.release(source.name, component.uid, version)
        return not view.damaged_runs()
    except CkstoreError:
        return False


def _derived(store: ObjectStore, report: Repair) -> None:
    """The laid-out trees, from what is whole now; the index is seen to by the check that follows."""
    with contextlib.suppress(CkstoreError):
        for tree, digest in changed_trees(store):
            _lay_out_anew(store, tree, digest)
            report.done.append(f"the tree {tree} was laid out anew")


def _lay_out_anew(store: ObjectStore, tree: str, digest: str) -> None:
    """The damaged files go when the good ones are there."""
    path = store.path / "trees" / tree
    with temporary_folder(path.parent, "tmp-") as work:
        aside = work / tree
        path.chmod(0o755)
        path.rename(aside)
        try:
            lay_out(store, tree, digest)
        except CkstoreError:
            aside.rename(path)
            raise
