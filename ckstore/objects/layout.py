"""Trees on disk: ``<store>/trees/<oid>/``, read-only, shared by every snapshot.

Written by our own writer, never by a git checkout: no filters, no attributes, no hooks. A tree is laid
out into a new private folder, held open, symlinks last, so that no name can lead through a link; its SHA-256
digest is computed while it is written and compared; then the folder is
renamed to its final name. What has that name is therefore complete, as long as the machine is up: thousands
of files are not synced, so a power cut may empty them. Which trees are known to be whole is therefore noted
for each start of the machine, in ``<store>/whole/<boot>/<tree>``; any other is read again before it is used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from ckstore.errors import CkstoreError, CorruptData
from ckstore.model.names import link_target_rule, unsafe_file_name, unsafe_link_name
from ckstore.objects.digests import PREFIX, SUBMODULE_NOTE, combine, digest_of_folder, gitlink_digest
from ckstore.objects.disk import not_writable
from ckstore.objects.disk import remove_tree as remove_tree  # whoever lays out, removes
from ckstore.objects.litter import temporary_folder
from ckstore.objects.places import Place, filled
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import EXECUTABLE, GITLINK, SYMLINK, TREE, TreeEntry, check_depth, check_extent
from ckstore.objects.whole import is_noted, note

_READ_ONLY, _READ_ONLY_EXECUTABLE = 0o444, 0o555


def lay_out(store: ObjectStore, tree: str, digest: str) -> Path:
    """The folder with the files of ``tree``; written now if it is not there.

    Raises :class:`CorruptData` when the bytes in the store do not have ``digest``, and leaves nothing.
    """
    target = store.path / "trees" / tree
    if target.is_dir():
        if _is_whole(store, target, digest):
            return target
        remove_tree(target)
    try:
        target.parent.mkdir(exist_ok=True)
        with temporary_folder(target.parent, "tmp-") as work:
            _check_digest(tree, PREFIX + _write(store, tree, work).hex(), digest)
            _rename(work, target)
    except OSError as error:
        raise not_writable(store.path, error) from error
    note(store.path, tree)
    return target


def _is_whole(store: ObjectStore, target: Path, digest: str) -> bool:
    """True when the tree was laid out, or read again, since the machine was started; reads it otherwise."""
    if is_noted(store.path, target.name):
        return True
    try:
        whole = digest_of_folder(target) == digest
    except (CkstoreError, OSError):
        return False
    if whole:
        note(store.path, target.name)
    return whole


def _check_digest(tree: str, found: str, expected: str) -> None:
    if found != expected:
        raise CorruptData(
            f"The tree {tree} has the digest {found}, not {expected} as promised.",
            code="digest-mismatch",
            hints=[
                "`ckstore fsck` finds what is damaged",
                "an edited lock is written anew by `ckstore lock`",
            ],
            details={"tree": tree, "found": found, "expected": expected},
        )


def _rename(work: Path, target: Path) -> None:
    try:
        work.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker: its folder is the same
            raise


def _write(store: ObjectStore, tree: str, folder: Path) -> bytes:
    """Write the files of a tree; gives the digest of what was written.

    Nothing is read back: the folder is new and nobody else's, so a second reading would come from the very
    memory that was just filled. What a disk makes of it later is for :func:`_is_whole` and ``fsck``.
    """
    check_extent(store.read_tree, tree)
    with filled(folder) as place:
        return _write_tree(store, tree, place, 0)


def _write_tree(store: ObjectStore, tree: str, place: Place, depth: int) -> bytes:
    check_depth(depth, f"The tree {tree}")
    links: list[tuple[str, bytes]] = []
    done: list[tuple[int, bytes, bytes]] = []
    for entry in store.read_tree(tree):
        name = _checked(entry)
        try:
            if entry.mode == SYMLINK:
                links.append((name, store.read_blob(entry.oid)))
            else:
                done.append((entry.mode, os.fsencode(name), _write_entry(store, entry, place, depth)))
        except FileExistsError:
            raise _twice(name) from None
    for name, data in links:  # last, so that no name can lead through one
        try:
            place.link(name, _target(name, data, depth))
        except FileExistsError:
            raise _twice(name) from None
        done.append((SYMLINK, os.fsencode(name), hashlib.sha256(data).digest()))
    return combine(done)


def _write_entry(store: ObjectStore, entry: TreeEntry, place: Place, depth: int) -> bytes:
    if entry.mode == TREE:
        with place.folder(entry.name) as below:
            return _write_tree(store, entry.oid, below, depth + 1)
    if entry.mode == GITLINK:
        with place.folder(entry.name) as below:
            below.file(SUBMODULE_NOTE, _READ_ONLY, [f"{entry.oid}\n".encode()])
        return gitlink_digest(entry.oid)
    mode = _READ_ONLY_EXECUTABLE if entry.mode == EXECUTABLE else _READ_ONLY
    pieces = store.large_blob(entry.oid)
    return place.file(entry.name, mode, [store.read_blob(entry.oid)] if pieces is None else pieces)


def _twice(name: str) -> CorruptData:
    return CorruptData(f"A tree holds {name!r} twice, as this file system sees it.", code="name-twice")


def _target(name: str, data: bytes, depth: int) -> str:
    """Where a link leads; ``depth`` is that of its folder below the root, out of which it must not lead."""
    reason, climb = link_target_rule(data)
    reason = reason or unsafe_link_name(name) or ("it leads out of the tree" if climb > depth else None)
    if reason is not None:
        raise CorruptData(f"The symlink {name!r} cannot be laid out: {reason}.", code="bad-symlink")
    return os.fsdecode(data)


def _checked(entry: TreeEntry) -> str:
    reason = unsafe_file_name(entry.name)
    if reason is not None:
        raise CorruptData(f"The name {entry.name!r} cannot be laid out: {reason}.", code="unsafe-path")
    return entry.name


def _seal(folder: Path) -> None:
    """Take the write permission from folders, deepest first."""
    for path, names, _ in os.walk(folder, topdown=False):
        for name in names:
            below = Path(path, name)
            if not below.is_symlink():
                below.chmod(0o555)
    folder.chmod(0o555)


def build_snapshot(target: Path, trees: Sequence[tuple[str, Path]]) -> Path:
    """A folder with one entry per component: ``source/kind/name`` → its laid-out tree.

    The entries are relative symlinks (one per component, whatever its size; a store may be moved), or copies
    where the system has no symlinks. The folder appears complete or not at all; one that is there is used
    when every entry leads where it should, and made anew otherwise.
    """
    if target.is_dir():
        if all(leads_to(target, component, tree) for component, tree in trees):
            return target
        remove_tree(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(target.parent, "tmp-") as work:
            for component, tree in trees:
                place = _place(work, component)
                place.parent.mkdir(parents=True, exist_ok=True)
                _link(place, tree)
            _seal(work)
            _rename(work, target)
    except OSError as error:
        raise not_writable(target.parent.parent, error) from error
    return target


def leads_to(snapshot: Path, component: str, tree: Path) -> bool:
    """True when the entry of a component in a snapshot is the link to its tree, or a copy."""
    place = _place(snapshot, component)
    try:
        target = os.readlink(place)  # noqa: PTH115 - the text as it is
    except OSError:
        return place.is_dir()
    return target == _relative(place, tree) and tree.is_dir()


def all_lead(snapshot: Path, trees: Path, entries: Iterable[tuple[str, str]]) -> bool:
    """True when the entry of every (component, tree id) is the link to its tree, which is in ``trees``.

    As :func:`leads_to` (but copies are not looked for), without a Path for each of hundreds of components.
    """
    above = os.path.relpath(trees, snapshot)
    for component, tree in entries:
        try:
            target = os.readlink(f"{snapshot}/{component.replace(':', '/')}")  # noqa: PTH115 - as above
        except OSError:
            return False
        if target != f"{'../' * component.count(':')}{above}/{tree}" or not os.path.isdir(f"{trees}/{tree}"):  # noqa: PTH112 - as above
            return False
    return True


def _place(snapshot: Path, component: str) -> Path:
    return snapshot.joinpath(*component.split(":"))


def _relative(place: Path, tree: Path) -> str:
    return os.path.relpath(tree, place.parent)


def _link(place: Path, tree: Path) -> None:
    try:
        place.symlink_to(_relative(place, tree), target_is_directory=True)
    except OSError:
        shutil.copytree(tree, place, symlinks=True)
