"""Releases derived from the history of a repository, through the whole mirror."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.errors import Conflict, InvalidInput, NotFound
from ckstore.model.names import derive_uid
from ckstore.model.records import Operation, Source
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import MirrorReport, mirror
from ckstore.operations.sources import sources
from tests.mirror.upstream import Upstream, all_bytes, ck, lines, native, releases, steps

UID = "0123456789abcdef"


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.git")


def run(store: ObjectStore, up: Upstream) -> MirrorReport:
    return mirror(store, up.url)


@pytest.mark.parametrize("name", ["two words", "a\tb", "CON", "a:b"])
def test_a_name_that_nobody_could_type_is_refused(store: ObjectStore, up: Upstream, name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be a source") as caught:
        mirror(store, up.url, name=name)
    assert "--name" in caught.value.hints[0]


class TestVersions:
    def test_follow_the_interface(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a", tags="one"))
        up.commit(native("program/a", tags="one two"))
        up.commit(native("program/a", tags="one two", body="y"))
        up.commit(native("program/a", tags="two", body="y"))
        up.commit({"README.md": "not of the component"})
        report = run(store, up)
        assert steps(store, "up", "program:a") == [
            ("1.0.0", "first"), ("1.1.0", "minor"), ("1.1.1", "patch"), ("2.0.0", "major"),
        ]  # fmt: skip
        assert releases(store, "up", "program:a")[-1].changes == ("-tag:one",)
        assert (report.new, report.releases, report.total) == (1, 4, 1)
        assert report.head == up.head

    def test_what_never_had_a_release_is_not_counted(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**native("program/a"), **native("program/odd"), "program/odd/a\\b": "x"})
        report = run(store, up)
        assert (report.total, len(report.problems)) == (1, 1)
        again = run(store, up)
        assert (again.unchanged, again.total) == (True, 1)
        up.commit({"README.md": "nothing of any component"})
        assert run(store, up).total == sources(store)[0].components == 1

    def test_stated_in_the_metadata_win_where_they_move_forward(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        for version, body in [
            ("0.3", "a"),
            ("0.3", "b"),
            ("0.5.0", "c"),
            ("0.4.0", "d"),
            ("2.0.0-rc.1", "e"),
        ]:
            up.commit(native("program/a", version=version, body=body))
        run(store, up)
        assert steps(store, "up", "program:a") == [
            ("0.3.0", "explicit"), ("0.3.1", "patch"), ("0.5.0", "explicit"), ("0.5.1", "patch"),
            ("2.0.0-rc.1", "explicit"),
        ]  # fmt: skip

    def test_an_equal_tree_is_no_release(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a"))
        up.commit({**native("program/a", body="y"), **native("program/b")})
        up.commit({**native("program/a"), **native("program/b")})  # reverted: other than the newest
        run(store, up)
        assert [r.version for r in releases(store, "up", "program:a")] == ["1.0.0", "1.0.1", "1.0.2"]
        assert [r.version for r in releases(store, "up", "program:b")] == ["1.0.0"]

    def test_only_the_first_parent_line_counts(self, store: ObjectStore, up: Upstream) -> None:
        base = up.commit(native("program/a"))
        up.files.update({})
        side_tree = _tree(up, native("program/a", body="side 1"))
        side = up.commit_tree(side_tree, branch="side", parents=[base])
        merged = up.commit_tree(_tree(up, native("program/a", body="side 2")), parents=[base, side])
        run(store, up)
        assert [r.commit for r in releases(store, "up", "program:a")] == [base, merged]


def _tree(up: Upstream, files: dict[str, str]) -> str:
    for path, text in files.items():
        up.files[path] = (0o100644, up.blob(text.encode()))
    return up.write_tree()


class TestLines:
    def test_a_rename_keeps_the_line_and_is_a_major_release(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/old", uid=UID))
        up.commit({"program/old/": None, **native("program/new", uid=UID)})
        run(store, up)
        component = lines(store, "up")["program:new"]
        assert component.names == ("program:old", "program:new")
        assert steps(store, "up", "program:new") == [("1.0.0", "first"), ("2.0.0", "major")]
        assert component.withdrawn == ""

    def test_a_change_of_kind_is_a_major_release(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a", uid=UID))
        up.commit({"program/": None, **native("script/a", uid=UID)})
        run(store, up)
        last = releases(store, "up", "script:a")[-1]
        assert (last.version, last.changes) == ("2.0.0", ("-kind:program", "+kind:script"))

    def test_a_ck_entry_renamed_through_its_alias_file_keeps_its_line(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit(ck("soft", "old", UID))
        up.commit({"soft/.cm/alias-a-old": None, "soft/old/": None, **ck("soft", "new", UID)})
        run(store, up)
        assert lines(store, "up")["soft:new"].versions == ("1.0.0", "2.0.0")

    def test_what_disappears_is_withdrawn_and_continues_when_it_is_back(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit({**native("program/a"), **native("program/b")})
        gone = up.commit({"program/a/": None})
        report = run(store, up)
        component = lines(store, "up")["program:a"]
        assert (component.withdrawn, component.versions, report.withdrawn) == (gone, ("1.0.0",), 1)
        up.commit(native("program/a"))
        run(store, up)
        component = lines(store, "up")["program:a"]
        assert (component.withdrawn, component.versions) == ("", ("1.0.0",))
        up.commit({"program/a/": None})
        up.commit(native("program/a", body="y"))
        run(store, up)
        assert lines(store, "up")["program:a"].versions == ("1.0.0", "1.0.1")

    def test_broken_metadata_is_no_withdrawal_and_reported_only_at_the_head(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit(ck("soft", "a", UID))
        up.commit({"soft/a/.cm/meta.json": '{\n  "tags": [,]\n}'})
        report = run(store, up)
        [problem] = report.problems
        assert problem.startswith("soft/a/.cm/meta.json, line 2, column")
        component = lines(store, "up")["soft:a"]
        assert (component.versions, component.withdrawn) == (("1.0.0",), "")
        up.commit({"soft/a/.cm/meta.json": '{"tags": ["x"]}'})
        assert run(store, up).problems == ()
        assert lines(store, "up")["soft:a"].versions == ("1.0.0", "1.1.0")

    def test_broken_metadata_that_is_removed_is_a_withdrawal(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**native("program/a"), **native("program/b")})
        up.commit({"program/a/component.toml": "kind = ["})
        run(store, up)
        gone = up.commit({"program/a/": None})
        run(store, up)
        assert lines(store, "up")["program:a"].withdrawn == gone

    def test_of_two_folders_with_one_uid_the_first_keeps_it(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**native("program/b", uid=UID), **native("program/a", uid=UID)})
        report = run(store, up)
        by_name = lines(store, "up")
        assert by_name["program:a"].uid == UID
        assert by_name["program:b"].uid == derive_uid("program", "b")
        assert report.problems == (
            f"program/b: its UID {UID} is that of program/a too; it gets the UID {by_name['program:b'].uid}",
        )

    def test_the_holder_of_a_uid_keeps_it_against_a_newcomer(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/b", uid=UID))
        up.commit(native("program/a", uid=UID))
        run(store, up)
        assert lines(store, "up")["program:b"].uid == UID

    def test_one_uid_in_two_kinds_is_no_problem(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**ck("program", "a", UID), **ck("program.features", "a", UID)})
        report = run(store, up)
        assert report.problems == ()
        assert "shares a UID" in report.notes[0]
        assert lines(store, "up")["program:a"].uid == UID

    def test_a_component_that_shares_a_uid_never_takes_over_the_line_of_the_broken_holder(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit({**ck("program", "a", UID), **ck("program.features", "a", UID)})
        run(store, up)
        before = lines(store, "up")
        up.commit({"program/a/.cm/meta.json": '{"broken": '})
        report = run(store, up)
        assert (report.releases, report.withdrawn) == (0, 0)
        assert lines(store, "up") == before
        up.commit({"program/a/.cm/meta.json": '{"tags": ["x"]}'})
        run(store, up)
        assert lines(store, "up")["program:a"].versions == ("1.0.0", "1.1.0")

    def test_nor_that_of_a_holder_that_is_gone(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**ck("program", "a", UID), **ck("program.features", "a", UID)})
        run(store, up)
        gone = up.commit({"program/a/": None})
        report = run(store, up)
        assert (report.releases, report.withdrawn) == (0, 1)
        assert lines(store, "up")["program:a"].withdrawn == gone
        assert lines(store, "up")["program.features:a"].versions == ("1.0.0",)


class TestLabels:
    def test_name_the_version_current_at_the_tag(self, store: ObjectStore, up: Upstream) -> None:
        first = up.commit(native("program/a"))
        up.tag("v1", annotated=True)
        up.commit({**native("program/a", body="y"), **native("program/b")})
        up.commit({"program/b/": None})
        up.tag("v2")
        run(store, up)
        by_name = lines(store, "up")
        assert by_name["program:a"].labels == {"v1": "1.0.0", "v2": "1.0.1"}
        assert by_name["program:b"].labels == {}
        source = store.view().source("up")
        assert source is not None
        assert source.labels["v1"] == first

    def test_on_a_side_branch_name_the_version_at_the_nearest_ancestor(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        base = up.commit({**native("program/a"), **native("program/b")})
        tree = _tree(up, {**native("program/a", body="fix"), **native("program/b", body="only there")})
        side = up.commit_tree(tree, branch="side", parents=[base])
        up.tag("v1.0.1", side)
        up.commit_tree(_tree(up, {**native("program/a", body="fix"), **native("program/b", body="main")}))
        run(store, up)
        assert lines(store, "up")["program:a"].labels == {"v1.0.1": "1.0.0"}
        assert lines(store, "up")["program:b"].labels == {"v1.0.1": "1.0.0"}
        assert store.has(side)
        assert side in {str(store.repo.references[name].target) for name in store.repo.references}

    def test_follow_a_line_that_comes_to_include_them(self, store: ObjectStore, up: Upstream) -> None:
        base = up.commit(native("program/a"))
        ahead = up.commit_tree(_tree(up, native("program/a", body="y")), branch="next", parents=[base])
        up.tag("v2", ahead)
        run(store, up)
        assert lines(store, "up")["program:a"].labels == {"v2": "1.0.0"}
        up.reset(ahead, up.files)
        run(store, up)
        assert lines(store, "up")["program:a"].labels == {"v2": "1.0.1"}

    def test_that_come_later_or_move_are_followed(self, store: ObjectStore, up: Upstream) -> None:
        old = up.commit(native("program/a"))
        up.commit(native("program/a", body="y"))
        run(store, up)
        up.tag("v1", old)
        assert run(store, up).unchanged is False
        assert lines(store, "up")["program:a"].labels == {"v1": "1.0.0"}
        up.tag("v1", up.head)
        assert "v1 was moved" in run(store, up).notes[0]
        assert lines(store, "up")["program:a"].labels == {"v1": "1.0.1"}
        assert run(store, up).unchanged is True


class TestRewrittenHistory:
    def test_keeps_what_was_released_and_goes_on(self, store: ObjectStore, up: Upstream) -> None:
        base, files = up.commit(native("program/a", body="1")), dict(up.files)
        lost = up.commit(native("program/a", body="2"))
        run(store, up)
        up.reset(base, files)
        new = up.commit(native("program/a", body="3"))
        report = run(store, up)
        assert any("rewritten" in note for note in report.notes)
        assert [r.commit for r in releases(store, "up", "program:a")] == [base, lost, new]
        assert store.has(lost)

    def test_set_back_is_released_like_a_revert(self, store: ObjectStore, up: Upstream) -> None:
        base, files = up.commit(native("program/a", body="1")), dict(up.files)
        up.commit(native("program/a", body="2"))
        run(store, up)
        up.reset(base, files)
        run(store, up)
        made = releases(store, "up", "program:a")
        assert [r.version for r in made] == ["1.0.0", "1.0.1", "1.0.2"]
        assert made[0].tree == made[2].tree
        assert run(store, up).unchanged

    def test_without_any_common_commit_continues_every_line(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**native("program/a"), **native("program/b")})
        run(store, up)
        tree = _tree_of(up, native("program/a", body="new root"))
        up.commit_tree(tree, parents=[])
        run(store, up)
        assert lines(store, "up")["program:a"].versions == ("1.0.0", "1.0.1")
        assert lines(store, "up")["program:b"].withdrawn == up.head


def _tree_of(up: Upstream, files: dict[str, str]) -> str:
    up.files.clear()
    return _tree(up, files)


class TestReaders:
    def test_a_repository_without_components_is_one(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({"README.md": "hello", "LICENSE": "free"})
        up.commit({"solve.py": "print(1)"})
        up.commit({"solve.py": "print(2)"})
        run(store, up)
        assert lines(store, "up")["repo:up"].versions == ("1.0.0", "1.0.1")

    def test_the_name_of_a_whole_repository_does_not_depend_on_the_source(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit({"solve.py": "print(1)"})
        mirror(store, up.url, name="mine")
        assert list(lines(store, "mine")) == ["repo:up"]

    def test_a_repository_may_turn_to_another_format(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(ck("program", "a", UID))
        up.commit({".ckr.json": None, "program/": None, **native("program/a", uid=UID)})
        run(store, up)
        assert lines(store, "up")["program:a"].versions == ("1.0.0", "1.0.1")

    def test_nothing_nested_in_a_component_is_one(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**native("a/b/program/x"), **native("a/b/program/x/program/y"), **native("1/2/3/4/5")})
        run(store, up)
        assert list(lines(store, "up")) == ["program:x"]

    def test_a_component_that_appears_above_others_swallows_them(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        up.commit(native("kits/program/x"))
        up.commit(native("kits/program"))
        up.commit({"kits/program/component.toml": None})
        run(store, up)
        by_name = lines(store, "up")
        assert by_name["kits:program"].withdrawn == up.head
        assert by_name["program:x"].withdrawn == ""

    def test_ck_entries_lie_exactly_two_levels_deep(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({
            **ck("program", "a", UID), "program/.cm/x/.cm/meta.json": "{}",
            "deep/er/folder/.cm/meta.json": "{}", "program/no-entry/file": "", "top.txt": "",
        })  # fmt: skip
        run(store, up)
        assert list(lines(store, "up")) == ["program:a"]

    def test_ck_uids_come_from_the_alias_then_from_the_entry_then_from_the_name(
        self, store: ObjectStore, up: Upstream
    ) -> None:
        named_by_uid = "fedcba9876543210"
        up.commit({
            ".ckr.json": "{}",
            "m/.cm/alias-a-x": "aaaaaaaaaaaaaaaa\r\nsecond line",
            "m/x/.cm/meta.json": "{}", "m/x/.cm/info.json": '{"backup_data_uid": "bbbbbbbbbbbbbbbb"}',
            "m/y/.cm/meta.json": "{}", "m/y/.cm/info.json": '{"backup_data_uid": "cccccccccccccccc"}',
            "m/z/.cm/meta.json": "{}",
            f"m/{named_by_uid}/.cm/meta.json": "{}",
        })  # fmt: skip
        run(store, up)
        assert {called: c.uid for called, c in lines(store, "up").items()} == {
            "m:x": "aaaaaaaaaaaaaaaa", "m:y": "cccccccccccccccc", "m:z": derive_uid("m", "z"),
            f"m:{named_by_uid}": named_by_uid,
        }  # fmt: skip

    def test_a_ck_module_named_by_uid_is_known_by_its_alias(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({".ckr.json": "{}", f".cm/alias-u-{UID}": "program\n", f"{UID}/a/.cm/meta.json": "{}"})
        run(store, up)
        up.commit({f".cm/alias-u-{UID}": "script\n"})
        run(store, up)
        assert {c: line.withdrawn for c, line in lines(store, "up").items()} == {
            "program:a": up.head, "script:a": "",
        }  # fmt: skip


class TestPublication:
    def test_two_mirrors_of_the_same_commits_are_the_same_bytes(self, tmp_path: Path, up: Upstream) -> None:
        up.commit({**native("program/a", tags="x"), **native("dataset/d")})
        up.commit(native("dataset/d", body="y"))
        up.tag("v1")
        first, second = ObjectStore(tmp_path / "one", who="A"), ObjectStore(tmp_path / "two", who="B")
        mirror(first, up.url)
        mirror(second, str(up.path), name="other")
        assert all_bytes(first, "up") == all_bytes(second, "other")

    def test_nothing_new_is_said_so_and_publishes_nothing(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a"))
        run(store, up)
        before = store.view().head
        report = run(store, up)
        assert (report.unchanged, report.releases, store.view().head) == (True, 0, before)

    def test_one_operation_publishes_everything(self, store: ObjectStore, up: Upstream) -> None:
        up.commit({**native("program/a"), **native("program/b")})
        run(store, up)
        assert len(list(store.operations())) == 1
        operation = store.view().operation()
        assert operation is not None
        assert operation.verb == "mirror"

    def test_no_litter_is_left(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a"))
        run(store, up)
        run(store, up)
        assert list((store.path / "incoming").iterdir()) == []

    def test_a_mirror_that_is_refused_leaves_no_object_behind(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a"))

        def meanwhile(line: str) -> None:
            if "publishing" in line:
                other = Operation("add", "another process", "the same source")
                store.publish(
                    other, lambda w: None, lambda v, c, _: c.put_source(Source("up", "x", "folder"))
                )

        with pytest.raises(Conflict, match="changed meanwhile"):
            mirror(store, up.url, progress=meanwhile)
        assert not store.has(up.head)

    def test_the_name_of_the_shipped_kinds_is_never_given(self, store: ObjectStore, tmp_path: Path) -> None:
        up = Upstream(tmp_path / "someone" / "ckstore")
        up.commit(native("program/a"))
        assert mirror(store, up.url).source == "someone.ckstore"
        with pytest.raises(Conflict, match="the kinds that ckstore ships"):
            mirror(store, Upstream(tmp_path / "other").url, name="ckstore")

    def test_a_taken_name_gives_way_to_the_longer_one_then_to_the_user(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        ups = [Upstream(tmp_path / owner / "tools.git") for owner in ("a", "b")]
        for up in ups:
            up.commit(native("program/a"))
        assert mirror(store, ups[0].url).source == "tools"
        assert mirror(store, ups[1].url).source == "b.tools"
        third = Upstream(tmp_path / "c" / "b" / "tools.git")
        third.commit(native("program/a"))
        with pytest.raises(Conflict, match="belongs to another source") as caught:
            mirror(store, third.url)
        assert "--name" in caught.value.hints[0]
        with pytest.raises(Conflict, match="belongs to another source"):
            mirror(store, third.url, name="tools")
        with pytest.raises(Conflict, match="already mirrored as tools"):
            mirror(store, ups[0].url, name="third")
        assert mirror(store, third.url, name="third").source == "third"

    def test_an_empty_repository_is_not_a_source(self, store: ObjectStore, up: Upstream) -> None:
        with pytest.raises(NotFound) as caught:
            run(store, up)
        assert caught.value.code == "empty-repository"
        assert store.view().sources() == []

    def test_a_checkout_is_mirrored_as_committed(
        self, store: ObjectStore, up: Upstream, tmp_path: Path
    ) -> None:
        import pygit2

        up.commit(native("program/a"))
        pygit2.clone_repository(str(up.path), str(tmp_path / "work"))
        (tmp_path / "work" / "program" / "a" / "main.c").write_text("not committed")
        mirror(store, str(tmp_path / "work"))
        assert releases(store, "work", "program:a")[0].commit == up.head

    def test_progress_is_told_with_the_name_of_the_source(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a"))
        told: list[str] = []
        mirror(store, up.url, progress=told.append)
        assert all(line.startswith("up: ") for line in told)
        assert "up: reading history 1/1" in told

    def test_a_head_that_names_no_branch_is_found_out(self, store: ObjectStore, up: Upstream) -> None:
        up.commit(native("program/a"))
        (up.path / "HEAD").write_text("ref: refs/heads/nowhere\n")
        report = run(store, up)
        assert report.branch == "main"
        assert "names no branch" in report.notes[0]

    def test_a_detached_head_is_mirrored_as_it_is(self, store: ObjectStore, up: Upstream) -> None:
        first = up.commit(native("program/a"))
        up.commit(native("program/a", body="y"))
        (up.path / "HEAD").write_text(f"{first}\n")
        report = run(store, up)
        assert (report.head, report.branch) == (first, "")
