"""What others can depend on, and the size of the step when it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.model.interface import Interface, compare, interface_of
from ckstore.model.metadata import Metadata, Place
from ckstore.model.metadata_formats import parse_metadata

members = st.frozensets(st.sampled_from(["tag:a", "tag:b", "cmd:run", "file:x", "name:n"]))


def native(text: str, kind: str = "program", name: str = "x") -> Metadata:
    return parse_metadata({"component.toml": text.encode()}, Place(kind, name), "here")


def ck(text: str, kind: str = "program", name: str = "x") -> Metadata:
    return parse_metadata({".cm/meta.json": text.encode()}, Place(kind, name), "here")


def bump(
    old: Metadata, new: Metadata, old_files: list[str] | None = None, files: list[str] | None = None
) -> str:
    return compare(interface_of(old, old_files or []), interface_of(new, files or [])).bump


def test_a_changed_tag_is_a_major_release() -> None:
    assert bump(native('tags = ["a"]'), native('tags = ["b"]')) == "major"


def test_one_more_tag_is_a_minor_release() -> None:
    assert bump(native('tags = ["a"]'), native('tags = ["a", "b"]')) == "minor"


def test_a_renamed_component_is_a_major_release() -> None:
    assert bump(native("", name="x"), native("", name="y")) == "major"


def test_a_new_title_is_a_patch() -> None:
    assert bump(native('title = "a"'), native('title = "b"')) == "patch"


@pytest.mark.parametrize(
    ("kind", "expected"), [("dataset", "major"), ("model", "major"), ("program", "patch")]
)
def test_a_lost_file_breaks_others_where_files_are_the_point(kind: str, expected: str) -> None:
    here = native("", kind)
    assert bump(here, here, ["a.pgm", "b.pgm"], ["a.pgm"]) == expected


def test_metadata_files_are_not_what_others_come_for() -> None:
    assert interface_of(ck("{}", "dataset"), [".cm/meta.json", "a.txt"]) == {"name:x", "file:a.txt"}


def test_commands_variations_and_promised_variables_are_depended_on() -> None:
    text = (
        '{"run_cmds": {"edges": {}}, "variations": {"fast": {}}, "env": {"A": "1"}, "new_env_keys": ["B"],'
        ' "customize": {"env_prefix": "CK_ENV_X", "soft_file_as_env": "yes"}}'
    )
    expected = {"cmd:edges", "variation:fast", "env:A", "env:B", "env:CK_ENV_X", "env:CK_ENV_X_FILE"}
    assert interface_of(ck(text), []) == expected | {"name:x"}


def test_native_commands_live_under_the_kind() -> None:
    assert "cmd:blur" in interface_of(native("[program.commands.blur]\nrun = 'x'"), [])


def test_an_action_is_depended_on_together_with_the_function_that_serves_it() -> None:
    before = ck('{"actions": {"run": {}, "clean": {}}}', "module")
    after = ck('{"actions": {"run": {}, "clean": {}}, "actions_redirect": {"run": "run2"}}', "module")
    assert interface_of(before, []) == {"name:x", "action:run", "action:clean"}
    assert bump(before, after) == "major"


@given(members, members)
def test_losses_are_major_gains_minor_and_the_rest_patches(old: Interface, new: Interface) -> None:
    change = compare(old, new)
    assert change.bump == ("patch" if old == new else "minor" if old < new else "major")
    assert change.as_lines() == [f"-{x}" for x in sorted(old - new)] + [f"+{x}" for x in sorted(new - old)]
