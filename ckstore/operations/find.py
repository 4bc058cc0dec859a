"""``find``: which components there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ckstore.errors import CkstoreError, Unavailable
from ckstore.index import search as index
from ckstore.index.answer import Answer, Form, answer
from ckstore.index.files import open_current
from ckstore.index.statement import Terms
from ckstore.index.suggest import knows
from ckstore.model.facts import Fact, facts_of
from ckstore.model.query import Hit, Query
from ckstore.model.tags import TagQuery
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
    from ckstore.operations.suggestions import suggestions_for  # only where nothing was found

    read = reader_of(store)
    return with_index(store, lambda db, _: tuple(suggestions_for(db, query, read)), progress)


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
