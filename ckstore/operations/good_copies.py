"""Where good copies of damaged objects may be: laid-out trees, added folders, other stores, upstream."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from ckstore.errors import CkstoreError, NotFound
from ckstore.mirror.borrowing import BorrowingStore, object_folders
from ckstore.mirror.listing import find_engine, git_folder
from ckstore.mirror.urls import parse_url
from ckstore.model.records import Source
from ckstore.objects.folders import import_folder
from ckstore.objects.hashing import object_id
from ckstore.objects.head import GIT_FOLDER
from ckstore.objects.keepfiles import release_packs
from ckstore.objects.litter import temporary_folder
from ckstore.objects.packs import PackWriter
from ckstore.objects.reach import named_in
from ckstore.objects.store import ObjectStore
from ckstore.objects.stored import Object
from ckstore.operations.kinds import SHIPPED_FOLDER
from ckstore.operations.mirror import mirror
from ckstore.operations.origins import BUILTIN

_REFSPECS = ("+refs/heads/*:refs/arrived/heads/*", "+refs/tags/*:refs/arrived/tags/*")
_KINDS = ("blob", "tree", "commit", "tag")
Progress = Callable[[str], None]


class GoodCopies:
    """Asks one place after the other for objects, the nearest first; ``told`` says which were no help,
    and why.

    ``others`` are folders of stores or of git repositories. Everything that is given is checked by
    whoever asks.
    """

    def __init__(self, store: ObjectStore, others: Sequence[Path], progress: Progress) -> None:
        self._store, self._others, self._progress = store, others, progress
        self._fetched: set[str] = set()
        self.told: list[str] = []

    def find(self, wanted: Collection[str]) -> Iterator[Object]:
        """Objects out of ``wanted``, as far as they are anywhere."""
        left = set(wanted)
        for place in self._places():
            if not left:
                return
            for found in place(frozenset(left)):
                left.discard(found[0])
                yield found

    def _places(self) -> Iterator[Callable[[Collection[str]], Iterator[Object]]]:
        for path in self._others:
            yield lambda wanted, path=path: self._in_store(path, wanted)  # type: ignore[misc]  # bound now
        folders = [path for path in (self._store.path / "trees").glob("*") if path.is_dir()]
        yield lambda wanted: self._in_folders(folders, wanted)
        sources = _sources(self._store)
        added = [Path(source.url) for source in sources if source.kind == "folder" and source.url]
        shipped = [SHIPPED_FOLDER] if any(source.kind == BUILTIN for source in sources) else []
        yield lambda wanted: self._in_folders([path for path in [*added, *shipped] if path.is_dir()], wanted)
        for source in sources:
            if source.kind == "git" and source.name not in self._fetched:
                yield lambda wanted, source=source: self._upstream(source, wanted)  # type: ignore[misc]  # bound now

    # -- one place each ------------------------------------------------------------------------------

    def _in_store(self, path: Path, wanted: Collection[str]) -> Iterator[Object]:
        self._progress(f"looking in {path}")
        git = path / GIT_FOLDER if (path / GIT_FOLDER).is_dir() else git_folder(path)
        if git is None:
            raise NotFound(
                f"{path} is neither a store nor a git repository.", code="no-store",
                hints=["--from takes the folder of another store, or of a repository"],
            )  # fmt: skip
        with temporary_folder(self._store.path, "tmp-") as work:
            ObjectStore(work)
            yield from _read(
                BorrowingStore(work, tuple(object_folders(git / "objects"))), wanted, self._store.has
            )

    def _in_folders(self, folders: Sequence[Path], wanted: Collection[str]) -> Iterator[Object]:
        """Files that lie on disk, as objects; only those that are wanted are compared by whoever asks."""
        left = set(wanted)
        with temporary_folder(self._store.path, "tmp-") as work:
            for number, folder in enumerate(folders, 1):
                if not left:
                    return
                self._progress(f"looking in laid-out files {number}/{len(folders)}")
                with PackWriter(work, lambda oid, kind, content: "absent") as writer:
                    with contextlib.suppress(CkstoreError):
                        import_folder(writer, folder)
                    for oid in sorted(oid for oid in left if oid in writer):
                        data = writer.read(oid)
                        left.discard(oid)
                        yield oid, next(kind for kind in _KINDS if object_id(kind, data) == oid), data

    def _upstream(self, source: Source, wanted: Collection[str]) -> Iterator[Object]:
        """What the source has now, fetched anew; its packs are taken whole where they hold what is wanted."""
        self._adopt(source, wanted)
        yield from _read(self._store, wanted, lambda oid: True)

    def adopt_upstream(self, wanted: Collection[str]) -> None:
        """Take the packs of sources that hold any of these: deltas stay deltas. Locks as for publishing."""
        for source in _sources(self._store):
            if source.kind == "git" and source.name not in self._fetched and wanted:
                self._adopt(source, wanted)

    def _adopt(self, source: Source, wanted: Collection[str]) -> None:
        self._fetched.add(source.name)
        with temporary_folder(self._store.path, "tmp-") as work:
            arrived = self._fetch(source, work)
            if arrived is not None and any(arrived.has(oid) for oid in wanted):
                self._store.adopt_packs(arrived.git)
                release_packs(self._store.git / "objects" / "pack")

    def _fetch(self, source: Source, work: Path) -> ObjectStore | None:
        """A store with what the source has now: mirrored, so that records are there as well, else only
        fetched.

        Records are derived by one deterministic rule, so those of old releases are the same to the byte.
        """

        def told(line: str) -> None:
            self._progress(f"good copies of {line}")

        arrived = ObjectStore(work)
        try:
            mirror(arrived, source.url, name=source.name, progress=told)
            arrived.reopen()
            return arrived
        except CkstoreError:
            pass  # what cannot be mirrored may be fetched
        try:
            url = parse_url(source.url)
            for spelling in url.spellings:
                with contextlib.suppress(NotFound):
                    find_engine().fetch(arrived.git, url, spelling, _REFSPECS, told)
                    arrived.reopen()
                    return arrived
        except CkstoreError as error:
            self.told.append(f"{source.name} could not be fetched: {error.message}")
        else:
            self.told.append(f"{source.name} could not be fetched: nothing is at {source.url}")
        return None


def _sources(store: ObjectStore) -> list[Source]:
    """What can be read of the sources, now or at an earlier head of the log."""
    found: dict[str, Source] = {}
    with contextlib.suppress(CkstoreError):
        for head, _ in store.operations():
            with contextlib.suppress(CkstoreError):
                found = {source.name: source for source in store.view(head).sources()} | found
            if found:
                break
    return list(found.values())


def _read(store: ObjectStore, wanted: Collection[str], has: Callable[[str], bool]) -> Iterator[Object]:
    """These objects, and what they name in turn as far as it is missing (``has`` says no)."""
    pending, done = sorted(wanted), set(wanted)
    while pending:
        oid = pending.pop()
        with contextlib.suppress(CkstoreError):
            kind, data = store.read(oid)
            yield oid, kind, data
            more = {below for below in named_in(kind, data) if below not in done and not has(below)}
            done |= more
            pending += sorted(more)
