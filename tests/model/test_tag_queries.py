"""The grammar of tag queries, and which tags they match."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.errors import InvalidInput
from ckstore.model.requirements import Requirement
from ckstore.model.tags import TagQuery
from ckstore.model.wildcards import fits


@pytest.mark.parametrize(
    ("text", "tags", "matches"),
    [("a,b", "a b c", True), ("a,b", "a c", False), ("a|b", "b", True), ("a|b,c", "a", False),
     ("lib*", "x lib-c", True), ("lib*", "li", False), ("-lib*", "lib", False), ("-a|b", "b", False),
     ("!a|b", "c", True), ("a|x*,-b", "xy", True), ("c++", "c++", True), ("a*|b", "b", True),
     ("?", "ab", False), ("-*", "", True), ("-*", "a", False)],
)  # fmt: skip
def test_commas_join_bars_choose_a_dash_refuses_and_a_star_stands_for_the_rest(
    text: str, tags: str, matches: bool
) -> None:
    asked = TagQuery.parse(text)
    assert asked.matches(tags.split()) is matches
    assert TagQuery.parse(str(asked)) == asked
    assert Requirement.parse(f"soft[{asked}]").tags == asked


@pytest.mark.parametrize(
    ("text", "code"),
    [("a,,b", "empty-tag"), ("a|", "empty-tag"), ("-", "empty-tag"), ("a,-a", "tag-both-ways"),
     ("a|-b", "tag-in-group-refused"), ("-a|!b", "tag-in-group-refused")],
)  # fmt: skip
def test_what_means_nothing_is_refused_with_what_to_write(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        TagQuery.parse(text)
    assert caught.value.code == code
    assert "pgm|png" in caught.value.hints[0]


def test_order_and_repetition_do_not_count() -> None:
    assert TagQuery.parse("b|a|b,-z,c,c|c,a|b") == TagQuery.of(["c"], ["z"], [["a", "b"]])


@given(st.text("ab*?[", max_size=8), st.text("ab[", max_size=8))
def test_wildcards_fit_as_a_regular_expression_would_have_it(pattern: str, text: str) -> None:
    wanted = re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None
    assert fits(pattern, text) is wanted


def test_many_stars_take_no_more_than_a_moment() -> None:
    assert not fits("*a" * 300 + "b", "a" * 3000)
