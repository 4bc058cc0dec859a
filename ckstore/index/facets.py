"""How often each value of a field is among the hits."""

# ruff: noqa: S608 -- only names of tables, columns and placeholders are put together; every value is bound
from __future__ import annotations

from ckstore.index.cells import FIELDS, Cells
from ckstore.index.conditions import about
from ckstore.index.rows import raws
from ckstore.index.schema import unpack_tags
from ckstore.index.statement import Terms, select
from ckstore.model.conditions import Condition

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ckstore.index.cells import Reader

    Facet = list[tuple[str, int]]  # value and count, the most frequent first, then by value


def facet(connection: sqlite3.Connection, terms: Terms, field: str, read: Reader | None = None) -> Facet:
    """The values of ``field`` (one of a hit, or a key of metadata) among all hits; a limit does not count."""
    if terms.any_release or terms.judged:
        cells = Cells(connection, read)
        hits = raws(connection, terms, read, all_of_them=True)
        return _counted((value, 1) for raw in hits for value in cells.values(raw, field))
    asked = select(connection, terms)
    if asked is None:
        return []
    sql, values = asked
    if field == "tags" and terms.asks_nothing:
        return _counted(connection.execute("SELECT tag, newest FROM tags WHERE newest > 0"))
    if field == "tags":
        rows = connection.execute(f"SELECT tags, count(*) FROM ({sql}) GROUP BY tags", values)
        return _counted((tag, number) for packed, number in rows for tag in unpack_tags(packed))
    if field in FIELDS and field not in ("newest", "withdrawn", "yanked"):
        return _counted(connection.execute(f"SELECT {field}, count(*) FROM ({sql}) GROUP BY 1", values))
    return _of_other(connection, terms, field, read)


def _of_other(connection: sqlite3.Connection, terms: Terms, field: str, read: Reader | None) -> Facet:
    if field in FIELDS or field == "reference" or terms.names_exactly:
        cells = Cells(connection, read)
        hits = raws(connection, terms, read, all_of_them=True)
        return _counted((value, 1) for raw in hits for value in cells.values(raw, field))
    sql, values = select(connection, terms) or ("", {})

    def bind(value: str | float) -> str:
        name = f"f{len(values)}"
        values[name] = value
        return f":{name}"

    wanted = about(bind, Condition(field, "="), "+f.key")
    return _counted(
        connection.execute(
            f"SELECT f.value, count(DISTINCT h.line) FROM ({sql}) h CROSS JOIN facts f ON f.line = h.line "
            f"AND {wanted} GROUP BY 1",
            values,
        )
    )


def _counted(pairs: Iterable[tuple[str, int]]) -> Facet:
    found: dict[str, int] = {}
    for value, number in pairs:
        found[value] = found.get(value, 0) + number
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
