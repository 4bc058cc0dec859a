"""The quick door of ``find``: no click, no object database, nothing but SQLite.

It answers only the usual: a well-formed question, an index at the head of the log, at least one hit.
Everything else is left to the other door, which explains.
"""

from __future__ import annotations

from ckstore.cli.options import FIND_OPTIONS, Unusual, parse
from ckstore.cli.output import emit, terminal_width
from ckstore.cli.render_find import form_of, hidden, limit_note, render_answer
from ckstore.index.answer import answer
from ckstore.index.files import open_current
from ckstore.objects.peek import peek_head
from ckstore.operations.place import store_path
from ckstore.operations.words import Words, read_words

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

_DONE = 0


def try_find(argv: list[str]) -> int | None:
    """Do ``ckstore find <argv>`` and give the exit code; None, and nothing printed, if it is unusual."""
    try:
        values, words = parse(FIND_OPTIONS, argv)
        answer = _answer(values, words)
    except Exception:  # whatever is wrong here, the other door meets it again and says it well
        return None
    if answer is None:
        return None
    text, note = answer
    emit(text)
    if note:
        import sys

        sys.stderr.write(note)
    return _DONE


def _answer(values: dict[str, object], words: list[str]) -> tuple[str, str] | None:
    """(standard output, standard error), or None when there is no current index or no hit."""
    store = store_path(str(values["store"]))
    head = peek_head(store)
    connection = open_current(store, head) if head else None
    if connection is None:
        return None
    try:
        if connection.execute("SELECT 1 FROM skipped LIMIT 1").fetchone():
            return None  # there is something to say besides the hits
        return _search(connection, values, words)
    finally:
        connection.close()


def _search(
    connection: sqlite3.Connection, values: dict[str, object], words: list[str]
) -> tuple[str, str] | None:
    def knows_kind(word: str) -> bool:
        found = connection.execute("SELECT 1 FROM lines WHERE kind = ? LIMIT 1", (word,))
        return found.fetchone() is not None

    asked = {name: values[name] for name in Words.__slots__ if name in values}
    terms = read_words(Words(words, **asked), knows_kind)  # type: ignore[arg-type]  # FIND_OPTIONS gives their types
    if terms.range != "*" or values["needs"]:  # needs a version library, or the grammar of requirements
        raise Unusual
    found = answer(connection, terms, form_of(values))
    if not found.total:
        return None
    forms = {name: bool(values[name]) for name in ("json", "ids", "long")}
    note = f"ckstore: {limit_note(found)}" if hidden(found) and not values["json"] else ""
    return render_answer(found, **forms, width=terminal_width()), note
