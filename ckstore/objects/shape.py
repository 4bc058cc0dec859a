"""What a store is made of, before it is opened: what stands where something else should, what is missing.

Without ``HEAD``, ``config`` or ``refs`` git's tools take a repository for none, whatever it holds; a file in
the place of a folder stops whoever needs the folder. Both are mended without a look at any object.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pygit2

from ckstore.errors import CkstoreError
from ckstore.objects.aside import FOLDER, move_aside
from ckstore.objects.creation import fresh_config
from ckstore.objects.disk import not_writable, store_not_readable, sync_folder
from ckstore.objects.head import GIT_FOLDER, LOG_REF, is_object_id, read_head, write_locked
from ckstore.objects.stored import all_ids

_FOLDERS = (
    FOLDER, "cache", "gc", "incoming", "locks", "snapshots", "trees", "whole", "work",
    *(f"{GIT_FOLDER}/{name}" for name in (
        "info", "logs", "objects/info", "objects/pack", "refs", "refs/heads", "refs/ckstore",
        "refs/ckstore/mirrors",
    )),
    f"{GIT_FOLDER}/objects/[0-9a-f][0-9a-f]",
)  # fmt: skip
_FILES = (
    "index.sqlite*", "locks/*.lock", "gc/unreached",
    *(f"{GIT_FOLDER}/{name}" for name in (
        "HEAD", "config", "packed-refs", f"{LOG_REF}.lock", "packed-refs.lock",
        "objects/pack/pack-*", "objects/[0-9a-f][0-9a-f]/*",
    )),
)  # fmt: skip
ALTERNATES = f"{GIT_FOLDER}/objects/info/alternates"
_NEW_HEAD = "ref: refs/heads/main\n"  # of a store without operations


def wrong_places(store: Path) -> Iterator[tuple[Path, str]]:
    """(path, what is wrong) of every file in the place of a folder, and the reverse."""
    for pattern in _FOLDERS:
        for path in sorted(store.glob(pattern)):
            if not path.is_dir() and not path.is_symlink():  # else its disk may be elsewhere for now
                yield path, "It is a file, and should be a folder"
    for pattern in _FILES:
        for path in sorted(store.glob(pattern)):
            if path.is_dir():
                yield path, "It is a folder, and should be a file"


def missing_parts(store: Path) -> Iterator[tuple[Path, str]]:
    """(path, what is wrong) of what git needs to see a repository there."""
    git = store / GIT_FOLDER
    if not (git / "refs").exists():
        yield git / "refs", "It is missing"
    for name, whole in (("HEAD", _is_head), ("config", _is_config)):
        path = git / name
        if not path.exists():
            yield path, "It is missing"
        elif path.is_file() and not whole(path):
            yield path, "It is damaged"


def _is_head(path: Path) -> bool:
    text = path.read_text("latin-1").strip()
    return text.startswith("ref: refs/") or is_object_id(text)


def _is_config(path: Path) -> bool:
    try:
        return "core.repositoryformatversion" in pygit2.Config(str(path))
    except (pygit2.GitError, OSError, ValueError):
        return False


def flaws(store: Path) -> list[tuple[Path, str]]:
    """(path, what is wrong) of all that :func:`mend_shape` mends. Raises :class:`Unavailable`."""
    try:
        return [*wrong_places(store), *missing_parts(store)]
    except OSError as error:
        raise store_not_readable(store, error) from error


def said_of_flaws(store: Path) -> str:
    """A sentence that names them, with a space before it; empty when there are none."""
    names = [str(path.relative_to(store)) for path, _ in flaws(store)]
    return f" Missing or damaged: {', '.join(names)}." if names else ""


def mend_shape(store: Path) -> list[str]:
    """Move what is in the wrong place to ``damaged/`` and write what git needs; gives what was done.

    Nothing can be using what is in the wrong place, so no lock is needed; and there may be none to take.
    Raises :class:`Unavailable` when the disk refuses.
    """
    if not (store / GIT_FOLDER / "objects").is_dir():
        return []
    try:
        moved = [_out_of_the_way(store, path) for path, _ in wrong_places(store)]
        missing = [path for path, _ in missing_parts(store)]
        for path in missing:
            _WRITERS[path.name](store, path)
    except OSError as error:
        raise not_writable(store, error) from error
    return [*moved, *(f"{path.relative_to(store)} was written anew" for path in missing)]


def _out_of_the_way(store: Path, path: Path) -> str:
    name = str(path.relative_to(store))
    if name == FOLDER:
        path.rename(path.with_name(f"{FOLDER}-file"))
        return f"the file {name} is {FOLDER}-file now"
    new = move_aside(store, path, name)
    return f"{name} was moved to {new.relative_to(store)}"


def _write_refs(store: Path, path: Path) -> None:
    for name in ("heads", "tags"):
        (path / name).mkdir(parents=True)
    sync_folder(path)
    sync_folder(path.parent)


def _write_config(store: Path, path: Path) -> None:
    _keep(store, path)
    write_locked(path, fresh_config(store))


def _write_head(store: Path, path: Path) -> None:
    """A log that cannot be read leaves an empty ref, so that nobody takes it for one that never was."""
    text = _NEW_HEAD
    try:
        head = read_head(store)
        text = f"{head}\n" if head else _NEW_HEAD
    except CkstoreError:
        if all_ids(path.parent / "objects"):
            forget_no_log(store)
    _keep(store, path)
    write_locked(path, text.encode("ascii"))


def forget_no_log(store: Path) -> None:
    """Where the log cannot be read, let its ref be there, empty: a log that was lost, for good."""
    ref = store / GIT_FOLDER / LOG_REF
    ref.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(ref):
        ref.touch()
    sync_folder(ref.parent)


def _keep(store: Path, path: Path) -> None:
    if path.exists():
        move_aside(store, path, path.name)


_WRITERS = {"refs": _write_refs, "HEAD": _write_head, "config": _write_config}


def borrowed_from(store: Path) -> list[Path]:
    """The repositories whose objects somebody let git use in the store's place, as far as they are there."""
    try:
        lines = (store / ALTERNATES).read_bytes().splitlines()
    except OSError:
        return []
    objects = store / GIT_FOLDER / "objects"
    named = [objects / os.fsdecode(line) for line in lines if line and b"\0" not in line]
    return [folder.parent for folder in named if folder.is_dir()]


def borrow_no_more(store: Path) -> list[str]:
    """Move ``objects/info/alternates`` away; gives what was done."""
    path = store / ALTERNATES
    if not os.path.lexists(path):
        return []
    try:
        return [_out_of_the_way(store, path)]
    except OSError as error:
        raise not_writable(store, error) from error
