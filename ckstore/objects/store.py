"""A store on disk: the object database and the log, opened and written.

::

    <store>/objects.git/   a plain bare git repository: stock `git fsck`, `gc`, `clone` work on it
    <store>/trees/<oid>/   extracted trees (see layout.py)
    <store>/whole/         which of them are known to be whole since the machine was started; empty files
    <store>/incoming/      quarantine of mirrors under way
    <store>/locks/         advisory locks; empty files
    <store>/damaged/       loose objects that were damaged when the same content was added again
    <store>/cache/         what added folders looked like (see statcache.py); derived
    <store>/index.sqlite   derived, kept by the index engine
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pygit2

from ckstore.errors import CorruptData, NotFound, Unavailable
from ckstore.model.records import Operation
from ckstore.objects.creation import create_store, is_store, refuse_remains
from ckstore.objects.digests import Digests
from ckstore.objects.disk import (
    check_readable,
    make_folders,
    not_readable,
    not_writable,
    store_not_readable,
    sync_folder,
)
from ckstore.objects.entries import TYPES
from ckstore.objects.exclusive import exclusive
from ckstore.objects.fold import fold
from ckstore.objects.head import GIT_FOLDER, is_object_id, move_head, settle_head
from ckstore.objects.history import HISTORY_REFS as HISTORY_REFS  # part of what a store is
from ckstore.objects.history import forget_history, keep_history
from ckstore.objects.keepfiles import keep_pack, release_packs
from ckstore.objects.known import KnownObjects
from ckstore.objects.litter import give_back, sweep
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.loose import damaged, loose_folders, loose_path, read_loose
from ckstore.objects.newest import newest
from ckstore.objects.packs import ObjectType, PackWriter, Presence
from ckstore.objects.shape import said_of_flaws
from ckstore.objects.sharing import shared
from ckstore.objects.signing import Signer, read_signing, signed
from ckstore.objects.stream import Pieces, Sha256
from ckstore.objects.trees import GITLINK, TreeEntry, check_depth, parse_tree

_TREES_REMEMBERED, _ENTRIES_REMEMBERED = 50_000, 500_000  # some 100 MB
_PACKS_OPEN = 200
_WINDOW, _ALL_WINDOWS = 32 * 1024 * 1024, 128 * 1024 * 1024  # bytes of packs that are mapped
_SECONDS = re.compile(r"-?[0-9]{1,18}(?![0-9])")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Commit:
    """``time`` in seconds since 1970, ``parents`` commit ids."""

    tree: str
    parents: tuple[str, ...]
    time: int
    author: str
    message: str


class ObjectStore:
    """One store. ``who`` is written into the log as the author of operations.

    ``sign_key`` is the ssh key that they are signed with, instead of the one of the store's settings.
    """

    def __init__(
        self, path: Path, *, create: bool = True, who: str = "", sign_key: Path | None = None
    ) -> None:
        self.path = path
        self._sign_key = sign_key
        self.git = path / GIT_FOLDER
        self.who = who or "ckstore"
        if not is_store(path):
            refuse_remains(path)
            if not create:
                raise NotFound(
                    f"There is no store at {path}.",
                    code="no-store",
                    hints=["`ckstore add` or `ckstore mirror` creates one", "--store names another place"],
                )
            create_store(path)
        self._check_readable()
        self.repo, self._packs = _open(self.git)
        self._known: KnownObjects | None = None
        self._trees: dict[str, tuple[TreeEntry, ...]] = {}
        self._entries_held = 0
        self._loose = self._loose_folders()
        self.pieces = Pieces([self.git / "objects"], lambda: self._packs, self.read)
        self.digests = Digests(self.read_tree, self.read_blob, self.large_blob)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, oid: str) -> tuple[str, bytes]:
        """(type, bytes) of an object; :class:`NotFound`, or :class:`CorruptData` when it is damaged."""
        if oid[:2] not in self._loose:  # nearly always
            try:
                return self._read_packed(oid)
            except (NotFound, CorruptData):
                self._loose = self._loose_folders()
                if oid[:2] not in self._loose:
                    raise
        try:
            loose = read_loose(self.git / "objects", oid) if is_object_id(oid) else None
        except CorruptData:
            if not self._packs.exists(oid):
                raise
            loose = None
        except OSError as error:
            raise store_not_readable(self.path, error) from error
        return loose or self._read_packed(oid)

    def reread(self, oid: str) -> tuple[str, bytes]:
        """As :meth:`read`; where an object was checked before, perhaps quicker."""
        return self.read(oid)

    def _loose_folders(self) -> frozenset[str]:
        try:
            return loose_folders(self.git / "objects")
        except OSError as error:
            raise store_not_readable(self.path, error) from error

    def _read_packed(self, oid: str) -> tuple[str, bytes]:
        try:
            kind, data = self._read_again(oid) if is_object_id(oid) else _unknown(oid)
        except KeyError:
            self._check_readable()  # libgit2 passes over what it may not read
            raise NotFound(
                f"The object {oid} is not in the store.",
                code="no-object",
                hints=["`ckstore fsck` lists what is missing"],
                details={"oid": oid},
            ) from None
        except (pygit2.GitError, ValueError, OSError) as error:
            self._check_readable()
            raise damaged(oid, error) from error
        return TYPES[int(kind)], data

    def _check_readable(self) -> None:
        try:
            check_readable(self.git)
            check_readable(self.git / "objects" / "pack")
        except OSError as error:
            raise store_not_readable(self.path, error) from error

    def _read_again(self, oid: str) -> tuple[int, bytes]:
        try:
            found: tuple[int, bytes] = self._packs.read(oid)
        except (pygit2.GitError, OSError):  # its pack was repacked by another process, or it is damaged
            self.reopen()
            found = self._packs.read(oid)
        return found

    def _read_as(self, kind: str, oid: str) -> bytes:
        found, data = self.read(oid)
        if found != kind:
            raise CorruptData(f"The object {oid} is a {found}, not a {kind}.", code="wrong-type")
        return data

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self._read_as("blob", oid)

    def size_of(self, oid: str) -> int:
        """The size of an object in bytes, without inflating it; errors as of :meth:`read`."""
        return self.pieces.size_of(oid)

    def stream_blob(self, oid: str) -> Iterator[bytes]:
        """The bytes of a blob, in pieces: trust none before the last one came (see :class:`Pieces`)."""
        return self.pieces.blob(oid)

    def large_blob(self, oid: str) -> Iterator[bytes] | None:
        """The pieces of a blob of some MiB, as :meth:`stream_blob`; None for one to be read as a whole."""
        return self.pieces.large_blob(oid)

    def kind_of(self, oid: str) -> str:
        """The type of an object, without its bytes where it is in a pack; errors as of :meth:`read`."""
        try:
            return TYPES[pygit2.enums.ObjectType(self._packs.read_header(oid)[0])]
        except (KeyError, pygit2.GitError, ValueError, OSError):
            return self.read(oid)[0]

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree, in git's order; remembered."""
        known = self._trees.get(oid)
        if known is None:
            known = parse_tree(self._read_as("tree", oid), f"The tree {oid}")
            self._entries_held += len(known)
            if len(self._trees) >= _TREES_REMEMBERED or self._entries_held > _ENTRIES_REMEMBERED:
                self._trees.clear()
                self._entries_held = len(known)
            self._trees[oid] = known
        return known

    def read_commit(self, oid: str) -> Commit:
        """A commit; text is decoded leniently."""
        text = self._read_as("commit", oid).decode("utf-8", "replace")
        header, _, message = text.partition("\n\n")
        fields = [line.partition(" ")[::2] for line in header.split("\n")]
        author = next((value for key, value in fields if key == "author"), "")
        committed = next((value for key, value in fields if key == "committer"), "")
        return Commit(
            tree=next((value for key, value in fields if key == "tree"), ""),
            parents=tuple(value for key, value in fields if key == "parent"),
            time=_seconds(committed),
            author=author.rpartition(" <")[0],
            message=message,
        )

    def root_of(self, commit: str) -> str:
        """The tree of a commit."""
        return self.read_commit(commit).tree

    def has(self, oid: str) -> bool:
        """True when the object is here (its bytes are not looked at)."""
        return is_object_id(oid) and (
            bool(self._packs.exists(oid)) or os.path.lexists(loose_path(self.git / "objects", oid))
        )

    def missing_objects(self, tree: str, seen: set[str], depth: int = 0) -> list[str]:
        """Trees and blobs below ``tree`` that are absent; those ``seen`` before are not looked at again."""
        check_depth(depth, f"The tree {tree}")
        if tree in seen:
            return []
        seen.add(tree)
        if not self.has(tree):
            return [tree]
        missing: list[str] = []
        for entry in self.read_tree(tree):
            if entry.is_tree:
                missing += self.missing_objects(entry.oid, seen, depth + 1)
            elif entry.mode != GITLINK and entry.oid not in seen:
                seen.add(entry.oid)
                if not self.has(entry.oid):
                    missing.append(entry.oid)
        return missing

    def view(self, head: str | None = None) -> LogView:
        """What is published now (see :func:`newest`), or was at an earlier ``head`` of the log."""
        if head is None:
            return newest(self, self.path)
        return LogView(self, head, self.root_of(head) if head else "")

    def operations(self) -> Iterator[tuple[str, Commit]]:
        """(commit id, commit) of every operation, newest first."""
        at = self.view().head
        while at:
            commit = self.read_commit(at)
            yield at, commit
            at = commit.parents[0] if commit.parents else ""

    # -- writing ---------------------------------------------------------------------------------

    def lock(self, name: str, seconds: float | None = None) -> contextlib.AbstractContextManager[None]:
        """An advisory lock between processes; TimeoutError when another has it for ``seconds``."""
        return exclusive(self._lock_file(name), seconds)

    def _lock_file(self, name: str) -> Path:
        path = self.path / "locks" / f"{name}.lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o666))  # refused here rather than in the middle
        except OSError as error:
            raise not_writable(self.path, error) from error
        return path

    def writer(self) -> PackWriter:
        """A writer of new objects; the caller finishes or discards it."""
        known: list[KnownObjects] = []

        def present(oid: str, kind: ObjectType, content: bytes | Sha256) -> Presence:
            if not known:
                known.append(self._known_now())
            return self._presence(oid, kind, content) if known[0].may_have(oid) else "absent"

        return PackWriter(self.git / "objects" / "pack", present)

    def _known_now(self) -> KnownObjects:
        if self._known is None:
            self._known = KnownObjects(self.git / "objects")
        else:
            self._known.refresh()
        return self._known

    def publish(
        self,
        operation: Operation,
        prepare: Callable[[PackWriter], T],
        edit: Callable[[LogView, LogEdit, T], None],
        progress: Callable[[str], None] = lambda line: None,
    ) -> str:
        """Carry out one operation: entirely, or not at all. Gives the new head of the log.

        ``prepare`` writes objects (the long part; others may publish meanwhile), ``edit`` then decides
        against the newest view, alone. When ``edit`` changes nothing, nothing is published and the
        present head is returned; damaged objects that were added again are mended nevertheless.
        """
        key = self._sign_key or read_signing(self.path).key
        signer = Signer(key) if key else None  # refused here rather than in the middle
        sweep(self.path)
        with shared(self.path, progress):
            writer = self.writer()
            try:
                prepared = _prepare(writer, prepare)
                with self.lock("log"):
                    try:
                        return self._commit(
                            operation, writer, lambda view, log: edit(view, log, prepared), signer
                        )
                    finally:
                        release_packs(self.git / "objects" / "pack")
            except OSError as error:
                raise not_writable(self.path, error) from error
            finally:
                writer.discard()

    def _commit(
        self, operation: Operation, writer: PackWriter, edit: Callable[[LogView, LogEdit], None],
        signer: Signer | None = None,
    ) -> str:  # fmt: skip
        view = self.view()
        change = LogEdit(writer, self, view)
        edit(view, change)
        head = view.head
        if change:
            operation = replace(operation, summary=change.summary or operation.summary)
            change.put_operation(operation)
            root = change.write(view.root)
            commit = _commit_bytes(root, (view.head, *change.joined), self.who, operation)
            head = writer.add("commit", signed(commit, signer) if signer else commit)
        if change or writer.heals:  # else what was prepared is reached by nothing, and must not pile up
            writer.finish(keep=bool(change))
        left_over = keep_history(self.repo, change.history)
        if head == view.head:
            settle_head(self.path)
        else:
            move_head(self.path, view.head, head)
            release_packs(self.git / "objects" / "pack")
            with contextlib.suppress(OSError, Unavailable):  # published it is, folded or not
                fold(self.git / "objects" / "pack")
        if head != view.head or writer.heals:
            self.reopen()
        forget_history(self.repo, left_over)
        return head

    def adopt_packs(self, incoming: Path) -> None:
        """Move the packs of a checked quarantine repository (its git folder) into the store, synced.

        For use while publishing: until the log moves, git is bidden to leave them alone.

        Loose objects are left behind: whoever fetches with git says ``fetch.unpackLimit=1``.
        """
        theirs, ours = incoming / "objects" / "pack", self.git / "objects" / "pack"
        try:
            for index in sorted(theirs.glob("pack-*.idx")):
                keep_pack(ours / index.name)
                # the pack first: the index is what makes it visible; what is there may be damaged
                for path in (index.with_suffix(".pack"), index):
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
                    path.replace(ours / path.name)
            sync_folder(ours)
        except OSError as error:
            with contextlib.suppress(OSError):  # else the next one does it
                give_back(incoming.parent, self.path)
            raise not_writable(self.path, error) from error
        self.reopen()

    def reopen(self) -> None:
        """Look again for packs, in their new order; what was damaged is read from its new copy.

        libgit2 shares what it knows of a pack among all who have it open: so the old goes first.
        """
        self.repo.free()  # a Repository is part of a cycle: its descriptors would wait for the collector
        del self._packs
        self.repo, self._packs = _open(self.git)

    def _presence(self, oid: str, kind: ObjectType, content: bytes | Sha256) -> Presence:
        """Whether the store holds this very object; a damaged loose copy is moved out of the way."""
        self._drop_damaged_copy(oid)
        try:
            same = self.pieces.same(oid, kind, content)
        except NotFound:
            return "absent"
        except CorruptData:
            self._set_aside(oid)
            return "damaged"
        if not same:
            raise CorruptData(f"Two different objects have the id {oid}.", code="sha1-collision")
        return "intact"

    def _drop_damaged_copy(self, oid: str) -> None:
        """Of what is in a pack, too: git reads a loose copy first."""
        loose = loose_path(self.git / "objects", oid)
        if os.path.lexists(loose) and self._packs.exists(oid):
            try:
                read_loose(self.git / "objects", oid)
            except CorruptData:
                self._set_aside(oid)

    def _set_aside(self, oid: str) -> None:
        loose = loose_path(self.git / "objects", oid)
        aside = self.path / "damaged" / oid
        if loose.exists():
            make_folders(aside.parent)
            with contextlib.suppress(FileNotFoundError):  # another writer met it, too
                loose.replace(aside)
            sync_folder(loose.parent)


