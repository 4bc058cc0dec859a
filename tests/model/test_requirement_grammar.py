"""The one grammar of requirements and tag queries: reading and printing are inverse."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ckstore.errors import InvalidInput
from ckstore.model.names import unsafe_component_name
from ckstore.model.requirements import Requirement
from ckstore.model.tags import TagQuery

words = st.text(alphabet="abcxyz0189-_.", min_size=1, max_size=10).filter(
    lambda w: not unsafe_component_name(w)
)
patterns = st.text(alphabet="ab1-*?", min_size=1, max_size=6).filter(lambda w: not w.startswith("-"))
ranges = st.sampled_from(["*", "^1.2", "~1.2.3", ">=1,<3", "=1.2.3", "<1||>2"])
tags = (
    st.text(alphabet="abc01-._ +", min_size=1, max_size=8)
    .map(str.strip)
    .filter(lambda t: t and t[0] not in "!-")
)


@st.composite
def tag_queries(draw: st.DrawFn) -> TagQuery:
    wanted, refused = draw(st.sets(tags, max_size=3)), draw(st.sets(tags, max_size=3))
    groups = draw(st.lists(st.sets(tags, min_size=2, max_size=3), max_size=2))
    assume(wanted | refused or groups)
    return TagQuery.of(wanted - refused, refused, groups)


named = st.builds(
    lambda kind, name, source, span: Requirement(
        kinds=() if kind == "*" else (kind,), name=name, range=span, source="" if source == "*" else source
    ),
    patterns | words, patterns | words, st.just("") | patterns | words, ranges,
)  # fmt: skip
tagged = st.builds(
    lambda kinds, query, span: Requirement(kinds=tuple(kinds), tags=query, range=span),
    st.lists(words, max_size=3), tag_queries(), ranges,
)  # fmt: skip


@given(named | tagged)
def test_reading_what_was_printed_gives_the_same_requirement(requirement: Requirement) -> None:
    assert Requirement.parse(str(requirement)) == requirement


@given(st.text(max_size=20) | st.text(alphabet="ab:*@[]|!,^1. -", max_size=20))
def test_any_text_is_a_requirement_that_prints_or_invalid_input(text: str) -> None:
    try:
        requirement = Requirement.parse(text)
    except InvalidInput as error:
        assert error.code in ("bad-reference", "empty-tag", "tag-both-ways")
        return
    assert Requirement.parse(str(requirement)) == requirement


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("susan", Requirement(name="susan")),
        ("program:susan@^1.2", Requirement(("program",), "susan", range="^1.2")),
        ("src:program:cb-*@>=1,<3", Requirement(("program",), "cb-*", range=">=1,<3", source="src")),
        ("*:susan", Requirement(name="susan")),
        ("*:*:susan", Requirement(name="susan")),
        (
            "soft[compiler,lang-c,!llvm]",
            Requirement(("soft",), tags=TagQuery.of(["compiler", "lang-c"], ["llvm"])),
        ),
        ("soft|package[lib]@^2", Requirement(("soft", "package"), tags=TagQuery.of(["lib"]), range="^2")),
        ("*[lib]", Requirement(tags=TagQuery.of(["lib"]))),
    ],
)
def test_requirements_as_people_write_them(text: str, expected: Requirement) -> None:
    assert Requirement.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", ":", "a:", ":a", "a:b:c:d", "a@", "@1", "soft[]", "soft[a", "[a]", "soft[a]b", "soft[a,,b]",
     "soft[a,!a]", "../x", "program:..", "program:a/b", "program:.git", "program:con", "program:--flag",
     "a|b:c", "soft||x[a]", "program:a\nb"],
)  # fmt: skip
def test_what_does_not_name_a_component_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Requirement.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("program:x@", "no range of versions stands after '@'"),
        ("soft[a", "']' is missing"),
        ("soft[]", "no tags stand between the brackets"),
        ("[a]", "or * for any: *[a]"),
        ("ours:soft[a]", "tags are asked of all sources"),
        ("soft[a]x", "only a range may follow"),
        ("a:b:c:d", "too many colons"),
    ],
)
def test_a_refused_requirement_says_what_is_wrong_with_it(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Requirement.parse(text)
    assert reason in caught.value.message


def test_a_refused_requirement_says_what_to_write_instead() -> None:
    with pytest.raises(InvalidInput, match=r"it leaves its folder") as caught:
        Requirement.parse("program:..")
    assert caught.value.hints and "program:name" in caught.value.hints[0]


def test_wildcards_and_uids_are_recognised() -> None:
    assert Requirement.parse("program:cb-*").is_pattern
    assert Requirement.parse("s?c:program:cb").is_pattern
    assert not Requirement.parse("program:cb").is_pattern
    assert Requirement.parse("program:0123456789abcdef").is_uid


def test_a_dash_refuses_a_tag_as_an_exclamation_mark_does() -> None:
    assert TagQuery.parse("image, pgm ,-gray") == TagQuery.parse("!gray,pgm,image")
    assert str(TagQuery.parse("pgm,-gray,image")) == "image,pgm,!gray"


@given(tag_queries(), st.sets(tags, max_size=5))
def test_a_tag_query_is_questions_about_sets(query: TagQuery, present: set[str]) -> None:
    expected = set(query.all_of) <= present and not set(query.none_of) & present
    expected = expected and all(present & set(group) for group in query.any_of)
    assert query.matches(present) is expected
    assert TagQuery.parse(str(query)) == query


def test_an_empty_tag_query_matches_everything_and_is_false() -> None:
    assert not TagQuery() and TagQuery().matches(["anything"])
