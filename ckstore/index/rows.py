"""Answers as plain rows, the common core of the quick path and of :mod:`ckstore.index.search`.

A row holds the fields of :class:`~ckstore.model.query.Hit` in their order. The order of rows is source,
kind, name, UID, then versions by precedence, the highest first.
"""

from __future__ import annotations

from ckstore.index.schema import unpack_tags
from ckstore.index.shown import count_shown, shown
from ckstore.index.statement import ORDER, Terms, select

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    Row = tuple[str, str, str, str, str, str, str, tuple[str, ...], str, bool, bool, bool]
    # as the statement gives it: tags packed, flags as numbers, then component and rank
    Raw = tuple[str, str, str, str, str, str, str, str, str, int, int, int, int, int]


def rows(connection: sqlite3.Connection, terms: Terms) -> Iterator[Row]:
    """Every release that answers ``terms``.

    Without ``all_versions`` a component answers with one release: its newest, or with a version range the
    newest that the range admits and that has the tags; yanked ones come after all others.
    """
    if terms.shown_alone:
        yield from shown(connection, terms)
        return
    asked = select(connection, terms)
    if asked is None:
        return
    sql, values = asked
    limit = f" LIMIT {int(terms.limit)}" if terms.limit > 0 and terms.range == "*" else ""
    found: Iterable[Raw] = connection.execute(sql + ORDER + limit, values)
    if terms.range != "*":
        found = _in_range(found, terms)
    for raw in found:
        yield (*raw[:7], unpack_tags(raw[7]), raw[8], bool(raw[9]), bool(raw[10]), bool(raw[11]))


def count(connection: sqlite3.Connection, terms: Terms) -> int:
    """The number of rows that :func:`rows` gives, ``limit`` aside."""
    if terms.shown_alone:
        return count_shown(connection, terms)
    asked = select(connection, terms)
    if asked is None:
        return 0
    sql, values = asked
    if terms.range != "*":
        unlimited: Iterable[Raw] = connection.execute(sql + ORDER, values)
        return len(_in_range(unlimited, terms, limited=False))
    total: int = connection.execute(f"SELECT count(*) FROM ({sql})", values).fetchone()[0]  # noqa: S608  # bound
    return total


def _in_range(found: Iterable[Raw], terms: Terms, limited: bool = True) -> list[Raw]:
    from ckstore.model.versions import VersionRange, parse_version  # a version library: only where needed

    admitted = VersionRange.parse(terms.range)
    inside = [raw for raw in found if admitted.admits(parse_version(raw[4]))]
    if not terms.all_versions:
        best: dict[int, tuple[bool, int]] = {}
        for *_, yanked, component, rank in inside:
            best[component] = max((not yanked, rank), best.get(component, (False, -1)))
        inside = [raw for raw in inside if best[raw[12]][1] == raw[13]]
    return inside[: terms.limit] if limited and terms.limit > 0 else inside
