"""Keeping the index at the head of the log.

The index may lag behind the log, never lead it, and everything in it can be made again from the log. So
nothing here is an error for the caller: a missing, foreign or damaged file is replaced, one that cannot
be written is answered by an index in memory, with a note.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from ckstore.errors import NotFound
from ckstore.index.files import own_path
from ckstore.index.schema import (
    APPLICATION_ID,
    BUSY_SECONDS,
    FORMAT,
    create,
    drop_all,
    head_of,
    identity,
    is_plain,
)
from ckstore.index.writer import IndexWriter
from ckstore.objects.exclusive import exclusive
from ckstore.objects.head import read_head
from ckstore.objects.log import LogView

Progress = Callable[[str], None]
Caught = tuple[sqlite3.Connection, tuple[str, ...]]
_LOCK_SECONDS = 600.0  # as long as a rebuild of millions of releases by another process may take
_PROGRESS_EVERY = 500
_HEADER_BYTES = 100
# What SQLite says of a file that is not, or is no longer, a sound database of ours. A broken constraint
# is among them: the log has unique keys, so rows were lost or forged.
_DAMAGED = frozenset(
    [sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT]
)


def _silent(_: str) -> None:
    pass


def catch_up(store: Path, view: LogView, progress: Progress = _silent) -> Caught:
    """(connection, notes): the index of the store at ``store``, brought to the head of ``view``.

    The caller closes the connection. Notes are sentences for a person: components that could not be read,
    or that the index is in memory because its file cannot be written.
    """
    try:
        return _on_disk(store, view, progress)
    except (sqlite3.Error, OSError) as error:
        try:
            connection = _copy(Path(own_path(store)), store, view, progress)
            return connection, _notes(connection)
        except (sqlite3.Error, OSError):
            connection = _in_memory(view, progress)
        return connection, (_memory_note(store, error), *_notes(connection))


def heal(store: Path, view: LogView, progress: Progress = _silent) -> Caught:
    """What :func:`catch_up` gives, after reading the index failed: a damaged file is replaced first."""
    path = Path(own_path(store))
    try:
        with _file_lock(store):
            if not path.exists() or is_bad(path):
                _build(path, view, progress)
        return catch_up(store, view, progress)
    except (sqlite3.Error, OSError) as error:
        return _in_memory(view, progress), (_memory_note(store, error),)


def _memory_note(store: Path, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return f"The index was built in memory, for this command only: {own_path(store)}: {reason}."


def is_damage(error: sqlite3.Error) -> bool:
    """True when the error tells of a bad file, not of a busy or full disk."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return isinstance(error, sqlite3.DatabaseError) and code & 0xFF in _DAMAGED


def _on_disk(store: Path, view: LogView, progress: Progress) -> Caught:
    path = Path(own_path(store))
    if path.exists():
        try:
            return _open_and_advance(path, store, view, progress)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
    with _file_lock(store):
        if path.exists():
            try:  # another process may have mended it while this one waited
                return _open_and_advance(path, store, view, progress)
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
        _build(path, view, progress)
    return _open_and_advance(path, store, view, progress)


def _open_and_advance(path: Path, store: Path, view: LogView, progress: Progress) -> Caught:
    connection = _connect(path)
    try:
        _advance(connection, store, view, progress)
        return connection, _notes(connection)
    except BaseException:
        connection.close()
        raise


