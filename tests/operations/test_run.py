from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ckstore.actions.launch import launch
from ckstore.errors import CkstoreError, Conflict, InvalidInput, NotFound, Unsupported
from ckstore.model.locks import Lock
from ckstore.model.query import Query
from ckstore.model.tags import TagQuery
from ckstore.objects.head import read_head
from ckstore.objects.layout import remove_tree
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.find import find
from ckstore.operations.fsck import fsck
from ckstore.operations.keep import kept_lock
from ckstore.operations.lock import check_project, lock_project, make_lock
from ckstore.operations.log import log
from ckstore.operations.outputs import flatten, write_outputs
from ckstore.operations.run import RunReport, find_pin, run
from ckstore.operations.runs import find_run, replay, runs
from tests.operations.folders import COUNT, PYTHON_PROGRAM, component, entry, workshop, write

KEY = "program:count"


@pytest.fixture
def shop(store: ObjectStore, tmp_path: Path) -> Path:
    folder = workshop(tmp_path / "shop")
    add(store, folder)
    return folder


@pytest.fixture
def lock(store: ObjectStore, shop: Path) -> Lock:
    return make_lock(store, [KEY])[0]


def count(
    store: ObjectStore, lock: Lock, *words: str, reference: str = KEY, action: str = "run"
) -> RunReport:
    return run(store, lock, reference, action=action, words=words, environment=os.environ)


def workspaces(store: ObjectStore) -> list[Path]:
    return sorted((store.path / "work").glob("*"))


