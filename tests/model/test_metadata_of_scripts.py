"""Metadata of CM and MLC: what becomes a need, what stays in the body, what others can depend on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.model.interface import interface_of
from ckstore.model.metadata import Metadata, Need, Place
from ckstore.model.metadata_cm import CM_FILES, MLC_FILES, inherit_cm
from ckstore.model.metadata_formats import BY_NAME, format_of, parse_metadata
from ckstore.model.plain import Plain
from ckstore.model.requirements import Requirement

UID = "1234567890123456"
HERE = Place("script", "get-python")


def cm(text: str, json: str = "", place: Place = HERE) -> Metadata:
    files = {"_cm.yaml": text.encode(), **({"_cm.json": json.encode()} if json else {})}
    return parse_metadata(files, place, "script/get-python")


def mlc(text: str) -> Metadata:
    return parse_metadata({"meta.yaml": text.encode()}, HERE, "script/get-python")


class TestWhatItIs:
    def test_everything_that_can_be_said_is_read(self) -> None:
        found = cm(
            f"alias: get-python3\nuid: {UID}\nautomation_alias: script\nautomation_uid: 5b4e0237da074764\n"
            "name: Detect Python\ndesc: Finds or installs it\ntags: [get, python3, get]\nversion: 1.10.2\n"
        )
        assert (found.kind, found.name, found.uid, found.format) == ("script", "get-python3", UID, "cm")
        assert (found.title, found.description) == ("Detect Python", "Finds or installs it")
        assert (found.tags, found.version, found.problems) == (("get", "python3"), "1.10.2", ())
        assert found.body["automation_uid"] == "5b4e0237da074764"

    @pytest.mark.parametrize("text", ["1.10", "2", "latest", "1.2.3.4", "r1.2.3", "", "[1, 2, 3]", "1.2.03"])
    def test_only_a_whole_semantic_version_is_the_version_of_the_script(self, text: str) -> None:
        assert cm(f"version: {text}\n").version == ""

    @pytest.mark.parametrize(
        "tags", ["get, python3", "[get, 'python3']", "['get,python3']", "[get, '', python3]"]
    )
    def test_tags_are_a_list_or_a_text(self, tags: str) -> None:
        assert cm(f'tags: "{tags}"' if "[" not in tags else f"tags: {tags}").tags == ("get", "python3")

    def test_tags_survive_as_they_are_written(self) -> None:
        assert cm("tags: [1.10, no, 2024-01-31, 0123, 12e3]").tags == (
            "0123",
            "1.10",
            "12e3",
            "2024-01-31",
            "no",
        )

    def test_nothing_at_all_is_no_mistake_where_the_place_speaks(self) -> None:
        found = cm("uid:\nalias: ~\ntags: null\ndeps:\nvariations:\n")
        assert (found.kind, found.name, found.tags, found.needs) == ("script", "get-python", (), ())

    def test_the_files_of_both_formats_are_told_apart_and_other_files_of_the_name_are_not_metadata(
        self,
    ) -> None:
        assert mlc("automation_alias: script\nalias: x\n").format == "mlc"
        assert format_of({"meta.yaml": b"package: {name: recipe}"}) is None
        both = {"meta.yaml": b"automation_alias: a", "_cm.json": b"{}"}
        assert format_of(both) is BY_NAME["cm"]
        assert (BY_NAME["cm"].files, BY_NAME["mlc"].files) == (CM_FILES, MLC_FILES)


class TestNeeds:
    def test_come_from_the_tags_of_every_kind_of_dependency(self) -> None:
        found = cm("""
deps:
- {tags: "get,python3,_venv,-conda", names: [python, python3], version_min: "3.8"}
- {tags: detect-os}
- tags: detect-os
  names: os
