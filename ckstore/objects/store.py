"""A store on disk: the object database and the log, opened and written.

::

    <store>/objects.git/   a plain bare git repository: stock `git fsck`, `gc`, `clone` work on it
    <store>/trees/<oid>/   extracted trees (see layout.py)
    <store>/incoming/      quarantine of mirrors under way
    <store>/locks/         advisory locks; empty files
    <store>/index.sqlite   derived, kept by the index engine
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pygit2
from filelock import FileLock

from ckstore.errors import CorruptData, NotFound, Unavailable
from ckstore.model.records import Operation
from ckstore.objects.digests import Digests
from ckstore.objects.head import GIT_FOLDER, move_head, read_head, sync_folder
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import ObjectType, PackWriter
from ckstore.objects.trees import TreeEntry, parse_tree

HISTORY_REFS = "refs/ckstore/mirrors/"
_TREES_REMEMBERED = 50_000
T = TypeVar("T")
_TYPES = {pygit2.enums.ObjectType.COMMIT: "commit", pygit2.enums.ObjectType.TREE: "tree",
          pygit2.enums.ObjectType.BLOB: "blob", pygit2.enums.ObjectType.TAG: "tag"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commit:
    """``time`` in seconds since 1970, ``parents`` commit ids."""

    tree: str
    parents: tuple[str, ...]
    time: int
    author: str
    message: str


class ObjectStore:
    """One store. ``who`` is written into the log as the author of operations."""

    def __init__(self, path: Path, *, create: bool = True, who: str = "") -> None:
        self.path = path
        self.git = path / GIT_FOLDER
        self.who = who or "ckstore"
        if not (self.git / "objects").is_dir():
            if not create:
                raise NotFound(
                    f"There is no store at {path}.",
                    code="no-store",
                    hints=["`ckstore add` or `ckstore mirror` creates one", "--store names another place"],
                )
            _create(path)
        self.repo = _open(self.git)
        self._trees: dict[str, tuple[TreeEntry, ...]] = {}
        self.digests = Digests(self.read_tree, self.read_blob)

    # -- reading ---------------------------------------------------------------------------------

    def read(self, oid: str) -> tuple[str, bytes]:
        """(type, bytes) of an object; :class:`NotFound`, or :class:`CorruptData` when it is damaged."""
        try:
            kind, data = self.repo.odb.read(oid)
        except KeyError:
            raise NotFound(
                f"The object {oid} is not in the store.",
                code="no-object",
                hints=["`ckstore fsck` lists what is missing"],
                details={"oid": oid},
            ) from None
        except (pygit2.GitError, ValueError, OSError) as error:
            raise CorruptData(
                f"The object {oid} is damaged: {error}.",
                code="bad-object",
                hints=["`ckstore fsck` lists the damage; adding the same content again heals it"],
                details={"oid": oid},
            ) from error
        return _TYPES[pygit2.enums.ObjectType(kind)], data

    def _read_as(self, kind: str, oid: str) -> bytes:
        found, data = self.read(oid)
        if found != kind:
            raise CorruptData(f"The object {oid} is a {found}, not a {kind}.", code="wrong-type")
        return data

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self._read_as("blob", oid)

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree, in git's order; remembered."""
        known = self._trees.get(oid)
        if known is None:
            known = parse_tree(self._read_as("tree", oid), f"The tree {oid}")
            if len(self._trees) >= _TREES_REMEMBERED:
                self._trees.clear()
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
        return oid in self.repo

    def missing_objects(self, tree: str, whole: set[str]) -> list[str]:
        """Trees and blobs below ``tree`` that are absent. ``whole`` remembers trees known to be complete."""
        if tree in whole:
            return []
        if not self.has(tree):
            return [tree]
        missing: list[str] = []
        for entry in self.read_tree(tree):
            if entry.is_tree:
                missing += self.missing_objects(entry.oid, whole)
            elif entry.mode != 0o160000 and entry.oid not in whole:
                if self.has(entry.oid):
                    whole.add(entry.oid)
                else:
                    missing.append(entry.oid)
        if not missing:
            whole.add(tree)
        return missing

    def view(self, head: str | None = None) -> LogView:
        """What is published now, or was at an earlier ``head`` of the log."""
        at = read_head(self.path) if head is None else head
        return LogView(self, at, self.root_of(at) if at else "")

    def operations(self) -> Iterator[tuple[str, Commit]]:
        """(commit id, commit) of every operation, newest first."""
        at = read_head(self.path)
        while at:
            commit = self.read_commit(at)
            yield at, commit
            at = commit.parents[0] if commit.parents else ""

    # -- writing ---------------------------------------------------------------------------------

    def lock(self, name: str) -> FileLock:
        """An advisory lock between processes; dies with its holder."""
        folder = self.path / "locks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise read_only(self.path, error) from error
        return FileLock(folder / f"{name}.lock")

    def writer(self) -> PackWriter:
        """A writer of new objects; the caller finishes or discards it."""
        return PackWriter(self.git / "objects" / "pack", self._intact)

    def publish(
        self,
        operation: Operation,
        prepare: Callable[[PackWriter], T],
        edit: Callable[[LogView, LogEdit, T], None],
    ) -> str:
        """Carry out one operation: entirely, or not at all. Gives the new head of the log.

        ``prepare`` writes objects (the long part; others may publish meanwhile), ``edit`` then decides
        against the newest view, alone. When ``edit`` changes nothing, nothing is published and the
        present head is returned.
        """
        writer = self.writer()
        try:
            prepared = prepare(writer)
            with self.lock("log"):
                return self._commit(operation, writer, lambda view, change: edit(view, change, prepared))
        except OSError as error:
            raise read_only(self.path, error) from error
        finally:
            writer.discard()

    def _commit(
        self, operation: Operation, writer: PackWriter, edit: Callable[[LogView, LogEdit], None]
    ) -> str:
        view = self.view()
        change = LogEdit(writer, self)
        edit(view, change)
        if not change:
            return view.head
        change.put_operation(operation)
        root = change.write(view.root)
        head = writer.add("commit", _commit_bytes(root, view.head, self.who, operation))
        writer.finish()
        self._keep_history(change.history)
        move_head(self.path, view.head, head)
        self._refresh()
        return head

    def _keep_history(self, history: dict[str, dict[str, str]]) -> None:
        """Before the log moves: a ref ahead of the log is harmless, a log ahead of it is not."""
        for source, tips in history.items():
            prefix = f"{HISTORY_REFS}{source}/"
            wanted = {prefix + name: oid for name, oid in tips.items()}
            for name in list(self.repo.references):
                if name.startswith(prefix) and name not in wanted:
                    self.repo.references.delete(name)
            for name, oid in wanted.items():
                self.repo.references.create(name, oid, force=True)

    def adopt_packs(self, incoming: Path) -> None:
        """Move the packs of a checked quarantine repository (its git folder) into the store, synced."""
        theirs, ours = incoming / "objects" / "pack", self.git / "objects" / "pack"
        ours.mkdir(parents=True, exist_ok=True)
        indexes = sorted(theirs.glob("pack-*.idx"))
        for index in indexes:  # the pack first: the index is what makes it visible
            for path in (index.with_suffix(".pack"), index):
                with path.open("rb") as file:
                    os.fsync(file.fileno())
                if not (ours / path.name).exists():
                    path.replace(ours / path.name)
        sync_folder(ours)
        self._refresh()

    def _refresh(self) -> None:
        """Look again for packs; libgit2 does so by itself on a miss, this only spares the miss."""
        self.repo = _open(self.git)

    def _intact(self, oid: str, kind: ObjectType, data: bytes | None) -> bool:
        """True when the store holds this very object; a damaged loose copy is moved out of the way."""
        if not self.has(oid):
            return False
        try:
            if data is None:
                return self.read_size(oid) is not None
            return self.repo.odb.read(oid)[1] == data
        except (pygit2.GitError, KeyError, ValueError, OSError):
            self._set_aside(oid)
            return False

    def read_size(self, oid: str) -> int | None:
        """The size of a blob in bytes, after reading it whole and checking its id; None if it is damaged."""
        kind, data = self.read(oid)
        good = hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest() == oid
        return len(data) if good else None

    def _set_aside(self, oid: str) -> None:
        loose = self.git / "objects" / oid[:2] / oid[2:]
        aside = self.path / "damaged" / oid
        if loose.exists():
            aside.parent.mkdir(exist_ok=True)
            loose.replace(aside)


