"""``ckstore.toml``: what the user wants, and mistakes in it."""

from __future__ import annotations

import pytest

from ckstore.errors import InvalidInput
from ckstore.model.manifest import Manifest
from ckstore.model.query import Hit


def test_sources_keep_the_order_in_which_they_were_written() -> None:
    found = Manifest.parse(
        'requires = ["program:susan@^1"]\n[sources]\nzeta = "https://z"\nalpha = "https://a"\n'
        '[store]\npath = "../s"\n'
    )
    assert found.requires == ("program:susan@^1",)
    assert list(found.sources) == ["zeta", "alpha"]
    assert found.store == "../s"


def test_groups_are_wanted_after_what_is_in_no_group_each_requirement_once() -> None:
    found = Manifest.parse(
        'requires = ["program:susan"]\n'
        '[groups]\ndev = ["dataset[text]", "program:susan"]\npaper-2 = ["program:plot@^1", "dataset[text]"]\n'
    )
    assert found.groups == {
        "dev": ("dataset[text]", "program:susan"), "paper-2": ("program:plot@^1", "dataset[text]"),
    }  # fmt: skip
    assert found.everything == ("program:susan", "dataset[text]", "program:plot@^1")


def test_an_empty_manifest_wants_nothing() -> None:
    assert Manifest.parse("") == Manifest()


def test_an_unknown_key_suggests_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidInput, match="unknown key 'require'") as caught:
        Manifest.parse('require = ["program:x"]')
    assert caught.value.hints == ("did you mean requires?",)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ('sources = ["zz"]', "'sources' must be a table", "[sources]"),
        ("[sources]\nlocal = 5", "'local' in [sources] must be a text, found 5", "https://"),
        ('groups = ["x"]', "'groups' must be a table", "[groups]"),
        ('[groups]\n"a b" = []', "'a b' cannot be the name of a group", "dev"),
        ("[group]\ndev = []", "unknown key 'group'", "did you mean groups?"),
        ('store = "x"', "'store' must be a table", "path ="),
        ('[store]\npth = "x"', "in [store]: unknown key 'pth'", "did you mean path?"),
        ('[store]\nwhatever = "x"', "in [store]: unknown key 'whatever'", "known are path"),
        ("[store]\npath = 5", "'path' in [store] must be a text, found 5", "path ="),
    ],
)
def test_a_table_that_is_none_or_holds_something_else_is_told(text: str, said: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Manifest.parse(text)
    assert said in caught.value.message
    assert any(hint in line for line in caught.value.hints)


@pytest.mark.parametrize(
    "text",
    [
        "requires = ",
        'requires = "program:x"',
        "requires = [1]",
        '[groups]\ndev = "program:x"',
        "[groups]\ndev = [1]",
        '[groups]\ndev = ["a:b:c:d"]',
        "[groups]\ndev = {a = []}",
        'requires = ["a:b:c:d"]',
        "x = " + "9" * 5000,
    ],
)
def test_a_manifest_that_cannot_be_understood_is_invalid_input(text: str) -> None:
    with pytest.raises(InvalidInput):
        Manifest.parse(text)


def test_a_hit_is_named_by_the_text_that_names_exactly_this_release() -> None:
    hit = Hit("s", "program", "x", "0" * 16, "1.2.0", "t", "d", ("a",), "", True, False)
    assert hit.reference == "s:program:x@=1.2.0"
    assert hit.as_plain()["tags"] == ["a"]
