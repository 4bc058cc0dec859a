"""What ``add`` said about a folder when there was nothing more to do, for as long as nothing changed.

Valid while the log is where it was, the packs are those that they were, and every file, folder and rule
about what git ignores looks as it did: see :mod:`ckstore.objects.statcache`. Imports nothing that takes
time, for the quick door.
"""

from __future__ import annotations

import os
import stat

from ckstore import __version__
from ckstore.objects.statcache import Rows, fields, has_loose, join, load, packs_of, place, save, split

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GIT_FOLDER = "objects.git"
_ABSENT = (0,) * 5


class Settled:
    """``unchanged`` are ``source:kind:name@version``, beside each its ``uids``; see ``AddReport``."""

    __slots__ = ("problems", "source", "uids", "unchanged")

    def __init__(
        self, source: str, unchanged: Sequence[str], uids: Sequence[str], problems: Sequence[str]
    ) -> None:
        self.source, self.problems = source, tuple(problems)
        self.unchanged, self.uids = list(unchanged), list(uids)

    def sections(self) -> list[bytes]:
        """As bytes."""
        return [join([self.source]), join(self.unchanged), join(self.uids), join(self.problems)]


class Memory:
    """What is remembered about one folder, added with the same options to the same store.

    ``rows`` are those of the last time, ``settled`` what was said then (None: there was something to do).
    """

    __slots__ = ("_head", "_key", "_path", "_rules", "_store", "folder", "rows", "settled")

    def __init__(self, store: str, folder: str, asked: Iterable[str]) -> None:
        self._store, self.folder = store, folder
        self._key = join([__version__, folder, *asked])
        self._path = place(store, self._key)
        self.rows, self._rules = Rows.empty(), Rows.empty()
        self.settled: Settled | None = None
        self._head = ""
        sections = load(self._path, self._key)
        try:
            if sections is not None and set(split(sections[1])) <= set(packs_of(self._objects)):
                self._read(sections)
        except (OSError, ValueError, IndexError):  # damaged, or of another version: nothing is known
            self.rows, self.settled = Rows.empty(), None

    @property
    def _objects(self) -> str:
        return f"{self._store}/{_GIT_FOLDER}/objects"

    def _read(self, sections: Sequence[bytes]) -> None:
        [self._head] = split(sections[0])
        [source], unchanged, uids, problems = map(split, sections[2:6])
        self._rules, self.rows = Rows.read(sections[6:9]), Rows.read(sections[9:12])
        self.settled = Settled(source, unchanged, uids, problems) if self._head else None

    def answer(self, head: str) -> Settled | None:
        """What was said, when it is still true at this head of the log."""
        if self.settled is None or not head or head != self._head:
            return None
        if look_at(self._rules.names).numbers != self._rules.numbers or not self.rows.unchanged(self.folder):
            return None
        return self.settled

    def keep(self, rows: Rows, rules: Rows, looked_at: int, head: str, said: Settled | None) -> None:
        """Remember what was found at ``looked_at`` (ns since 1970); ``said`` None: there is more to do."""
        try:
            if has_loose(self._objects):
                return
            packs = packs_of(self._objects)
        except OSError:
            return
        clean = rows.forget_racy(looked_at) and rules.forget_racy(looked_at)
        said, head = (said, head) if said is not None and clean else (Settled("", (), (), ()), "")
        sections = [join([head]), join(packs), *said.sections(), *rules.sections(), *rows.sections()]
        save(self._path, self._key, sections)


def look_at(paths: Iterable[str]) -> Rows:
    """What these paths look like now; of a folder, that it is this one; what is not there is nothing."""
    rows = Rows.empty()
    for path in paths:
        try:
            found = fields(os.lstat(path))
        except OSError:
            found = _ABSENT
        rows.note(path, (0, 0, 0, *found[3:]) if stat.S_ISDIR(found[4]) else found)
    return rows
