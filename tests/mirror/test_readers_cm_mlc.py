"""Repositories of CM and MLC: which folders are components, what is odd, what changes between commits."""

from __future__ import annotations

import json

import pytest

from ckstore.mirror.readers import Listing, read_root
from ckstore.model.names import derive_uid
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Files, Upstream, lines, releases, steps

UID, OTHER = "1234567890123456", "1234e56789012345"
CK_FILES = {".ckr.json": "{}", "program/.cm/alias-a-p": OTHER, "program/p/.cm/meta.json": '{"tags": ["ck"]}'}
CMR = "alias: owner@name\nuid: 9e97bb72b0474657\n"


@pytest.fixture
def up(store: ObjectStore) -> Upstream:
    """An upstream whose objects are those of the store."""
    return Upstream(store.git)


def listing(store: ObjectStore, up: Upstream, files: Files) -> Listing:
    up.commit(files)
    return read_root(store, up.at(""), "up")


def called(found: Listing) -> dict[str, str]:
    """``kind:name`` of everything, by path."""
    return {x.found.path: f"{x.metadata.kind}:{x.metadata.name}" for x in found.components}


def script(
    path: str, alias: str = "", uid: str = UID, more: str = "", file: str = "_cm.yaml"
) -> dict[str, str]:
    head = f"alias: {alias or path.split('/')[-1]}\nuid: {uid}\nautomation_alias: script\n"
    return {f"{path}/{file}": head + more, f"{path}/customize.py": "pass\n"}


