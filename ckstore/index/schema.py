"""The tables of the index.

One SQLite file, derived from the log and from nothing else. A *line* is a (component, kind, name): a
component that was renamed has several, of which one is current. What is asked most, the newest release of
each component that is neither withdrawn nor yanked, has tables of its own, in the order of answers:
``entries`` holds what is shown of it, ``newest_tags`` who has a tag; see :mod:`ckstore.index.places`. All
releases are in ``release_tags``. What the
newest release of a current line asks of others (``requirements``, ``needs``) and offers them besides name
and tags (``provides``) is kept by :mod:`ckstore.index.relations`.
``facts`` holds what the metadata of that release says, by key and by value, ``cards`` what
``show`` tells of it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

FORMAT = 5  # raise it with every change of the tables: an older index is then built anew
APPLICATION_ID = 0x636B7374  # "ckst"
BUSY_SECONDS = 30.0

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL) STRICT;
CREATE TABLE components (
  id INTEGER PRIMARY KEY, source INTEGER NOT NULL, uid TEXT NOT NULL,
  line INTEGER NOT NULL, withdrawn INTEGER NOT NULL, UNIQUE (source, uid)
) STRICT;
CREATE INDEX components_by_uid ON components (uid);
CREATE TABLE lines (
  id INTEGER PRIMARY KEY, component INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  current INTEGER NOT NULL, newest INTEGER NOT NULL, place INTEGER NOT NULL
) STRICT;
CREATE INDEX lines_by_name ON lines (name, kind);
CREATE INDEX lines_by_kind ON lines (kind, name);
CREATE INDEX lines_by_place ON lines (kind, place);
CREATE INDEX lines_by_component ON lines (component);
CREATE TABLE releases (
  id INTEGER PRIMARY KEY, component INTEGER NOT NULL, line INTEGER NOT NULL, version TEXT NOT NULL,
  rank INTEGER NOT NULL, tree TEXT NOT NULL, digest TEXT NOT NULL, title TEXT NOT NULL,
  tags TEXT NOT NULL, yanked INTEGER NOT NULL, UNIQUE (component, version)
) STRICT;
CREATE TABLE tags (
  id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, newest INTEGER NOT NULL, total INTEGER NOT NULL
) STRICT;
CREATE TABLE entries (place INTEGER PRIMARY KEY, line INTEGER NOT NULL, answer TEXT NOT NULL) STRICT;
CREATE TABLE newest_tags (tag INTEGER, place INTEGER, PRIMARY KEY (tag, place)) STRICT, WITHOUT ROWID;
CREATE TABLE release_tags (tag INTEGER, release INTEGER, PRIMARY KEY (tag, release)) STRICT, WITHOUT ROWID;
CREATE TABLE keys (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE facts (
  line INTEGER, key INTEGER, value TEXT, number REAL, PRIMARY KEY (line, key, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_by_key ON facts (key, value, number);
CREATE TABLE requirements (id INTEGER PRIMARY KEY, ask TEXT NOT NULL UNIQUE, hook TEXT NOT NULL) STRICT;
CREATE INDEX requirements_by_hook ON requirements (hook);
CREATE TABLE needs (
  line INTEGER, role TEXT, requirement INTEGER, scope TEXT, PRIMARY KEY (line, role, requirement, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX needs_by_requirement ON needs (requirement);
CREATE TABLE provides (line INTEGER, entry TEXT, PRIMARY KEY (line, entry)) STRICT, WITHOUT ROWID;
CREATE INDEX provides_by_entry ON provides (entry);
CREATE TABLE cards (component INTEGER PRIMARY KEY, card TEXT NOT NULL) STRICT;
CREATE TABLE skipped (source TEXT, uid TEXT, reason TEXT, PRIMARY KEY (source, uid)) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5(
  names, title, description, tags, metadata, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);
"""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database; part of the caller's transaction, where there is one."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def drop_all(connection: sqlite3.Connection) -> None:
    """Remove every table, whoever made it; part of the caller's transaction.

    Emptying in place, not by a new file: other processes may be reading, and keep their view.
    """
    own = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    virtual = [row[0] for row in connection.execute(own + " AND sql LIKE 'CREATE VIRTUAL%'")]
    for name in virtual:  # first: they take their shadow tables with them
        connection.execute(f"DROP TABLE {_quoted(name)}")
    for (name,) in connection.execute(own).fetchall():
        connection.execute(f"DROP TABLE {_quoted(name)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def identity(connection: sqlite3.Connection) -> tuple[int, int]:
    """(application id, format) of a database; (0, 0) for an empty one."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return application, connection.execute("PRAGMA user_version").fetchone()[0]


def is_plain(connection: sqlite3.Connection) -> bool:
    """True when reading runs nothing that others wrote: no view, trigger or virtual table but our own."""
    foreign = (
        "SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger') "
        "OR (sql LIKE 'CREATE VIRTUAL%' AND name <> 'texts')"
    )
    try:
        (found,) = connection.execute(foreign).fetchone()
    except UnicodeDecodeError:  # the tables are read now, and what SQLite says of damaged ones is no text
        return False
    return bool(found == 0)


def head_of(connection: sqlite3.Connection) -> str:
    """The head of the log that the index reflects."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'head'").fetchone()
    return row[0] if row else ""


def pack_tags(tags: tuple[str, ...]) -> str:
    """Tags as one text, one per line; a backslash or line feed inside a tag is escaped."""
    return "\n".join(tag.replace("\\", "\\\\").replace("\n", "\\n") for tag in tags)


def unpack_tags(text: str) -> tuple[str, ...]:
    """The inverse of :func:`pack_tags`."""
    tags = text.split("\n") if text else []
    if "\\" in text:
        tags = ["\\".join(part.replace("\\n", "\n") for part in tag.split("\\\\")) for tag in tags]
    return tuple(tags)
