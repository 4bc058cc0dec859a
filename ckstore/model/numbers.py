"""Texts that are numbers. Light: the quick path of ``find`` uses it."""

from __future__ import annotations

_DIGITS = frozenset("0123456789")
_ALLOWED = _DIGITS | frozenset("+-.eE")
_MOST = 15  # so many digits a float keeps; identifiers of digits are longer, and are no numbers


def number_of(text: str) -> float | None:
    """The number that ``text`` is, in decimal notation of at most 15 characters; None for other texts."""
    if not 0 < len(text) <= _MOST or not _ALLOWED.issuperset(text) or _DIGITS.isdisjoint(text):
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if -1e300 < number < 1e300 else None
