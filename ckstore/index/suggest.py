"""Near misses: what could have been meant by a word that the index does not know."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from typing import Literal

from ckstore.index.conditions import about
from ckstore.index.statement import storable
from ckstore.model.conditions import Condition
from ckstore.model.names import near_misses

What = Literal["name", "kind", "tag", "source", "key"]
_ALL = {
    "kind": "SELECT DISTINCT kind FROM lines",
    "source": "SELECT name FROM sources",
    "tag": "SELECT tag FROM tags",
    "key": "SELECT path FROM keys",
}
_USUAL = 5
_MANY = 5000  # comparing texts is slow; a word whose beginning is wrong, too, is compared with fewer


def suggest(connection: sqlite3.Connection, word: str, what: What) -> list[str]:
    """The known names, kinds, tags or sources nearest to ``word``, best first, at most three."""
    word = storable(word)
    if what == "name":
        return near_misses(word, _names_like(connection, word))
    if what == "key":
        return near_misses(word, _keys_like(connection, word))
    return near_misses(word, (row[0] for row in connection.execute(_ALL[what])))


def values_like(connection: sqlite3.Connection, condition: Condition) -> tuple[list[str], list[str]]:
    """(the values nearest to the one asked for, those that are there most) of a key of metadata."""
    values: list[str] = []

    def bind(value: str | float) -> str:
        values.append(str(value))
        return "?"

    named = about(bind, condition)
    sql = f"SELECT value FROM facts WHERE {named} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT ?"  # noqa: S608 - bound
    known = [row[0] for row in connection.execute(sql, (*values, _MANY))]
    return near_misses(storable(condition.value), known), [value for value in known if value][:_USUAL]


def entries_like(connection: sqlite3.Connection, entry: str) -> list[str]:
    """The entries of interfaces nearest to ``entry``, of the same sort."""
    sort = storable(entry).partition(":")[0]
    sql = "SELECT DISTINCT entry FROM provides WHERE entry BETWEEN ? AND ? LIMIT ?"
    rows = connection.execute(sql, (f"{sort}:", f"{sort};", _MANY))
    return near_misses(entry, (row[0] for row in rows))


def words_like(connection: sqlite3.Connection, word: str) -> list[str]:
    """The words of the texts that are nearest to one that none has; none for a word that is there."""
    parts = [part for part in re.findall(r"\w+", storable(word).lower()) if part]
    if len(parts) != 1:
        return []
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab('main', 'texts', 'row')"
    )
    sql = "SELECT term FROM temp.words WHERE term BETWEEN ? AND ? LIMIT ?"
    low, high = parts[0][:1], parts[0][:1] + "\U0010ffff"
    if connection.execute(sql, (parts[0], parts[0] + "\U0010ffff", 1)).fetchone():
        return []
    return near_misses(parts[0], (row[0] for row in connection.execute(sql, (low, high, _MANY))))


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


def _keys_like(connection: sqlite3.Connection, word: str) -> Iterable[str]:
    """The shortest keys, and those that begin or end alike; bounded."""
    last = word.rpartition(".")[2]
    found = connection.execute("SELECT path FROM keys ORDER BY length(path) LIMIT ?", (_MANY,)).fetchall()
    low, high = word[:2], word[:2] + "\U0010ffff"
    found += connection.execute(
        "SELECT path FROM keys WHERE path BETWEEN ? AND ? LIMIT ?", (low, high, _MANY)
    )
    ending = (
        "SELECT path FROM keys WHERE substr(path, -length(?1) - 1) = '.' || ?1 ORDER BY length(path) LIMIT 20"
    )
    near = [row[0] for row in connection.execute(ending, (last,))]
    return dict.fromkeys([*(row[0] for row in found), *near])


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
