"""``*`` for any text and ``?`` for any one character. Light: the quick path of ``find`` uses it."""

from __future__ import annotations

WILDCARDS = "*?"


def has_wildcards(text: str) -> bool:
    """True when ``text`` is a pattern."""
    return "*" in text or "?" in text


def fits(pattern: str, text: str) -> bool:
    """True when all of ``text`` fits the pattern; case counts. Takes at most their product in steps.

    Only the last star is ever tried again: what an earlier one took cannot help a later one.
    """
    if not has_wildcards(pattern):
        return pattern == text
    at = place = 0
    star, tried = -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, tried = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            tried += 1
            at, place = star + 1, tried
        else:
            return False
    return not pattern[at:].strip("*")
