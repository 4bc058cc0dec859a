"""The page on limits says what the constants say."""

from __future__ import annotations

import re
from pathlib import Path

from ckstore.index import answer, statement
from ckstore.model import conditions, limits, names, versions, wordtext

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
UNITS = {"": 1, "KiB": limits.KIB, "MiB": limits.MIB, "GiB": limits.GIB}


def stated() -> dict[str, int]:
    """Constant → number, from the table of the page."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([0-9,]+)(?: (KiB|MiB|GiB))? \|", PAGE, re.MULTILINE)
    return {name: int(number.replace(",", "")) * UNITS[unit] for name, number, unit in rows}


def test_every_limit_is_stated_and_every_statement_true() -> None:
    assert stated() == {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


def test_limits_that_live_elsewhere_are_stated_too() -> None:
    assert f"{names.MAX_NAME_BYTES} bytes" in PAGE
    assert f"{versions._MAX_DIGITS} digits" in PAGE
    words = f"{wordtext.MAX_WORDS} words and {wordtext.MAX_QUERY:,} characters"
    more = f"{conditions.MAX_CONDITIONS} conditions of at most {conditions.MAX_CONDITION} characters"
    assert f"{words}, {more}" in " ".join(PAGE.split())
    assert f"at most {answer.MAX_FIELDS} facets" in " ".join(PAGE.split())
    words = f"{statement.MAX_TERMS} tags or kinds and names of {statement.MAX_PATTERN} characters"
    assert words in " ".join(PAGE.split())
