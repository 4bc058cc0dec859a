"""Where what comes from outside waits: ``<store>/incoming/<source>/``, a bare repository of its own.

It borrows the store's objects (``objects/info/alternates``) and has refs to what the store keeps of
upstream histories, so a fetch brings only what is new. Batches that arrived whole stay there when a
mirror is interrupted, and the next one goes on from them. The store sees nothing of it before
:meth:`ckstore.objects.store.ObjectStore.adopt_packs`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pygit2

from ckstore.errors import CkstoreError, Unavailable
from ckstore.mirror.borrowing import BorrowingStore, object_folders
from ckstore.mirror.inspection import Inspected, inspect
from ckstore.mirror.remote import Progress
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.limits import MAX_TAG_CHAIN
from ckstore.objects.boot import boot_id
from ckstore.objects.disk import not_writable
from ckstore.objects.head import GIT_FOLDER
from ckstore.objects.litter import give_back, quarantine_lock
from ckstore.objects.sharing import is_leased, shared
from ckstore.objects.store import ObjectStore

_WAIT_SECONDS = 3600
_STEP_SECONDS = 0.1
_ADDRESS = "address"
KNOWN, _ARRIVED = "refs/known/", "refs/arrived/"
HEAD, _COPIED = f"{_ARRIVED}head", f"{_ARRIVED}copied/"


def tag_ref(tag: str) -> str:
    """Where a tag arrives: under a name that no other one can collide with, on any file system."""
    return f"{_ARRIVED}tags/{hashlib.sha256(tag.encode('utf-8', 'surrogateescape')).hexdigest()}"


@dataclass(slots=True)
class Quarantine:
    """The open quarantine of one source; ``known`` are commits whose whole history is at hand."""

    store: ObjectStore
    path: Path
    objects: BorrowingStore
    lenders: tuple[Path, ...]  # folders of objects
    known: set[str] = field(default_factory=set)
    whole: bool = True  # False: reads a damaged folder, see `lean_on`
    damage: list[str] = field(default_factory=list)  # what the other side could not give
    inspected: Inspected = field(default_factory=dict)  # of our own packs, which are named by their bytes
    _packed_refs: dict[str, str] = field(default_factory=dict)

    @property
    def git(self) -> Path:
        """The bare repository."""
        return self.objects.git

    def arrived(self, ref: str) -> str:
        """The commit that a fetched ref leads to; empty when there is none."""
        try:
            return peeled(self.objects, str(self.objects.repo.references[ref].resolve().target))
        except (KeyError, pygit2.GitError, ValueError, CkstoreError):
            return ""

    def take_copied(self, commits: Iterable[str]) -> None:
        """Commits that arrived with all that they reach, by other ways than a fetch."""
        self.known.update(commits)
        self._packed_refs |= {_COPIED + commit: commit for commit in commits}
        self.write_refs()

    def set_known(self) -> None:
        """Refs to what the store keeps, and to what arrived before; others are dropped."""
        references = self.objects.repo.references
        for ref in [ref for ref in references if not ref.startswith(KNOWN)]:
            commit = self.arrived(ref)
            if ref.startswith(_COPIED) and commit:
                self._packed_refs[ref] = commit
            elif not commit:
                references.delete(ref)
            self.known |= {commit} - {""}
        kept = {
            commit
            for source in self.store.view().sources()
            if source.history
            for commit in (source.head, *source.labels.values())
            if commit and self.store.has(commit)
        }
        self._packed_refs |= {KNOWN + commit: commit for commit in kept}
        self.write_refs()
        self.known |= kept

    def write_refs(self) -> None:
        """All of ours at once, in git's file for many refs: one by one they take a millisecond each."""
        lines = [f"{oid} {ref}\n" for ref, oid in sorted(self._packed_refs.items())]
        packed = self.git / "packed-refs"
        new = packed.with_name("packed-refs.new")
        new.write_text("".join(lines), "ascii")
        new.replace(packed)

    def lean_on(self, folder: Path) -> None:
        """Read the objects of another repository (its git folder) in place, whole or not."""
        lent = tuple(object_folders(folder / "objects"))
        self.lenders = (*self.lenders, *lent)
        _borrow(self.git, self.lenders)
        self.reopen()
        for objects in lent:
            self.objects.refused |= inspect(objects / "pack")
        self.objects.checked = False  # nobody looked at these
        self.whole = False

    def reopen(self) -> None:
        """See what was fetched since. Of a shallow repository, the history is not whole.

        Nor is it where objects are beyond a limit: they must not come into the store.
        """
        self.objects.repo.free()
        refused = inspect(self.git / "objects" / "pack", self.inspected)
        self.objects = BorrowingStore(self.path, self.lenders, refused)
        self.whole = not (self.git / "shallow").exists() and not self.objects.refused

    def remove(self) -> None:
        """Everything is in the store."""
        self.objects.repo.free()
        shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def quarantine(store: ObjectStore, name: str, url: RemoteUrl, progress: Progress) -> Iterator[Quarantine]:
    """The quarantine of the source ``name``, alone: a second mirror of it waits until the first is done."""
    with _alone(store, name, progress), shared(store.path, progress):
        path = store.path / "incoming" / name
        try:
            opened = _open(store, path, url)
        except (CkstoreError, OSError, pygit2.GitError):  # left half made by a killed process
            shutil.rmtree(path, ignore_errors=True)
            opened = _open_anew(store, path, url)
        yield opened


