"""What becomes a fact of metadata."""

from __future__ import annotations

import pytest

from ckstore.model.facts import facts_of
from ckstore.model.limits import MAX_FACT_CHARACTERS, MAX_FACTS, MAX_KEY_CHARACTERS
from ckstore.model.numbers import number_of


def test_nested_keys_are_joined_by_dots_and_lists_are_transparent() -> None:
    body = {"a": {"b": [1, {"c": "x"}, {"c": "y"}], "d.e": {"f\\": "z"}}, "t": ["u", "u", "v"]}
    assert facts_of(body) == (
        ("t", "u"), ("t", "v"), ("a.b", "1"), ("a.d\\.e.f\\\\", "z"), ("a.b.c", "x"), ("a.b.c", "y"),
    )  # fmt: skip


def test_values_are_written_as_in_json_and_empty_ones_keep_their_key() -> None:
    body: dict[str, object] = {"a": True, "b": None, "c": 1.50, "d": {}, "e": [], "f": ""}
    expected = {"a": "true", "b": "null", "c": "1.5", "d": "", "e": "", "f": ""}
    assert dict(facts_of(body)) == expected


def test_too_much_is_cut_and_the_shallowest_stays() -> None:
    deep = {"deep": {str(n): "x" for n in range(5000)}, "flat": "kept", "k" * (MAX_KEY_CHARACTERS + 1): "no"}
    facts = facts_of(deep)
    assert (len(facts), facts[0]) == (MAX_FACTS, ("flat", "kept"))
    assert facts_of({"a": "x" * 9999}) == (("a", "x" * MAX_FACT_CHARACTERS),)


def test_what_a_database_cannot_hold_is_replaced() -> None:
    assert facts_of({"a\0": "b\0\ud800"}) == (("a\ufffd", "b\ufffd\ufffd\ufffd\ufffd"),)


@pytest.mark.parametrize(
    ("text", "number"),
    [("2", 2.0), ("-1.5e3", -1500.0), (".5", 0.5), ("2.10", 2.1), ("1_0", None), ("inf", None), ("", None),
     ("1.2.3", None), ("1e999", None), ("e", None), ("0x10", None), ("1234567890123456", None), ("٣", None)],
)  # fmt: skip
def test_numbers_are_decimal_and_short_enough_to_be_exact(text: str, number: float | None) -> None:
    assert number_of(text) == number