class TestCm:
    def test_components_lie_two_folders_deep(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, {
            "cmr.yaml": CMR, **script("script/get-python"), **script("script/get-python/inner"),
            **script("script"), **script(".github/hidden"), **script("script/.hidden"),
            "_cm.yaml": "alias: root",
            "cfg/one/_cm.json": json.dumps({"alias": "one", "uid": OTHER, "automation_alias": "cfg"}),
        })  # fmt: skip
        assert called(found) == {"cfg/one": "cfg:one", "script/get-python": "script:get-python"}
        assert [x.uid for x in found.components] == [OTHER, UID]
        assert {x.metadata.format for x in found.components} == {"cm"}
        assert found.problems == ()

    def test_a_prefix_moves_all_of_it(self, store: ObjectStore, up: Upstream) -> None:
        files = {**script("cm-mlops/script/a"), **script("script/b")}
        for prefix in ("cm-mlops", "./cm-mlops/", "'cm-mlops'"):
            found = listing(store, up, {"cmr.yaml": f"{CMR}prefix: {prefix}\n", **files})
            assert called(found) == {"cm-mlops/script/a": "script:a"}

    @pytest.mark.parametrize("prefix", ["../x", "a/../..", ".git", "/"])
    def test_a_prefix_that_leads_out_is_told_and_not_followed(
        self, store: ObjectStore, up: Upstream, prefix: str
    ) -> None:
        found = listing(store, up, {"cmr.yaml": f"{CMR}prefix: {prefix}\n", **script("script/b")})
        assert called(found) == {"script/b": "script:b"}
        assert found.problems == (f"cmr.yaml: the prefix {prefix!r} is no folder of the repository",)

    def test_a_prefix_that_is_not_there_is_told(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, {"cmr.yaml": f"{CMR}prefix: gone\n", **script("script/b")})
        assert called(found) == {}
        assert found.problems == ("gone: the descriptor names this prefix, but there is no such folder",)

    def test_the_json_file_counts_over_the_yaml_file_key_by_key(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        found = listing(store, up, {
            "cmr.yaml": f"{CMR}prefix: x\n", "cmr.json": '{"prefix": ""}',
            **script("script/a", more="tags: [one]\nname: The first\n"),
            "script/a/_cm.json": '{"tags": ["two"]}',
        })  # fmt: skip
        [only] = found.components
        assert (only.metadata.tags, only.metadata.title, only.uid) == (("two",), "The first", UID)

    def test_the_file_says_what_it_is_called_and_the_folders_where_it_is_silent(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        found = listing(store, up, {
            "cmr.yaml": CMR, **script("script/folder", alias="alias"),
            "challenge/silent/_cm.yaml": "tags: x\n",
        })  # fmt: skip
        assert called(found) == {"challenge/silent": "challenge:silent", "script/folder": "script:alias"}
        assert found.components[0].uid == derive_uid("challenge", "silent")

    def test_an_alias_that_cannot_be_a_name_gives_way_to_the_uid(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        found = listing(store, up, {"cmr.yaml": CMR, **script("script/x", alias="run@home")})
        assert called(found) == {"script/x": f"script:{UID}"}
        assert "script/x: 'run@home' cannot be a name" in found.problems[0]

    def test_a_uid_counts_in_any_case_and_one_that_is_none_is_told(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        found = listing(store, up, {
            "cmr.yaml": CMR, **script("script/a", uid="ABCDEF0123456789"), **script("script/b", uid="12"),
        })  # fmt: skip
        assert [x.uid for x in found.components] == ["abcdef0123456789", derive_uid("script", "b")]
        assert found.problems == (
            "script/b: the UID '12' is not 16 hexadecimal digits; one is derived from kind and name",
        )

    def test_one_broken_component_stops_no_other(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, {
            "cmr.yaml": CMR, **script("script/a"), "script/b/_cm.yaml": "a: [\n", "script/c/_cm.json": "{,}",
            "script/d/_cm.yaml": "alias: d\n---\nalias: e\n", "script/e/_cm.yaml": "",
            "script/f/customize.py": "",
            **script("script/g", uid=OTHER, more="tags: [x]\ntags: [y]\n"),
            **script("script/h", uid="1" * 16), **script("script/i", uid="2" * 16),
        })  # fmt: skip
        assert list(called(found)) == ["script/a", "script/g", "script/h", "script/i"]
        assert [line.partition(": ")[0] for line in found.problems] == [
            "script/b/_cm.yaml, line 2, column 1", "script/c/_cm.json, line 1, column 2",
            "script/d/_cm.yaml, line 2, column 1", "script/e/_cm.yaml, line 1", "script/f",
            "script/g/_cm.yaml",
        ]  # fmt: skip

    def test_a_broken_descriptor_withdraws_nothing_and_is_told(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit({"cmr.yaml": f"{CMR}prefix: below\n", **script("below/script/a")})
        up.commit({"cmr.yaml": f"{CMR}prefix: below\n<<<<<<< ours\n"})
        report = mirror(store, up.url, name="up")
        assert (report.total, report.releases) == (1, 1)
        assert report.problems[0].startswith("cmr.yaml, line ")


class TestMlc:
    META = "alias: owner@name\nuid: 9cf241afa6074c89\ngit: true\n"

    def test_components_lie_two_folders_deep_and_yaml_counts_alone(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        found = listing(store, up, {
            "meta.yaml": self.META, **script("script/a", file="meta.yaml", more="tags: [x]\n"),
            "script/a/meta.json": '{"tags": ["never read"]}',
            "automation/script/meta.json": '{"alias": "script", "automation_alias": "automation"}',
            **script("script/old"),
        })  # fmt: skip
        assert called(found) == {"automation/script": "automation:script", "script/a": "script:a"}
        assert found.components[1].metadata.tags == ("x",)
        assert {x.metadata.format for x in found.components} == {"mlc"}

    @pytest.mark.parametrize(
        "text",
        ["package:\n  name: recipe\n", "alias: x\nuid: short\n", "- a\n", "{% set version = 1 %}\n",
         "uid: " + UID, f"alias: a\nuid: {UID}\nautomation_alias: script\n"],
    )  # fmt: skip
    def test_another_file_of_that_name_at_the_root_makes_no_repository(
        self, store: ObjectStore, up: Upstream, text: str
    ) -> None:
        found = listing(store, up, {"meta.yaml": text, **script("script/a", file="meta.yaml")})
        assert called(found) == {"": "repo:up"}

    def test_a_broken_descriptor_is_judged_by_its_lines(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(
            store, up, {"meta.yaml": self.META + "x: [\n", **script("script/a", file="meta.yaml")}
        )
        assert called(found) == {"script/a": "script:a"}
        assert found.problems[0].startswith("meta.yaml, line 5")


class TestBetweenCommits:
    def test_a_move_of_everything_is_no_release_of_anything(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({"cmr.yaml": f"{CMR}prefix: old\n", **script("old/script/a")})
        up.commit({"old/": None, "cmr.yaml": CMR, **script("script/a")})
        mirror(store, up.url, name="up")
        assert steps(store, "up", "script:a") == [("1.0.0", "first")]
        assert not lines(store, "up")["script:a"].withdrawn

    def test_the_successor_of_a_format_continues_the_lines(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({"cmr.yaml": CMR, **script("script/a", more="tags: [x]\nnew_env_keys: [CM_A]\n")})
        up.commit({
            "cmr.yaml": None, "meta.yaml": TestMlc.META, "script/a/_cm.yaml": None,
            **script("script/a", file="meta.yaml", more="tags: [x]\nnew_env_keys: [MLC_A]\n"),
        })  # fmt: skip
        mirror(store, up.url, name="up")
        assert steps(store, "up", "script:a") == [("1.0.0", "first"), ("2.0.0", "major")]
        first, second = releases(store, "up", "script:a")
        assert (first.format, second.format, second.changes) == ("cm", "mlc", ("-env:CM_A", "+env:MLC_A"))

    def test_step_by_step_gives_what_at_once_gives(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({"cmr.yaml": CMR, **script("script/a"), **script("script/b", uid=OTHER)})
        mirror(store, up.url, name="up")
        up.commit({"script/a/": None, "script/b/customize.py": "more"})
        mirror(store, up.url, name="up")
        assert lines(store, "up")["script:a"].withdrawn == up.head
        assert steps(store, "up", "script:b") == [("1.0.0", "first"), ("1.0.1", "patch")]


class TestSeveralFormats:
    def test_all_descriptors_at_the_root_are_read(self, store: ObjectStore, up: Upstream) -> None:
        files = {**CK_FILES, "cmr.yaml": f"{CMR}prefix: cm\n", **script("cm/script/a")}
        found = listing(store, up, files)
        assert called(found) == {"cm/script/a": "script:a", "program/p": "program:p"}

    def test_a_folder_of_two_formats_belongs_to_the_later_one(self, store: ObjectStore, up: Upstream) -> None:
        both = {**CK_FILES, "cmr.yaml": CMR, **script("program/p", more="tags: [cm]\n")}
        [only] = listing(store, up, both).components
        assert (only.metadata.format, only.metadata.tags) == ("cm", ("cm",))
        up.commit({"program/.cm/alias-a-p": "f" * 16})  # a file beside it that only the other one reads
        up.commit({"program/p/_cm.yaml": None})
        mirror(store, up.url, name="up")
        assert [r.format for r in releases(store, "up", "program:p")] == ["ck"]
        assert lines(store, "up")["script:p"].withdrawn

    def test_a_repository_below_is_named_and_not_read(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, {
            "cmr.yaml": CMR, **script("script/a"), "old/repo/.ckr.json": "{}",
            "old/repo/program/p/.cm/meta.json": "{}",
        })  # fmt: skip
        assert called(found) == {"script/a": "script:a"}
        assert found.problems == ("old/repo: not read: a repository of its own (.ckr.json) within this one",)


class TestInheritance:
    BASE = "tags: [base]\nnew_env_keys: [CM_A]\n"

    @pytest.mark.parametrize(
        "text",
        ["base", UID, f"base,{UID}", "script::base", f"script,5b4e0237da074764::{UID}", "other::elsewhere"],
    )
    def test_a_base_is_found_by_alias_or_uid(self, store: ObjectStore, up: Upstream, text: str) -> None:
        found = listing(store, up, {
            "cmr.yaml": f"{CMR}prefix: cm\n", **script("cm/script/folder", alias="base", more=self.BASE),
            **script("cm/other/elsewhere", uid="3" * 16, more=self.BASE),
            **script("cm/script/heir", uid=OTHER, more=f"_base: '{text}'\ntags: [own]\n"),
        })  # fmt: skip
        heir = next(x.metadata for x in found.components if x.metadata.name == "heir")
        assert (heir.tags, heir.uid, heir.inherits) == (("base", "own"), OTHER, True)
        assert "_base" not in heir.body
        assert found.problems == ()

    def test_an_heir_without_a_uid_does_not_take_that_of_its_base(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        heir = {"script/heir/_cm.yaml": "_base: base\n"}
        found = listing(store, up, {"cmr.yaml": CMR, **script("script/base", more=self.BASE), **heir})
        assert called(found) == {"script/base": "script:base", "script/heir": "script:heir"}
        assert found.components[1].uid == derive_uid("script", "heir")

    def test_a_base_that_is_nowhere_is_told(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, {"cmr.yaml": CMR, **script("script/heir", more="_base: x::nowhere\n")})
        assert found.problems == (
            "script/heir: its base 'x::nowhere' is left out: it is not in this repository",
        )
