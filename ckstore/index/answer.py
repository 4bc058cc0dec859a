"""One question, answered for both doors of ``find``, for Python and for HTTP."""

from __future__ import annotations

from ckstore.index.cells import FIELDS, Cells
from ckstore.index.ordering import RELEVANCE
from ckstore.index.rows import count, raws, row_of, rows
from ckstore.index.statement import storable
from ckstore.model.conditions import Condition
from ckstore.model.wildcards import has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from ckstore.index.cells import Reader
    from ckstore.index.facets import Facet
    from ckstore.index.rows import Row
    from ckstore.index.statement import Terms

MAX_FIELDS = 32  # facets, columns or sort keys of one question, as in docs/limits.md


class Form:
    """What is wanted of the hits: how many, facets, or columns; by default the hits themselves.

    ``counted``: beside hits that a limit cuts, so many are counted at most (to count all of a common tag
    takes longer than to find the first fifty); None for all.
    """

    __slots__ = ("columns", "count", "counted", "facets")

    def __init__(
        self, *, count: bool = False, facets: Sequence[str] = (), columns: Sequence[str] = (),
        counted: int | None = None,
    ) -> None:  # fmt: skip
        self.count, self.counted = count, counted
        self.facets, self.columns = tuple(map(storable, facets)), tuple(map(storable, columns))


class Answer:
    """What was asked: ``rows``, ``cells`` (by row), ``facets``; ``total`` counts the hits without the limit.

    It is one more than ``form.counted`` where there are more. A limit is that of the rows, and of the values
    of each facet.
    """

    __slots__ = ("cells", "facets", "form", "rows", "total")

    def __init__(self, form: Form) -> None:
        self.form = form
        self.total = 0
        self.rows: list[Row] = []
        self.cells: list[list[list[str]]] = []
        self.facets: dict[str, Facet] = {}

    def as_plain(self) -> object:
        """JSON-able: a list of hits; of mappings for columns; counts for facets; a number."""
        if self.form.facets:
            named = {
                field: [{"value": value, "count": number} for value, number in values]
                for field, values in self.facets.items()
            }
            return {"count": self.total, "facets": named}
        if self.form.count:
            return self.total
        hits = [dict(zip(FIELDS, row, strict=True)) for row in self.rows]
        return [*map(self._columns, hits, self.cells)] if self.form.columns else hits

    def _columns(self, hit: dict[str, object], cells: list[list[str]]) -> dict[str, object]:
        """Fields as they are in a hit; of a key of metadata, the list of its values."""
        named = zip(self.form.columns, cells, strict=True)
        return {n: hit[n] if n in hit else v[0] if n == "reference" else v for n, v in named}


def answer(connection: sqlite3.Connection, terms: Terms, form: Form, read: Reader | None = None) -> Answer:
    """What the index says; InvalidInput ``unknown-field`` for a facet, column or sort key nothing has."""
    _check_fields(connection, terms, form)
    given = Answer(form)
    if form.count or form.facets:
        given.total = count(connection, terms, read)
        if form.facets and given.total:
            from ckstore.index.facets import facet  # only where asked for: `find` must start at once

            for field in form.facets:
                given.facets[field] = facet(connection, terms, field, read)[: terms.limit or None]
        return given
    if form.columns:
        found = list(raws(connection, terms, read))
        cells = Cells(connection, read)
        given.cells = [[cells.values(raw, name) for name in form.columns] for raw in found]
        given.rows = [row_of(raw) for raw in found]
    else:
        given.rows = list(rows(connection, terms, read))
    given.total = len(given.rows)
    if given.total == terms.limit and form.counted != 0:
        most = None if form.counted is None else max(form.counted, terms.limit) + 1
        given.total = count(connection, terms, read, most)
    return given


def _check_fields(connection: sqlite3.Connection, terms: Terms, form: Form) -> None:
    known = (*FIELDS, "reference")
    sort = [key.lstrip("-") for key in terms.sort]
    asked = [*form.facets, *form.columns, *(key for key in sort if key != RELEVANCE)]
    if len(asked) > MAX_FIELDS:
        from ckstore.errors import InvalidInput  # only where something went wrong

        raise InvalidInput(f"At most {MAX_FIELDS} fields can be asked for.", code="query-too-large")
    for name in asked:
        if name not in known and not terms.any_release and not is_key(connection, name):
            _unknown(connection, name)


def is_key(connection: sqlite3.Connection, name: str) -> bool:
    """True when some metadata has this key; a pattern is enough, and so are keys below."""
    if not has_wildcards(name):
        low, high = f"{name}.", f"{name}/"
        sql = "SELECT 1 FROM keys WHERE path = ? OR (path > ? AND path < ?) LIMIT 1"
        return connection.execute(sql, (name, low, high)).fetchone() is not None
    wanted = Condition(name, "=")
    return any(wanted.is_about(path) for (path,) in connection.execute("SELECT path FROM keys"))


def _unknown(connection: sqlite3.Connection, name: str) -> None:
    from ckstore.errors import InvalidInput
    from ckstore.index.suggest import suggest

    near = [*suggest(connection, name, "key"), *(f for f in FIELDS if name[:2] and f.startswith(name[:2]))]
    raise InvalidInput(
        f"There is no field {name!r}, and no metadata has such a key.",
        code="unknown-field",
        hints=[
            *([f"did you mean {', '.join(dict.fromkeys(near))}?"] if near else []),
            f"fields are {', '.join(FIELDS)}; others are keys of metadata, like a.b",
        ],
    )
