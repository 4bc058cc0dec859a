"""Texts that look like versions, loosely: ``2.10``, ``v1.0.2``, ``3.0.0-rc.1``. Light: ``find`` needs them.

Metadata holds versions of all sorts of software, most of which are not semantic versions; these have one
order with semantic versions, which among themselves have theirs (https://semver.org, section 11).
"""

from __future__ import annotations

_MOST_CHARACTERS, _MOST_DIGITS = 100, 18
_ALPHABET = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.")
VersionKey = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def version_key(text: str) -> VersionKey | None:
    """What orders ``text`` among versions; None when it does not look like one.

    Numbers with dots between them, perhaps after a ``v``; missing ones count as 0. A part that begins with a
    dash and a letter (``-rc.1``) makes it a pre-release; build metadata (``+…``) does not count.
    """
    if not 0 < len(text) <= _MOST_CHARACTERS:
        return None
    numbers, _, after = text.removeprefix("v").partition("+")[0].partition("-")
    parts = numbers.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) <= _MOST_DIGITS for part in parts):
        return None
    if "-" in text.partition("+")[0] and not (after[:1].isalpha() or (text.count(".") >= 2 and after)):
        return None
    if not _ALPHABET.issuperset(after):
        return None
    release = [int(part) for part in parts]
    while release and not release[-1]:
        release.pop()
    return tuple(release), not after, tuple(map(_identifier, after.split("."))) if after else ()


def _identifier(part: str) -> tuple[bool, int, str]:
    """Numbers come before words."""
    number = part.isdigit() and len(part) <= _MOST_DIGITS
    return not number, int(part) if number else 0, "" if number else part
