"""``docs/requirements.md`` says what the grammar does: its tables are executed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.model.requirements import Requirement
from ckstore.model.tags import TagQuery
from ckstore.model.versions import VersionRange, parse_version

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "requirements.md").read_text("utf-8")


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the table of a section, each as the texts in its backquotes."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for line in re.findall(r"^\| .*`.*\|$", section, re.MULTILINE):
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        yield [" ".join(re.findall(r"`([^`]+)`", cell)).replace("\\|", "|") for cell in cells]


@pytest.mark.parametrize(("text", "inside", "outside"), [*rows("Ranges of versions")])
def test_a_range_of_the_page_admits_what_the_page_says(text: str, inside: str, outside: str) -> None:
    found = VersionRange.parse(text)
    assert [v for v in inside.split() if not found.admits(parse_version(v))] == []
    assert [v for v in outside.split() if found.admits(parse_version(v))] == []
    assert inside and outside and str(found) == text


@pytest.mark.parametrize(("text", "inside", "outside"), [*rows("By tags")])
def test_a_tag_query_of_the_page_holds_for_what_the_page_says(text: str, inside: str, outside: str) -> None:
    found = TagQuery.parse(text)
    assert found.matches(inside.split()) and not found.matches(outside.split())


@pytest.mark.parametrize("text", [cells[0] for cells in rows("By name")])
def test_a_requirement_of_the_page_is_printed_as_it_is_written(text: str) -> None:
    assert str(Requirement.parse(text)) in (text, f"*:{text}")
