"""Is the index what the log says? Compared row by row with one that is built from the log in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from ckstore.index.catchup import build_anew, build_in_memory, catch_up, is_bad
from ckstore.index.files import own_path
from ckstore.objects.log import LogView

# Everything that is in it, with names in the place of row numbers.
_CONTENTS = {
    "components": (
        "SELECT s.name, c.uid, c.withdrawn, l.kind, l.name FROM components c "
        "JOIN sources s ON s.id = c.source JOIN lines l ON l.id = c.line ORDER BY 1, 2"
    ),
    "lines": (
        "SELECT s.name, c.uid, l.kind, l.name, l.current, r.version FROM lines l JOIN components c "
        "ON c.id = l.component JOIN sources s ON s.id = c.source JOIN releases r ON r.id = l.newest "
        "ORDER BY 1, 2, 3, 4"
    ),
    "releases": (
        "SELECT s.name, c.uid, r.version, l.kind, l.name, r.rank, r.tree, r.digest, r.title, r.tags, "
        "r.yanked FROM releases r JOIN components c ON c.id = r.component JOIN sources s ON s.id = c.source "
        "JOIN lines l ON l.id = r.line ORDER BY 1, 2, 3"
    ),
    "tags of releases": (
        "SELECT s.name, c.uid, r.version, t.tag FROM release_tags p JOIN tags t ON t.id = p.tag "
        "JOIN releases r ON r.id = p.release JOIN components c ON c.id = r.component "
        "JOIN sources s ON s.id = c.source ORDER BY 1, 2, 3, 4"
    ),
    "tags of components": (
        "SELECT e.answer, t.tag FROM newest_tags p JOIN tags t ON t.id = p.tag "
        "JOIN entries e ON e.place = p.place ORDER BY 1, 2"
    ),
    "answers and their order": (
        "SELECT e.answer, l.kind, l.name, c.uid FROM entries e CROSS JOIN lines l ON l.id = e.line "
        "AND l.place = e.place CROSS JOIN components c ON c.id = l.component ORDER BY e.place"
    ),
    "facts": (
        "SELECT s.name, c.uid, k.path, f.value, f.number FROM facts f JOIN keys k ON k.id = f.key "
        "JOIN lines l ON l.id = f.line JOIN components c ON c.id = l.component "
        "JOIN sources s ON s.id = c.source ORDER BY 1, 2, 3, 4"
    ),
    "counts of tags": "SELECT tag, newest, total FROM tags ORDER BY 1",
    "texts": (
        "SELECT s.name, c.uid, x.names, x.title, x.description, x.tags, x.metadata FROM texts x "
        "JOIN components c ON c.id = x.rowid JOIN sources s ON s.id = c.source ORDER BY 1, 2"
    ),
    "cards": (
        "SELECT s.name, s.url, c.uid, d.card FROM cards d JOIN components c ON c.id = d.component "
        "JOIN sources s ON s.id = c.source ORDER BY 1, 3"
    ),
    "needs": (
        "SELECT s.name, c.uid, l.kind, l.name, n.role, q.ask, n.scope, q.hook FROM needs n "
        "JOIN requirements q ON q.id = n.requirement JOIN lines l ON l.id = n.line "
        "JOIN components c ON c.id = l.component JOIN sources s ON s.id = c.source "
        "ORDER BY 1, 2, 3, 4, 5, 6, 7"
    ),
    "requirements": "SELECT ask, hook FROM requirements ORDER BY 1",
    "offers": (
        "SELECT s.name, c.uid, l.kind, l.name, p.entry FROM provides p JOIN lines l ON l.id = p.line "
        "JOIN components c ON c.id = l.component JOIN sources s ON s.id = c.source ORDER BY 1, 2, 3, 4, 5"
    ),
    "rows of its tables": (
        "SELECT (SELECT count(*) FROM components), (SELECT count(*) FROM lines), "
        "(SELECT count(*) FROM releases), (SELECT count(*) FROM release_tags), "
        "(SELECT count(*) FROM newest_tags), (SELECT count(*) FROM entries), "
        "(SELECT count(*) FROM lines WHERE place <> 0), (SELECT count(*) FROM keys), "
        "(SELECT count(*) FROM facts), (SELECT count(*) FROM texts), "
        "(SELECT count(*) FROM needs), (SELECT count(*) FROM provides), (SELECT count(*) FROM cards)"
    ),
}
Progress = Callable[[str], None]


def audit(store: Path, view: LogView, progress: Progress = lambda line: None) -> list[str]:
    """What is wrong with the index of the store at ``store``, in sentences; it is caught up first."""
    path = Path(own_path(store))
    if not path.exists():
        return []
    try:
        if is_bad(path):
            return ["The file is damaged."]
        connection, _ = catch_up(store, view, progress)
        progress("comparing the index with the log")
        fresh = build_in_memory(view, progress)
        try:
            return list(_differing(connection, fresh))
        finally:
            connection.close()
            fresh.close()
    except (sqlite3.Error, OSError) as error:
        return [f"It cannot be read: {error}."]


def _differing(connection: sqlite3.Connection, fresh: sqlite3.Connection) -> Iterator[str]:
    for what, sql in _CONTENTS.items():
        rows = zip(connection.execute(sql), fresh.execute(sql), strict=False)
        same = all(one == other for one, other in rows)
        counts = [db.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0] for db in (connection, fresh)]  # noqa: S608 - ours
        if not same or counts[0] != counts[1]:
            yield f"Its {what} are not those of the log."


def rebuild(store: Path, view: LogView, progress: Progress = lambda line: None) -> None:
    """Build the index anew, beside the old one, and put it in its place."""
    build_anew(store, view, progress)