@contextlib.contextmanager
def _alone(store: ObjectStore, name: str, progress: Progress) -> Iterator[None]:
    lock = quarantine_lock(name)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(store.lock(lock, seconds=0))
        except TimeoutError:
            progress("waiting for another mirror of the same source")
            try:
                held.enter_context(store.lock(lock, _WAIT_SECONDS))
            except TimeoutError:
                raise _busy(name) from None
        _wait_for_children(store, name, progress)
        yield


def _wait_for_children(store: ObjectStore, name: str, progress: Progress) -> None:
    """Until no git program of a killed mirror is writing any more: each has a lease on the repository.

    It ends by itself, as soon as it has something to say and nobody listens.
    """
    end = time.monotonic() + _WAIT_SECONDS
    while is_leased(store.path / "incoming" / name / GIT_FOLDER):
        if time.monotonic() > end:
            raise _busy(name)
        progress("waiting for a fetch that an interrupted mirror of the same source left behind")
        time.sleep(_STEP_SECONDS)


def _busy(name: str) -> Unavailable:
    return Unavailable(
        f"Another process has been mirroring {name} for an hour.",
        code="mirror-busy",
        hints=["wait for it, or stop it, then repeat"],
    )


def _open_anew(store: ObjectStore, path: Path, url: RemoteUrl) -> Quarantine:
    try:
        return _open(store, path, url)
    except OSError as error:
        raise not_writable(store.path, error) from error


def _open(store: ObjectStore, path: Path, url: RemoteUrl) -> Quarantine:
    address, made = path / _ADDRESS, f"{url.text}\n{boot_id()}\n"
    if path.exists() and (not address.is_file() or address.read_text("utf-8") != made):
        shutil.rmtree(path)  # of another address; or what arrived was not synced when the machine went down
    git, lenders = ObjectStore(path).git, (store.git.resolve() / "objects",)
    _borrow(git, lenders)
    address.write_text(made, "utf-8")
    give_back(path, store.path)
    for litter in (git / "objects" / "pack").glob("tmp_*"):
        litter.unlink(missing_ok=True)
    inspected: Inspected = {}
    objects = BorrowingStore(path, lenders, inspect(git / "objects" / "pack", inspected))
    opened = Quarantine(store, path, objects, lenders, whole=not objects.refused, inspected=inspected)
    opened.set_known()
    return opened


def peeled(objects: ObjectStore, oid: str) -> str:
    """The commit that an object is or, as a tag, leads to; empty for a tag on anything else."""
    for _ in range(MAX_TAG_CHAIN):
        kind, data = objects.read(oid)
        if kind != "tag":
            return oid if kind == "commit" else ""
        oid = data[7:47].decode("ascii", "replace") if data[:7] == b"object " else ""
    return ""


def _borrow(git: Path, lenders: Sequence[Path]) -> None:
    info = git / "objects" / "info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "alternates").write_bytes(b"".join(os.fsencode(folder) + b"\n" for folder in lenders))
