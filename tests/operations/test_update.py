"""``update``: newer releases, with what each change means, and without what breaks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.lock import lock_project
from ckstore.operations.mirror import mirror
from ckstore.operations.runs import runs
from ckstore.operations.trial import Workbench
from ckstore.operations.update import Wanted, update_project
from ckstore.operations.yank import yank
from tests.mirror.upstream import Upstream, native
from tests.operations.corpora import tools, users
from tests.operations.studies import KEY, OTHER, SILENT, WORKS, Study, versions


@pytest.fixture
def study(store: ObjectStore, tmp_path: Path) -> Study:
    return Study(store, tmp_path)


def bench(study: Study) -> Workbench:
    return Workbench(study.store, os.environ, study.project)


class TestWhatIsTaken:
    def test_everything_goes_to_its_newest_release_with_what_that_means_and_for_whom(
        self, study: Study
    ) -> None:
        study.lock()
        study.script(WORKS, "a remark")
        study.mirror()
        report = update_project(study.store, study.project)
        [move] = report.changes.changed
        assert (move.component, move.before, move.after, move.step) == (
            "scripts:dataset:table", "1.0.0", "1.0.1", "patch")  # fmt: skip
        assert report.users == {"scripts:dataset:table": ("lab:program:report (script)",)}
        assert report.written and study.text == report.lock.emit()

    def test_a_dry_run_shows_the_same_and_writes_nothing(self, study: Study) -> None:
        study.lock()
        study.script(WORKS, "a remark")
        study.mirror()
        before = study.text
        dry = update_project(study.store, study.project, dry_run=True)
        assert (dry.written, study.text) == (False, before)
        assert update_project(study.store, study.project).changes == dry.changes

    def test_with_a_reference_only_that_moves(self, study: Study) -> None:
        study.lock()
        study.script(WORKS, "a remark")
        study.lab.commit({"program/report/notes": "x"})
        study.mirror()
        report = update_project(study.store, study.project, Wanted((KEY,)))
        assert [(move.component, move.after) for move in report.changes.changed] == [
            ("lab:program:report", "1.0.1")
        ]
        assert update_project(study.store, study.project, Wanted(("dataset[script]",))).changes.count

    def test_one_component_goes_to_a_precise_version_and_stays_there_until_it_is_updated(
        self, study: Study
    ) -> None:
        for note in "abc":
            study.script(WORKS, note)
        study.mirror()
        study.lock()
        report = update_project(study.store, study.project, Wanted(("dataset:table",), "1.0.1"))
        assert versions(report.lock) == {"report": "1.0.0", "table": "1.0.1"}
        assert report.lock.roots == ((KEY, "lab:program:report"),)
        assert lock_project(study.store, study.project).written is False
        assert versions(update_project(study.store, study.project).lock)["table"] == "1.0.3"

    def test_a_yanked_release_is_not_gone_to(self, study: Study) -> None:
        study.lock()
        study.script(WORKS, "a")
        study.mirror()
        yank(study.store, "dataset:table@1.0.1")
        assert update_project(study.store, study.project).changes.count == 0

    def test_the_choice_between_two_sources_stays(self, store: ObjectStore, tmp_path: Path) -> None:
        ups = [Upstream(tmp_path / f"{name}.git") for name in ("one", "two")]
        for up in ups:
            up.commit(native("dataset/same"))
        mirror(store, ups[0].url)
        (tmp_path / "p").mkdir()
        lock_project(store, tmp_path / "p", ["dataset:same"])
        ups[0].commit(native("dataset/same", body="y"))
        for up in ups:
            mirror(store, up.url)
        [move] = update_project(store, tmp_path / "p").changes.changed
        assert (move.component, move.after) == ("one:dataset:same", "1.0.1")


class TestWhatIsHeldBack:
    def test_a_release_without_what_others_ask_for_is_held_back_with_the_reason(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        up = tools(tmp_path / "tools.git")
        first = str(up.repo.revparse_single("main~2").id)
        now = up.head
        up.reset(first, {})
        mirror(store, up.url)
        mirror(store, users(tmp_path / "users.git").url)
        (tmp_path / "p").mkdir()
        lock_project(store, tmp_path / "p", ["program:bench"])
        up.reset(now, {})
        mirror(store, up.url)
        report = update_project(store, tmp_path / "p")
        assert report.changes.count == 0
        [held] = report.held
        assert (held.component, held.pinned, held.newest, held.newest_name) == (
            "tools:soft:lib.fl", "1.0.0", "2.0.0", "tools:soft:lib.fastlin")  # fmt: skip
        assert (held.step, held.removed[-1]) == ("major", "tag:fast-linear")
        assert held.held == (
            "users:program:bench (compile.library) asks for soft|package[fast,linear], and it lacks tag:fast",
        )

    def test_a_new_lock_takes_the_release_that_has_the_tags_and_says_so(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        for corpus in (tools(tmp_path / "tools.git"), users(tmp_path / "users.git")):
            mirror(store, corpus.url)
        (tmp_path / "p").mkdir()
        report = lock_project(store, tmp_path / "p", ["program:bench"])
        assert versions(report.lock) == {"lib.fl": "1.0.0", "bench": "1.0.0"}
        assert report.notes == (
            "tools:soft:lib.fl is pinned at 1.0.0: 2.0.0, now soft:lib.fastlin, lacks tag:fast, "
            "which users:program:bench (compile.library) asks for",
        )
        assert lock_project(store, tmp_path / "p").written is False

    def test_a_range_holds_back_too(self, study: Study) -> None:
        lock_project(study.store, study.project, ["dataset:table@~1.0.0"])
        study.scripts.commit({"dataset/table/component.toml": 'kind="dataset"\nname="table"\ntags=["b"]'})
        study.mirror()
        report = update_project(study.store, study.project)
        assert [(one.pinned, one.newest, one.held) for one in report.held] == [
            ("1.0.0", "2.0.0", ("you ask for dataset:table@~1.0.0",))]  # fmt: skip


class TestTrials:
    @pytest.mark.parametrize(
        ("broken", "why"),
        [
            (OTHER, "the output table.txt is another one"),
            ("raise SystemExit(3)\n", "exit code 3"),
            (SILENT, "table.txt"),
        ],
        ids=["other results", "a failure", "an output that is silently gone"],
    )
    def test_a_release_that_breaks_a_recorded_run_is_named_and_left_out(
        self, study: Study, broken: str, why: str
    ) -> None:
        lock = study.lock()
        assert study.run(lock).ok
        for note in "ab":
            study.script(WORKS, note)
        guilty = study.script(broken)
        study.script(broken, "later")
        study.lab.commit({"program/report/notes": "x"})
        study.mirror()
        report = update_project(study.store, study.project, bench=bench(study))
        assert versions(report.lock) == {"report": "1.0.1", "table": "1.0.2"}
        [blamed] = report.blamed
        assert [(step.component, step.version, step.commit) for step in blamed.culprits] == [
            ("scripts:dataset:table", "1.0.3", guilty)]  # fmt: skip
        assert why in blamed.trial.why
        assert [trial.works for trial in report.trials] == [True]
        assert study.text == report.lock.emit()

    def test_where_everything_works_all_is_taken_and_every_trial_is_a_record(self, study: Study) -> None:
        first = study.run(study.lock())
        study.script(WORKS, "a")
        study.mirror()
        report = update_project(study.store, study.project, bench=bench(study))
        assert versions(report.lock)["table"] == "1.0.1"
        [trial] = report.trials
        assert (trial.of, trial.works) == (first.id, True)
        newest = runs(study.store)[0]
        assert (newest.id, newest.run.replay_of, newest.run.lock) == (
            trial.run, first.id, report.lock.digest)  # fmt: skip

    def test_what_does_not_work_with_the_present_lock_either_holds_nothing_back(
        self, study: Study, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock = study.lock()
        study.run(lock, "--timeout", "60")
        study.script(WORKS, "a")
        study.mirror()
        monkeypatch.setattr("ckstore.operations.trial.difference", lambda *_: "the machine changed")
        report = update_project(study.store, study.project, bench=bench(study))
        assert versions(report.lock)["table"] == "1.0.1"
        assert any("does not work with the present lock either" in note for note in report.notes)

    def test_without_recorded_runs_it_says_that_nothing_was_tried(self, study: Study) -> None:
        study.lock()
        study.script(OTHER)
        study.mirror()
        report = update_project(study.store, study.project, bench=bench(study))
        assert report.changes.count and "nothing was tried" in report.notes[-1]

    def test_a_dry_run_tries_and_writes_no_lock(self, study: Study) -> None:
        study.run(study.lock())
        before = study.text
        study.script(OTHER)
        study.mirror()
        report = update_project(study.store, study.project, dry_run=True, bench=bench(study))
        assert report.blamed and not report.changes.count
        assert study.text == before


class TestWhatIsRefused:
    def test_a_project_without_a_lock(self, study: Study) -> None:
        with pytest.raises(NotFound) as caught:
            update_project(study.store, study.project)
        assert caught.value.code == "not-locked"

    def test_what_the_lock_does_not_pin_with_a_near_miss(self, study: Study) -> None:
        study.lock()
        with pytest.raises(NotFound) as caught:
            update_project(study.store, study.project, Wanted(("program:repotr",)))
        assert caught.value.code == "not-in-lock" and "program:report" in caught.value.hints[0]

    @pytest.mark.parametrize("references", [(), ("dataset:table", KEY)])
    def test_a_precise_version_of_none_or_of_two(self, study: Study, references: tuple[str, ...]) -> None:
        study.lock()
        with pytest.raises(InvalidInput) as caught:
            update_project(study.store, study.project, Wanted(references, "1.0.0"))
        assert caught.value.code == "not-one"

    def test_a_range_and_a_version_that_is_not_there(self, study: Study) -> None:
        study.lock()
        with pytest.raises(InvalidInput) as wrong:
            update_project(study.store, study.project, Wanted((f"{KEY}@^1",)))
        assert wrong.value.code == "range-not-wanted"
        with pytest.raises(NotFound) as missing:
            update_project(study.store, study.project, Wanted((KEY,), "7.0.0"))
        assert missing.value.code == "no-version"

    def test_nothing_is_written_when_a_precise_version_cannot_be_had_with_the_rest(
        self, study: Study
    ) -> None:
        study.scripts.commit({"dataset/table/component.toml": 'kind="dataset"\nname="table"\ntags=["b"]'})
        study.mirror()
        lock_project(study.store, study.project, ["dataset:table@^1"])
        before = study.text
        with pytest.raises(Exception, match=r"2\.0\.0"):
            update_project(study.store, study.project, Wanted(("dataset:table",), "2.0.0"))
        assert study.text == before
