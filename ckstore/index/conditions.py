"""Conditions on metadata in SQL, over the tables ``keys`` and ``facts``."""

# ruff: noqa: S608 -- only names of tables, columns and placeholders are put together; every value is bound
from __future__ import annotations

from ckstore.index.tagterms import like
from ckstore.model.conditions import HAS, LACKS, ORDERED, Condition
from ckstore.model.wildcards import has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

    from ckstore.index.tagterms import Bind


def about(bind: Bind, condition: Condition, column: str = "key") -> str:
    """The condition that a row of ``facts`` has a key that is meant.

    ``column`` is ``+key`` where the facts of one line are looked through: many keys may be meant, and looking
    each of them up would take longer than reading the few facts.
    """
    wanted = like(bind, "path", condition.key)
    if condition.op in (HAS, LACKS):
        wanted += f" OR {like(bind, 'path', condition.key + '.*')}"
    elif not has_wildcards(condition.key):
        return f"{column.lstrip('+')} = (SELECT id FROM keys WHERE {wanted})"
    return f"{column} IN (SELECT id FROM keys WHERE {wanted})"


def fitting(connection: sqlite3.Connection, bind: Bind, condition: Condition) -> str:
    """The condition that a row of ``facts`` has a value that is asked for; nothing for keys alone."""
    if condition.op in (HAS, LACKS):
        return ""
    if condition.op in ORDERED:
        return f" AND {_ordered(connection, bind, condition)}"
    equal = like(bind, "value", condition.value)
    if condition.number is None:
        return f" AND {equal}"
    return f" AND ({equal} OR number = {bind(condition.number)})"


def _ordered(connection: sqlite3.Connection, bind: Bind, condition: Condition) -> str:
    if condition.number is None and condition.version is None:
        return f"value {condition.op} {bind(condition.value)}"
    name = f"holds_{bind(condition.value)[1:]}"  # one function for each condition of a statement
    connection.create_function(name, 1, condition.orders, deterministic=True)
    if condition.number is None:
        return f"{name}(value)"
    quick = f"number {condition.op} {bind(condition.number)}"
    return f"CASE WHEN number IS NULL THEN {name}(value) ELSE {quick} END"


def having(connection: sqlite3.Connection, bind: Bind, condition: Condition, line: str) -> str:
    """The condition that a line's metadata fulfils ``condition``; ``line`` is its id in SQL."""
    some = f"EXISTS (SELECT 1 FROM facts WHERE line = {line} AND {about(bind, condition, '+key')}"
    if condition.op == LACKS:
        return f"NOT {some})"
    if condition.op == "!=":
        return f"{some}) AND NOT {some}{fitting(connection, bind, condition)})"
    return f"{some}{fitting(connection, bind, condition)})"


def lines_with(connection: sqlite3.Connection, bind: Bind, condition: Condition) -> str:
    """A table with all lines of which :func:`having` would hold, for ``=`` and comparisons."""
    return (
        f"(SELECT DISTINCT line FROM facts WHERE {about(bind, condition)}"
        f"{fitting(connection, bind, condition)})"
    )
