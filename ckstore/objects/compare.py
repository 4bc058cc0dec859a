"""What differs between the files of two trees. Equal folders are not entered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from ckstore.objects.trees import EXECUTABLE, FILE, TreeEntry, check_depth

_EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"  # the blob without bytes: equal, and no sign of a rename
_PLAIN = (FILE, EXECUTABLE)


class Reader(Protocol):
    """What comparing needs of an object database."""

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file, symlink or submodule that differs; ``old`` and ``new`` are its entries (None: not there).

    ``mode``: the same content, executable or not; ``renamed``: the same content under another path (and
    perhaps another mode), ``former_path`` is where it was.
    """

    what: Literal["added", "removed", "changed", "mode", "renamed"]
    path: str
    old: TreeEntry | None
    new: TreeEntry | None
    former_path: str = ""


def compare_trees(objects: Reader, old: str, new: str) -> list[FileChange]:
    """The changes from the tree ``old`` to the tree ``new`` (empty: no files), by path."""
    changed: list[FileChange] = []
    gone: dict[str, TreeEntry] = {}
    come: dict[str, TreeEntry] = {}
    for path, was, now in _differing(objects, "", old, new, 0):
        if was is None or now is None:
            gone |= {} if was is None else {path: was}
            come |= {} if now is None else {path: now}
        elif was.oid == now.oid and was.mode in _PLAIN and now.mode in _PLAIN:
            changed.append(FileChange("mode", path, was, now))
        else:
            changed.append(FileChange("changed", path, was, now))
    changed += _renamed(gone, come)
    changed += [FileChange("removed", path, entry, None) for path, entry in gone.items()]
    changed += [FileChange("added", path, None, entry) for path, entry in come.items()]
    return sorted(changed, key=lambda change: change.path)


def _renamed(gone: dict[str, TreeEntry], come: dict[str, TreeEntry]) -> Iterator[FileChange]:
    """Files that are gone and have come with equal content, taken out of both; the same name goes first."""
    places: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
    for path, entry in sorted(gone.items()):
        if entry.oid != _EMPTY:
            places[_content(entry)].append(path)
    for same_name in (True, False):
        for path, entry in sorted(come.items()):
            candidates = places.get(_content(entry), [])
            name = path.rpartition("/")[2]
            former = next((p for p in candidates if not same_name or p.rpartition("/")[2] == name), None)
            if former is not None:
                candidates.remove(former)
                yield FileChange("renamed", path, gone.pop(former), come.pop(path), former)


def _content(entry: TreeEntry) -> tuple[str, bool]:
    return entry.oid, entry.mode in _PLAIN


Pair = tuple[str, TreeEntry | None, TreeEntry | None]


def _differing(objects: Reader, prefix: str, old: str, new: str, depth: int) -> Iterator[Pair]:
    """(path, entry before, entry after) of every file that is not the same; a folder is never an entry."""
    check_depth(depth, prefix or "The tree")
    before = {entry.name: entry for entry in objects.read_tree(old)} if old else {}
    after = {entry.name: entry for entry in objects.read_tree(new)} if new else {}
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        path = prefix + name
        if any(entry is not None and entry.is_tree for entry in (was, now)):
            yield from _differing(objects, f"{path}/", _folder(was), _folder(now), depth + 1)
        was, now = (None if entry is None or entry.is_tree else entry for entry in (was, now))
        if was is not None or now is not None:
            yield path, was, now


def _folder(entry: TreeEntry | None) -> str:
    return entry.oid if entry is not None and entry.is_tree else ""
