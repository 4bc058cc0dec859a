"""``find``: which components there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ckstore.errors import CkstoreError, Unavailable
from ckstore.index import search as index
from ckstore.index.answer import Answer, Form, answer
from ckstore.index.files import open_current
from ckstore.index.statement import Terms
from ckstore.index.suggest import knows, suggest
from ckstore.model.facts import Fact, facts_of
from ckstore.model.query import Hit, Query
from ckstore.model.tags import TagQuery
from ckstore.model.wildcards import has_wildcards
from ckstore.objects.head import read_head
from ckstore.operations.words import Words, read_words

if TYPE_CHECKING:
    from ckstore.index.cells import Reader
    from ckstore.objects.log import LogView

Progress = Callable[[str], None]
T = TypeVar("T")
_SHOWN = 3


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class FindResult:
    """``hits`` in order; ``total`` counts them without the limit. ``notes`` are sentences for a person."""

    query: Query
    hits: tuple[Hit, ...]
    total: int
    notes: tuple[str, ...] = ()

    def as_plain(self) -> list[dict[str, object]]:
        """JSON-able values: the hits."""
        return [hit.as_plain() for hit in self.hits]


def find_answer(
    store: Path, words: Words, form: Form, *, progress: Progress = _silent
) -> tuple[Query, Answer, tuple[str, ...]]:
    """(the query, what a door prints, notes) for what a person typed."""

    def ask(connection: sqlite3.Connection, notes: tuple[str, ...]) -> tuple[Query, Answer, tuple[str, ...]]:
        query = query_from_words(connection, words)
        terms = index.terms_of(connection, query)
        return query, answer(connection, terms, form, reader_of(store)), notes

    return with_index(store, ask, progress)


def find(store: Path, query: Query, *, progress: Progress = _silent) -> FindResult:
    """The releases in the store at ``store`` that answer ``query``; none is an empty result, not an error.

    Raises NotFound ``no-store`` when there is no store, InvalidInput ``bad-range`` for a malformed range.
    """
    return with_index(store, lambda db, notes: _answer(store, db, query, notes), progress)


def find_words(store: Path, words: Words, *, progress: Progress = _silent) -> FindResult:
    """The same for what a person typed; see :mod:`ckstore.operations.words`."""
    return with_index(
        store, lambda db, notes: _answer(store, db, query_from_words(db, words), notes), progress
    )


def query_from_words(connection: sqlite3.Connection, words: Words) -> Query:
    """What the words mean to this index: a bare word is a kind if it knows such a kind."""
    return _query_of(read_words(words, lambda word: knows(connection, word, "kind")), words.needs)


def reader_of(store: Path) -> Reader:
    """Reads the metadata of any release in the store at ``store``, which is opened when it is needed."""
    views: list[LogView] = []

    def read(source: str, uid: str, version: str) -> tuple[Fact, ...]:
        from ckstore.objects.described import metadata_of
        from ckstore.objects.store import ObjectStore

        if not views:
            views.append(ObjectStore(store, create=False).view())
        try:
            return facts_of(metadata_of(views[0], views[0].release(source, uid, version)))
        except CkstoreError:  # a record that is lost says nothing
            return ()

    return read


def suggestions(store: Path, query: Query, *, progress: Progress = _silent) -> tuple[str, ...]:
    """What to try instead of a query without hits: one line each, the likeliest first."""
    return with_index(store, lambda db, _: tuple(_suggestions(db, query)), progress)


# -- an index at the head of the log -------------------------------------------------------------------


@contextmanager
def opened(store: Path, progress: Progress = _silent) -> Iterator[tuple[sqlite3.Connection, tuple[str, ...]]]:
    """(connection, notes): the index of a store, caught up if it was behind the log."""
    head = read_head(store)
    connection = open_current(store, head) if head else None
    notes: tuple[str, ...] = ()
    if connection is None:
        from ckstore.index.catchup import catch_up  # an index that is up to date needs no object database
        from ckstore.objects.store import ObjectStore

        connection, notes = catch_up(store, ObjectStore(store, create=False).view(), progress)
    try:
        yield connection, notes
    finally:
        connection.close()


def with_index(
    store: Path, ask: Callable[[sqlite3.Connection, tuple[str, ...]], T], progress: Progress = _silent
) -> T:
    """``ask(connection, notes)`` on an index at the head of the log.

    When the file proves damaged on the way it is built anew, and asked once more.
    """
    try:
        with opened(store, progress) as (connection, notes):
            return ask(connection, notes)
    except sqlite3.Error as error:
        from ckstore.index.catchup import heal, is_damage
        from ckstore.objects.store import ObjectStore

        if not is_damage(error):
            raise Unavailable(
                f"The index of the store at {store} cannot be read: {error}.",
                code="index-unreadable",
                hints=["run the command again, or delete the index: it is made anew by itself"],
            ) from error
        connection, notes = heal(store, ObjectStore(store, create=False).view(), progress)
    try:
        return ask(connection, notes)
    finally:
        connection.close()


# -- answering -------------------------------------------------------------------------------------------


def _answer(store: Path, connection: sqlite3.Connection, query: Query, notes: tuple[str, ...]) -> FindResult:
    read = reader_of(store)
    hits = tuple(index.search(connection, query, read))
    total = index.count(connection, query, read) if query.limit and len(hits) >= query.limit else len(hits)
    return FindResult(query, hits, total, notes)


def _query_of(terms: Terms, needs: str) -> Query:
    return Query(
        source=terms.source,
        kind=terms.kind,
        name=terms.name,
        range=terms.range,
        tags=TagQuery.of(terms.all_of, terms.none_of, terms.any_of),
        text=terms.text,
        where=tuple(map(str, terms.where)),
        needs=needs,
        provides=terms.provides,
        all_versions=terms.all_versions,
        withdrawn=terms.withdrawn,
        yanked=terms.yanked,
        sort=terms.sort,
        limit=terms.limit,
    )


def _suggestions(connection: sqlite3.Connection, query: Query) -> Iterator[str]:
    if not index.count(connection, Query(withdrawn=True)):
        yield "the store is empty: `ckstore mirror <url>` or `ckstore add <folder>` fills it"
        return
    unknown = list(_unknown_words(connection, query))
    yield from unknown
    for widened, hint in [] if unknown else _widened(query):
        more = index.count(connection, widened)
        if more:
            examples = ", ".join(
                hit.reference for hit in index.search(connection, replace(widened, limit=_SHOWN))
            )
            yield f"{hint}: {examples}" + (f" and {more - _SHOWN} more" if more > _SHOWN else "")


def _unknown_words(connection: sqlite3.Connection, query: Query) -> Iterator[str]:
    asked = [("source", query.source), *(("kind", kind) for kind in query.kind.split("|"))]
    asked += [("name", query.name), *(("tag", tag) for tag in query.tags.all_of)]
    asked += [("kind", query.text), ("name", query.text)] if " " not in query.text else []
    for what, word in asked:
        if not word or has_wildcards(word) or knows(connection, word, what):  # type: ignore[arg-type]  # literals above
            continue
        near = suggest(connection, word, what)  # type: ignore[arg-type]  # literals above
        if near:
            yield f"no {what} {word!r}: did you mean {', '.join(near)}?"
        elif word != query.text:
            yield f"no component has the {what} {word!r}"


def _widened(query: Query) -> Iterator[tuple[Query, str]]:
    """Weaker queries, each with what was given up."""
    if not query.withdrawn:
        yield replace(query, withdrawn=True), "withdrawn components match, see --withdrawn"
    if not query.all_versions:
        yield replace(query, all_versions=True, withdrawn=True), "other releases match, see --all-versions"
    if query.range != "*":
        yield replace(query, range="*"), f"no version is in {query.range}, but there are"
    if query.kind and (query.name or query.text or query.tags):
        yield replace(query, kind=""), "of another kind"
    if query.source:
        yield replace(query, source=""), "in another source"
    if query.text and (query.tags or query.kind):
        yield replace(query, text=""), f"without the text {query.text!r}"
    if len(query.tags.all_of) > 1:
        for tag in query.tags.all_of:
            rest = TagQuery.of(set(query.tags.all_of) - {tag}, query.tags.none_of, query.tags.any_of)
            yield replace(query, tags=rest), f"without the tag {tag!r}"
        for tag in query.tags.all_of:
            yield Query(kind=query.kind, tags=TagQuery.of([tag])), f"with {tag!r} alone"