def _notes(connection: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(row[0] for row in connection.execute("SELECT reason FROM skipped ORDER BY source, uid"))


def _file_lock(store: Path) -> AbstractContextManager[None]:
    (store / "locks").mkdir(parents=True, exist_ok=True)
    return exclusive(store / "locks" / "index.lock", _LOCK_SECONDS)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        if identity(connection)[0] != APPLICATION_ID or not is_plain(connection):
            raise sqlite3.DatabaseError("the file is not an index of ckstore")
        connection.execute("PRAGMA synchronous = NORMAL")  # enough: what a power cut takes is caught up
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _advance(connection: sqlite3.Connection, store: Path, view: LogView, progress: Progress) -> None:
    """Bring an index of ours to the view's head, in one transaction."""
    if identity(connection)[1] == FORMAT and head_of(connection) == view.head:
        return
    with _transaction(connection):
        ours = identity(connection)[1] == FORMAT
        head = head_of(connection) if ours else ""
        if ours and head in (view.head, read_head(store)):  # another process was here first
            return
        changed = _changed(view, head) if ours else None
        if changed is None:
            drop_all(connection)
            create(connection)
            changed = view.changed_since("")
        retried = connection.execute("SELECT source, uid FROM skipped").fetchall()
        _write(connection, view, dict.fromkeys([*changed, *retried]), progress)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _changed(view: LogView, head: str) -> list[tuple[str, str]] | None:
    """What to do again since ``head``; None when the log does not know it: the index knew more."""
    try:
        return view.changed_since(head)
    except NotFound:
        return None


def _write(
    connection: sqlite3.Connection,
    view: LogView,
    changed: Iterable[tuple[str, str]],
    progress: Progress,
) -> None:
    writer = IndexWriter(connection, view)
    for number, (source, uid) in enumerate(changed):
        if number % _PROGRESS_EVERY == _PROGRESS_EVERY - 1:
            progress(f"indexing: {number + 1} components")
        writer.update(source, uid)
    writer.finish()
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('head', ?)", (view.head,))


def _copy(path: Path, store: Path, view: LogView, progress: Progress) -> sqlite3.Connection:
    """The file as a database in memory, brought to the view's head: for a store that is read-only here.

    SQLite itself does not open a WAL database where it cannot write. The copy counts only if nobody wrote
    meanwhile; OSError otherwise.
    """
    before = _stamp(path)
    data = bytearray(path.read_bytes())
    if _stamp(path) != before or len(data) < _HEADER_BYTES:
        raise OSError(f"{path} is being written")
    data[18:20] = b"\1\1"  # "no WAL", see https://www.sqlite.org/fileformat2.html
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(bytes(data))
        if identity(connection)[0] != APPLICATION_ID or not is_plain(connection):
            raise sqlite3.DatabaseError("the file is not an index of ckstore")
        _advance(connection, store, view, progress)
    except BaseException:
        connection.close()
        raise
    return connection


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when the file is written; OSError while there are changes outside of it."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise OSError(f"{log} is not empty")
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _in_memory(view: LogView, progress: Progress) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with _transaction(connection):
        create(connection)
        _write(connection, view, view.changed_since(""), progress)
    return connection


def build_in_memory(view: LogView, progress: Progress = _silent) -> sqlite3.Connection:
    """An index of the whole view that no file holds."""
    return _in_memory(view, progress)


def build_anew(store: Path, view: LogView, progress: Progress = _silent) -> None:
    """Replace the index of a store by one built from the log; sqlite3.Error or OSError when that fails."""
    with _file_lock(store):
        _build(Path(own_path(store)), view, progress)


def is_bad(path: Path) -> bool:
    """True for a file that is no sound index, as far as SQLite can tell."""
    try:
        connection = _connect(path)
    except sqlite3.Error as error:
        return is_damage(error)
    try:
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        return not sound or _tables(connection) != _expected_tables()
    except sqlite3.Error as error:
        return is_damage(error)
    finally:
        connection.close()


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def _expected_tables() -> list[tuple[str, str]]:
    connection = sqlite3.connect(":memory:")
    create(connection)
    tables = _tables(connection)
    connection.close()
    return tables


def _build(path: Path, view: LogView, progress: Progress) -> None:
    """Build the index anew beside ``path``, then rename it there; the caller holds the lock."""
    for left in path.parent.glob(f"{path.name}.new*"):
        left.unlink()
    new = path.with_name(f"{path.name}.new{os.getpid()}")
    try:
        _fill(new, view, progress)
        for suffix in (
            "",
            "-wal",
            "-shm",
        ):  # of the old file: they would be applied to the new one
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        new.replace(path)
    except Exception:
        with suppress(OSError):  # a full disk needs the room
            new.unlink(missing_ok=True)
        raise


def _fill(new: Path, view: LogView, progress: Progress) -> None:
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # a file that nobody knows yet
        connection.execute("PRAGMA journal_mode = MEMORY")
        with _transaction(connection):
            create(connection)
            _write(connection, view, view.changed_since(""), progress)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    with new.open("rb+") as file:
        os.fsync(file.fileno())
