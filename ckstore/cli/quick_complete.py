"""The quick door of shell completion: what the scripts of :mod:`ckstore.cli.shells` ask while one types.

``ckstore __complete bash LINE BREAKS`` (the line up to the cursor, ``COMP_WORDBREAKS``) and ``ckstore
__complete zsh|fish PROGRAM WORD… CURRENT``. The first line of the answer says what comes: ``words``, ``open``
(words that go on: no blank after them), ``files`` or ``folders`` (the shell knows them better). Then a
candidate on each line, for zsh and fish with a tab and what it is.
"""

from __future__ import annotations

from ckstore.cli.completing import WORDS, complete, store_in
from ckstore.cli.output import emit
from ckstore.cli.shells import SCRIPTS, fitting, split_line
from ckstore.index.files import open_current
from ckstore.objects.peek import peek_head
from ckstore.operations.place import store_path

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

    from ckstore.cli.completing import Candidate

_GO_ON = (":", "=", "@")


class _BehindError(Exception):
    """There is no index at the head of the log."""


def try_completion(argv: list[str]) -> int | None:
    """Do ``ckstore completion <argv>`` and give the exit code; None if it is unusual."""
    if len(argv) != 1 or argv[0] not in SCRIPTS:
        return None
    emit(SCRIPTS[argv[0]])
    return 0


def try_complete(argv: list[str]) -> int:
    """Answer a shell; whatever is wrong, nothing is said: somebody is typing."""
    try:
        text = _answer(*argv)
    except Exception:
        return 0
    emit(text)
    return 0


def _answer(shell: str, *given: str) -> str:
    if shell == "bash":
        words, quote = split_line(given[0])
        breaks = given[1] if len(given) > 1 else ""
    else:
        words, quote, breaks = list(given) if shell in SCRIPTS else [], "", ""
    words = words[1:]
    what, found = _completed(words)
    found = [(text, told) for text, told in found if text.isprintable()]
    if what == WORDS and found and all(text.endswith(_GO_ON) for text, _ in found):
        what = "open"
    return "".join(f"{line}\n" for line in [what, *_lines(shell, found, words[-1], quote, breaks)])


def _lines(shell: str, found: list[Candidate], current: str, quote: str, breaks: str) -> list[str]:
    if shell == "bash":
        return fitting([text for text, _ in found], current, quote, breaks)
    return [f"{text}\t{told}" for text, told in found]


def _completed(words: list[str]) -> tuple[str, list[Candidate]]:
    """From the index at the head of the log; one that lags behind is caught up, as ``find`` does."""
    try:
        return complete(words, lambda: _index(words))
    except _BehindError:
        from pathlib import Path

        from ckstore.operations.find import with_index

        store = Path(store_path(store_in(words[:-1])))
        return with_index(store, lambda index, _: complete(words, lambda: index))


def _index(words: list[str]) -> sqlite3.Connection:
    store = store_path(store_in(words[:-1]))
    head = peek_head(store)
    connection = open_current(store, head) if head else None
    if connection is None:
        raise _BehindError
    return connection
