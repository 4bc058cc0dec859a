"""What to try instead of a query without hits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ckstore.index import search as index
from ckstore.index.answer import is_key
from ckstore.index.cells import FIELDS
from ckstore.index.suggest import entries_like, knows, suggest, values_like, words_like
from ckstore.model.conditions import HAS, LACKS, Condition, parse_condition
from ckstore.model.query import Query
from ckstore.model.tags import TagQuery
from ckstore.model.wildcards import has_wildcards
from ckstore.model.wordtext import split_words

if TYPE_CHECKING:
    from ckstore.index.cells import Reader

_SHOWN = 3
_MANY_READ = 500


def suggestions_for(connection: sqlite3.Connection, query: Query, read: Reader | None) -> Iterator[str]:
    """One line each, the likeliest first: what is unknown in the query, else what matches without a part."""
    if not index.count(connection, Query(withdrawn=True)):
        yield "the store is empty: `ckstore mirror <url>` or `ckstore add <folder>` fills it"
        return
    unknown = [*_unknown_words(connection, query), *_unknown_facts(connection, query)]
    unknown += [*_unknown_relations(connection, query), *_unknown_text(connection, query, bool(unknown))]
    yield from unknown
    for widened, hint in [] if unknown else _widened(query):
        more = 0 if _takes_long(connection, widened) else index.count(connection, widened, read)
        if more:
            shown = index.search(connection, replace(widened, limit=_SHOWN, sort=()), read)
            rest = f" and {more - _SHOWN} more" if more > _SHOWN else ""
            yield f"{hint}: {', '.join(hit.reference for hit in shown)}{rest}"


def _takes_long(connection: sqlite3.Connection, query: Query) -> bool:
    """True when the metadata of many releases would have to be read from the store."""
    if not index.terms_of(connection, query).judged:
        return False
    return index.count(connection, replace(query, where=())) > _MANY_READ


# -- what the index does not know ---------------------------------------------------------------------


def _unknown_words(connection: sqlite3.Connection, query: Query) -> Iterator[str]:
    asked = [("source", query.source), *(("kind", kind) for kind in query.kind.split("|"))]
    asked += [("name", query.name), *(("tag", tag) for tag in query.tags.all_of)]
    asked += [("tag", tag) for group in query.tags.any_of for tag in group]
    asked += [("kind", query.text), ("name", query.text)] if " " not in query.text else []
    for what, word in asked:
        if not word or has_wildcards(word) or knows(connection, word, what):  # type: ignore[arg-type]  # literals above
            continue
        near = suggest(connection, word, what)  # type: ignore[arg-type]  # literals above
        if near:
            yield f"no {what} {word!r}: did you mean {', '.join(near)}?"
        elif word != query.text:
            yield f"no component has the {what} {word!r}"


def _unknown_facts(connection: sqlite3.Connection, query: Query) -> Iterator[str]:
    for condition in map(parse_condition, query.where):
        if not is_key(connection, condition.key):
            yield from _unknown_key(connection, condition)
        elif condition.op == "=" and not has_wildcards(condition.value):
            near, usual = values_like(connection, condition)
            if usual and condition.value not in usual:
                what = f"did you mean {', '.join(near)}?" if near else f"it is {', '.join(usual)} …"
                yield f"{condition.key} is never {condition.value!r}: {what}"


def _unknown_key(connection: sqlite3.Connection, condition: Condition) -> Iterator[str]:
    near = suggest(connection, condition.key, "key")
    if near:
        yield f"no metadata has the key {condition.key!r}: did you mean {', '.join(near)}?"
    elif condition.op not in (HAS, LACKS):
        yield f"no metadata has the key {condition.key!r}"
    if condition.key in FIELDS:
        option = f"--{condition.key} {condition.value}" if condition.key in ("source", "kind", "tags") else ""
        yield f"{condition.key} is no metadata: {option or 'write kind:name@range'} asks for it"


def _unknown_relations(connection: sqlite3.Connection, query: Query) -> Iterator[str]:
    if query.needs and not index.asks_of(connection, query.needs):
        yield f"nothing asks for {query.needs}"
    for entry in query.provides:
        sort, _, value = entry.partition(":")
        known = {"tag": "tag", "name": "name"}.get(sort)
        if known and not has_wildcards(value):
            near = suggest(connection, value, known)  # type: ignore[arg-type]  # literals above
        else:
            near = [] if known else entries_like(connection, entry)
        if near and value not in near and entry not in near:
            yield f"nothing provides {entry}: did you mean {', '.join(near)}?"


def _unknown_text(connection: sqlite3.Connection, query: Query, more: bool) -> Iterator[str]:
    """Words that stand in no text at all; nothing where the whole text was taken for a name already."""
    if not query.text or (more and " " not in query.text):
        return
    for word in split_words([query.text], strict=False):
        near = [] if word.phrase and " " in word.text else words_like(connection, word.text)
        if near:
            yield f"no text has the word {word.text!r}: did you mean {', '.join(near)}?"


# -- what matches without a part ----------------------------------------------------------------------


def _widened(query: Query) -> Iterator[tuple[Query, str]]:
    """Weaker queries, each with what was given up."""
    if not query.withdrawn:
        yield replace(query, withdrawn=True), "withdrawn components match, see --withdrawn"
    if not query.all_versions:
        yield replace(query, all_versions=True, withdrawn=True), "other releases match, see --all-versions"
    if query.range != "*":
        yield replace(query, range="*"), f"no version is in {query.range}, but there are"
    if query.kind and (query.name or query.text or query.tags or query.where):
        yield replace(query, kind=""), "of another kind"
    if query.source:
        yield replace(query, source=""), "in another source"
    if query.text and (query.tags or query.kind or query.where):
        yield replace(query, text=""), f"without the text {query.text!r}"
    yield from _without_conditions(query)
    yield from _without_tags(query)


def _without_conditions(query: Query) -> Iterator[tuple[Query, str]]:
    rest = query.text or query.tags or query.kind or query.name or len(query.where) > 1
    for condition in query.where if rest else ():
        where = tuple(other for other in query.where if other != condition)
        yield replace(query, where=where), f"without {condition}"


def _without_tags(query: Query) -> Iterator[tuple[Query, str]]:
    if len(query.tags.all_of) < 2:
        return
    for tag in query.tags.all_of:
        rest = TagQuery.of(set(query.tags.all_of) - {tag}, query.tags.none_of, query.tags.any_of)
        yield replace(query, tags=rest), f"without the tag {tag!r}"
    for tag in query.tags.all_of:
        yield Query(kind=query.kind, tags=TagQuery.of([tag])), f"with {tag!r} alone"
