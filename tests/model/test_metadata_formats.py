"""Metadata of both formats, as strangers write it: one shape, or one sentence with file and reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.errors import InvalidInput
from ckstore.model.metadata import Metadata, Need, Place, Scope
from ckstore.model.metadata_ck import CK_FILE, CK_INFO
from ckstore.model.metadata_formats import parse_metadata
from ckstore.model.metadata_native import NATIVE_FILE
from ckstore.model.names import derive_uid
from ckstore.model.plain import as_flag, as_int, as_list, as_map, as_text, as_texts, parse_json
from ckstore.model.requirements import Requirement

NOWHERE, SUSAN = Place(), Place("program", "susan")
UID = "0123456789abcdef"


def native(text: str, place: Place = NOWHERE) -> Metadata:
    return parse_metadata({NATIVE_FILE: text.encode()}, place, "repo/here")


def ck(meta: object, info: object = None, place: Place = SUSAN) -> Metadata:
    files = {CK_FILE: json.dumps(meta).encode()}
    if info is not None:
        files[CK_INFO] = json.dumps(info).encode()
    return parse_metadata(files, place, "repo/program/susan")


class TestNative:
    def test_everything_that_can_be_said_is_read(self) -> None:
        found = native(
            f'kind = "program"\nname = "matmul-c"\nuid = "{UID}"\nversion = "1.2.0"\ntitle = "Matrices"\n'
            'tags = ["lang-c", "matmul", "lang-c"]\n'
            '[needs]\ncompiler = "soft[compiler,lang-c]"\ntimer = "package:timer@^1"\n'
            'input = {every = "dataset[text]"}\n[program]\nmain = "main.c"\n'
        )
        assert (found.kind, found.name, found.uid, found.version) == ("program", "matmul-c", UID, "1.2.0")
        assert found.tags == ("lang-c", "matmul")
        assert found.needs == (
            Need("compiler", "soft[compiler,lang-c]", "any"),
            Need("timer", "package:timer@^1", "one"),
            Need("input", "dataset[text]", "every"),
        )
        assert found.body["program"] == {"main": "main.c"}

    def test_a_need_may_have_a_condition_in_words(self) -> None:
        found = native('[needs]\nx = {any = "soft[y]", when = " on\\tWindows "}', Place("program", "p"))
        assert found.needs == (Need("x", "soft[y]", "maybe", "on Windows"),)

    @pytest.mark.parametrize(
        "need",
        ['{any = "soft[y]"}', '{when = "on Windows"}', '{any = "soft:y", when = "on Windows"}', "[]",
         '{every = "soft[y]", when = "on Windows"}', '{any = "soft[y]", wen = "on Windows"}', "{}",
         '{any = "soft[y", when = "on Windows"}', '{any = "soft[y]", when = " "}'],
    )  # fmt: skip
    def test_a_need_that_is_half_said_is_refused(self, need: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            native(f"[needs]\nx = {need}", Place("program", "p"))
        assert caught.value.code == "bad-need"
        assert caught.value.hints

    def test_the_place_speaks_where_the_file_is_silent(self) -> None:
        found = native("", Place("dataset", "text-rain"))
        assert (found.kind, found.name) == ("dataset", "text-rain")
        assert found.uid == derive_uid("dataset", "text-rain")

    def test_the_file_speaks_louder_than_the_place(self) -> None:
        assert native('name = "b"', Place("dataset", "a", UID)).name == "b"

    def test_tags_may_be_one_text_with_commas(self) -> None:
        assert native('kind = "dataset"\nname = "x"\ntags = "pgm, image"').tags == ("image", "pgm")

    @pytest.mark.parametrize(
        ("text", "code", "words"),
        [
            ("kind = x", "bad-toml", "line 1"),
            ('kind = "a"\nkind = "b"', "bad-toml", "not valid TOML"),
            ("x = " + "9" * 5000, "bad-toml", "not valid TOML"),
            ("x = " + "[" * 5000, "bad-toml", "not valid TOML"),
            ('name = "x"', "no-kind", "does not say the kind"),
            ('kind = "program"', "no-name", "does not say the name"),
            ('kind = "program"\nname = ".."', "unsafe-name", "leaves its folder"),
            ('kind = "program"\nname = "x"\nuid = "ABC"', "bad-uid", "16 lower-case"),
            ('kind = "program"\nname = "x y"', "unsafe-name", "contains a blank"),
            ('kind = "pro gram"\nname = "x"', "unsafe-name", "contains a blank"),
            ('kind = "program"\nname = "x"\nversion = "1.x"', "bad-version", "'1.x' is not"),
            ('kind = "program"\nname = "x"\nversion = true', "bad-version", "True is not"),
            ('kind = "program"\nname = "x"\ntags = ["a", "-b"]', "bad-tag", "begins with '-'"),
            ('kind = "program"\nname = "x"\ntags = ["a,b"]', "bad-tag", "contains ','"),
            ('kind = "program"\nname = "x"\ntags = ["a[1]"]', "bad-tag", "contains '['"),
            ('kind = "program"\nname = "x"\ntag = "y"', "unknown-key", "'tag'"),
            ('kind = "program"\nname = "x"\n[dataset]', "unknown-key", "goes under [program]"),
            ('kind = "program"\nname = "x"\n[needs]\ncc = "soft["', "bad-need", "'cc' is wrong"),
            ('kind = "program"\nname = "x"\n[needs]\ncc = {}', "bad-need", "'cc' is wrong"),
        ],
    )
    def test_a_mistake_is_named_with_its_file(self, text: str, code: str, words: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            native(text)
        assert caught.value.code == code
        assert words in caught.value.message
        if code != "unsafe-name":
            assert caught.value.message.startswith("repo/here")

    def test_bytes_that_are_not_text_are_refused(self) -> None:
        with pytest.raises(InvalidInput, match="not valid TOML"):
            parse_metadata({NATIVE_FILE: b"\xff\xfe"}, Place(), "here")

    def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(self) -> None:
        data = '\ufeffkind = "program"\r\nname = "x"\r\n'.encode()
        assert parse_metadata({NATIVE_FILE: data}, Place(), "here").name == "x"

    @given(st.binary(max_size=60) | st.text(alphabet='kind="name[]\n={}, #1.', max_size=60).map(str.encode))
    def test_any_bytes_are_metadata_or_invalid_input(self, data: bytes) -> None:
        for file in (NATIVE_FILE, CK_FILE):
            try:
                parse_metadata({file: data}, Place("program", "x"), "here")
            except InvalidInput as error:
                assert error.message


class TestCollectiveKnowledge:
    def test_tags_may_be_a_list_or_one_text(self) -> None:
        assert ck({"tags": "b, a,b"}).tags == ck({"tags": ["b", "a", ""]}).tags == ("a", "b")

    def test_tags_are_split_at_commas_and_made_fit_to_be_asked_for_and_that_is_told(self) -> None:
        deps = {
            "one": {"tags": ["a,b", "[c]", "-d"], "no_tags": "x,!y"},
            "none": {"tags": ["[]"]},
            "both": {"tags": "a", "no_tags": "a,b"},
        }
        found = ck({"tags": ["p,q", "r]"], "compile_deps": deps})
        assert found.tags == ("p", "q", "r")
        asks = {need.role: need.ask for need in found.needs}
        assert asks == {
            "compile.one": "soft|package[a,b,c,d,!x,!y]", "compile.both": "soft|package[a,!b]",
        }  # fmt: skip
        assert [str(Requirement.parse(ask)) for ask in asks.values()] == list(asks.values())
        assert len(found.problems) == 6
        assert all(line.startswith("repo/program/susan/.cm/meta.json: ") for line in found.problems)
        assert ck({"tags": "a,b"}).problems == ()

    def test_a_name_with_a_blank_is_read_where_others_gave_it(self) -> None:
        assert ck({}, place=Place("program", "two words")).name == "two words"

    def test_the_place_names_it_and_the_info_file_carries_its_uid(self) -> None:
        found = ck({"data_name": "other"}, {"backup_data_uid": UID, "data_name": "Susan"})
        assert (found.kind, found.name, found.uid, found.title) == ("program", "susan", UID, "Susan")

    def test_without_a_uid_one_is_derived_from_kind_and_name(self) -> None:
        assert ck({}).uid == ck({}, {}).uid == derive_uid("program", "susan")

    def test_the_uid_of_the_place_wins_over_a_copied_info_file(self) -> None:
        place = Place("program", "susan", "f" * 16)
        assert ck({}, {"backup_data_uid": UID}, place).uid == "f" * 16

    def test_a_uid_that_is_none_is_refused(self) -> None:
        with pytest.raises(InvalidInput) as caught:
            ck({}, {"backup_data_uid": "XYZ"})
        assert caught.value.code == "bad-uid"

    def test_bad_json_is_named_with_file_line_and_column(self) -> None:
        with pytest.raises(InvalidInput) as caught:
            parse_metadata({CK_FILE: b'{\n  "tags": [,]\n}'}, Place("program", "x"), "repo/x")
        assert caught.value.message.startswith("repo/x/.cm/meta.json, line 2, column 12: not valid JSON")
        assert caught.value.details == {"file": "repo/x/.cm/meta.json", "line": 2, "column": 12}

    def test_of_a_key_that_is_there_twice_the_last_one_counts(self) -> None:
        found = parse_metadata({CK_FILE: b'{"tags": "a", "tags": "b"}'}, Place("program", "x"), "x")
        assert found.tags == ("b",)

    @pytest.mark.parametrize(
        "data",
        [b"", b"[]", b'"x"', b"\xff", b'{"a": "\\ud800"}', b'{"a": ' + b"9" * 5000 + b"}", b"[" * 100_000],
    )
    def test_what_is_no_json_object_is_refused(self, data: bytes) -> None:
        with pytest.raises(InvalidInput) as caught:
            parse_json(data, "meta.json")
        assert caught.value.code == "bad-json"

    def test_emoji_written_as_a_surrogate_pair_are_text(self) -> None:
        assert parse_json(b'{"a": "\\ud83d\\ude00"}', "x") == {"a": "\U0001f600"}

    def test_a_program_needs_what_it_compiles_and_runs_with_and_its_datasets(self) -> None:
        found = ck(
            {
                "compile_deps": {
                    "compiler": {"tags": "compiler,lang-c", "no_tags": "llvm"},
                    "old": {"tags": "x", "skipped": "yes"},
                    "free": {"name": "no tags at all"},
                },
                "run_deps": {"lib": {"tags": ["lib"]}},
                "run_cmds": {
                    "edges": {"dataset_tags": ["image", "pgm"], "run_deps": {"py": {"tags": "python"}}}
                },
            }
        )
        assert found.needs == (
            Need("compile.compiler", "soft|package[compiler,lang-c,!llvm]", "any"),
            Need("run.lib", "soft|package[lib]", "any"),
            Need("run.edges.py", "soft|package[python]", "any"),
            Need("dataset.edges", "dataset[image,pgm]", "every"),
        )

    def test_a_program_falls_back_to_deps_and_a_package_reads_deps(self) -> None:
        deps = {"deps": {"cc": {"tags": "compiler"}}}
        assert ck(deps).needs == (Need("compile.cc", "soft|package[compiler]", "any"),)
        package = ck(deps, place=Place("package", "lib"))
        assert package.needs == (Need("cc", "soft|package[compiler]", "any"),)

    @pytest.mark.parametrize(
        ("more", "when", "host"),
        [
            (
                {"local": "yes", "sort": 20, "force_target_as_host": "yes", "only_for_host_os_tags": []},
                "",
                "",
            ),
            ({"version_from": [3, 5, 0], "version_to": [3, 9, 999]}, "", ">=3.5.0,<=3.9.999"),
            ({"version_from": "3", "version_to": []}, "", ">=3"),
            ({"only_for_target_os_tags": ["android", "linux"]}, "target OS android|linux", ""),
            ({"only_for_host_os_tags": ["windows"]}, "host OS windows", ""),
            ({"only_for_target_os": "linux-64"}, "target OS linux-64", ""),
            ({"only_for_cmd": ["a", "b"]}, "command a|b", ""),
            ({"enable_if_env": [{"A": ["1", "2"], "B": "x"}, {"C": [""]}]}, "(A=1|2 and B=x) or C=", ""),
            ({"disable_if_env": [{"A": "on"}]}, "not (A=on)", ""),
            ({"only_for_host_os_tags": ["linux"], "enable_if_env": {"A": "1"}}, "host OS linux and A=1", ""),
        ],
    )
    def test_what_depends_on_platform_and_environment_says_on_what(
        self, more: dict[str, object], when: str, host: str
    ) -> None:
        scope: Scope = "maybe" if when else "any"
        (need,) = ck({"compile_deps": {"cc": {"tags": "cc", **more}}}).needs
        assert need == Need("compile.cc", "soft|package[cc]", scope, when, host)

    @pytest.mark.parametrize(
        ("or_tags", "asked"),
        [
            ("a;b", "lib,a|b"),
            ("a", "a,lib"),
            ("a,b;c", "lib,a|c,b|c"),
            ("a,b;a,c", "a,lib,b|c"),
            ("~a", "lib,!a"),
            ("~a,b", "b,lib,!a"),
            ("lib;a", "lib,a|lib"),
            ("a;a", "a,lib"),
            ("a; ;", "a,lib"),
            ("", "lib"),
            (["a"], "lib"),
        ],
    )
    def test_alternatives_of_tags_become_groups(self, or_tags: object, asked: str) -> None:
        (need,) = ck({"run_deps": {"x": {"tags": "lib", "or_tags": or_tags}}}).needs
        assert need.ask == f"soft|package[{asked}]"
        assert str(Requirement.parse(need.ask)) == need.ask

    @pytest.mark.parametrize("or_tags", ["a;~b", ";".join(f"a{n},b{n},c{n}" for n in range(9))])
    def test_alternatives_that_a_requirement_cannot_say_are_told_and_ask_for_more(self, or_tags: str) -> None:
        found = ck({"run_deps": {"x": {"tags": "lib", "or_tags": or_tags}}})
        assert [need.ask for need in found.needs] == ["soft|package[lib]"]
        assert "or_tags" in found.problems[0] and "left out" in found.problems[0]

    @given(
        st.lists(st.sets(st.sampled_from(["a", "b", "c", "~a", "~b"]), min_size=1, max_size=3), max_size=3),
        st.sets(st.sampled_from("abc")),
    )
    def test_no_component_that_the_alternatives_admit_is_refused(
        self, alternatives: list[set[str]], tags: set[str]
    ) -> None:
        text = ";".join(",".join(sorted(one)) for one in alternatives)
        found = ck({"run_deps": {"x": {"tags": "lib", "or_tags": text}}})
        admits = Requirement.parse(found.needs[0].ask).tags.matches({"lib", *tags})
        holds = [
            all((tag[1:] not in tags) if tag[0] == "~" else tag in tags for tag in one)
            for one in alternatives
        ]
        if any(holds) or not alternatives:
            assert admits
        elif not found.problems:
            assert not admits

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=4),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
        )
    )
    def test_wrong_shapes_anywhere_never_raise_anything_else(self, value: object) -> None:
        keys = ("tags", "compile_deps", "run_deps", "run_cmds", "deps", "data_name", "actions")
        ck(dict.fromkeys(keys, value))
        ck({"run_cmds": {"x": value}, "compile_deps": {"y": value}})
        names = ("or_tags", "version_from", "only_for_host_os_tags", "enable_if_env", "disable_if_env")
        ck({"run_deps": {"x": {"tags": "a", **dict.fromkeys(names, value)}}})


def test_a_folder_without_metadata_says_what_to_do() -> None:
    with pytest.raises(InvalidInput, match=r"repo/x: no metadata") as caught:
        parse_metadata({}, Place(), "repo/x")
    assert "--kind" in caught.value.hints[0]


def test_our_own_file_counts_where_both_are_present() -> None:
    files = {NATIVE_FILE: b'kind = "program"\nname = "ours"', CK_FILE: b"{}"}
    assert parse_metadata(files, Place("program", "theirs"), "x").format == "ckstore"


class TestPlainValues:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [("yes", True), (" Yes", True), ("on", True), (True, True), ("no", False), (1, False)],
    )
    def test_yes_is_true(self, value: object, expected: bool) -> None:
        assert as_flag(value) is expected

    def test_one_shape_comes_out_of_many(self) -> None:
        assert (
            as_list("a") == ["a"] and as_list("") == [] and as_list((1, 2)) == [1, 2] and as_list(None) == []
        )
        assert as_texts("a, b,,") == ["a", "b"] and as_texts(["a ", 1, None, ""]) == ["a", "1"]
        assert as_text(1.5) == "1.5" and as_text(True) == "" and as_text(None) == ""
        assert as_map({1: "x"}) == {"1": "x"} and as_map("x") == {}
        assert as_int("12", 0) == 12 and as_int("x", 7) == 7 and as_int(None, 7) == 7
