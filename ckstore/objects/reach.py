"""What git's rules reach in a store: the whole log, every ref, every former value of a ref."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path

import pygit2

from ckstore.errors import CkstoreError, CorruptData
from ckstore.model.counting import plural
from ckstore.objects.aside import FOLDER
from ckstore.objects.head import LOG_REF, is_object_id, read_head
from ckstore.objects.store import ObjectStore

_REPORT_EVERY = 5000
Progress = Callable[[str], None]


def roots(store: ObjectStore) -> list[str]:
    """The ids from which everything that must stay is reached.

    The head of the log, what every ref is at (also those that others made), and what refs were at according
    to git's reflogs, as far as it is there.
    """
    found = {read_head(store.path)} | {target for _, target in refs(store)}
    found |= {oid for oid in _reflogs(store.git / "logs") if store.has(oid)}
    return sorted(found - {""})


def refs(store: ObjectStore, skip: Container[str] = ()) -> Iterator[tuple[str, str]]:
    """(name, object id) of every ref that is no alias of another; CorruptData for one that cannot be read."""
    references = store.repo.references
    try:
        names = list(references)
    except (pygit2.GitError, OSError) as error:
        raise CorruptData(f"The refs cannot be read: {error}.", code="bad-ref") from error
    for name in names:
        if name in skip:
            continue
        try:
            target = str(references[name].target)
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise CorruptData(f"The ref {name} cannot be read: {error}.", code="bad-ref") from error
        if is_object_id(target):
            yield name, target


def former_heads(store: ObjectStore) -> list[str]:
    """What the log and other refs were at before repairs: as far as it is there, it must not go either."""
    found: set[str] = set()
    for pattern in ("log-*", "packed-refs-*", "refs-*"):
        for path in (store.path / FOLDER).glob(pattern):
            with contextlib.suppress(OSError):
                found.update(filter(is_object_id, path.read_text("latin-1").split()))
    return sorted(oid for oid in found if store.has(oid))


def bad_refs(store: ObjectStore) -> list[tuple[str, Path]]:
    """(name, file) of every loose ref that holds neither an object id nor the name of another ref.

    That of the log is not among them: reading the log tells of it.
    """
    found = []
    for path in sorted((store.git / "refs").rglob("*")):
        name = path.relative_to(store.git).as_posix()
        if path.suffix == ".lock" or _is_folder(path) or _is_of_log(name):
            continue
        text = path.read_text("latin-1").rstrip("\n") if path.is_file() else ""
        sound = is_object_id(text) or text.startswith("ref: refs/")
        if not sound or not pygit2.reference_is_valid_name(name):
            found.append((name, path))
    return found


def _is_of_log(name: str) -> bool:
    """True for the ref of the log, and for what stands above or below it."""
    return f"{name}/".startswith(f"{LOG_REF}/") or LOG_REF.startswith(f"{name}/")


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _reflogs(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            for line in path.read_text("utf-8", "replace").splitlines():
                yield from (oid for oid in line.split(" ")[:2] if is_object_id(oid))


def reach(
    store: ObjectStore, tips: Iterable[str], seen: set[bytes], progress: Progress = lambda line: None,
    *, lenient: bool = False,
) -> None:  # fmt: skip
    """Add to ``seen`` the ids (20 bytes each) of all that is reached from ``tips``; what is in it was walked.

    Files are not read. Raises :class:`CorruptData` or NotFound for the first object that is not whole:
    what lies behind it cannot be known; ``lenient`` goes on beside it.
    """
    pending = [bytes.fromhex(tip) for tip in tips]
    while pending:
        raw = pending.pop()
        if raw in seen:
            continue
        try:
            files, below = _below(store, raw)
        except CkstoreError:
            if not lenient:
                raise
            continue
        seen.add(raw)
        seen.update(files)
        pending += below
        if len(seen) % _REPORT_EVERY == 0:
            progress(f"walked {plural(len(seen), 'object')}")


def _below(store: ObjectStore, raw: bytes) -> tuple[list[bytes], list[bytes]]:
    """(files, whatever else) that an object names."""
    kind, data = store.read(raw.hex())
    if kind == "tree":
        entries = list(_tree(data, raw))
        return [oid for is_tree, oid in entries if not is_tree], [oid for is_tree, oid in entries if is_tree]
    return [], _named(data) if kind in ("commit", "tag") else []


def named_in(kind: str, data: bytes) -> list[str]:
    """The ids that an object names; CorruptData for a damaged tree."""
    if kind == "tree":
        return [oid.hex() for _, oid in _tree(data, b"")]
    return [oid.hex() for oid in _named(data)] if kind in ("commit", "tag") else []


def _tree(data: bytes, raw: bytes) -> Iterator[tuple[bool, bytes]]:
    """(is it a folder, id) of what a tree holds; submodules are others' commits."""
    at = 0
    while at < len(data):
        end = data.find(b"\0", at)
        if end < 0 or end + 21 > len(data):
            raise CorruptData(f"The tree {raw.hex()} is damaged: truncated.", code="bad-tree")
        if not data.startswith(b"16", at):
            yield data.startswith((b"4", b"04"), at), data[end + 1 : end + 21]
        at = end + 21


def _named(data: bytes) -> list[bytes]:
    """The tree and the parents of a commit, the object of a tag."""
    header = data.partition(b"\n\n")[0]
    lines = (line.partition(b" ") for line in header.split(b"\n"))
    return [bytes.fromhex(oid.decode()) for key, _, oid in lines if key in (b"tree", b"parent", b"object")]
