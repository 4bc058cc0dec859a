"""What one operation changed in the log: the entries that differ between two of its trees.

An entry is as small as it can be taken back by itself: a record, a whole release, a whole run. Folders
that only sort (sources, two digits of an id) are never entries: what others put beside does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ckstore.objects.log import LogView, Path, Reader
from ckstore.objects.trees import TreeEntry

_RELEASE_DEPTH, _RUN_DEPTH = 6, 3  # sources/S/components/UU/UID/VERSION, runs/RR/RUN
_OPERATION: Path = ("operation",)


@dataclass(frozen=True, slots=True)
class Changed:
    """One entry before and after; None where there was nothing."""

    path: Path
    before: TreeEntry | None
    after: TreeEntry | None

    @property
    def release(self) -> tuple[str, str, str] | None:
        """(source, uid, version) of a release that came or went as a whole."""
        if self.path[0] == "sources" and len(self.path) == _RELEASE_DEPTH and (self._is_tree):
            return self.path[1], self.path[4], self.path[5]
        return None

    @property
    def run(self) -> str:
        """The id of a run that came or went."""
        return self.path[2] if self.path[0] == "runs" and len(self.path) == _RUN_DEPTH else ""

    @property
    def _is_tree(self) -> bool:
        entry = self.before or self.after
        return entry is not None and entry.is_tree


def changes(objects: Reader, old: LogView, new: LogView) -> list[Changed]:
    """What differs between two views of one log, by path; what the operation says of itself left out."""
    return list(_below(objects, old.root, new.root, ()))


def _below(objects: Reader, old: str, new: str, path: Path) -> Iterator[Changed]:
    before = {entry.name: entry for entry in objects.read_tree(old)} if old else {}
    after = {entry.name: entry for entry in objects.read_tree(new)} if new else {}
    for name in sorted(before.keys() | after.keys()):
        was, now, here = before.get(name), after.get(name), (*path, name)
        if was == now or here == _OPERATION:
            continue
        if _is_entry(here, was, now):
            yield Changed(here, was, now)
        else:
            yield from _below(objects, was.oid if was else "", now.oid if now else "", here)


def _is_entry(path: Path, was: TreeEntry | None, now: TreeEntry | None) -> bool:
    if not all(entry is None or entry.is_tree for entry in (was, now)):
        return True
    if path[0] == "sources":  # within a release that was and is there, each of its parts
        return len(path) > _RELEASE_DEPTH or (len(path) == _RELEASE_DEPTH and not (was and now))
    return path[0] == "runs" and len(path) >= _RUN_DEPTH
