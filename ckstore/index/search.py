"""Searching an index that is at the head of the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ckstore.index import rows as plain
from ckstore.index.statement import Terms
from ckstore.model.conditions import parse_condition
from ckstore.model.query import Hit, Query

if TYPE_CHECKING:
    from ckstore.index.cells import Reader


def search(connection: sqlite3.Connection, query: Query, read: Reader | None = None) -> Iterator[Hit]:
    """The releases that answer ``query``, by source, kind and name, then the highest version first.

    A name without wildcards is also looked for among UIDs and former names; a former name finds the
    releases made under it. Wildcards match the names that components have now. Withdrawn components are
    left out unless asked for or named exactly. So are yanked releases, which ``all_versions`` shows and
    ``yanked`` asks for alone; an exact name that nothing else answers finds them, too.
    Text is looked for in the newest release: names, title, description, tags, values of metadata; all
    words, the last as the beginning of one.

    ``read`` gives the metadata of a release (source, UID, version); it is needed for ``where`` and ``sort``
    where releases answer that are not the newest of their component.
    """
    return (Hit(*row) for row in plain.rows(connection, terms_of(connection, query), read))


def count(connection: sqlite3.Connection, query: Query, read: Reader | None = None) -> int:
    """How many hits :func:`search` gives without its limit."""
    return plain.count(connection, terms_of(connection, query), read)


def terms_of(connection: sqlite3.Connection, query: Query) -> Terms:
    """The query as plain terms; InvalidInput for a condition or a need that cannot be read."""
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
        where=map(parse_condition, query.where),
        asks=asks_of(connection, query.needs) if query.needs else None,
        provides=query.provides,
        sort=query.sort,
    )


def asks_of(connection: sqlite3.Connection, text: str) -> list[str]:
    """The requirements, of those that components state, which ``Query.needs`` means."""
    from ckstore.index.asked import asks_for  # it searches itself

    return asks_for(connection, text)
