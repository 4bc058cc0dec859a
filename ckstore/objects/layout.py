"""Trees on disk: ``<store>/trees/<oid>/``, read-only, shared by every snapshot.

A tree is laid out in a private folder (see unpacking.py); its SHA-256 digest is computed while it is written,
and compared; then it is moved to its final place. What is there is therefore complete, as long as the machine
is up: thousands of files are not synced, so a power cut may empty them. Which trees are known to be whole is
therefore noted for each start of the machine, in ``<store>/whole/<boot>/<tree>``; any other is read again
before it is used.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self

from ckstore.errors import CkstoreError, CorruptData
from ckstore.objects.digests import PREFIX, digest_of_folder
from ckstore.objects.disk import not_writable
from ckstore.objects.disk import remove_tree as remove_tree  # whoever lays out, removes
from ckstore.objects.litter import temporary_folder
from ckstore.objects.places import SEALED, filled
from ckstore.objects.store import ObjectStore
from ckstore.objects.unpacking import Unpacking
from ckstore.objects.whole import is_noted, note


def lay_out(store: ObjectStore, tree: str, digest: str) -> Path:
    """One tree: see :meth:`Layout.tree`."""
    with Layout(store) as layout:
        return layout.tree(tree, digest)


class Layout:
    """Lays trees of a store out; they are written in one private folder, which goes when this is left."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._unpacking = Unpacking(store)
        self._work: Path | None = None
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._held.close()

    def tree(self, tree: str, digest: str) -> Path:
        """The folder with the files of ``tree``; written now if it is not there.

        Raises :class:`CorruptData` when the bytes in the store do not have ``digest``, and leaves nothing.
        """
        target = self._store.path / "trees" / tree
        if target.is_dir():
            if _is_whole(self._store, target, digest):
                return target
            remove_tree(target)
        try:
            try:
                self._write(self._unpacking, target, digest)
            except CorruptData:
                self._write(Unpacking(self._store, checked=True), target, digest)
        except OSError as error:
            raise not_writable(self._store.path, error) from error
        note(self._store.path, tree)
        return target

    def _write(self, unpacking: Unpacking, target: Path, digest: str) -> None:
        if self._work is None:
            target.parent.mkdir(exist_ok=True)
            self._work = self._held.enter_context(temporary_folder(target.parent, "tmp-"))
        new = self._work / target.name
        new.mkdir()
        try:
            with filled(str(new)) as place:
                found = PREFIX + unpacking.write(target.name, place).hex()
                _check_digest(target.name, found, digest)
                _move(place.move, target)  # before it is sealed: a folder that is cannot be moved
        except BaseException:
            remove_tree(new)
            raise


def _is_whole(store: ObjectStore, target: Path, digest: str) -> bool:
    """True when the tree was laid out, or read again, since the machine was started; reads it otherwise."""
    if is_noted(store.path, target.name):
        return True
    try:
        whole = digest_of_folder(target) == digest
    except (CkstoreError, OSError):
        return False
    if whole:
        with contextlib.suppress(OSError):  # it may be another user's
            target.chmod(SEALED)  # whoever laid it out may have been killed before
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


def _move(move: Callable[[Path], object], target: Path) -> None:
    try:
        move(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker: its folder is the same
            raise


def _seal(folder: Path) -> None:
    """Take the write permission from folders, deepest first."""
    for path, names, _ in os.walk(folder, topdown=False):
        for name in names:
            if not os.path.islink(f"{path}/{name}"):  # noqa: PTH114 - asked for every component
                Path(path, name).chmod(SEALED)
    folder.chmod(SEALED)


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
            _link_all(str(work), trees)
            _seal(work)
            _move(work.rename, target)
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


def _link_all(work: str, trees: Iterable[tuple[str, Path]]) -> None:
    above: dict[tuple[str, Path], str] = {}  # (folder, that of the trees) → the way from one to the other
    for component, tree in trees:
        folder, _, name = f"{work}/{component.replace(':', '/')}".rpartition("/")
        way = folder, tree.parent
        if way not in above:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - asked for every component
            above[way] = os.path.relpath(tree.parent, folder)
        try:
            os.symlink(f"{above[way]}/{tree.name}", f"{folder}/{name}", target_is_directory=True)  # noqa: PTH211 - likewise
        except OSError:
            shutil.copytree(tree, f"{folder}/{name}", symlinks=True)