prehook_deps: [{tags: [get, cmake]}]
posthook_deps: [{tags: "get, gcc", names: [gcc]}]
post_deps: [{tags: set-echo-off}]
""")
        assert found.needs == (
            Need("deps.python", "script[get,python3,!conda]", "any", host="_venv >=3.8"),
            Need("deps.detect-os", "script[detect-os]", "any"),
            Need("deps.os", "script[detect-os]", "any"),
            Need("prehook.cmake-get", "script[cmake,get]", "any"),
            Need("posthook.gcc", "script[gcc,get]", "any"),
            Need("post.set-echo-off", "script[set-echo-off]", "any"),
        )

    def test_with_one_role_are_numbered(self) -> None:
        found = cm(
            "deps: [{tags: a, names: x}, {tags: b, names: x}, {tags: a, names: x}, {tags: c, names: x}]"
        )
        assert [need.role for need in found.needs] == ["deps.x", "deps.x.2", "deps.x.3"]

    def test_that_differ_in_their_variations_alone_are_one(self) -> None:
        found = cm("deps: [{tags: 'lib,_a'}, {tags: 'lib,_b'}]")
        assert found.needs == (Need("deps.lib", "script[lib]", "any"),)

    @pytest.mark.parametrize(
        "dep",
        ["{tags: _variation}", "{tags: '-a'}", "{tags: '<<<X>>>'}", "{names: x}", "{tags: []}", "text", "[]",
         "~"],
    )  # fmt: skip
    def test_are_not_invented_where_nothing_is_asked_for(self, dep: str) -> None:
        found = cm(f"deps: [{dep}]")
        assert found.needs == ()
        assert "deps" in found.body

    @pytest.mark.parametrize(
        ("dep", "when"),
        [
            ("enable_if_env: {X: [yes, on], Y: ['1']}", "X=yes|on and Y=1"),
            ("enable_if_any_env: {X: [yes], Y: ['1']}", "X=yes or Y=1"),
            ("skip_if_env: {X: [on]}", "not (X=on)"),
            ("skip_if_any_env: {X: on, Y: no}", "not (X=on or Y=no)"),
            ("enable_if_env: {X: [yes]}, skip_if_env: {Y: [on]}", "X=yes and not (Y=on)"),
            ("enable_if_env: {X: [yes]}, enable_if_any_env: {Y: a, Z: b}", "X=yes and (Y=a or Z=b)"),
            ("run_if_state_all: {ready: true}", "state ready=true"),
        ],
    )
    def test_that_depend_on_the_run_say_on_what(self, dep: str, when: str) -> None:
        assert cm(f"deps: [{{tags: a, {dep}}}]").needs == (Need("deps.a", "script[a]", "maybe", when),)

    def test_of_a_variation_a_version_and_a_container_say_so(self) -> None:
        found = cm("""
variations:
  cuda: {deps: [{tags: "get,cuda", enable_if_env: {X: ["1"]}}]}
  cpu: {default: true, prehook_deps: [{tags: "get,blas"}]}
versions: {r2.1: {deps: [{tags: "get,gcc", version_max: "11.9", version_max_usable: "11.0"}]}}
docker: {deps: [{tags: "get,mounts"}]}
""")
        assert found.needs == (
            Need("deps.cuda-get", "script[cuda,get]", "maybe", "variation cuda and X=1"),
            Need("prehook.blas-get", "script[blas,get]", "maybe", "variation cpu (the default)"),
            Need("deps.gcc-get", "script[gcc,get]", "maybe", "version r2.1", "<=11.9,install=11.0"),
            Need("deps.get-mounts", "script[get,mounts]", "maybe", "in a container"),
        )

    def test_that_several_occasions_share_are_one_and_what_is_always_needed_has_no_condition(self) -> None:
        found = cm("""
deps: [{tags: "get,os"}]
variations:
  a: {deps: [{tags: "get,lib,_x"}, {tags: "get,os"}]}
  b: {deps: [{tags: "get,lib,_y"}]}
