"""Trees on disk: ``<store>/trees/<oid>/``, read-only, shared by every snapshot.

A tree is laid out into a new private folder (see unpacking.py); its SHA-256 digest is computed while it is
written, and compared; then the folder is renamed to its final name. What has that name is therefore complete, as long as the machine is up: thousands
of files are not synced, so a power cut may empty them. Which trees are known to be whole is therefore noted
for each start of the machine, in ``<store>/whole/<boot>/<tree>``; any other is read again before it is used.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from ckstore.errors import CkstoreError, CorruptData
from ckstore.objects.digests import PREFIX, digest_of_folder
from ckstore.objects.disk import not_writable
from ckstore.objects.disk import remove_tree as remove_tree  # whoever lays out, removes
from ckstore.objects.litter import temporary_folder
from ckstore.objects.store import ObjectStore
from ckstore.objects.unpacking import Unpacking
from ckstore.objects.whole import is_noted, note


def lay_out(store: ObjectStore, tree: str, digest: str, unpacking: Unpacking | None = None) -> Path:
    """The folder with the files of ``tree``; written now if it is not there.

    ``unpacking`` is for whoever lays out many, and does not want it made for each.
    Raises :class:`CorruptData` when the bytes in the store do not have ``digest``, and leaves nothing.
    """
    target = store.path / "trees" / tree
    if target.is_dir():
        if _is_whole(store, target, digest):
            return target
        remove_tree(target)
    try:
        target.parent.mkdir(exist_ok=True)
        try:
            _write(unpacking or Unpacking(store), target, digest)
        except CorruptData:
            _write(Unpacking(store, checked=True), target, digest)
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


def _write(unpacking: Unpacking, target: Path, digest: str) -> None:
    with temporary_folder(target.parent, "tmp-") as work:
        found = PREFIX + unpacking.write(target.name, str(work)).hex()
        _check_digest(target.name, found, digest)
        _rename(work, target)


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
