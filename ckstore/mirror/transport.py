"""Bringing a remote's default branch and tags into the quarantine.

Tags come first, in batches in the order of versions, then the branch: every batch that arrived whole
stays, so an interrupted mirror repeats one batch and not the whole transfer (git itself cannot resume).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from ckstore.errors import CkstoreError, NotFound, Unavailable
from ckstore.mirror.failures import failure
from ckstore.mirror.inspection import unreadable
from ckstore.mirror.labels import version_order
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.pack_copies import copy_packs
from ckstore.mirror.quarantine import HEAD, KNOWN, Quarantine, peeled, tag_ref
from ckstore.mirror.redirects import CODE, MAX_REDIRECTS, follow
from ckstore.mirror.remote import Engine, Progress, PushingEngine, RemoteRefs, read_refs
from ckstore.mirror.stock_git import StockGit
from ckstore.mirror.urls import RemoteUrl

_MOST_BATCHES = 8
_SMALLEST_BATCH = 4


@dataclass(frozen=True, slots=True)
class Listing:
    """What a remote has, and the address and its spelling that it answered to."""

    refs: RemoteRefs
    spelling: str
    at: RemoteUrl


def find_engine() -> PushingEngine:
    """Stock git where there is one: it is several times quicker on large histories."""
    return StockGit.find() or LibraryGit()


def list_remote(engine: Engine, git: Path, url: RemoteUrl, hops: int = MAX_REDIRECTS) -> Listing:
    """Ask the remote for its refs, under each spelling of its address until one is a repository.

    ``git`` is a bare repository of ours, which stays as it is.
    """
    first: CkstoreError | None = None
    for spelling in url.spellings:
        try:
            pairs = _list(engine, git, url, spelling)
        except NotFound as error:
            first = first or error
        except Unavailable as error:
            if error.code != CODE or not hops:
                raise
            return _led(list_remote(engine, git, follow(url, spelling), hops - 1), url)
        else:
            return Listing(read_refs(pairs, url.text), spelling, url)
    assert first is not None
    if url.kind == "folder" and url.folder.is_dir():
        raise NotFound(
            f"{url.folder} is not a git repository.",
            code="not-a-repository",
            hints=[f"a folder without git is added with: ckstore add {url.folder}"],
        )
    raise first


def _led(found: Listing, url: RemoteUrl) -> Listing:
    note = f"{url.text} led to {found.at.text}"
    return replace(found, refs=replace(found.refs, note="; ".join(filter(None, [found.refs.note, note]))))


def _list(engine: Engine, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
    try:
        pairs = engine.list_refs(git, url, spelling)
    except CkstoreError:
        if url.kind != "folder":
            raise
    else:
        if not pairs and url.scheme in ("http", "https"):
            _refuse_web_page(git, url, spelling)
        return pairs
    try:
        return LibraryGit().list_refs(git, url, spelling)  # e.g. it belongs to another user
    except CkstoreError:
        found = _refs_on_disk(url.folder)
        if not found:
            raise
        return found


def _refs_on_disk(folder: Path) -> list[tuple[str, str]]:
    """The refs of a repository whose objects no tool can read as a whole; none where it is no repository."""
    git, pairs = git_folder(folder), []
    if git is None:
        return []
    with contextlib.suppress(pygit2.GitError, ValueError, KeyError):
        repo = pygit2.Repository(str(git))
        for name in [*repo.references, "HEAD"]:
            with contextlib.suppress(pygit2.GitError, ValueError, KeyError):
                pairs.append((name, str(repo.lookup_reference(name).resolve().target)))
        if not repo.head_is_detached:
            pairs.append(("HEAD", f"ref: {repo.lookup_reference('HEAD').target}"))
    return pairs


def _refuse_web_page(git: Path, url: RemoteUrl, spelling: str) -> None:
    """Git takes a web page without line breaks for an empty repository; libgit2 looks at what kind it is."""
    try:
        LibraryGit().list_refs(git, url, spelling)
    except CkstoreError as error:
        if error.code == "not-a-repository":
            raise


def bring(
    engine: Engine, quarantine: Quarantine, url: RemoteUrl, listing: Listing, progress: Progress
) -> None:
    """Fetch what is not known yet. A damaged local repository is read in place instead."""
    try:
        if url.kind == "folder":
            _copy_packs(engine, quarantine, url, listing.refs)
        for batch in _batches(quarantine, url, listing.refs):
            with _whole_packs_only(quarantine.git / "objects" / "pack"):
                engine.fetch(quarantine.git, listing.at, listing.spelling, batch, progress)
        quarantine.reopen()
        if listing.refs.head not in quarantine.known and not quarantine.arrived(HEAD):
            raise failure(url.text, "its head did not arrive")
        if not engine.checks_arrivals:
            quarantine.objects.refused |= unreadable(quarantine.git / "objects" / "pack", quarantine.objects)
            quarantine.whole = quarantine.whole and is_whole(quarantine)
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
    copied = copy_packs(git, quarantine.objects, quarantine.store.git / "objects", tips)
    if copied is None:
        return
    if engine.is_connected(quarantine.git, url, copied.commits):
        quarantine.take_copied(copied.commits)
    else:
        copied.discard()


@contextlib.contextmanager
def _whole_packs_only(folder: Path) -> Iterator[None]:
    """Keep what arrived whole, and nothing else: no tool goes on with half a pack; the disk may be full."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            files = list(folder.iterdir())
            whole = {
                file.stem for file in files if file.suffix == ".idx" and file.with_suffix(".pack") in files
            }
            for file in files:
                if file.stem not in whole:
                    file.unlink(missing_ok=True)
        raise


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


def git_folder(folder: Path) -> Path | None:
    """Where a working tree, a linked one or a bare repository keeps its objects; None if it is neither."""
    git = folder / ".git"
    if git.is_file():
        with contextlib.suppress(OSError, UnicodeDecodeError):
            git = folder / git.read_text("utf-8").removeprefix("gitdir:").strip()
    elif not git.is_dir():
        git = folder
    shared = git / "commondir"
    if shared.is_file():
        git = git / shared.read_text("utf-8").strip()
    return git.resolve() if (git / "objects").is_dir() else None


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
