"""Writing what metadata says: the tables ``keys`` and ``facts``, for the newest release of each component."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from operator import itemgetter

from ckstore.model.facts import Fact
from ckstore.model.limits import MAX_SEARCHED_CHARACTERS
from ckstore.model.numbers import number_of

_BUFFERED = 100_000  # sorted before they are written: pages are then filled one after another
_APART = " \ue000 "  # a word that nobody looks for: no phrase goes from one value into the next


class FactWriter:
    """Facts of lines, inside the caller's transaction; :meth:`finish` ends it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._keys: dict[str, int] = {}
        self._new: list[tuple[int, int, str, float | None]] = []
        self._left: set[int] = set()

    def remove(self, line: int) -> None:
        """Forget the facts of a line."""
        self.flush()
        keys = self._connection.execute("SELECT DISTINCT key FROM facts WHERE line = ?", (line,)).fetchall()
        if keys:
            self._left.update(row[0] for row in keys)
            self._connection.execute("DELETE FROM facts WHERE line = ?", (line,))

    def write(self, line: int, facts: Iterable[Fact]) -> None:
        """Let these be the facts of a line that has none."""
        self._new += [(line, self._id_of(key), value, number_of(value)) for key, value in facts]
        if len(self._new) >= _BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        if self._new:
            insert = "INSERT INTO facts (line, key, value, number) VALUES (?, ?, ?, ?)"
            self._connection.executemany(insert, sorted(self._new, key=itemgetter(0, 1, 2)))
            self._new.clear()

    def finish(self) -> None:
        """Write what is buffered, and forget keys that no metadata has any more."""
        self.flush()
        self._connection.executemany(
            "DELETE FROM keys WHERE id = ? AND NOT EXISTS (SELECT 1 FROM facts WHERE key = keys.id)",
            [(key,) for key in sorted(self._left)],
        )

    def _id_of(self, key: str) -> int:
        if key not in self._keys:
            row = self._connection.execute("SELECT id FROM keys WHERE path = ?", (key,)).fetchone()
            new = "INSERT INTO keys (path) VALUES (?)"
            self._keys[key] = row[0] if row else self._connection.execute(new, (key,)).lastrowid or 0
        return self._keys[key]


def searched_text(facts: Iterable[Fact]) -> str:
    """The values as one text for the search by words."""
    return _APART.join(dict.fromkeys(value for _, value in facts if value))[:MAX_SEARCHED_CHARACTERS]
