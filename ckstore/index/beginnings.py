"""What in the index begins with a text: for the completion of command lines. Light, as the quick path is.

All answers but versions are sorted, and cut where there are more than a person would read: then the last one
of all is the last one given, so that what all begin with is what all that are given begin with.
"""

# ruff: noqa: S608 -- only names of tables and columns are put together; every value is bound
from __future__ import annotations

from ckstore.index.schema import unpack_tags

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

    Key = tuple[str, ...]

MOST = 500
_LAST = "\U0010ffff"  # sorts behind every character that text has
_SHOWN = "l.place <> 0"


def kinds(connection: sqlite3.Connection, start: str = "", source: str = "") -> list[str]:
    """The kinds of all components that are shown, or of those of one source."""
    if source:
        return _kinds_of(connection, source, start)
    found: list[str] = []
    last = start
    while True:  # one look for each kind: there are few, and components are many
        row = connection.execute(
            "SELECT min(kind) FROM lines WHERE kind >= ? AND kind < ?", (last, start + _LAST)
        ).fetchone()
        if row[0] is None:
            return found
        if connection.execute(f"SELECT 1 FROM lines l WHERE kind = ? AND {_SHOWN}", row).fetchone():
            found.append(row[0])
        last = row[0] + "\0"


def names(connection: sqlite3.Connection, start: str, kind: str, source: str = "") -> list[str]:
    """The names of the components of a kind (empty: of any), perhaps only those of one source."""
    if source:
        return _names_of(connection, source, kind, start)
    where, values = f"l.name >= ? AND l.name < ? AND {_SHOWN}", [start, start + _LAST]
    if kind:
        where, values = f"l.kind = ? AND {where}", [kind, *values]
    return _cut(connection, "l.name", f"lines l WHERE {where}", values)


def _kinds_of(connection: sqlite3.Connection, source: str, start: str) -> list[str]:
    found: list[str] = []
    key = _next(connection, (source, start))
    while key and key[0] == source and key[1].startswith(start):
        found.append(key[1])
        key = _next(connection, (source, key[1] + "\0"))
    return found


def _names_of(connection: sqlite3.Connection, source: str, kind: str, start: str) -> list[str]:
    first, behind = (
        _place(connection, (source, kind, start)),
        _place(connection, (source, kind, start + _LAST)),
    )
    sql = "SELECT answer FROM entries WHERE place >= ? AND place < ? ORDER BY place"
    found = [_key(row[0])[2] for row in connection.execute(f"{sql} LIMIT {MOST + 1}", (first, behind))]
    if len(found) > MOST:
        found[-1] = _key(connection.execute(f"{sql} DESC LIMIT 1", (first, behind)).fetchone()[0])[2]
    return list(dict.fromkeys(found))


def _next(connection: sqlite3.Connection, key: Key) -> Key:
    """The first (source, kind, name) of what is shown that is not below ``key``; nothing behind the last."""
    sql = "SELECT answer FROM entries WHERE place >= ? ORDER BY place LIMIT 1"
    row = connection.execute(sql, (_place(connection, key),)).fetchone()
    return _key(row[0]) if row else ()


def _place(connection: sqlite3.Connection, key: Key) -> int:
    """The place where what is not below ``key`` begins, by halving: places rise with source, kind, name."""
    low, high = 0, connection.execute("SELECT ifnull(max(place), 0) + 1 FROM entries").fetchone()[0]
    while low < high:
        middle = (low + high) // 2
        sql = "SELECT place, answer FROM entries WHERE place >= ? ORDER BY place LIMIT 1"
        row = connection.execute(sql, (middle,)).fetchone()
        if row is None or _key(row[1]) >= key:
            high = middle
        else:
            low = row[0] + 1
    return low


def _key(answer: str) -> Key:
    return unpack_tags(answer)[:3]


def tags(connection: sqlite3.Connection, start: str) -> list[str]:
    """The tags of components that are shown."""
    what = "tags WHERE tag >= ? AND tag < ? AND newest > 0"
    return _cut(connection, "tag", what, [start, start + _LAST])


def sources(connection: sqlite3.Connection, start: str) -> list[str]:
    """The sources that have components."""
    return _cut(connection, "name", "sources WHERE name >= ? AND name < ?", [start, start + _LAST])


def uids(connection: sqlite3.Connection, start: str) -> list[str]:
    """The UIDs of components, withdrawn ones, too."""
    return _cut(connection, "uid", "components WHERE uid >= ? AND uid < ?", [start, start + _LAST])


def versions(connection: sqlite3.Connection, name: str, kind: str = "", source: str = "") -> list[str]:
    """All versions of what has this name, or UID, the highest of each component first; not yanked ones."""
    found = connection.execute(
        "SELECT r.version FROM releases r CROSS JOIN components c ON c.id = r.component "
        "CROSS JOIN sources s ON s.id = c.source WHERE r.component IN (SELECT component FROM lines "
        "WHERE name = ?1 AND (?2 = '' OR kind = ?2) UNION SELECT id FROM components WHERE uid = ?1) "
        "AND (?3 = '' OR s.name = ?3) AND r.yanked = 0 ORDER BY r.component, r.rank DESC",
        (name, kind, source),
    )
    return list(dict.fromkeys(row[0] for row in found))


def keys(connection: sqlite3.Connection, start: str) -> list[str]:
    """The keys of metadata, as they are asked for."""
    return _cut(connection, "path", "keys WHERE path >= ? AND path < ?", [start, start + _LAST])


def values_of(connection: sqlite3.Connection, key: str, start: str) -> list[str]:
    """The values that a key of metadata has."""
    what = "facts WHERE key = (SELECT id FROM keys WHERE path = ?) AND value >= ? AND value < ?"
    return _cut(connection, "value", what, [key, start, start + _LAST])


def entries(connection: sqlite3.Connection, start: str) -> list[str]:
    """What components offer others besides tags and names: ``env:…``, ``action:…``."""
    return _cut(connection, "entry", "provides WHERE entry >= ? AND entry < ?", [start, start + _LAST])


def _cut(connection: sqlite3.Connection, column: str, what: str, values: list[str]) -> list[str]:
    sql = f"SELECT DISTINCT {column} FROM {what} ORDER BY 1 LIMIT {MOST + 1}"
    found = [row[0] for row in connection.execute(sql, values)]
    if len(found) > MOST:
        found[-1] = connection.execute(f"SELECT max({column}) FROM {what}", values).fetchone()[0]
    return found
