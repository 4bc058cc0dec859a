from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pygit2
import pytest

from ckstore.errors import Conflict, InvalidInput, NotFound
from ckstore.model.names import derive_uid
from ckstore.objects.head import read_head
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import AddReport, add
from ckstore.operations.fsck import fsck
from ckstore.operations.kinds import ensure_kinds
from ckstore.operations.lock import make_lock
from ckstore.operations.origins import KINDS_SOURCE
from ckstore.operations.snapshot import snapshot
from tests.operations.folders import component, entry, make_executable, write

UID = "0123456789abcdef"


def names(report: AddReport) -> list[str]:
    return [f"{item.component}@{item.release.version}" for item in report.added]


def laid_out(store: ObjectStore, ask: str) -> Path:
    lock, _ = make_lock(store, [ask])
    (_, got), *_ = lock.roots
    return snapshot(store, lock).joinpath(*got.split(":"))


class TestWhatAFolderIs:
    def test_a_component_says_what_it_is(self, store: ObjectStore, tmp_path: Path) -> None:
        report = add(store, component(tmp_path / "anywhere", "dataset", "pear", tags="fruit"))
        assert names(report) == ["local:dataset:pear@1.0.0"]
        assert report.added[0].release.bump == "first"
        assert report.added[0].release.uid == derive_uid("dataset", "pear")

    def test_a_repository_holds_many_and_gives_its_name_to_the_source(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        component(tmp_path / "fruits" / "a" / "pear", "dataset", "pear")
        component(tmp_path / "fruits" / "plum", "dataset", "plum")
        report = add(store, tmp_path / "fruits")
        assert names(report) == ["fruits:dataset:pear@1.0.0", "fruits:dataset:plum@1.0.0"]
        assert report.source == "fruits"

    def test_a_folder_without_metadata_becomes_a_component_with_kind_name_and_tags(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = write(tmp_path / "pictures", {"a.txt": "a"})
        report = add(store, folder, kind="dataset", name="trees", tags=["green", "big"])
        assert names(report) == ["local:dataset:trees@1.0.0"]
        assert report.added[0].release.tags == ("big", "green")
        assert not (folder / "component.toml").exists(), "the folder itself is not touched"
        text = (laid_out(store, "dataset:trees") / "component.toml").read_text()
        assert text == 'kind = "dataset"\nname = "trees"\ntags = ["big", "green"]\n'

    def test_a_folder_of_many_refuses_what_is_meant_for_one(self, store: ObjectStore, tmp_path: Path) -> None:
        component(tmp_path / "fruits" / "pear", "dataset", "pear")
        with pytest.raises(InvalidInput) as caught:
            add(store, tmp_path / "fruits", version="2.0.0")
        assert caught.value.code == "many-components"

    def test_an_entry_takes_kind_name_and_uid_from_its_place_in_a_repository_of_ck(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = entry(tmp_path / "old-repo", "program", "susan", UID)
        (added,) = add(store, folder).added
        assert added.component == "old-repo:program:susan"
        assert (added.release.uid, added.release.format, added.release.path) == (UID, "ck", "program/susan")

    def test_an_entry_and_then_its_whole_repository_are_one_line(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = entry(tmp_path / "old-repo", "program", "susan", UID)
        entry(tmp_path / "old-repo", "program", "corner", "fedcba9876543210")
        add(store, folder)
        report = add(store, tmp_path / "old-repo")
        assert names(report) == ["old-repo:program:corner@1.0.0"]
        assert report.unchanged == ["old-repo:program:susan@1.0.0"]

    def test_an_entry_without_uid_gets_a_stable_one(self, store: ObjectStore, tmp_path: Path) -> None:
        folder = entry(tmp_path / "old-repo", "program", "susan", UID)
        (folder.parent / ".cm" / "alias-a-susan").unlink()
        assert add(store, folder).added[0].release.uid == derive_uid("program", "susan")

    def test_what_is_no_folder_is_not_found(self, store: ObjectStore, tmp_path: Path) -> None:
        for path in (tmp_path / "gone", write(tmp_path, {"file": ""}) / "file"):
            with pytest.raises(NotFound, match="is not a folder"):
                add(store, path)

    @pytest.mark.parametrize("files", [{}, {"a.txt": "a", "below/b.txt": "b"}, {"README.md": "x"}])
    def test_a_folder_without_metadata_is_not_published_as_a_guess(
        self, store: ObjectStore, tmp_path: Path, files: dict[str, str]
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            add(store, write(tmp_path / "plain", files))
        assert caught.value.code == "no-metadata"
        hints = " ".join(caught.value.hints)
        assert all(word in hints for word in ("--kind", "--name", "component.toml"))
        assert read_head(store.path) == ""

    def test_a_repository_of_ck_without_entries_is_refused(self, store: ObjectStore, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput) as caught:
            add(store, write(tmp_path / "old-repo", {".ckr.json": "{}", "notes.txt": "x"}))
        assert caught.value.code == "no-components"

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"kind": "my kind"}, "cannot be a kind: it contains a blank"),
            ({"kind": "a\tb"}, "cannot be a kind: it contains control characters"),
            ({"kind": "dataset", "name": "two words"}, "cannot be a name: it contains a blank"),
            ({"kind": "dataset", "name": "CON"}, "cannot be a name: it is a device name"),
            ({"kind": "dataset", "source": "my source"}, "cannot be a source: it contains a blank"),
            ({"kind": "dataset", "tags": ["-old"]}, "cannot be a tag: it begins with '-'"),
            ({"kind": "dataset", "tags": ["!old"]}, "cannot be a tag: it begins with '!'"),
            ({"kind": "dataset", "tags": ["a,b"]}, "cannot be a tag: it contains ','"),
        ],
    )
    def test_options_that_nobody_could_ask_for_later_are_refused(
        self, store: ObjectStore, tmp_path: Path, given: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            add(store, write(tmp_path / "plain", {"a": "a"}), **given)
        assert said in caught.value.message and caught.value.hints
        assert read_head(store.path) == ""

    def test_an_entry_of_ck_keeps_a_name_with_a_blank(self, store: ObjectStore, tmp_path: Path) -> None:
        folder = entry(tmp_path / "old-repo", "dataset", "two words", UID)
        assert names(add(store, folder)) == ["old-repo:dataset:two words@1.0.0"]
        assert names(add(store, tmp_path / "old-repo", source="all")) == ["all:dataset:two words@1.0.0"]
        lock, _ = make_lock(store, ["all:dataset:two words"])
        assert lock.roots[0][1] == "all:dataset:two words"

    def test_file_names_that_windows_cannot_hold_are_told_and_added(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        for name in ("aux.txt", "a:b", "dot."):
            folder = component(tmp_path / "r" / "pear", "dataset", "pear", files={f"below/{name}": "x"})
            for report in (add(store, folder, source=f"one{ord(name[0])}"), add(store, tmp_path / "r")):
                assert len(report.added) == 1
                (warning,) = report.problems
                assert warning.startswith(("pear: below/", ".: below/")) and "Windows" in warning
            shutil.rmtree(folder)

    def test_a_folder_whose_name_is_not_allowed_is_told_which_option_helps(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            add(store, write(tmp_path / "my [data]", {"a": ""}), kind="dataset")
        assert caught.value.hints == ("give another one with --name",)
        with pytest.raises(InvalidInput) as caught:
            add(store, component(tmp_path / "a@b" / "pear", "dataset", "pear").parent)
        assert caught.value.hints == ("name the source with --source NAME",)
        assert names(add(store, tmp_path / "a@b", source="ab")) == ["ab:dataset:pear@1.0.0"]

    def test_a_name_that_contradicts_the_metadata_is_refused(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        with pytest.raises(InvalidInput, match="its name is 'pear', not 'plum'"):
            add(store, component(tmp_path / "x", "dataset", "pear"), name="plum")

    def test_the_working_tree_of_git_leaves_out_what_git_ignores_but_not_what_it_tracks(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        repository = pygit2.init_repository(str(tmp_path / "repo"))
        files = {"build/out.o": "x", "a.log": "x", "kept.log": "x", "c.txt": "x"}
        component(tmp_path / "repo" / "pear", "dataset", "pear", files=files)
        write(tmp_path / "repo", {".gitignore": "build/\n*.log\n"})
        repository.index.add("pear/kept.log")
        repository.index.write()
        add(store, tmp_path / "repo")
        found = {path.name for path in laid_out(store, "dataset:pear").iterdir()}
        assert found == {"component.toml", "kept.log", "c.txt"}

    @pytest.mark.parametrize("rule", ["/made/\n", "*\n"])
    def test_a_folder_that_git_ignores_was_named_on_purpose_and_is_added_whole(
        self, store: ObjectStore, tmp_path: Path, rule: str
    ) -> None:
        pygit2.init_repository(str(tmp_path / "repo"))
        write(tmp_path / "repo", {".gitignore": rule})
        component(tmp_path / "repo" / "made" / "pear", "dataset", "pear", files={"a/b.txt": "x"})
        assert names(add(store, tmp_path / "repo" / "made")) == ["made:dataset:pear@1.0.0"]
        assert (laid_out(store, "dataset:pear") / "a" / "b.txt").is_file()
        pear = tmp_path / "repo" / "made" / "pear"
        assert names(add(store, pear, source="alone")) == ["alone:dataset:pear@1.0.0"]

    def test_the_name_of_the_shipped_kinds_is_not_for_others(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = component(tmp_path / KINDS_SOURCE / "pear", "dataset", "pear").parent
        with pytest.raises(Conflict) as caught:
            add(store, folder)
        assert caught.value.code == "source-taken"
        assert names(add(store, folder, source="mine")) == ["mine:dataset:pear@1.0.0"]


class TestScripts:
    META = "alias: get-x\nuid: 1234567890123456\nautomation_alias: script\ntags: [get, x]\n"

    @pytest.mark.parametrize("file", ["_cm.yaml", "meta.yaml"])
    def test_one_script_says_what_it_is(self, store: ObjectStore, tmp_path: Path, file: str) -> None:
        folder = write(tmp_path / "script" / "folder", {file: self.META, "customize.py": ""})
        report = add(store, folder)
        assert names(report) == ["local:script:get-x@1.0.0"]
        [added] = report.added
        assert (added.release.uid, added.release.tags) == ("1234567890123456", ("get", "x"))

    def test_a_file_that_only_has_the_name_says_nothing(self, store: ObjectStore, tmp_path: Path) -> None:
        folder = write(tmp_path / "recipe", {"meta.yaml": "package: {name: recipe}\n"})
        with pytest.raises(InvalidInput, match="no metadata"):
            add(store, folder)
        assert names(add(store, folder, kind="dataset")) == ["local:dataset:recipe@1.0.0"]

    @pytest.mark.parametrize(("descriptor", "file"), [("cmr.yaml", "_cm.yaml"), ("meta.yaml", "meta.yaml")])
    def test_a_repository_of_them_is_read_whole(
        self, store: ObjectStore, tmp_path: Path, descriptor: str, file: str
    ) -> None:
        files = {descriptor: "alias: a@b\nuid: 9e97bb72b0474657\n", f"script/x/{file}": self.META}
        assert names(add(store, write(tmp_path / "repo", files))) == ["repo:script:get-x@1.0.0"]


class TestAddingAgain:
    def test_unchanged_content_is_said_to_be_there_and_publishes_nothing(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        component(tmp_path / "fruits" / "pear", "dataset", "pear")
        single = component(tmp_path / "plum", "dataset", "plum", head='version = "3.1.0"')
        plain = write(tmp_path / "plain", {"a": "a"})

        def everything() -> list[AddReport]:
            return [add(store, tmp_path / "fruits"), add(store, single), add(store, plain, kind="dataset")]

        everything()
        head = read_head(store.path)
        reports = everything()
        assert read_head(store.path) == head
        assert [report.unchanged for report in reports] == [
            ["fruits:dataset:pear@1.0.0"], ["local:dataset:plum@3.1.0"], ["local:dataset:plain@1.0.0"],
        ]  # fmt: skip
        assert not any(report.added or report.withdrawn for report in reports)

    def test_changed_content_gets_the_next_version_with_its_reasons(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = tmp_path / "pear"
        seen = []
        for tags, content in (("fruit", "a"), ("fruit", "b"), ("fruit,green", "b"), ("green", "b")):
            (added,) = add(store, component(folder, "program", "pear", tags=tags, files={"f": content})).added
            seen.append((added.release.version, added.release.bump, added.release.changes))
        assert seen == [
            ("1.0.0", "first", ()), ("1.0.1", "patch", ()), ("1.1.0", "minor", ("+tag:green",)),
            ("2.0.0", "major", ("-tag:fruit",)),
        ]  # fmt: skip

    def test_other_content_under_a_stated_version_is_a_conflict_with_both_digests(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = component(tmp_path / "pear", "dataset", "pear", head='version = "1.2.0"', files={"f": "a"})
        first = add(store, folder).added[0].release.digest
        head = read_head(store.path)
        write(folder, {"f": "b"})
        with pytest.raises(Conflict) as caught:
            add(store, folder)
        error = caught.value
        assert (error.code, error.details["released"]) == ("version-released", first)
        assert first in error.message and str(error.details["found"]) in error.message
        assert error.details["found"] != first
        assert read_head(store.path) == head

    def test_a_conflict_in_one_component_publishes_none_of_a_repository(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        component(tmp_path / "r" / "a", "dataset", "a", files={"f": "1"})
        component(tmp_path / "r" / "b", "dataset", "b", head='version = "1.0.0"', files={"f": "1"})
        add(store, tmp_path / "r")
        head = read_head(store.path)
        write(tmp_path / "r", {"a/f": "2", "b/f": "2"})
        with pytest.raises(Conflict, match=r"b@1\.0\.0 is released with sha256:"):
            add(store, tmp_path / "r")
        assert read_head(store.path) == head

    @pytest.mark.parametrize("by_metadata", [True, False])
    def test_a_version_never_goes_back(self, store: ObjectStore, tmp_path: Path, by_metadata: bool) -> None:
        def release(version: str, content: str) -> AddReport:
            head = f'version = "{version}"' if by_metadata else ""
            folder = component(tmp_path / "pear", "dataset", "pear", head=head, files={"f": content})
            return add(store, folder, version="" if by_metadata else version)

        assert names(release("2.0.0", "a")) == ["local:dataset:pear@2.0.0"]
        with pytest.raises(Conflict, match=r"is at 2\.0\.0; 1\.5\.0 would go back") as caught:
            release("1.5.0", "b")
        assert caught.value.code == "version-goes-back"
        assert names(release("2.1.0", "b")) == ["local:dataset:pear@2.1.0"]
        assert release("2.0.0", "a").unchanged == ["local:dataset:pear@2.0.0"]

    def test_a_component_that_left_the_folder_is_withdrawn_and_can_come_back(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        component(tmp_path / "r" / "a", "dataset", "a")
        gone = component(tmp_path / "r" / "b", "dataset", "b")
        add(store, tmp_path / "r")
        gone.rename(tmp_path / "elsewhere")
        assert add(store, tmp_path / "r").withdrawn == ["r:dataset:b"]
        assert add(store, tmp_path / "r").withdrawn == []
        (tmp_path / "elsewhere").rename(gone)
        assert add(store, tmp_path / "r").unchanged == ["r:dataset:a@1.0.0", "r:dataset:b@1.0.0"]
        component_record = store.view().component("r", derive_uid("dataset", "b"))
        assert component_record is not None and not component_record.withdrawn

    def test_a_rename_with_its_uid_is_a_major_release_of_the_same_line(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        head = f'uid = "{UID}"'
        add(store, component(tmp_path / "pear", "dataset", "pear", head=head))
        (added,) = add(store, component(tmp_path / "pear", "dataset", "quince", head=head)).added
        assert (added.component, added.release.version) == ("local:dataset:quince", "2.0.0")
        assert added.release.changes == ("-name:pear", "+name:quince")

    def test_a_source_of_another_folder_is_not_taken_over(self, store: ObjectStore, tmp_path: Path) -> None:
        first, second = tmp_path / "one" / "r", tmp_path / "two" / "r"
        component(first / "a", "dataset", "a")
        component(second / "b", "dataset", "b")
        add(store, first)
        with pytest.raises(Conflict) as caught:
            add(store, second)
        assert caught.value.code == "source-taken" and str(first) in caught.value.message
        assert any("--source" in hint for hint in caught.value.hints)
        assert names(add(store, second, source="other")) == ["other:dataset:b@1.0.0"]


class TestFilesAsTheyAre:
    def test_executable_bits_and_symlinks_come_through_to_the_snapshot(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        files = {"run.sh": "#!/bin/sh\n", "data/a.txt": "a", "plain": "p"}
        folder = component(tmp_path / "pear", "dataset", "pear", files=files)
        make_executable(folder / "run.sh")
        (folder / "data" / "link").symlink_to("../plain")
        (folder / "dangling").symlink_to("./nowhere")
        add(store, folder)
        found = laid_out(store, "dataset:pear")
        assert (found / "run.sh").stat().st_mode & stat.S_IXUSR
        assert not (found / "plain").stat().st_mode & stat.S_IXUSR
        assert os.readlink(found / "data" / "link") == "../plain"
        assert os.readlink(found / "dangling") == "./nowhere"

    @pytest.mark.parametrize("target", ["../outside", "/etc/passwd", "sub/../../x"])
    def test_a_symlink_that_leads_out_is_refused(
        self, store: ObjectStore, tmp_path: Path, target: str
    ) -> None:
        folder = component(tmp_path / "pear", "dataset", "pear")
        (folder / "link").symlink_to(target)
        with pytest.raises(InvalidInput, match=r"link: (a|the) symlink") as caught:
            add(store, folder)
        assert caught.value.code == "unsafe-path"
        assert read_head(store.path) == ""

    def test_pipes_and_names_with_line_breaks_are_refused(self, store: ObjectStore, tmp_path: Path) -> None:
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no named pipes")
        os.mkfifo(component(tmp_path / "a", "dataset", "a") / "pipe")
        component(tmp_path / "b", "dataset", "b", files={"two\nlines": "x"})
        for name, code in (("a", "special-file"), ("b", "unsafe-path")):
            with pytest.raises(InvalidInput) as caught:
                add(store, tmp_path / name)
            assert caught.value.code == code
        assert read_head(store.path) == ""

    def test_in_a_repository_they_cost_only_the_component_they_lie_in(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no named pipes")
        root = tmp_path / "r"
        os.mkfifo(component(root / "pipe", "dataset", "pipe") / "p")
        component(root / "lines", "dataset", "lines", files={"two\nlines": "x"})
        (component(root / "link", "dataset", "link") / "out").symlink_to("/etc")
        component(root / "good", "dataset", "good")
        report = add(store, root)
        assert names(report) == ["r:dataset:good@1.0.0"]
        assert report.problems == (
            "lines: two\\nlines: it contains control characters",
            "link: out: a symlink, and it leads to an absolute path",
            "pipe: p: it is neither a file, a folder nor a symlink",
        )
        assert fsck(store).damage == ()


class TestMalformedMetadata:
    def test_broken_metadata_is_reported_and_the_rest_is_added(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        repository = tmp_path / "old-repo"
        entry(repository, "program", "bad", UID, meta='{"tags": [\n  "a",,]}')
        entry(repository, "program", "good", "fedcba9876543210")
        report = add(store, repository)
        assert names(report) == ["old-repo:program:good@1.0.0"]
        (problem,) = report.problems
        assert problem.startswith("program/bad/.cm/meta.json, line 2, column 7: not valid JSON")
        source = store.view().source("old-repo")
        assert source is not None and source.problems == report.problems

    def test_a_component_that_breaks_keeps_its_last_release(self, store: ObjectStore, tmp_path: Path) -> None:
        folder = entry(tmp_path / "old-repo", "program", "susan", UID)
        add(store, tmp_path / "old-repo")
        write(folder, {".cm/meta.json": "{"})
        with pytest.raises(InvalidInput) as caught:
            add(store, tmp_path / "old-repo")
        assert caught.value.code == "all-broken"
        assert "program/susan/.cm/meta.json, line 1" in caught.value.message
        entry(tmp_path / "old-repo", "program", "fine", "fedcba9876543210")
        report = add(store, tmp_path / "old-repo")
        assert (report.withdrawn, names(report)) == ([], ["old-repo:program:fine@1.0.0"])
        assert report.problems[0].startswith("program/susan/.cm/meta.json, line 1")
        lock, _ = make_lock(store, ["program:susan"])
        assert lock.pin("old-repo:program:susan").version == "1.0.0"

    def test_a_version_that_is_none_is_told_with_file_and_value(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        for version in ("1.x", "abc", ""):
            bad = component(tmp_path / "r" / "bad", "dataset", "bad", head=f'version = "{version}"')
            with pytest.raises(
                InvalidInput, match=rf"bad/component\.toml: '{version}' is not a semantic"
            ) as caught:
                add(store, bad)
            assert caught.value.code == "bad-version"
        component(tmp_path / "r" / "good", "dataset", "good")
        report = add(store, tmp_path / "r")
        assert names(report) == ["r:dataset:good@1.0.0"]
        assert report.problems == ("bad/component.toml: '' is not a semantic version.",)

    def test_tags_that_no_requirement_could_hold_are_told_and_still_lock(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        meta = {"tags": ["odd"], "run_deps": {"lib": {"tags": ["a,b", "c[1]"]}}}
        entry(tmp_path / "old-repo", "program", "odd", UID, meta=meta)
        soft = {"tags": ["a", "b", "c[1]"]}
        entry(tmp_path / "old-repo", "soft", "lib", "fedcba9876543210", meta=soft)
        report = add(store, tmp_path / "old-repo")
        assert len(report.added) == 2
        assert report.problems == (
            "program/odd/.cm/meta.json: run.lib: the tag 'c[1]': it contains '['; it is read as 'c1'",
            "soft/lib/.cm/meta.json: the tag 'c[1]': it contains '['; it is read as 'c1'",
        )
        lock, _ = make_lock(store, ["program:odd"])
        assert [pin.name for pin in lock.got("old-repo:program:odd", "run.lib")] == ["lib"]

    def test_alone_it_is_an_error_that_names_file_and_line(self, store: ObjectStore, tmp_path: Path) -> None:
        toml = write(tmp_path / "toml", {"component.toml": 'kind = "dataset"\nname = = 3\n'})
        json = entry(tmp_path / "old-repo", "program", "bad", UID, meta="{\n\n!")
        with pytest.raises(InvalidInput, match=r"toml/component\.toml: not valid TOML: .*line 2"):
            add(store, toml)
        with pytest.raises(InvalidInput, match=r"bad/\.cm/meta\.json, line 3, column 1"):
            add(store, json)

    def test_two_components_with_one_uid_are_both_kept_and_the_second_gets_its_own(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        entry(tmp_path / "old-repo", "program", "one", UID)
        entry(tmp_path / "old-repo", "program", "two", UID)
        report = add(store, tmp_path / "old-repo")
        uids = {item.component: item.release.uid for item in report.added}
        assert uids == {
            "old-repo:program:one": UID, "old-repo:program:two": derive_uid("program", "two"),
        }  # fmt: skip
        assert report.problems == (
            f"program/two: its UID {UID} is that of program/one too; "
            f"it gets the UID {derive_uid('program', 'two')}",
        )


class TestShippedKinds:
    def test_they_are_published_once(self, store: ObjectStore) -> None:
        versions = ensure_kinds(store)
        head = read_head(store.path)
        assert ensure_kinds(store) == versions
        assert read_head(store.path) == head

    @pytest.mark.parametrize("rules", [".venv/\n", "module/\n*.py\n"])
    def test_they_are_whole_wherever_in_a_working_tree_of_git_ckstore_was_installed(
        self, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: str
    ) -> None:
        from ckstore.operations import kinds

        versions = ensure_kinds(store)
        pygit2.init_repository(str(tmp_path / "checkout"))
        write(tmp_path / "checkout", {".gitignore": rules})
        installed = tmp_path / "checkout" / ".venv" / "kinds"
        shutil.copytree(kinds.SHIPPED_FOLDER, installed)
        monkeypatch.setattr(kinds, "SHIPPED_FOLDER", installed)
        assert ensure_kinds(ObjectStore(tmp_path / "other")) == versions

    def test_their_versions_come_from_their_files_whatever_a_store_held_before(
        self, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ckstore.operations import kinds

        other = ObjectStore(tmp_path / "other")
        older = component(tmp_path / "kinds" / "program", "module", "program", files={"module.py": "# old\n"})
        with monkeypatch.context() as patch:
            patch.setattr(kinds, "SHIPPED_FOLDER", older.parent)
            before = ensure_kinds(other)
        uid = f"{KINDS_SOURCE}:{derive_uid('module', 'program')}"
        after = ensure_kinds(other)
        assert before[uid] != after[uid]
        assert after == ensure_kinds(store)
        with monkeypatch.context() as patch:
            patch.setattr(kinds, "SHIPPED_FOLDER", older.parent)
            assert ensure_kinds(other)[uid] == before[uid], "an older ckstore finds its own"
