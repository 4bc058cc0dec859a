"""Answers as plain rows, the common core of the quick path and of :mod:`ckstore.index.search`.

A row holds the fields of :class:`~ckstore.model.query.Hit` in their order. The order of rows is source,
kind, name, UID, then versions by precedence, the highest first, unless ``sort`` asks for another.
"""

from __future__ import annotations

from itertools import islice

from ckstore.index.cells import Cells
from ckstore.index.ordering import in_order, order_of
from ckstore.index.schema import unpack_tags
from ckstore.index.shown import count_shown, shown
from ckstore.index.statement import Terms, select

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from ckstore.index.cells import Reader

    Row = tuple[str, str, str, str, str, str, str, tuple[str, ...], str, bool, bool, bool]
    # as the statement gives it: tags packed, flags as numbers, then component, rank and line
    Raw = tuple[str, str, str, str, str, str, str, str, str, int, int, int, int, int, int]


def rows(connection: sqlite3.Connection, terms: Terms, read: Reader | None = None) -> Iterator[Row]:
    """Every release that answers ``terms``.

    Without ``all_versions`` a component answers with one release: its newest, or with a version range the
    newest that the range admits and that has the tags; yanked ones come after all others. ``read`` gives the
    metadata of releases that are not the newest; :class:`~ckstore.index.cells.NoReader` where it is missed.
    """
    if terms.shown_alone:
        return shown(connection, terms)
    return map(row_of, raws(connection, terms, read))


def row_of(raw: Raw) -> Row:
    """The fields of a hit."""
    return (*raw[:7], unpack_tags(raw[7]), raw[8], bool(raw[9]), bool(raw[10]), bool(raw[11]))


def raws(
    connection: sqlite3.Connection, terms: Terms, read: Reader | None = None, *, all_of_them: bool = False
) -> Iterable[Raw]:
    """The rows as they are in the index, with what they are there."""
    asked = select(connection, terms)
    if asked is None:
        return ()
    sql, values = asked
    limit = 0 if all_of_them else terms.limit
    order = order_of(terms.sort)
    whole = terms.range == "*" and not terms.judged  # nothing but SQL decides
    if whole and order:
        return connection.execute(sql + order + (f" LIMIT {int(limit)}" if limit > 0 else ""), values)
    found: Iterable[Raw] = connection.execute(sql + order_of(()), values)
    cells = Cells(connection, read)
    if terms.range != "*":
        found = _in_range(found, terms)
    if terms.judged:
        found = (raw for raw in found if all(condition.holds(cells.facts(raw)) for condition in terms.where))
    if not order:
        found = in_order(connection, found, terms, cells)
    return _first(found, limit)


def count(
    connection: sqlite3.Connection, terms: Terms, read: Reader | None = None, most: int | None = None
) -> int:
    """The number of rows that :func:`rows` gives, ``limit`` aside; no more than ``most`` are counted."""
    if terms.shown_alone:
        return count_shown(connection, terms, most)
    if terms.range != "*" or terms.judged:
        return sum(1 for _ in islice(raws(connection, terms, read, all_of_them=True), most))
    asked = select(connection, terms)
    if asked is None:
        return 0
    sql, values = asked
    enough = f" LIMIT {int(most)}" if most else ""
    counting = f"SELECT count(*) FROM ({sql}{enough})"  # noqa: S608 - every value is bound
    total: int = connection.execute(counting, values).fetchone()[0]
    return total


def _first(found: Iterable[Raw], limit: int) -> Iterator[Raw]:
    for number, raw in enumerate(found, 1):
        yield raw
        if number == limit:
            return


def _in_range(found: Iterable[Raw], terms: Terms) -> list[Raw]:
    from ckstore.model.versions import VersionRange, parse_version  # a version library: only where needed

    admitted = VersionRange.parse(terms.range)
    inside = [raw for raw in found if admitted.admits(parse_version(raw[4]))]
    if not terms.all_versions:
        best: dict[int, tuple[bool, int]] = {}
        for *_, yanked, component, rank, _line in inside:
            best[component] = max((not yanked, rank), best.get(component, (False, -1)))
        inside = [raw for raw in inside if best[raw[12]][1] == raw[13]]
    return inside
