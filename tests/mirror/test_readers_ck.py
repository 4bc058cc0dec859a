"""The oddities of real CK repositories: read right or reported, never fatal, never silent."""

from __future__ import annotations

import pytest

from ckstore.mirror.readers import Listing, read_root
from ckstore.model.names import derive_uid
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Files, Upstream, ck, lines, releases, steps

UID, OTHER, THIRD = "0123456789abcdef", "1111111111111111", "2222222222222222"


@pytest.fixture
def up(store: ObjectStore) -> Upstream:
    return Upstream(store.git)


def listing(store: ObjectStore, up: Upstream, *files: Files) -> Listing:
    for some in files:
        up.commit(some)
    return read_root(store, up.at(""), "up")


def uids(found: Listing) -> dict[str, str]:
    return {x.found.path: x.uid for x in found.components}


class TestAliases:
    def test_windows_line_ends_blanks_and_further_lines_do_not_matter(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        found = listing(store, up, {**ck("soft", "a", UID), "soft/.cm/alias-a-a": f" {UID} \r\nmore\r\n"})
        assert uids(found) == {"soft/a": UID}
        assert found.problems == ()

    def test_one_without_a_folder_is_told_once(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, ck("soft", "a", UID), {
            ".cm/alias-a-env": OTHER, f".cm/alias-u-{OTHER}": "env\r\n",
            "soft/.cm/alias-a-gone": OTHER, f"soft/.cm/alias-u-{OTHER}": "gone\n",
            f"soft/.cm/alias-u-{THIRD}": "never\n",
        })  # fmt: skip
        assert uids(found) == {"soft/a": UID}
        assert found.problems == (
            ".cm/alias-a-env: there is no folder 'env'",
            "soft/.cm/alias-a-gone: there is no folder 'soft/gone'",
            f"soft/.cm/alias-u-{THIRD}: there is no folder 'soft/never'",
        )

    def test_one_that_outlives_its_entry_does_not_keep_it(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**ck("soft", "a", UID), **ck("soft", "b", OTHER)})
        up.commit({"soft/b/": None})
        report = mirror(store, up.url, name="up")
        assert lines(store, "up")["soft:b"].withdrawn == up.head
        assert report.problems == ("soft/.cm/alias-a-b: there is no folder 'soft/b'",)

    @pytest.mark.parametrize("content", [None, "", "no uid", b"\xff\xfe"])
    def test_an_entry_without_one_has_the_uid_of_its_own_files_and_that_is_told(
        self, store: ObjectStore, up: Upstream, content: str | bytes | None
    ) -> None:
        found = listing(store, up, ck("soft", "a", UID), ck("soft", "b", OTHER), {
            "soft/.cm/alias-a-a": content, "soft/.cm/alias-a-b": content, "soft/b/.cm/info.json": None,
        })  # fmt: skip
        assert uids(found) == {"soft/a": UID, "soft/b": derive_uid("soft", "b")}
        assert found.problems == tuple(
            f"soft/{name}: no alias file says its UID; its own files or its name give one" for name in "ab"
        )

    def test_an_entry_that_is_named_by_its_uid_needs_none(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, {".ckr.json": "{}", f"env/{UID}/.cm/meta.json": "{}", "env/.cm/x": ""})
        assert uids(found) == {f"env/{UID}": UID}
        assert found.problems == ()


class TestMetadata:
    def test_a_folder_of_a_module_without_metadata_is_told(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, ck("demo", "a", UID), {
            "demo/speedup/readme.md": "x", "demo/half/.cm/info.json": "{}", "docs/page/index.md": "no module",
        })  # fmt: skip
        assert uids(found) == {"demo/a": UID}
        assert found.problems == (
            "demo/half: no component: it has no .cm/meta.json",
            "demo/speedup: no component: it has no .cm/meta.json",
        )

    @pytest.mark.parametrize(
        ("meta", "reason"),
        [
            ('{"a": 1,}', "line 1, column 9: not valid JSON"),
            ('{"a": NaN}', "NaN is not a number of JSON"),
            ('{"a": [-Infinity]}', "-Infinity is not a number of JSON"),
            ('{"a": 1e999}', "1e999 is not a number of JSON"),
            ('{"a": "\\ud800"}', "not valid JSON"),
            (b'{"a": "\xff"}', "not valid JSON"),
            (b'{"a": "\x00"}', "not valid JSON"),
            ("[" * 100_000, "not valid JSON"),
            ('{"a": ' + "[" * 64 + "]" * 64 + "}", "nested deeper than 64 levels"),
            ('{"a": "' + "x" * (4 * 1024 * 1024) + '"}', "bytes, more than 4194304"),
            ("[]", "a JSON object was expected"),
            ("", "not valid JSON"),
        ],
    )
    def test_what_is_hostile_or_broken_is_refused_alone(
        self, store: ObjectStore, up: Upstream, meta: str | bytes, reason: str
    ) -> None:
        broken = {**ck("soft", "b", OTHER), "soft/b/.cm/meta.json": meta}
        found = listing(store, up, ck("soft", "a", UID), broken)
        assert uids(found) == {"soft/a": UID}
        [problem] = found.problems
        assert problem.startswith("soft/b") and reason in problem

    def test_keys_that_are_there_twice_are_told(self, store: ObjectStore, up: Upstream) -> None:
        meta = '{"tags": "a", "tags": "b", "x": {"y": 1, "y": 2}}'
        found = listing(store, up, ck("soft", "a", UID, meta))
        assert found.components[0].metadata.tags == ("b",)
        assert found.problems == (
            "soft/a/.cm/meta.json: twice in one place, where the last one counts: 'y', 'tags'",
        )

    def test_the_same_uid_under_two_kinds_is_no_problem(self, store: ObjectStore, up: Upstream) -> None:
        found = listing(store, up, ck("program", "a", UID), ck("program.static.features", "a", UID))
        assert len(found.components) == 2
        assert found.problems == ()


