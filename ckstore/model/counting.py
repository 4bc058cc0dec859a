"""Numbers in sentences."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """``1 release``, ``2 releases``."""
    return f"{count} {one if count == 1 else many or one + 's'}"
