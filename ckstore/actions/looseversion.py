"""Loose versions of software found on a host: ``12.2.0``, ``1.0-rc1``, ``2020.4.287``.

They follow the rules of Collective Knowledge's ``env`` module: split at ``.``, ``-`` and ``_``, a part
that is no whole number counts as 0, the shorter list is padded with zeros, bounds are inclusive.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Loose = tuple[int, ...]


def split_version(text: str) -> Loose:
    """The numbers of a version; ``""`` gives ``()``."""
    parts = re.split(r"[.\-_]", text) if text else []
    return tuple(int(part) if part.isascii() and part.isdigit() else 0 for part in parts)


def compare_versions(left: Sequence[int], right: Sequence[int]) -> int:
    """-1, 0 or 1, as ``left`` comes before, with or after ``right``."""
    length = max(len(left), len(right))
    a, b = (tuple(v) + (0,) * (length - len(v)) for v in (left, right))
    return (a > b) - (a < b)


def within(version: Sequence[int], low: Sequence[int], high: Sequence[int]) -> bool:
    """True when ``low <= version <= high``; an empty bound, or no version at all, is always fine."""
    if not version:
        return True
    above = not low or compare_versions(version, low) >= 0
    return above and (not high or compare_versions(version, high) <= 0)
