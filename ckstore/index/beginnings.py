"""What in the index begins with a text: for the completion of command lines. Light, as the quick path is.

All answers but versions are sorted, and cut where there are more than a person would read: then the last one
of all is the last one given, so that what all begin with is what all that are given begin with.
"""

# ruff: noqa: S608 -- only names of tables and columns are put together; every value is bound
from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

MOST = 500
_LAST = "\U0010ffff"  # sorts behind every character that text has
_SHOWN = "l.place <> 0"


def kinds(connection: sqlite3.Connection, start: str = "", source: str = "") -> list[str]:
    """The kinds of all components that are shown, or of those of one source."""
    if source:
        return _cut(connection, "l.kind", *_of_source(source, "l.kind >= ? AND l.kind < ?", start))
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
        return _cut(
            connection,
            "l.name",
            *_of_source(source, "l.kind = ? AND l.name >= ? AND l.name < ?", start, kind),
        )
    where, values = f"l.name >= ? AND l.name < ? AND {_SHOWN}", [start, start + _LAST]
    if kind:
        where, values = f"l.kind = ? AND {where}", [kind, *values]
    return _cut(connection, "l.name", f"lines l WHERE {where}", values)


def _of_source(source: str, where: str, start: str, *values: str) -> tuple[str, list[str]]:
    """(tables with a condition, its values) for the components of a source alone."""
    tables = "components c CROSS JOIN lines l ON l.id = c.line WHERE c.source = (SELECT id FROM sources"
    return f"{tables} WHERE name = ?) AND {_SHOWN} AND {where}", [source, *values, start, start + _LAST]


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
