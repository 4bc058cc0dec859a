"""Conditions on metadata: how they are read, and of what they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from ckstore.errors import InvalidInput
from ckstore.model.conditions import condition_of_word, parse_condition
from ckstore.model.facts import facts_of
from ckstore.model.versiontext import version_key
from ckstore.model.wordtext import quoted, split_words

BODY: dict[str, object] = {
    "language": "c", "deps": {"lib": {"tags": ["blas", "c++"], "version": "2.10"}, "a.b": 1}, "size": 10,
    "ratio": "0.5", "flag": True, "none": None, "empty": {}, "date": "2015-03-01", "version": "1.10.0-rc.1",
}  # fmt: skip
TRUE = [
    "language=c", "language=?", "language!=d", "deps.lib.tags=blas", "deps.*.tags=c+*", "deps.lib",
    "!nothing", "deps.a\\.b=1", "deps.a\\.b=1.0", "size>9", "size<=10", "size<9.5e1", "ratio>0.25",
    "flag=true", "none=null", "empty=", "empty", "date>2015-02", "date<2015-03-02",
    "deps.lib.version>=2.9.0", "*.version>2", "deps.lib.version<2.9", "version<1.10.0", "version>=1.9",
    "version>1.10.0-beta", "language<d", 'language="c"', " size >= 10 ", "size==10", "!deps.lib.tag",
    "deps.lib.tags!=lapack",
]  # fmt: skip
FALSE = [
    "language=C", "language!=c", "nothing", "nothing=1", "nothing!=1", "!deps", "!deps.lib.tags",
    "language>1", "language<2.0.0", "date>1", "flag>0", "deps.lib.tags!=blas", "size>9.9.9.9x", "a.b=1",
    "lan", "size=1",
]  # fmt: skip


@pytest.mark.parametrize(("text", "held"), [*((t, True) for t in TRUE), *((t, False) for t in FALSE)])
def test_conditions_hold_of_metadata(text: str, held: bool) -> None:
    condition = parse_condition(text)
    assert condition.holds(facts_of(BODY)) is held
    assert parse_condition(str(condition)).holds(facts_of(BODY)) is held


@pytest.mark.parametrize("text", ["", "!", "=x", "<2", "!key=c", "a<", "a>=*", "a<b*", "a" * 2000 + "=1"])
def test_what_is_no_condition_is_refused_with_the_forms_that_there_are(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_condition(text)
    assert "key=value" in caught.value.hints[0]


@pytest.mark.parametrize(
    "word", ["a:b@>=1", "x", "a=", "<b>", "=", "!x", "soft[a=b]", "https://x?y=z", "me@x=1"]
)
def test_only_a_key_an_operator_and_a_value_make_a_word_a_condition(word: str) -> None:
    assert condition_of_word(word) is None


versions = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + (f"-{pre}" if pre else ""),
    st.tuples(*[st.integers(0, 12)] * 3),
    st.sampled_from(["", "", "rc.1", "rc.2", "alpha", "beta.11", "beta.2", "1", "a-b", "rc.1.0"]),
)


@given(versions, versions)
def test_semantic_versions_have_their_own_order(one: str, other: str) -> None:
    first, second = version_key(one), version_key(other)
    assert first is not None and second is not None
    assert (first > second) - (first < second) == Version.parse(one).compare(other)


@pytest.mark.parametrize("text", ["", "v", "1.", ".1", "1..2", "a", "2015-03-01", "1.0_1", "٣", "1" * 101])
def test_what_is_no_version_has_no_place_among_them(text: str) -> None:
    assert version_key(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [('a "b c" d', ["a", '"b c"', "d"]), ("x[a b] c", ["x[a b]", "c"]), ('k="a b"', ["k=a b"]),
     ('say\\"so', ['say\\"so']), ("a\\.b=1", ["a\\.b=1"]), ('"" a', ["a"]), ("  ", []),
     ('"a]b" [c', ['"a]b"', "[c"])],
)  # fmt: skip
def test_words_end_at_blanks_that_are_in_no_quotes_and_brackets(text: str, words: list[str]) -> None:
    assert [repr(word) for word in split_words([text])] == words


@given(st.text(max_size=30))
def test_a_quoted_text_is_one_phrase_whatever_is_in_it(text: str) -> None:
    found = split_words([quoted(text)])
    assert [(word.text, word.phrase) for word in found] == ([(text, True)] if text else [])