class TestOneRun:
    def test_it_is_recorded_with_lock_host_measurements_and_outputs(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        report = count(store, lock)
        assert (report.ok, report.run.status, report.run.exit_code) == (True, "ok", 0)
        (entry_,) = runs(store)
        record = entry_.run
        assert entry_.id == report.id and record == report.run
        assert (record.component, record.lock) == ("shop:program:count@=1.0.0", lock.digest)
        assert Lock.parse(store.view().run_lock(report.id)) == lock
        assert float(record.measurements["execution_time"][0]) >= 0
        assert record.details["dataset"] == "shop:dataset:long"
        assert record.host
        files = flatten(store.read_tree, record.outputs)
        assert store.read_blob(files["count.txt"]) == b"3 words\n"
        assert log(store)[0].verb == "run"
        assert fsck(store).damage == ()

    def test_the_first_outputs_become_the_reference_and_equal_ones_are_said_to_be_equal(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        first, second = count(store, lock), count(store, lock)
        assert [(c.name, c.result) for c in first.comparisons] == [("count.txt", "first")]
        assert [(c.name, c.result) for c in second.comparisons] == [("count.txt", "same")]
        assert (first.compared_with, second.compared_with) == ("", first.id)

    def test_another_data_set_has_a_reference_of_its_own(self, store: ObjectStore, lock: Lock) -> None:
        first, second = count(store, lock), count(store, lock, "--dataset", "short")
        assert first.run.key != second.run.key
        assert [c.result for c in second.comparisons] == ["first"]

    def test_other_outputs_are_a_mismatch_which_is_recorded_and_not_a_reference(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        first = count(store, lock, "--cmd", "clock")
        second = count(store, lock, "--cmd", "clock")
        assert (second.ok, second.run.status) == (False, "mismatch")
        assert [(c.name, c.result) for c in second.comparisons] == [("stdout.txt", "differs")]
        assert store.view().reference(second.run.key) == first.id
        assert {entry.run.status for entry in runs(store)} == {"ok", "mismatch"}

    def test_a_program_that_fails_is_recorded_with_its_exit_code_and_last_words(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        report = count(store, lock, "--cmd", "fail")
        assert (report.ok, report.run.status, report.run.exit_code) == (False, "failed", 1)
        assert "not enough values" in report.message
        assert runs(store)[0].run.status == "failed"
        assert not store.view().reference(report.run.key)

    def test_a_time_out_is_recorded(self, store: ObjectStore, lock: Lock) -> None:
        report = count(store, lock, "--cmd", "endless", "--timeout", "0.2")
        assert (report.ok, report.run.status) == (False, "timeout")
        assert "0.2 seconds" in report.message

    def test_the_workspace_is_removed_or_kept_when_asked(
        self, store: ObjectStore, lock: Lock, tmp_path: Path
    ) -> None:
        project = tmp_path / "project"
        project.mkdir()
        report = run(store, lock, KEY, environment=os.environ, project=project)
        assert report.kept == "" and list(project.iterdir()) == [] and workspaces(store) == []
        report = run(store, lock, KEY, environment=os.environ, project=project, keep=True)
        assert Path(report.kept).is_relative_to(project / ".ckstore")
        assert (Path(report.kept) / "count" / "count.py").is_file()
        run(store, lock, KEY, environment=os.environ, project=project)
        assert Path(report.kept).is_dir(), "another run leaves it alone"

    def test_a_project_that_cannot_be_written_to_gets_its_workspace_in_the_store(
        self, store: ObjectStore, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Path.mkdir

        def mkdir(self: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
            if self.is_relative_to(tmp_path / "project"):
                raise PermissionError(13, "Permission denied")
            real(self, mode, parents, exist_ok)

        monkeypatch.setattr(Path, "mkdir", mkdir)
        report = run(store, lock, KEY, environment=os.environ, project=tmp_path / "project")
        assert report.ok and workspaces(store) == []

    def test_two_runs_at_once_leave_the_workspace_of_the_other_alone(
        self, store: ObjectStore, lock: Lock, tmp_path: Path
    ) -> None:
        def one(number: int) -> RunReport:
            return run(
                ObjectStore(store.path), lock, KEY, environment=os.environ, project=tmp_path / "project"
            )

        with ThreadPoolExecutor(3) as pool:
            reports = list(pool.map(one, range(6)))
        assert [report.run.status for report in reports] == ["ok"] * 6
        assert sorted(r for report in reports for r in [c.result for c in report.comparisons]) == [
            "first", *["same"] * 5,
        ]  # fmt: skip
        assert list((tmp_path / "project").iterdir()) == []

    def test_an_interrupted_run_leaves_neither_record_nor_workspace(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        head = read_head(store.path)

        def interrupt(line: str) -> None:
            if line.startswith("command endless"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(store, lock, KEY, words=["--cmd", "endless"], environment=os.environ, progress=interrupt)
        assert read_head(store.path) == head
        assert runs(store) == [] and workspaces(store) == []

    def test_outputs_can_be_written_back(self, store: ObjectStore, lock: Lock, tmp_path: Path) -> None:
        report = count(store, lock)
        written = write_outputs(store, report.run.outputs, tmp_path / "out")
        assert tmp_path / "out" / "count.txt" in written
        assert (tmp_path / "out" / "count.txt").read_text() == "3 words\n"
        with pytest.raises(Conflict, match="is there already"):
            write_outputs(store, report.run.outputs, tmp_path / "out")

    def test_the_snapshot_is_as_it_was_after_a_run(self, store: ObjectStore, lock: Lock) -> None:
        count(store, lock, "--repeat", "2")
        health = fsck(store)
        assert health.trees and health.damage == ()

    def test_the_users_secrets_do_not_reach_the_program_or_the_record(
        self, store: ObjectStore, lock: Lock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET_TOKEN", "s3cret")
        report = count(store, lock)
        assert "s3cret" not in repr(report.run)


class TestWrongWords:
    @pytest.mark.parametrize(
        ("words", "action", "code", "hint"),
        [
            ([], "rnu", "no-action", "did you mean run?"),
            (["--dataste", "x"], "run", "unknown-flag", "dataset"),
            (["--cmd", "clcok"], "run", "no-command", "did you mean clock"),
            (["--dataset", "lnog"], "run", "no-dataset", "did you mean long"),
            (["--repeat", "0"], "run", "bad-value", ""),
            (["--repeat", "many"], "run", "bad-value", ""),
            (["stray"], "run", "unexpected-word", "--"),
        ],
    )
    def test_they_are_told_with_near_misses_and_nothing_is_recorded(
        self, store: ObjectStore, lock: Lock, words: list[str], action: str, code: str, hint: str
    ) -> None:
        with pytest.raises(CkstoreError) as caught:
            count(store, lock, *words, action=action)
        assert caught.value.code == code
        assert hint in " ".join(caught.value.hints)
        assert runs(store) == [] and workspaces(store) == []

    def test_a_component_that_the_lock_lacks_is_told_with_the_way_to_add_it(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        with pytest.raises(NotFound) as caught:
            count(store, lock, reference="program:cuont")
        assert caught.value.code == "not-in-lock"
        assert caught.value.hints == ("did you mean program:count?", "`ckstore lock program:cuont` adds it")
        with pytest.raises(NotFound):
            count(store, lock, reference="program:count@^2")

    def test_a_kind_without_actions_is_unsupported(self, store: ObjectStore, tmp_path: Path) -> None:
        add(store, component(tmp_path / "x", "poem", "ode"))
        lock, _ = make_lock(store, ["poem:ode"])
        with pytest.raises(
            Unsupported, match="no module that ckstore can run gives actions to the kind 'poem'"
        ):
            count(store, lock, reference="poem:ode")

    def test_roots_are_meant_first_and_two_of_them_are_ambiguous(
        self, store: ObjectStore, shop: Path, tmp_path: Path
    ) -> None:
        lock, _ = make_lock(store, ["dataset[text]"])
        with pytest.raises(Conflict) as caught:
            find_pin(lock, "dataset[text]")
        assert caught.value.code == "ambiguous" and "shop:dataset:long" in caught.value.hints[0]
        component(tmp_path / "shop" / "dataset" / "count", "dataset", "count")
        add(store, shop)
        lock, _ = make_lock(store, [KEY, "dataset:long"])
        assert find_pin(lock, "count").kind == "program"
        lock, _ = make_lock(store, ["program:*"])
        assert find_pin(lock, "program:*").name == "count"


class TestOutsideOfAProject:
    def test_the_lock_is_made_once_kept_in_the_store_and_used_ever_after(
        self, store: ObjectStore, shop: Path
    ) -> None:
        first = kept_lock(store, KEY)
        assert first.path.is_relative_to(store.path) and "not in a project" in first.notes[0]
        write(shop, {"program/count/notes": "new"})
        add(store, shop)
        again = kept_lock(store, KEY)
        assert (again.lock, again.path) == (first.lock, first.path)
        assert "--relock" in again.notes[0]
        anew = kept_lock(store, KEY, relock=True)
        assert anew.lock.pin("shop:program:count").version == "1.0.1"
        assert kept_lock(store, KEY).lock == anew.lock

    def test_a_lock_kept_while_there_was_no_data_is_completed_when_there_is(self, tmp_path: Path) -> None:
        other, shop = ObjectStore(tmp_path / "other"), workshop(tmp_path / "shop")
        add(other, shop / "program" / "count")
        first = kept_lock(other, KEY)
        assert any("nothing for dataset[text]" in note and "--relock" in note for note in first.notes)
        assert kept_lock(other, KEY).lock == first.lock
        assert any("the next run takes it" in note for note in kept_lock(other, KEY).notes)
        write(shop, {"program/count/notes": "new"})
        for name in ("program/count", "dataset/long"):
            add(other, shop / name)
        second = kept_lock(other, KEY)
        assert second.notes[0].startswith("completed the lock kept for")
        got = [(pin.name, pin.version) for pin in second.lock.pins if pin.source == "local"]
        assert got == [("long", "1.0.0"), ("count", "1.0.0")]
        add(other, shop / "dataset" / "short")
        assert kept_lock(other, KEY).lock == second.lock

    def test_a_kept_lock_that_is_damaged_says_how_to_make_it_anew(
        self, store: ObjectStore, shop: Path
    ) -> None:
        path = kept_lock(store, KEY).path
        path.write_text("lock = ")
        with pytest.raises(InvalidInput) as caught:
            kept_lock(store, KEY)
        assert caught.value.hints == ("--relock writes it anew",)
        assert kept_lock(store, KEY, relock=True).lock


class TestReplay:
    def test_it_gives_the_same_outputs_from_the_same_lock(self, store: ObjectStore, lock: Lock) -> None:
        first = count(store, lock, "--dataset", "short")
        again = replay(store, first.id, environment=os.environ)
        assert again.ok and [(c.name, c.result) for c in again.comparisons] == [("count.txt", "same")]
        assert (again.compared_with, again.run.replay_of) == (first.id, first.id)
        assert again.run.inputs == first.run.inputs and again.run.lock == first.run.lock
        assert again.drift == {}

    def test_other_outputs_are_a_mismatch_with_the_run_that_is_replayed(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        first = count(store, lock, "--cmd", "clock")
        assert replay(store, first.id[:6], environment=os.environ).run.status == "mismatch"

    def test_a_run_that_failed_is_replayed_as_well(self, store: ObjectStore, lock: Lock) -> None:
        count(store, lock, "--cmd", "fail")
        assert replay(store, "last", environment=os.environ).run.status == "failed"

    def test_last_is_the_newest_also_among_runs_of_one_second(self, store: ObjectStore, lock: Lock) -> None:
        ids = [count(store, lock).id for _ in range(4)]
        assert [entry.id for entry in runs(store)] == ids[::-1]
        assert find_run(store, "last").id == ids[-1]
        assert [entry.id for entry in runs(store, 2)] == ids[:1:-1]

    def test_a_run_that_is_not_there_is_told_with_a_near_miss(self, store: ObjectStore, lock: Lock) -> None:
        known = count(store, lock).id
        wrong = known[:-1] + ("0" if known[-1] != "0" else "1")
        with pytest.raises(NotFound) as caught:
            find_run(store, wrong)
        assert known in caught.value.hints[0]
        with pytest.raises(NotFound):
            find_run(store, "")

    def test_what_the_host_has_now_and_had_not_then_is_drift(
        self, store: ObjectStore, lock: Lock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = count(store, lock)
        name = sorted(first.run.host)[0]
        real = launch

        def elsewhere(*args: object, **options: object) -> object:
            outcome = real(*args, **options)  # type: ignore[arg-type]  # passed through
            return replace(outcome, host={**outcome.host, name: "another", "new": "thing"})

        monkeypatch.setattr("ckstore.operations.run.launch", elsewhere)
        again = replay(store, first.id, environment=os.environ)
        assert again.drift == {name: (first.run.host[name], "another"), "new": ("", "thing")}


class TestUpstreamChanges:
    """Breakage upstream cannot reach a locked workflow."""

    @pytest.fixture
    def broken(self, store: ObjectStore, shop: Path, tmp_path: Path) -> tuple[Lock, RunReport]:
        """The lock and a run of it; after them the program was renamed and changed, tags and data, too."""
        lock = lock_project(store, tmp_path / "project", [KEY]).lock
        first = count(store, lock)
        shutil.rmtree(shop / "program")
        body = PYTHON_PROGRAM.replace("dataset[text]", "dataset[prose]")
        component(
            shop / "program" / "counter", "program", "counter", body=body,
            files={"count.py": COUNT.replace("words", "tokens")},
        )  # fmt: skip
        component(
            shop / "dataset" / "long", "dataset", "long", tags="prose", files={"text.txt": "other words\n"}
        )
        write(shop, {"dataset/short/component.toml": "kind = = nonsense"})
        report = add(store, shop)
        assert report.withdrawn == ["shop:program:count"] and len(report.problems) == 1
        return lock, first

    def test_a_locked_run_gives_the_same_result_from_the_same_bytes(
        self, store: ObjectStore, broken: tuple[Lock, RunReport]
    ) -> None:
        lock, first = broken
        report = count(store, lock)
        assert report.ok and [c.result for c in report.comparisons] == ["same"]
        assert report.run.outputs != "" and report.run.key == first.run.key

    def test_a_replay_gives_the_same_result_with_nothing_laid_out_and_the_folder_gone(
        self, store: ObjectStore, broken: tuple[Lock, RunReport], shop: Path
    ) -> None:
        shutil.rmtree(shop)
        remove_tree(store.path / "trees")
        remove_tree(store.path / "snapshots")
        report = replay(store, broken[1].id, environment=os.environ)
        assert report.ok and [c.result for c in report.comparisons] == ["same"]

    def test_find_shows_what_changed(self, store: ObjectStore, broken: tuple[Lock, RunReport]) -> None:
        hits = find(store.path, Query(kind="program", source="shop", withdrawn=True)).hits
        assert [(hit.name, hit.withdrawn) for hit in hits] == [("count", True), ("counter", False)]
        tagged = find(store.path, Query(kind="dataset", tags=TagQuery.parse("text"))).hits
        assert [hit.name for hit in tagged] == ["short"], "the broken one keeps its last release"

    def test_the_project_is_still_up_to_date(
        self, store: ObjectStore, broken: tuple[Lock, RunReport], tmp_path: Path
    ) -> None:
        report = check_project(store, tmp_path / "project")
        assert report.lock == broken[0]
        assert report.notes == ("shop:program:count was withdrawn upstream; pinned all the same",)


def test_a_program_of_ck_runs_with_its_python(store: ObjectStore, tmp_path: Path) -> None:
    meta = {
        "run_cmds": {"default": {"run_time": {"run_cmd_main": "python3 ../hello.py"}}},
        "process_in_tmp": "yes", "no_compile": "yes",
    }  # fmt: skip
    if shutil.which("python3") is None:
        pytest.skip("there is no python3 on PATH")
    folder = entry(
        tmp_path / "old-repo", "program", "hello", "0123456789abcdef", meta, {"hello.py": "print('hi')\n"}
    )
    add(store, folder)
    lock, _ = make_lock(store, ["program:hello"])
    report = count(store, lock, reference="program:hello")
    assert report.ok, report.message
