"""What is asked most, the newest releases that are there, answered from tables made for it.

All of it is in terms of places (:mod:`ckstore.index.places`): postings are joined by place, so the answer
comes in its order without sorting, a limit stops early, and what is withdrawn or yanked is not even looked
at. The tables of components and lines are joined only where something besides tags and a kind is asked.
"""

# ruff: noqa: S608 -- only names of tables, columns and placeholders are put together; every value is bound
from __future__ import annotations

from ckstore.index.schema import unpack_tags
from ckstore.index.statement import Statement, Terms, check_size, phrase_of
from ckstore.index.tagterms import TagTerms, among, ids, like
from ckstore.model.wildcards import has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    Shown = tuple[str, str, str, str, str, str, str, tuple[str, ...], str, bool, bool, bool]
    Asked = tuple[str, dict[str, str | float]]


def shown(connection: sqlite3.Connection, terms: Terms) -> Iterator[Shown]:
    """The rows (see :mod:`ckstore.index.rows`) that answer ``terms``, which are :attr:`Terms.shown_alone`."""
    asked = select_places(connection, terms)
    if asked is None:
        return
    places, values = asked
    limit = f" LIMIT {int(terms.limit)}" if terms.limit > 0 else ""
    wanted = f"{places} ORDER BY 1{limit}"
    sql = f"SELECT answer FROM entries WHERE place IN ({wanted}) ORDER BY place"
    for (answer,) in connection.execute(sql, values):
        parts = tuple(answer.split("\n")) if "\\" not in answer else unpack_tags(answer)
        yield (*parts[:7], parts[8:], parts[7], True, False, False)  # type: ignore[misc]  # seven texts


def count_shown(connection: sqlite3.Connection, terms: Terms, most: int | None = None) -> int:
    """The number of rows that :func:`shown` gives, ``limit`` aside; no more than ``most`` are counted."""
    asked = select_places(connection, terms)
    if asked is None:
        return 0
    places, values = asked
    enough = f" LIMIT {int(most)}" if most else ""
    total: int = connection.execute(f"SELECT count(*) FROM ({places}{enough})", values).fetchone()[0]
    return total


def select_places(connection: sqlite3.Connection, terms: Terms) -> Asked | None:
    """(SQL, values) for the places of what answers ``terms``; None when nothing can answer them."""
    check_size(terms)
    tags = TagTerms(connection, terms.all_of, terms.any_of, terms.none_of, newest=True)
    phrase = phrase_of(terms.text)
    if tags.hopeless or phrase is None:
        return None
    built = Statement()
    if tags:
        place = _by_tags(built, terms, tags, phrase)
    elif phrase or terms.kind or terms.name or terms.source:
        place = _by_lines(built, terms, phrase)
    else:
        place = "e.place"
        built.tables.append("entries e")
    for held in tags.refused:
        built.where.append(f"NOT {among(built.bind, held, 'newest_tags', 'place', place)}")
    return built.selecting(f"{place} AS place"), built.values


def _by_tags(built: Statement, terms: Terms, tags: TagTerms, phrase: str) -> str:
    """The rarest tag (or a group), the others by key, a kind like one of them; then what else is asked."""
    if tags.single:
        built.tables.append("newest_tags t0")
        built.where.append(f"t0.tag = {built.bind(tags.single[0])}")
    else:
        some = ids(built.bind, tags.groups[0])
        built.tables.append(f"(SELECT DISTINCT place FROM newest_tags WHERE tag IN ({some})) t0")
    for n, tag in enumerate(tags.single[1:], 1):
        built.tables.append(f"newest_tags t{n} ON t{n}.tag = {built.bind(tag)} AND t{n}.place = t0.place")
    if _one(terms.kind):
        kind = built.bind(terms.kind)
        built.tables.append(f"lines k INDEXED BY lines_by_place ON k.kind = {kind} AND k.place = t0.place")
    if phrase or terms.name or terms.source or (terms.kind and not _one(terms.kind)):
        built.tables += ["entries e ON e.place = t0.place", "lines l ON l.id = e.line"]
        _conditions(built, terms)
        if phrase:
            match = f"SELECT rowid FROM texts WHERE texts MATCH {built.bind(phrase)}"
            built.where.append(f"l.component IN ({match})")
    for held in tags.groups if tags.single else tags.groups[1:]:
        built.where.append(among(built.bind, held, "newest_tags", "place", "t0.place"))
    return "t0.place"


def _by_lines(built: Statement, terms: Terms, phrase: str) -> str:
    """From text, from a kind or the beginning of a name, or from a source, which is found by its key."""
    if phrase:
        built.tables += ["texts", "components c ON c.id = texts.rowid", "lines l ON l.id = c.line"]
        built.where.append(f"texts MATCH {built.bind(phrase)}")
    elif _one(terms.kind) and not terms.name:
        built.tables.append("lines l INDEXED BY lines_by_place")
    elif _one(terms.source) and not terms.kind and not terms.name:
        built.tables += ["components c", "lines l ON l.id = c.line"]
    else:
        built.tables.append("lines l")
    built.where.append("l.place > 0")
    _conditions(built, terms)
    return "l.place"


def _conditions(built: Statement, terms: Terms) -> None:
    """Those on kind, name and source."""
    if terms.kind:
        kinds = [like(built.bind, "l.kind", kind) for kind in terms.kind.split("|")]
        built.where.append(f"({' OR '.join(kinds)})")
    if terms.name:
        built.where.append(like(built.bind, "l.name", terms.name))
    if terms.source:
        if not any(table.startswith("components ") for table in built.tables):
            built.tables.append("components c ON c.id = l.component")
        wanted = f"SELECT id FROM sources WHERE {like(built.bind, 'name', terms.source)}"
        built.where.append(f"c.source IN ({wanted})")


def _one(pattern: str) -> bool:
    return bool(pattern) and not has_wildcards(pattern) and "|" not in pattern
