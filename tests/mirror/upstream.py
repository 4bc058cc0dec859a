"""Upstream repositories for tests: bare, with a fixed author and a clock of their own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar

import pygit2
from pygit2.enums import FileMode, ObjectType

from ckstore.model.records import Component, Release
from ckstore.objects.store import ObjectStore

Files = Mapping[str, "str | bytes | None"]


P = ParamSpec("P")
T = TypeVar("T")


def quickly(write: Callable[P, T]) -> Callable[P, T]:
    """Without syncing loose objects, as stores do: an upstream of a test need not survive a power cut."""

    @functools.wraps(write)
    def unsynced(*args: P.args, **kwargs: P.kwargs) -> T:
        pygit2.settings.enable_fsync_gitdir(False)
        pygit2.settings.enable_strict_object_creation(False)  # damaged repositories can be grown, too
        try:
            return write(*args, **kwargs)
        finally:
            pygit2.settings.enable_fsync_gitdir(True)
            pygit2.settings.enable_strict_object_creation(True)

    return unsynced


class Upstream:
    """A repository that grows by commits; each sees the files of the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repo = pygit2.init_repository(str(path), bare=True, initial_head="main")
        self.repo.set_head("refs/heads/main")  # also of one that was there, as the repository of a store
        self.files: dict[str, tuple[int, str]] = {}
        self._clock = 1_600_000_000

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    @property
    def head(self) -> str:
        return str(self.repo.references["refs/heads/main"].target)

    def at(self, path: str) -> str:
        """The id of what lies at a path of the head."""
        return str(self.repo.revparse_single(f"main:{path}").id)

    def root(self, commit: str) -> str:
        """The root tree of a commit."""
        return str(self.repo.revparse_single(f"{commit}^{{tree}}").id)

    @quickly
    def commit(self, files: Files, message: str = "change") -> str:
        """Write these files (None removes one; a path ending with ``/`` removes a folder) and commit."""
        for path, content in files.items():
            for old in [
                old for old in self.files if old == path or (path[-1:] == "/" and old.startswith(path))
            ]:
                del self.files[old]
            if content is not None:
                data = content.encode() if isinstance(content, str) else content
                self.files[path] = (FileMode.BLOB, str(self.repo.create_blob(data)))
        return self.commit_tree(self.write_tree(), message)

    def write_tree(self) -> str:
        index = pygit2.Index()
        for path, (mode, oid) in self.files.items():
            index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=oid), FileMode(mode)))
        return str(index.write_tree(self.repo))

    @quickly
    def commit_tree(
        self, tree: str, message: str = "change", *, branch: str = "main", parents: list[str] | None = None
    ) -> str:
        ref = f"refs/heads/{branch}"
        if parents is None:
            parents = [str(self.repo.references[ref].target)] if ref in self.repo.references else []
        self._clock += 60
        author = pygit2.Signature("An Author", "author@example.org", self._clock, 0)
        made = self.repo.create_commit(
            None, author, author, message, pygit2.Oid(hex=tree), [pygit2.Oid(hex=p) for p in parents]
        )
        self.repo.references.create(ref, made, force=True)
        return str(made)

    @quickly
    def raw_tree(self, *entries: tuple[int, bytes, str]) -> str:
        """A tree as it is, however wrong: (mode, name, oid)."""
        data = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(oid) for mode, name, oid in entries)
        return str(self.repo.write(ObjectType.TREE, data))

    @quickly
    def blob(self, data: bytes) -> str:
        return str(self.repo.create_blob(data))

    def reset(self, commit: str, files: dict[str, tuple[int, str]]) -> None:
        """Force the branch to a commit whose files were these."""
        self.repo.references.create("refs/heads/main", pygit2.Oid(hex=commit), force=True)
        self.files = dict(files)

    def tag(self, name: str, commit: str = "", *, annotated: bool = False) -> None:
        oid = pygit2.Oid(hex=commit or self.head)
        if annotated:
            tagger = pygit2.Signature("An Author", "author@example.org", self._clock, 0)
            self.repo.create_tag(name, oid, ObjectType.COMMIT, tagger, "a release")
        else:
            self.repo.references.create(f"refs/tags/{name}", oid, force=True)

    def lose(self, oid: str) -> None:
        """Delete a loose object, as a damaged or partial clone has."""
        (self.path / "objects" / oid[:2] / oid[2:]).unlink()


def native(
    folder: str, *, tags: str = "", version: str = "", uid: str = "", body: str = "x"
) -> dict[str, str]:
    """The files of a component at ``<kind>/<name>``."""
    lines = [f"tags = [{', '.join(repr(t) for t in tags.split())}]"]
    lines += [f"version = {version!r}"] if version else []
    lines += [f"uid = {uid!r}"] if uid else []
    return {f"{folder}/component.toml": "\n".join(lines) + "\n", f"{folder}/main.c": body}


def ck(module: str, name: str, uid: str, meta: str = "{}", **files: str) -> dict[str, str]:
    """The files of an entry of a CK repository."""
    folder = f"{module}/{name}"
    return {
        ".ckr.json": "{}",
        f"{module}/.cm/alias-a-{name}": f"{uid}\r\n",
        f"{module}/.cm/alias-u-{uid}": f"{name}\n",
        f"{folder}/.cm/meta.json": meta,
        f"{folder}/.cm/info.json": f'{{"backup_data_uid": "{uid}"}}',
        **{f"{folder}/{path}": text for path, text in files.items()},
    }


def lines(store: ObjectStore, source: str) -> dict[str, Component]:
    """Components by ``kind:name``."""
    return {f"{c.kind}:{c.name}": c for c in store.view().components(source)}


def releases(store: ObjectStore, source: str, called: str) -> list[Release]:
    """All releases of the component that is now called ``kind:name``."""
    component = lines(store, source)[called]
    return [store.view().release(source, component.uid, version) for version in component.versions]


def steps(store: ObjectStore, source: str, called: str) -> list[tuple[str, str]]:
    """(version, bump) of all releases."""
    return [(release.version, release.bump) for release in releases(store, source, called)]


def all_bytes(store: ObjectStore, source: str) -> dict[str, bytes]:
    """Every record of a source, as stored."""
    view = store.view()
    out = {}
    for component in view.components(source):
        out[component.uid] = component.encode()
        out[f"{component.uid} absences"] = view.absences(source, component.uid).encode()
        for version in component.versions:
            out[f"{component.uid}@{version}"] = view.release(source, component.uid, version).encode()
    record = view.source(source)
    assert record is not None
    out["problems"] = "\n".join(record.problems).encode()
    return out
