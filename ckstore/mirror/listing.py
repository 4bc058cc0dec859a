"""Asking a remote what it has, before anything is fetched.

This is all that an update does where nothing is new, so nothing heavy is imported here.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

from ckstore.errors import CkstoreError, NotFound, Unavailable
from ckstore.mirror.remote import Engine, PushingEngine, RemoteRefs, is_a_store, read_refs
from ckstore.mirror.stock_git import StockGit
from ckstore.mirror.urls import RemoteUrl
from ckstore.objects.head import GIT_FOLDER

MAX_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Listing:
    """What a remote has, and the address and its spelling that it answered to."""

    refs: RemoteRefs
    spelling: str
    at: RemoteUrl


def find_engine() -> PushingEngine:
    """Stock git where there is one: it is several times quicker on large histories."""
    return StockGit.find() or _library_git()


def _library_git() -> PushingEngine:
    from ckstore.mirror.library_git import LibraryGit  # slow to import, and seldom needed

    return LibraryGit()


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
            from ckstore.mirror.redirects import CODE, follow  # slow to import

            if error.code != CODE or not hops:
                raise
            return _led(list_remote(engine, git, follow(url, spelling), hops - 1), url)
        else:
            return Listing(read_refs(pairs, url.text), spelling, url)
    assert first is not None
    if url.kind == "folder" and (url.folder / GIT_FOLDER / "objects").is_dir():
        raise is_a_store(str(url.folder))
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
        return _library_git().list_refs(git, url, spelling)  # e.g. it belongs to another user
    except CkstoreError:
        found = _refs_on_disk(url.folder)
        if not found:
            raise
        return found


def _refs_on_disk(folder: Path) -> list[tuple[str, str]]:
    """The refs of a repository whose objects no tool can read as a whole; none where it is no repository."""
    import pygit2  # slow to import, and seldom needed

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
        _library_git().list_refs(git, url, spelling)
    except CkstoreError as error:
        if error.code == "not-a-repository":
            raise


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
