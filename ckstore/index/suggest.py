"""Near misses: what could have been meant by a word that the index does not know."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal

from ckstore.index.statement import storable
from ckstore.model.names import near_misses

What = Literal["name", "kind", "tag", "source", "key"]
_ALL = {
    "kind": "SELECT DISTINCT kind FROM lines",
    "source": "SELECT name FROM sources",
    "tag": "SELECT tag FROM tags",
    "key": "SELECT path FROM keys",
}
_MANY = 5000  # comparing texts is slow; a word whose beginning is wrong, too, is compared with fewer


def suggest(connection: sqlite3.Connection, word: str, what: What) -> list[str]:
    """The known names, kinds, tags or sources nearest to ``word``, best first, at most three."""
    word = storable(word)
    if what == "name":
        return near_misses(word, _names_like(connection, word))
    return near_misses(word, (row[0] for row in connection.execute(_ALL[what])))


def knows(connection: sqlite3.Connection, word: str, what: What) -> bool:
    """True when there is such a name, kind, tag or source."""
    sql = {
        "name": "SELECT 1 FROM lines WHERE name = ? LIMIT 1",
        "kind": "SELECT 1 FROM lines WHERE kind = ? LIMIT 1",
        "source": "SELECT 1 FROM sources WHERE name = ?",
        "tag": "SELECT 1 FROM tags WHERE tag = ?",
        "key": "SELECT 1 FROM keys WHERE path = ?",
    }[what]
    return connection.execute(sql, (storable(word),)).fetchone() is not None


def _names_like(connection: sqlite3.Connection, word: str) -> Iterable[str]:
    """Names that begin alike, and names that share a part with ``word``; both bounded."""
    found: dict[str, None] = {}
    for size in (4, 2, 1, 0):
        low = word[:size]
        rows = connection.execute(
            "SELECT DISTINCT name FROM lines WHERE name BETWEEN ? AND ? LIMIT ?",
            (low, low + "\U0010ffff", _MANY),
        )
        found.update(dict.fromkeys(row[0] for row in rows))
        if len(found) >= _MANY:
            break
    parts = [f'"{part}"' for part in "".join(c if c.isalnum() else " " for c in word).split()]
    if parts:
        rows = connection.execute(
            "SELECT l.name FROM texts JOIN components c ON c.id = texts.rowid JOIN lines l ON l.id = c.line "
            "WHERE texts MATCH ? LIMIT ?",
            (f"names : ({' OR '.join(parts)})", _MANY),
        )
        found.update(dict.fromkeys(row[0] for row in rows))
    return found
