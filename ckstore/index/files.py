"""Where the index lies, and opening it to read. Imports nothing but SQLite: the quick path of find."""

from __future__ import annotations

import os

from ckstore.index.schema import APPLICATION_ID, BUSY_SECONDS, FORMAT, head_of, identity, is_plain

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
else:
    try:  # the part that does the work; `sqlite3` adds adapters for dates, and takes half as long again
        import _sqlite3 as sqlite3
    except ImportError:  # another Python than CPython
        import sqlite3

# A store may be used by an older and a newer ckstore at once. The newest format has the plain name; a
# ckstore that finds a format newer than its own there keeps its index beside it, so neither undoes the
# other's work over and over.
FILE = "index.sqlite"
OWN_FILE = f"index-{FORMAT}.sqlite"


def open_current(store: str | os.PathLike[str], head: str) -> sqlite3.Connection | None:
    """The index as a read-only connection when it is whole, ours and at ``head``; None otherwise."""
    for name in (FILE, OWN_FILE):
        try:
            connection = _open_to_read(f"{os.fspath(store)}/{name}")
        except sqlite3.Error:
            return None
        try:
            application, version = identity(connection)
            ours = (application, version) == (APPLICATION_ID, FORMAT) and is_plain(connection)
            if ours and head_of(connection) == head:
                return connection
        except sqlite3.Error:
            version = 0
        connection.close()
        if version <= FORMAT:
            return None
    return None


def _open_to_read(path: str) -> sqlite3.Connection:
    escaped = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(
        f"file:{escaped}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def own_path(store: str | os.PathLike[str]) -> str:
    """The file that this version of ckstore keeps its index in."""
    plain = f"{os.fspath(store)}/{FILE}"
    try:
        connection = _open_to_read(plain)
    except sqlite3.Error:
        return plain
    try:
        application, version = identity(connection)
    except sqlite3.Error:
        return plain
    finally:
        connection.close()
    newer = application == APPLICATION_ID and version > FORMAT
    return f"{os.fspath(store)}/{OWN_FILE}" if newer else plain
