"""Conditions on the newest release of a component: its metadata, what it provides, what it needs."""

# ruff: noqa: S608 -- only names of tables, columns and placeholders are put together; every value is bound
from __future__ import annotations

from ckstore.index.conditions import having, lines_with
from ckstore.index.tagterms import like
from ckstore.model.conditions import HAS, LACKS
from ckstore.model.wildcards import has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

    from ckstore.index.statement import Terms
    from ckstore.index.tagterms import Bind
_ELSEWHERE = ("tag:", "name:")  # members of the interface that are not in the table ``provides``


def tags_provided(terms: Terms) -> list[str]:
    """The tags that ``--provides tag:…`` asks for."""
    return [entry.removeprefix("tag:") for entry in terms.provides if entry.startswith("tag:")]


def conditions(connection: sqlite3.Connection, bind: Bind, terms: Terms, driven: int) -> list[str]:
    """All that must hold of the line ``l`` and the component ``c``, but what the search starts from.

    ``driven`` is how many of :func:`sets_of_lines` it starts from: none, or the first.
    """
    found = [like(bind, "l.name", e.removeprefix("name:")) for e in terms.provides if e.startswith("name:")]
    skipped = driven
    for condition in [] if terms.judged else terms.where:
        if skipped and condition.op not in (HAS, LACKS, "!="):
            skipped = 0
            continue
        found.append(having(connection, bind, condition, "l.id"))
    others = _related(bind, terms)[skipped:]
    return found + [f"c.line IN {table}" for table in others]


def sets_of_lines(connection: sqlite3.Connection, bind: Bind, terms: Terms) -> str:
    """A table of lines that a search can start from; empty when there is none."""
    for condition in [] if terms.judged else terms.where:
        if condition.op not in (HAS, LACKS, "!="):
            return lines_with(connection, bind, condition)
    return next(iter(_related(bind, terms)), "")


def _related(bind: Bind, terms: Terms) -> list[str]:
    found = [
        f"(SELECT DISTINCT line FROM provides WHERE {_entry(bind, entry)})"
        for entry in terms.provides
        if not entry.startswith(_ELSEWHERE)
    ]
    if terms.asks:
        from json import dumps  # only with --needs

        stated = f"SELECT value FROM json_each({bind(dumps(terms.asks))})"
        wanted = f"SELECT id FROM requirements WHERE ask IN ({stated})"
        found.append(f"(SELECT DISTINCT line FROM needs WHERE requirement IN ({wanted}))")
    return found


def _entry(bind: Bind, entry: str) -> str:
    """One sort where it is named, otherwise any."""
    if ":" in entry or has_wildcards(entry[:1]):
        return like(bind, "entry", entry)
    return like(bind, "entry", f"*:{entry}")