def base(text: str, more: str = "") -> str:
    return f'{{"_base_entry": "{text}", "_base_entry#": "a comment"{more}}}'


class TestInheritance:
    META = '{"tags": ["lang"], "env": {"A": "1", "B": "2"}, "run_cmds": {"one": {}}, "list": [1]}'

    def test_mappings_are_merged_and_everything_else_is_the_entrys_own(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        heir = base("old", ', "tags": ["own"], "env": {"B": "3", "C": "4"}, "list": [2]')
        found = listing(store, up, ck("program", "old", UID, self.META), ck("program", "new", OTHER, heir))
        new = found.components[0].metadata
        assert new.body == {
            "tags": ["own"], "env": {"A": "1", "B": "3", "C": "4"}, "run_cmds": {"one": {}}, "list": [2],
        }  # fmt: skip
        assert (new.tags, new.inherits, found.problems) == (("own",), True, ())

    @pytest.mark.parametrize(
        "text", ["package:lib", "repo:package:lib", f"package:{UID}", f"{THIRD}:lib", f"{THIRD}:{UID}"]
    )
    def test_a_base_may_be_of_another_module_and_named_by_uid(
        self, store: ObjectStore, up: Upstream, text: str
    ) -> None:
        found = listing(
            store, up, ck("package", "lib", UID, self.META), ck("program", "a", OTHER, base(text)),
            {f".cm/alias-u-{THIRD}": "package\r\n", ".cm/alias-a-package": THIRD},
        )  # fmt: skip
        assert found.components[1].metadata.tags == ("lang",)
        assert found.problems == ()

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("nowhere", "it is not in this repository"),
            ("program:heir", "it inherits from this one"),
            ("program:ring", "it inherits from this one"),
            ("program:broken", "program/broken/.cm/meta.json, line 1"),
            ("../../etc:x", "it is not in this repository"),
            ("::", "it is not in this repository"),
        ],
    )
    def test_a_base_that_cannot_be_is_told_and_the_entry_counts_as_it_is(
        self, store: ObjectStore, up: Upstream, text: str, reason: str
    ) -> None:
        found = listing(
            store, up, ck("program", "heir", UID, base(text, ', "tags": "own"')),
            ck("program", "ring", OTHER, base("heir")), ck("program", "broken", THIRD, "{"),
        )  # fmt: skip
        assert found.components[0].metadata.tags == ("own",)
        told = [line for line in found.problems if line.startswith("program/heir: its base")]
        assert len(told) == 1 and reason in told[0]

    def test_a_long_chain_ends(self, store: ObjectStore, up: Upstream) -> None:
        chain = [
            ck("soft", f"s{n:02}", f"{n:016x}", base(f"s{n + 1:02}", f', "tags": "t{n}"')) for n in range(15)
        ]
        found = listing(store, up, *chain)
        assert len(found.components) == 15
        assert any("more than 10 bases above each other" in line for line in found.problems)

    def test_a_change_of_a_base_is_a_release_of_an_heir_when_it_changes_what_the_heir_says(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit({**ck("program", "old", UID, self.META), **ck("program", "new", OTHER, base("old"))})
        up.commit({"program/old/main.c": "no metadata"})
        up.commit(ck("program", "old", UID, self.META.replace("[1]", "[2]")))
        up.commit(ck("program", "old", UID, self.META.replace('"lang"', '"tongue"')))
        up.commit(ck("program", "old", UID, self.META.replace('"lang"', '"tongue", "more"')))
        mirror(store, up.url, name="up")
        assert steps(store, "up", "program:new") == [
            ("1.0.0", "first"),
            ("2.0.0", "major"),
            ("2.1.0", "minor"),
        ]
        assert len({release.tree for release in releases(store, "up", "program:new")}) == 1
        assert releases(store, "up", "program:new")[1].changes == ("-tag:lang", "+tag:tongue")

    def test_a_base_that_comes_later_and_goes_again_counts_too(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit(ck("program", "new", OTHER, base("old")))
        up.commit(ck("program", "old", UID, self.META))
        up.commit({"program/old/": None})
        mirror(store, up.url, name="up")
        changes = [release.changes for release in releases(store, "up", "program:new")]
        added = ("+cmd:one", "+env:A", "+env:B", "+tag:lang")
        assert changes == [(), added, tuple(line.replace("+", "-") for line in added)]

    def test_step_by_step_gives_what_at_once_gives(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**ck("program", "old", UID, self.META), **ck("program", "new", OTHER, base("old"))})
        mirror(store, up.url, name="up")
        up.commit({"readme": "nothing"})
        mirror(store, up.url, name="up")
        up.commit(ck("program", "old", UID, self.META.replace('"lang"', '"tongue"')))
        mirror(store, up.url, name="up")
        assert steps(store, "up", "program:new") == [("1.0.0", "first"), ("2.0.0", "major")]
