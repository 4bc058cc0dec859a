"""Searching an index that is at the head of the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from ckstore.index import rows as plain
from ckstore.index.statement import Terms
from ckstore.model.query import Hit, Query


def search(connection: sqlite3.Connection, query: Query) -> Iterator[Hit]:
    """The releases that answer ``query``, by source, kind and name, then the highest version first.

    A name without wildcards is also looked for among UIDs and former names; a former name finds the
    releases made under it. Wildcards match the names that components have now. Withdrawn components are
    left out unless asked for or named exactly. So are yanked releases, which ``all_versions`` shows and
    ``yanked`` asks for alone; an exact name that nothing else answers finds them, too.
    Text is looked for in the newest release: names, title, description, tags; all words, the last as the
    beginning of one.
    """
    return (Hit(*row) for row in plain.rows(connection, terms_of(query)))


def count(connection: sqlite3.Connection, query: Query) -> int:
    """How many hits :func:`search` gives without its limit."""
    return plain.count(connection, terms_of(query))


def terms_of(query: Query) -> Terms:
    """The query as plain terms."""
    return Terms(
        source=query.source,
        kind=query.kind,
        name=query.name,
        range=query.range,
        all_of=query.tags.all_of,
        none_of=query.tags.none_of,
        any_of=query.tags.any_of,
        text=query.text,
        all_versions=query.all_versions,
        withdrawn=query.withdrawn,
        yanked=query.yanked,
        limit=query.limit,
    )
