"""Writing what ``show`` tells of a component: the table ``cards``; :mod:`ckstore.index.cards` reads it.

A card is written anew whenever anything of its component changed. What it says of a version is kept while the
log's entry of that version is the same; a pull may replace a record by one that says something else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence

from ckstore.errors import CkstoreError
from ckstore.index.cards import CHANGES, COMMIT_DIGITS, VERSIONS
from ckstore.index.schema import pack_tags, unpack_tags
from ckstore.model.records import Component, Release, Yank
from ckstore.objects.log import LogView

_ENTRY_DIGITS = 16  # of the id of the log's entry
_RECORD = 5  # fields of a version that are the same as long as its entry is: version, entry, commit …
Reread = Callable[[str], Release | None]


class CardWriter:
    """Keeps the table ``cards`` and ``sources.url``, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection, view: LogView) -> None:
        self._connection = connection
        self._view = view

    def remove(self, component: int) -> None:
        """Forget a component."""
        self._connection.execute("DELETE FROM cards WHERE component = ?", (component,))

    def write(
        self, component: int, source: str, record: Component, newest: Release | None, ranked: Sequence[str],
        yanks: Mapping[str, Yank], release: Reread,
    ) -> None:  # fmt: skip
        """Let a component have its card, or none when a record cannot be read.

        ``ranked``: all versions by rising precedence; ``release`` reads one, None for one that is damaged.
        """
        row = self._connection.execute("SELECT card FROM cards WHERE component = ?", (component,)).fetchone()
        lines = self._lines(source, record, ranked, yanks, release, _lines_of(row[0]) if row else {})
        if newest is None or lines is None:
            self.remove(component)
            return
        card = pack_tags((_head(record, newest, len(ranked)), *lines))
        if not row or row[0] != card:
            self._connection.execute("INSERT OR REPLACE INTO cards VALUES (?, ?)", (component, card))

    def _lines(
        self, source: str, record: Component, ranked: Sequence[str], yanks: Mapping[str, Yank],
        release: Reread, kept: Mapping[tuple[str, str], tuple[str, ...]],
    ) -> list[str] | None:  # fmt: skip
        """The highest versions, the first of them first; None when one cannot be read."""
        entries = self._view.version_entries(source, record.uid)
        labels: dict[str, list[str]] = {}
        for label, version in sorted(record.labels.items()):
            labels.setdefault(version, []).append(label)
        lines = []
        for version in reversed(ranked[-VERSIONS:]):
            entry = entries.get(version, "")[:_ENTRY_DIGITS]
            told = kept.get((version, entry)) or _told(version, entry, release(version))
            if told is None:
                return None
            yank, own = yanks.get(version), labels.get(version, ())
            lines.append(pack_tags((*told, "yes" if yank else "", yank.reason if yank else "", _packed(own))))
        return lines

    def finish(self) -> None:
        """Note where sources are: one may move without any of its components changing."""
        for place, name, url in self._connection.execute("SELECT id, name, url FROM sources").fetchall():
            try:
                record = self._view.source(name)
            except CkstoreError:  # damaged: `show` reads it, and says so
                record = None
            now = record.url if record else ""
            if now != url:
                self._connection.execute("UPDATE sources SET url = ? WHERE id = ?", (now, place))


def _lines_of(card: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """(version, entry) → what a card says of it that its record says."""
    _, *lines = map(unpack_tags, unpack_tags(card))
    return {(line[0], line[1]): line[:_RECORD] for line in lines}


def _told(version: str, entry: str, one: Release | None) -> tuple[str, ...] | None:
    if one is None:
        return None
    return version, entry, one.commit[:COMMIT_DIGITS], one.bump, _packed(one.changes[: CHANGES + 1])


def _head(record: Component, newest: Release, versions: int) -> str:
    needs = [part for need in newest.needs for part in (need.role, need.told)]
    return pack_tags((
        newest.commit, newest.path, record.withdrawn, str(versions), _packed(record.names),
        _packed(_members(newest, "cmd")), _packed(_members(newest, "action")), _packed(needs),
    ))  # fmt: skip


def _members(release: Release, sort: str) -> tuple[str, ...]:
    """The members of one sort in the interface."""
    prefix = f"{sort}:"
    return tuple(sorted(item.removeprefix(prefix) for item in release.interface if item.startswith(prefix)))


def _packed(texts: Sequence[str]) -> str:
    return pack_tags(tuple(texts))
