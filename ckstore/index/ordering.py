"""The order of an answer: fields by SQL, versions, relevance and metadata by comparing rows."""

from __future__ import annotations

from ckstore.index.statement import phrase_of
from ckstore.model.numbers import number_of
from ckstore.model.versiontext import version_key

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from ckstore.index.cells import Cells
    from ckstore.index.rows import Raw
    from ckstore.index.statement import Terms

RELEVANCE, VERSION = "relevance", "version"
_COLUMNS = {"source": 1, "kind": 2, "name": 3, "uid": 4, "title": 9}
_LAST = ", 1, 2, 3, 4, 14 DESC"
# How much a word counts where it stands: names, title, description, tags, metadata.
_WEIGHTS = "10, 5, 2, 5, 1"


def order_of(sort: Sequence[str]) -> str:
    """ORDER BY for keys that are columns; empty when some key is not."""
    columns = [(_COLUMNS.get(key.lstrip("-")), key[:1] == "-") for key in sort]
    if not all(column for column, _ in columns):
        return ""
    own = "".join(f", {column}{' DESC' if down else ''}" for column, down in columns)
    return f" ORDER BY {(own + _LAST)[2:]}"


def in_order(connection: sqlite3.Connection, found: Iterable[Raw], terms: Terms, cells: Cells) -> list[Raw]:
    """Rows in the order that ``terms.sort`` asks for; those that have no such value come last."""
    ordered = list(found)  # they come in the usual order, which decides among equals
    for key in reversed(terms.sort):
        name, down = key.lstrip("-"), key[:1] == "-"
        rank = _relevance(connection, terms) if name == RELEVANCE else _by_value(cells, ordered, name)
        ranked = [(rank(raw), raw) for raw in ordered]
        there = [pair for pair in ranked if pair[0] is not None]
        there.sort(key=lambda pair: pair[0], reverse=down)  # type: ignore[arg-type,return-value]  # of one sort
        ordered = [raw for _, raw in there] + [raw for known, raw in ranked if known is None]
    return ordered


def _by_value(cells: Cells, found: list[Raw], name: str) -> Callable[[Raw], object]:
    """By the least of the values of each row."""
    held = {id(raw): cells.values(raw, name) for raw in found}
    natural = _natural([value for values in held.values() for value in values])

    def rank(raw: Raw) -> object:
        return min(map(natural, held[id(raw)]), default=None)  # type: ignore[type-var]  # of one sort

    return rank


def _natural(values: list[str]) -> Callable[[str], object]:
    """What orders these: numbers where all are numbers, otherwise versions before texts."""
    if all(number_of(value) is not None for value in values):
        return number_of

    def rank(value: str) -> tuple[int, object]:
        version = version_key(value)
        return (1, value) if version is None else (0, version)

    return rank


def _relevance(connection: sqlite3.Connection, terms: Terms) -> Callable[[Raw], object]:
    """The best first: lower is better, as SQLite has it."""
    phrase = phrase_of(terms.text)
    if not phrase:
        return lambda raw: None
    scores: dict[int, float] = dict(
        connection.execute(
            f"SELECT rowid, bm25(texts, {_WEIGHTS}) FROM texts WHERE texts MATCH ?", (phrase,)  # noqa: S608 - ours
        ).fetchall()
    )  # fmt: skip
    return lambda raw: scores.get(raw[12])
