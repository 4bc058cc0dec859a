"""The places of what a plain search shows, so that postings are read in the order of the answer.

A line is *shown* when it is current, its component is there and its newest release is not yanked. Shown lines
have a place: a number, and the numbers rise with source, kind, name and UID. Between two places there is room
for more; where it is used up, neighbours move apart. Places mean nothing outside of the index.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ckstore.index.schema import pack_tags, unpack_tags

_GAP = 1 << 28  # between neighbours when all are numbered: six bytes a place for half a million lines
_STEP = 1 << 14  # what comes next is mostly to follow what came last: leave the room behind it
_ROOM = 1 << 8  # the gap that moving apart must give for each neighbour that moves, at least 2
_NEIGHBOURS = 16  # that move first
_HIGHEST = (1 << 63) - 1
_MANY = 8  # when more than one in so many lines is new, all are numbered
_BUFFERED = 100_000  # postings are sorted before they are written: pages are then filled one after another
_KEY = 4  # an answer begins with source, kind, name, UID
FIELDS = 8  # before its tags: version, tree, digest and title, too
Key = tuple[str, ...]

_SHOWN = (
    "SELECT l.id, s.name, l.kind, l.name, c.uid, r.version, r.tree, r.digest, r.title, r.tags FROM lines l "
    "CROSS JOIN components c ON c.id = l.component CROSS JOIN sources s ON s.id = c.source "
    "CROSS JOIN releases r ON r.id = l.newest WHERE l.current AND c.withdrawn = 0 AND r.yanked = 0"
)


class Places:
    """Keeps ``lines.place``, ``entries``, ``newest_tags`` and its counts, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, ids_of: Callable[[Iterable[str]], list[int]]) -> None:
        self._connection = connection
        self._ids_of = ids_of
        self._entering = array("q")
        self._left: dict[int, tuple[int, Key]] = {}  # of lines: their place and what it stood for
        self._counts: Counter[int] = Counter()
        self._postings: list[tuple[int, int]] = []

    def leave(self, line: int) -> None:
        """Show a line no more; the place is kept for it until :meth:`finish`."""
        row = self._connection.execute(
            "SELECT e.place, e.answer FROM lines l JOIN entries e ON e.place = l.place WHERE l.id = ?",
            (line,),
        ).fetchone()
        if row:
            self._clear(*row)
            self._connection.execute("UPDATE lines SET place = 0 WHERE id = ?", (line,))
            self._left[line] = row[0], unpack_tags(row[1])[:_KEY]

    def enter(self, line: int) -> None:
        """Show a line if it is one to be shown when :meth:`finish` is called."""
        self._entering.append(line)

    def finish(self) -> None:
        """Give all that entered their places, and write the counts."""
        (held,) = self._connection.execute("SELECT count(*) FROM entries").fetchone()
        if len(self._entering) * _MANY > held + len(self._left):
            self._number_all()
        else:
            self._fit_in()
        self._flush()
        self._connection.executemany(
            "UPDATE tags SET newest = newest + ? WHERE id = ?",
            [(more, tag) for tag, more in sorted(self._counts.items())],
        )
        self._entering, self._left = array("q"), {}
        self._counts.clear()

    # -- all, or some -----------------------------------------------------------------------------------

    def _number_all(self) -> None:
        for sql in (
            "UPDATE lines SET place = 0 WHERE place <> 0", "DELETE FROM entries", "DELETE FROM newest_tags",
            "UPDATE tags SET newest = 0",
        ):  # fmt: skip
            self._connection.execute(sql)
        self._counts.clear()
        (most,) = self._connection.execute("SELECT count(*) FROM lines").fetchone()
        gap = min(_GAP, _HIGHEST // (most + 1))
        sorted_rows = self._connection.execute(f"{_SHOWN} ORDER BY 2, 3, 4, 5")
        for number, (line, *answer) in enumerate(sorted_rows, 1):
            self._put(number * gap, line, answer)

    def _fit_in(self) -> None:
        """First each where it was, then the others, each between its neighbours."""
        new: list[tuple[Key, int, Sequence[str]]] = []
        for entering in self._entering:
            row = self._connection.execute(f"{_SHOWN} AND l.id = ?", (entering,)).fetchone()
            if row is None:
                continue
            line, *answer = row
            key: Key = tuple(answer[:_KEY])
            place, before = self._left.get(line, (0, ()))
            if before == key:
                self._put(place, line, answer)
            else:
                new.append((key, line, answer))
        for key, line, answer in sorted(new):
            self._put(self._place_for(key), line, answer)

    def _put(self, place: int, line: int, answer: Sequence[str]) -> None:
        """``answer``: the fields, and the tags as the releases have them."""
        tags = unpack_tags(answer[FIELDS])
        text = pack_tags((*answer[:FIELDS], *tags))
        self._connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (place, line, text))
        self._connection.execute("UPDATE lines SET place = ? WHERE id = ?", (place, line))
        self._post(place, tags)

    def _post(self, place: int, tags: Iterable[str]) -> None:
        for tag in self._ids_of(tags):
            self._postings.append((tag, place))
            self._counts[tag] += 1
        if len(self._postings) >= _BUFFERED:
            self._flush()

    def _clear(self, place: int, answer: str) -> None:
        self._flush()
        for tag in self._ids_of(unpack_tags(answer)[FIELDS:]):
            self._connection.execute("DELETE FROM newest_tags WHERE tag = ? AND place = ?", (tag, place))
            self._counts[tag] -= 1
        self._connection.execute("DELETE FROM entries WHERE place = ?", (place,))

    def _flush(self) -> None:
        self._connection.executemany("INSERT INTO newest_tags VALUES (?, ?)", sorted(self._postings))
        self._postings.clear()

    # -- room -------------------------------------------------------------------------------------------

    def _place_for(self, key: Key) -> int:
        """A free place between those of the nearest keys below and above."""
        below, above = self._around(key)
        if above - below < 2:
            self._move_apart(below)
            below, above = self._around(key)
        return below + min((above - below) // 2, _STEP)

    def _around(self, key: Key) -> tuple[int, int]:
        """The places next to ``key``, by halving: 0 and the highest number where there is none."""
        below, above = 0, _HIGHEST
        while True:
            middle = (below + above) // 2
            row = self._connection.execute(
                "SELECT place, answer FROM entries WHERE place > ? AND place < ? ORDER BY place LIMIT 1",
                (middle, above),
            ).fetchone()
            if row is None:  # nothing in the upper half, so look for the last one of the lower
                row = self._connection.execute(
                    "SELECT place, answer FROM entries WHERE place > ? AND place <= ? "
                    "ORDER BY place DESC LIMIT 1",
                    (below, middle),
                ).fetchone()
            if row is None:
                return below, above
            if unpack_tags(row[1])[:_KEY] < key:
                below = row[0]
            else:
                above = row[0]

    def _move_apart(self, place: int) -> None:
        """Spread the neighbours of a place evenly over the room that enough of them have."""
        count = _NEIGHBOURS
        while True:
            low = self._nth("SELECT place FROM entries WHERE place <= ? ORDER BY place DESC", place, count, 0)
            high = self._nth(
                "SELECT place FROM entries WHERE place > ? ORDER BY place", place, count, _HIGHEST
            )
            moving = self._connection.execute(
                "SELECT place, line, answer FROM entries WHERE place > ? AND place < ? ORDER BY place",
                (low, high),
            ).fetchall()
            gap = (high - low) // (len(moving) + 1)
            if gap >= _ROOM * count or (low == 0 and high == _HIGHEST):
                break
            count *= 4
        for old, _, answer in moving:
            self._clear(old, answer)
        for number, (_, line, answer) in enumerate(moving, 1):
            parts = unpack_tags(answer)
            self._put(low + number * gap, line, (*parts[:FIELDS], pack_tags(parts[FIELDS:])))

    def _nth(self, sql: str, place: int, count: int, otherwise: int) -> int:
        row = self._connection.execute(f"{sql} LIMIT 1 OFFSET ?", (place, count)).fetchone()
        return row[0] if row else otherwise