def _prepare(writer: PackWriter, prepare: Callable[[PackWriter], T]) -> T:
    try:
        return prepare(writer)
    except OSError as error:  # the store's own troubles arrive as Unavailable
        raise not_readable(error) from error


def _open(git: Path) -> tuple[pygit2.Repository, pygit2.Odb]:
    """The repository for its refs, and its packs alone for reading (see loose.py)."""
    _settle()
    try:
        packs = pygit2.Odb()
        packs.add_backend(pygit2.OdbBackendPack(str(git / "objects")), 1)
        return pygit2.Repository(str(git)), packs
    except OSError as error:
        raise store_not_readable(git.parent, error) from error
    except pygit2.GitError as error:
        raise CorruptData(
            f"{git} is not a git repository: {error}.{said_of_flaws(git.parent)}",
            code="bad-store",
            hints=["`ckstore fsck --repair` mends what git needs there", "--store names another place"],
        ) from error


def _settle() -> None:
    """libgit2's options. They are of the whole process, and threads must not see them change: so once."""
    levels = (pygit2.enums.ConfigLevel.GLOBAL, pygit2.enums.ConfigLevel.XDG)
    if all(pygit2.settings.search_path[level] == os.devnull for level in levels):
        return
    pygit2.settings.enable_fsync_gitdir(True)
    # libgit2's defaults, but another library in this process may have thought otherwise
    pygit2.settings.enable_strict_hash_verification(True)
    pygit2.settings.enable_strict_object_creation(True)
    pygit2.settings.mwindow_file_limit = _PACKS_OPEN  # else every pack keeps a descriptor
    # else libgit2 maps up to 8 GiB, and what is mapped and was read counts as memory of this process
    pygit2.settings.mwindow_size, pygit2.settings.mwindow_mapped_limit = _WINDOW, _ALL_WINDOWS
    pygit2.settings.owner_validation = False  # a shared store belongs to a group, not to one user
    # Nothing in a user's git settings matters to a store, and a home that cannot be read must not stop it.
    for level in levels:
        pygit2.settings.search_path[level] = os.devnull


def _unknown(oid: str) -> tuple[int, bytes]:
    raise KeyError(oid)


def _seconds(signature: str) -> int:
    """The time of a signature; 0 where it is none, or beyond what a clock can show."""
    stated = _SECONDS.match(signature.rpartition("> ")[2])
    return int(stated[0]) if stated else 0


def _commit_bytes(tree: str, parents: Sequence[str], who: str, operation: Operation) -> bytes:
    name = (
        " ".join("".join(c if c.isprintable() and c not in "<>" else " " for c in who).split()) or "ckstore"
    )
    stamp = f"{name} <{name.lower().replace(' ', '.')}@ckstore> {int(time.time())} +0000"
    lines = [
        f"tree {tree}",
        *(f"parent {parent}" for parent in parents if parent),
        f"author {stamp}",
        f"committer {stamp}",
    ]
    text = f"{operation.verb}: {operation.summary}\n\n{operation.command}\n".replace("\0", "\\0")
    return ("\n".join(lines) + f"\n\n{text}").encode("utf-8", "surrogateescape")
