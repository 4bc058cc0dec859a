"""Conditions on metadata: ``main_language=c``, ``customize.version>=2``. Light: the quick path uses it.

::

    key=value  key!=value  key<value  key<=value  key>value  key>=value  key (it exists)  !key (it does not)

``=`` and ``!=`` take wildcards in the value, keys take them everywhere. Of a list, one item that fits is
enough; ``!=`` holds when the key is there and no item equals the value. Two numbers compare as numbers, else
two that look like versions as versions; a number or version compares with nothing else. All other texts
compare letter by letter.
"""

from __future__ import annotations

from ckstore.model.numbers import number_of
from ckstore.model.versiontext import version_key
from ckstore.model.wildcards import fits, has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

HAS, LACKS = "has", "lacks"
ORDERED = frozenset(["<", "<=", ">", ">="])
MAX_CONDITIONS, MAX_CONDITION = 32, 1000  # of one query; characters of one; as in docs/limits.md
_NOT_BEFORE = frozenset(':@[]/"')  # then it is a reference or prose
_HINT = "write key=value, key!=value, key<value, key>=value, key (it exists) or !key (it does not)"


class Condition:
    """``op`` is ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, ``has`` or ``lacks``."""

    __slots__ = ("key", "number", "op", "value", "version")

    def __init__(self, key: str, op: str, value: str = "") -> None:
        self.key, self.op, self.value = key, op, value
        self.number = number_of(value)
        self.version = version_key(value) if op in ORDERED else None

    def __str__(self) -> str:
        if self.op in (HAS, LACKS):
            return self.key if self.op == HAS else f"!{self.key}"
        return f"{self.key}{self.op}{self.value}"

    def is_about(self, key: str) -> bool:
        """True for a fact's key that is meant; what exists has keys below it, too."""
        if fits(self.key, key):
            return True
        return self.op in (HAS, LACKS) and fits(f"{self.key}.*", key)

    def equals(self, value: str) -> bool:
        """True when a value is the one asked for."""
        if self.number is not None and number_of(value) == self.number:
            return True
        return fits(self.value, value)

    def orders(self, value: str) -> bool:
        """True when a value stands on the side that ``<``, ``<=``, ``>`` or ``>=`` asks for."""
        other = number_of(value)
        if self.number is not None and other is not None:
            return _stands(self.op, other, self.number)
        if self.number is None and self.version is None:
            return _stands(self.op, value, self.value)
        key = version_key(value)
        return key is not None and self.version is not None and _stands(self.op, key, self.version)

    def holds(self, facts: Iterable[tuple[str, str]]) -> bool:
        """True for metadata with these (key, value) pairs."""
        values = [value for key, value in facts if self.is_about(key)]
        if self.op in (HAS, LACKS):
            return bool(values) is (self.op == HAS)
        if self.op == "!=":
            return bool(values) and not any(map(self.equals, values))
        return any(map(self.equals if self.op == "=" else self.orders, values))


def parse_condition(text: str) -> Condition:
    """The condition that ``--where`` asks for; :class:`~ckstore.errors.InvalidInput` when it is none."""
    if len(text) > MAX_CONDITION:
        _refuse(f"A condition has at most {MAX_CONDITION} characters.", "query-too-large")
    if not text.isascii():  # halves of surrogate pairs are no text
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    start, end = _operator(text)
    key, op, value = text[:start].strip(), text[start:end], text[end:].strip()
    if not op:
        absent = key.startswith("!")
        key, op = key[absent:].strip(), LACKS if absent else HAS
    if not key or (key.startswith("!") and op not in (HAS, LACKS)):
        _refuse(f"{text!r} is no condition on metadata.", "bad-condition")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if op in ORDERED and (not value or has_wildcards(value)):
        _refuse(f"In {text!r}, {op} compares with one value, without wildcards.", "bad-condition")
    return Condition(key, "=" if op == "==" else op, value)


def condition_of_word(word: str) -> Condition | None:
    """The condition that a word of a query is; None when it is something else."""
    start, end = _operator(word)
    if 0 < start < end < len(word) and _NOT_BEFORE.isdisjoint(word[:start]) and word[start:end] != "!":
        return parse_condition(word)
    return None


def _operator(text: str) -> tuple[int, int]:
    """Where the first operator begins and ends; the length of the text twice when there is none."""
    for at, letter in enumerate(text):
        if letter in "=<>" or (letter == "!" and text[at + 1 : at + 2] == "="):
            return at, at + 1 + (text[at + 1 : at + 2] == "=")
    return len(text), len(text)


def _stands(op: str, value: object, wanted: object) -> bool:
    if op == "<":
        return value < wanted  # type: ignore[operator,no-any-return]  # two of one sort
    if op == "<=":
        return value <= wanted  # type: ignore[operator,no-any-return]  # two of one sort
    if op == ">":
        return value > wanted  # type: ignore[operator,no-any-return]  # two of one sort
    return value >= wanted  # type: ignore[operator,no-any-return]  # two of one sort


def _refuse(message: str, code: str) -> NoReturn:
    from ckstore.errors import InvalidInput  # only where something went wrong

    raise InvalidInput(message, code=code, hints=[_HINT])
