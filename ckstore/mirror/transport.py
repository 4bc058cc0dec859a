"""Bringing a remote's default branch and tags into the quarantine.

Tags come first, in batches in the order of versions, then the branch: every batch that arrived whole
stays, so an interrupted mirror repeats one batch and not the whole transfer (git itself cannot resume).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pygit2

from ckstore.errors import CkstoreError, Unavailable
from ckstore.mirror.failures import failure
from ckstore.mirror.inspection import unreadable
from ckstore.mirror.labels import version_order
from ckstore.mirror.listing import Listing, git_folder
from ckstore.mirror.pack_copies import copy_packs
from ckstore.mirror.quarantine import HEAD, KNOWN, Quarantine, peeled, tag_ref
from ckstore.mirror.remote import Engine, Progress, RecentEngine, RemoteRefs
from ckstore.mirror.salvage import Salvage, whole_packs_only
from ckstore.mirror.urls import RemoteUrl

_MOST_BATCHES = 8
_SMALLEST_BATCH = 4


def bring(
    engine: Engine, quarantine: Quarantine, url: RemoteUrl, listing: Listing, progress: Progress
) -> None:
    """Fetch what is not known yet. A damaged local repository is read in place instead."""
    try:
        if url.kind == "folder":
            _copy_packs(engine, quarantine, url, listing.refs)
        for batch in _batches(quarantine, url, listing.refs):
            try:
                _fetch(engine, quarantine, listing, batch, progress)
            except Unavailable as error:
                in_place = url.kind == "folder"  # better: what is missing is seen object by object
                if error.code != "damaged-source" or in_place or not isinstance(engine, RecentEngine):
                    raise
                salvage = Salvage(engine, quarantine, listing, progress)
                salvage.bring(batch, error)
        quarantine.reopen()
        if listing.refs.head not in quarantine.known and not quarantine.arrived(HEAD):
            raise failure(url.text, "its head did not arrive")
        if not engine.checks_arrivals:
            check_arrivals(quarantine)
    except CkstoreError as error:
        if url.kind != "folder" or error.code == "disk-full":
            raise
        _read_in_place(quarantine, url, listing.refs, error)


def _copy_packs(engine: Engine, quarantine: Quarantine, url: RemoteUrl, refs: RemoteRefs) -> None:
    """Make known what can be had by copying; nothing happens where the folder is not fit for that."""
    tips = {refs.head, *refs.tags.values()} - quarantine.known
    git = git_folder(url.folder)
    if git is None or not tips:
        return
    ours = quarantine.store.git / "objects"
    copied = copy_packs(git, quarantine.objects, ours, tips, quarantine.inspected)
    if copied is None:
        return
    if engine.is_connected(quarantine.git, url, copied.commits):
        quarantine.take_copied(copied.commits)
    else:
        copied.discard()


def _fetch(
    engine: Engine, quarantine: Quarantine, listing: Listing, batch: Sequence[str], progress: Progress
) -> None:
    with whole_packs_only(quarantine.git / "objects" / "pack"):
        engine.fetch(quarantine.git, listing.at, listing.spelling, batch, progress)


def _batches(quarantine: Quarantine, url: RemoteUrl, refs: RemoteRefs) -> Iterator[list[str]]:
    wanted = sorted((tag for tag, oid in refs.tags.items() if oid not in quarantine.known), key=version_order)
    tags = [f"+refs/tags/{tag}:{tag_ref(tag)}" for tag in wanted]
    head = [f"+{refs.head_ref}:{HEAD}"] if refs.head not in quarantine.known else []
    if url.kind == "folder":  # nothing to interrupt: all at once
        yield from [tags + head] if tags + head else []
        return
    size = max(_SMALLEST_BATCH, -(-len(tags) // _MOST_BATCHES))
    yield from _pieces(tags, size)
    if head:
        yield head


def _pieces(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for at in range(0, len(items), size):
        yield list(items[at : at + size])


def _read_in_place(quarantine: Quarantine, url: RemoteUrl, refs: RemoteRefs, why: CkstoreError) -> None:
    git = git_folder(url.folder)
    if git is None:
        raise why
    quarantine.lean_on(git)
    if not quarantine.objects.has(refs.head):
        raise why


def check_arrivals(quarantine: Quarantine) -> None:
    """Read everything that an engine brought which does not do so itself."""
    quarantine.objects.refused |= unreadable(quarantine.git / "objects" / "pack", quarantine.objects)
    quarantine.whole = quarantine.whole and is_whole(quarantine)


def is_whole(quarantine: Quarantine) -> bool:
    """True when nothing is missing in what arrived: commits, trees and files."""
    objects, repo = quarantine.objects, quarantine.objects.repo
    if objects.refused:
        return False
    known: set[str] = set()
    refs = [ref for ref in repo.references if quarantine.arrived(ref)]
    walker = repo.walk(None)
    for ref in refs:
        tip = quarantine.arrived(ref)
        (walker.hide if ref.startswith(KNOWN) else walker.push)(tip)
    try:
        return not any(objects.missing_objects(str(commit.tree_id), known) for commit in walker)
    except (KeyError, ValueError, pygit2.GitError, CkstoreError):
        return False


def results(quarantine: Quarantine, refs: RemoteRefs) -> tuple[str, dict[str, str]]:
    """(head, commits of tags) as they are in the quarantine now.

    A ref may have moved between asking and fetching: what was fetched counts. Tags on anything else
    than a commit are left out.
    """
    head = quarantine.arrived(HEAD) or refs.head
    tags = {tag: quarantine.arrived(tag_ref(tag)) or oid for tag, oid in refs.tags.items()}
    commits = {tag: _commit(quarantine, oid) for tag, oid in tags.items()}
    return head, {tag: oid for tag, oid in commits.items() if oid}


def _commit(quarantine: Quarantine, oid: str) -> str:
    try:
        return peeled(quarantine.objects, oid)
    except CkstoreError:
        return ""