def _create(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        repo = pygit2.init_repository(str(path / GIT_FOLDER), bare=True)
    except (OSError, pygit2.GitError) as error:
        raise read_only(path, error) from error
    # Other programs' garbage collection must not be triggered by our packs, and keeps what we reach.
    repo.config["gc.auto"] = 0
    repo.config["core.logAllRefUpdates"] = "always"
    repo.free()


def _open(git: Path) -> pygit2.Repository:
    pygit2.settings.enable_fsync_gitdir(True)
    pygit2.settings.owner_validation = False  # a shared store belongs to a group, not to one user
    try:
        return pygit2.Repository(str(git))
    except pygit2.GitError as error:
        raise CorruptData(
            f"{git} is not a git repository: {error}.",
            code="bad-store",
            hints=["--store names another place"],
        ) from error


def read_only(path: Path, error: Exception) -> Unavailable:
    """The error for a store that cannot be written, with the reason of the system."""
    reason = getattr(error, "strerror", None) or str(error)
    return Unavailable(
        f"The store at {path} cannot be written: {reason}.",
        code="store-not-writable",
        hints=["check its permissions and the free space of its disk", "--store names another place"],
    )


def _seconds(signature: str) -> int:
    parts = signature.rpartition("> ")[2].split()
    return int(parts[0]) if parts and parts[0].lstrip("-").isdigit() else 0


def _commit_bytes(tree: str, parent: str, who: str, operation: Operation) -> bytes:
    name = "".join(c for c in who if c not in "<>\n\0") or "ckstore"
    stamp = f"{name} <{name.lower().replace(' ', '.')}@ckstore> {int(time.time())} +0000"
    lines = [
        f"tree {tree}",
        *([f"parent {parent}"] if parent else []),
        f"author {stamp}",
        f"committer {stamp}",
    ]
    return ("\n".join(lines) + f"\n\n{operation.verb}: {operation.summary}\n\n{operation.command}\n").encode(
        "utf-8", "surrogateescape"
    )