""")
        assert [(need.ask, need.when) for need in found.needs] == [
            ("script[get,os]", ""), ("script[get,lib]", "variation a or variation b"),
        ]  # fmt: skip

    def test_of_very_many_occasions_name_the_first(self) -> None:
        many = "\n".join(f"  v{n}: {{deps: [{{tags: lib}}]}}" for n in range(200))
        (need,) = cm(f"variations:\n{many}\n").needs
        assert need.when.startswith("variation v0 or variation v1 or ")
        assert need.when.endswith(" or 192 more")

    def test_whose_tags_the_run_completes_ask_for_the_known_ones(self) -> None:
        found = cm("deps: [{tags: 'get,model,<<<MODEL>>>'}, {tags: 'get,lib,_<<<NAME>>>'}]")
        assert [(need.ask, need.when) for need in found.needs] == [
            ("script[get,lib]", ""), ("script[get,model]", "<<<MODEL>>> is set"),
        ]  # fmt: skip

    def test_that_are_run_again_from_the_cache_are_needs_like_others(self) -> None:
        assert cm("deps: [{tags: a, dynamic: true}]").needs == (Need("deps.a", "script[a]", "any"),)

    def test_are_one_line_whatever_strangers_write(self) -> None:
        (need,) = cm(
            f'{{"deps": [{{"tags": "a", "enable_if_env": {{"X\\n\\u001b": "{"y" * 900}"}}}}]}}'
        ).needs
        assert len(need.when) == 300
        assert need.when.isprintable()

    def test_that_ask_for_and_refuse_a_tag_ask_for_it_and_that_is_told(self) -> None:
        found = cm("deps: [{tags: 'a,b,-a'}]")
        assert [need.ask for need in found.needs] == ["script[a,b]"]
        assert "asks for the tag 'a' and refuses it" in found.problems[0]

    def test_hold_no_tag_that_a_requirement_cannot_hold(self) -> None:
        found = cm("tags: ['x[1]']\ndeps: [{tags: 'a]b,-[c'}]")
        assert (found.tags, [need.ask for need in found.needs]) == (("x1",), ["script[ab,!c]"])
        assert len(found.problems) == 3
        assert all(str(Requirement.parse(need.ask)) == need.ask for need in found.needs)

    def test_of_an_automation_are_no_needs_by_tags(self) -> None:
        assert cm('{"deps": {"cache": "cache,541d6f712a6b464e"}}').needs == ()


class TestInterface:
    def test_holds_variations_and_promised_variables_and_nothing_that_a_script_sets_for_itself(self) -> None:
        found = cm("""
tags: [get, python3]
env: {CM_OWN: x}
default_env: {CM_DEFAULT: x}
new_env_keys: [CM_PYTHON_*, +PATH]
variations: {venv: {new_env_keys: [CM_VENV]}, "1.10": {}, empty: ~}
""")
        assert interface_of(found, ["customize.py"]) == {
            "name:get-python", "tag:get", "tag:python3", "env:CM_PYTHON_*", "env:+PATH", "env:CM_VENV",
            "variation:venv", "variation:1.10", "variation:empty",
        }  # fmt: skip

    def test_holds_files_where_these_are_the_point(self) -> None:
        found = cm("automation_alias: dataset\nalias: x\n")
        assert interface_of(found, ["_cm.yaml", "data/a.txt", "sub/_cm.yaml"]) == {
            "name:x", "file:data/a.txt", "file:sub/_cm.yaml",
        }  # fmt: skip


def test_what_is_inherited_is_merged_and_lists_follow_those_of_the_base() -> None:
    base: Plain = {"tags": ["a"], "env": {"X": "1", "Y": "1"}, "cache": "true", "name": "base"}
    own: Plain = {"tags": ["b"], "env": {"Y": "2"}, "name": "own", "cache": ["x"]}
    assert inherit_cm(base, own) == {
        "tags": ["a", "b"], "env": {"X": "1", "Y": "2"}, "cache": ["x"], "name": "own",
    }  # fmt: skip
    assert base["env"] == {"X": "1", "Y": "1"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@given(values)
def test_wrong_shapes_anywhere_never_raise_anything_else(value: object) -> None:
    import json

    keys = ("tags", "deps", "prehook_deps", "variations", "new_env_keys", "title", "desc", "version", "_base")
    for body in (
        dict.fromkeys(keys, value),
        {"deps": [{"tags": value, "names": value, "dynamic": value}]},
        {"deps": [{"tags": "a", "enable_if_env": value, "skip_if_any_env": value, "version": value}]},
        {"variations": {"v": value}, "versions": value, "docker": value},
    ):
        found = parse_metadata({"_cm.json": json.dumps(body).encode()}, HERE, "x")
        interface_of(found, [])
