"""Names that come from strangers: what is refused, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.errors import InvalidInput
from ckstore.model.names import (
    check_name,
    derive_uid,
    did_you_mean,
    is_uid,
    unsafe_component_name,
    unsafe_file_name,
)

# What HFS+ drops when it compares names: each of them turns ".g<c>it" into ".git".
HFS_IGNORED = (
    "\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u206a\u206b\u206c\u206d\u206e\u206f\ufeff"
)
DANGEROUS_FILES = [
    "", ".", "..", ".git", ".GIT", ".Git", "git~1", "GIT~1", ".git ", ".git.", ".git...", ".git . .",
    ".git::$INDEX_ALLOCATION", ".git:stream", "a/b", "/etc", "..\\up", "C:\\x", "a\x00b", "a\nb", "a\rb",
    "a\tb", "\x1b[2J", "a\u202eb", "a\u2028b", "\x85", "\u061c", "x" * 256, "é" * 128, "\ud800", "\udfff",
    *(f".g{char}it" for char in HFS_IGNORED),
]  # fmt: skip
DANGEROUS_COMPONENTS = [
    "...", "a.", "a ", "-x", "--opt=x", "a:b", "a@1", "a[b]", "a*", "a?", "a<b", "a>b", 'a"b', "a|b",
    "con", "CON", "Prn", "aux.txt", "NUL", "com1", "COM9.log", "lpt1.txt", "COM¹", "con .txt", "\udc80",
    "caf\udce9",
]  # fmt: skip
FINE = [
    "susan", "cbench-automotive-susan", "image-pgm-0001", ".hidden", "a.b", "gitty", ".gitignore", ".github",
    "a b", "naïve", "数据", "compute", "com10", "console", "x" * 255, "_", "+x", "a,b", "a=b", "%41",
]  # fmt: skip


@pytest.mark.parametrize("name", DANGEROUS_FILES)
def test_a_dangerous_file_name_is_refused_with_its_reason(name: str) -> None:
    assert unsafe_file_name(name)
    assert unsafe_component_name(name)


@pytest.mark.parametrize("name", DANGEROUS_COMPONENTS)
def test_what_one_file_system_or_the_grammar_cannot_bear_is_no_component_name(name: str) -> None:
    assert unsafe_component_name(name)


@pytest.mark.parametrize("name", FINE)
def test_names_in_use_are_left_alone(name: str) -> None:
    assert unsafe_file_name(name) is None
    assert unsafe_component_name(name) is None


def test_a_file_may_have_a_name_that_is_not_utf8() -> None:
    assert unsafe_file_name("caf\udce9.txt") is None


def test_a_refused_name_is_named_with_the_reason() -> None:
    with pytest.raises(InvalidInput, match="'con' cannot be a kind: it is a device name") as caught:
        check_name("con", "kind")
    assert caught.value.code == "unsafe-name"
    assert check_name("program", "kind") == "program"


@given(st.text(alphabet=st.characters(codec=None), max_size=8))
def test_every_text_gets_an_answer(name: str) -> None:
    if unsafe_component_name(name) is None:
        assert unsafe_file_name(name) is None
        assert name.encode().decode() == name
        assert not set(name) & set('/\\:@[]*?<>"|\n\0')


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_derived_uid_is_a_uid_and_depends_on_kind_and_name_only(kind: str, name: str) -> None:
    assert is_uid(derive_uid(kind, name))
    assert derive_uid(kind, name) == derive_uid(kind, name)


def test_derived_uids_are_frozen_for_all_times() -> None:
    assert derive_uid("program", "heat-stencil") == "d02200644317c30d"
    assert derive_uid("dataset", "heat-stencil") != derive_uid("program", "heat-stencil")


@pytest.mark.parametrize(
    "text", ["", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdeg", "0123456789abcdef\n"]
)
def test_a_uid_is_sixteen_lower_case_hexadecimal_digits(text: str) -> None:
    assert not is_uid(text)


def test_near_misses_are_suggested_and_far_ones_are_not() -> None:
    assert did_you_mean("progam", ["program", "dataset"]) == ("did you mean program?",)
    assert did_you_mean("xyz", ["program", "dataset"]) == ()
