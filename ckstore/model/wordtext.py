"""Words of a query: split at blanks, but not inside of quotes or brackets. Light, as the quick path needs it.

::

    soft[lang c] "edge detector" title="a b"   →   soft[lang c] · "edge detector" · title=a b

A word that begins with a quote is a phrase; a backslash before a quote makes it an ordinary letter. The
same rules hold for one text (HTTP, Python) and for each argument of the command line.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUERY, MAX_WORDS = 10_000, 64  # characters and words, as in docs/limits.md


class Word:
    """One word; ``phrase``: it stood in quotes, and is text whatever it looks like."""

    __slots__ = ("phrase", "text")

    def __init__(self, text: str, phrase: bool = False) -> None:
        self.text, self.phrase = text, phrase

    def __repr__(self) -> str:
        return quoted(self.text) if self.phrase else self.text.replace('"', '\\"')


def split_words(texts: Iterable[str], *, strict: bool = True) -> list[Word]:
    """The words of some texts; :class:`~ckstore.errors.InvalidInput` for too much, and for an open quote if
    ``strict``.
    """
    texts = tuple(texts)
    found: list[Word] = []
    if sum(map(len, texts)) <= MAX_QUERY:
        for text in texts:
            if text.isalnum():  # the usual: nothing to look at
                found.append(Word(text))
            else:
                found += _split(text, strict)
        if len(found) <= MAX_WORDS:
            return found
    from ckstore.errors import InvalidInput  # only where something went wrong

    raise InvalidInput(
        f"A query has at most {MAX_WORDS} words and {MAX_QUERY} characters.", code="query-too-large"
    )


def quoted(text: str) -> str:
    """``text`` as a phrase that reads back to it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _split(text: str, strict: bool) -> list[Word]:
    found: list[Word] = []
    letters: list[str] = []
    inside = phrase = begun = False
    depth = 0
    rest = iter(text)
    for letter in rest:
        if letter == "\\":
            letters += _escaped(next(rest, ""), inside)
        elif letter == '"':
            phrase = phrase or not (begun or inside)
            inside = not inside
        elif letter.isspace() and not inside and not depth:
            _end(found, letters, phrase)
            phrase = begun = False
            continue
        else:
            depth += 0 if inside else (letter == "[") - (letter == "]" and depth > 0)
            letters.append(letter)
        begun = True
    if inside and strict:
        _refuse(text)
    _end(found, letters, phrase)
    return found


def _escaped(letter: str, inside: bool) -> tuple[str, ...]:
    r"""A quote loses its backslash, and so does a backslash in quotes; others keep it, as in ``a\.b``."""
    return (letter,) if letter == '"' or (inside and letter == "\\") else ("\\", letter)


def _end(found: list[Word], letters: list[str], phrase: bool) -> None:
    if letters:
        found.append(Word("".join(letters), phrase))
        letters.clear()


def _refuse(text: str) -> None:
    from ckstore.errors import InvalidInput

    raise InvalidInput(
        f"A quote is open in {text[:200]!r}.", code="open-quote",
        hints=['close it, or write \\" for a quote that means itself'],
    )  # fmt: skip
