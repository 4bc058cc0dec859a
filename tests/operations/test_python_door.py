"""``from ckstore import Store``: the same functions as the command line, in the same words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckstore import Store
from ckstore.errors import InvalidInput, NotFound
from tests.operations.folders import workshop, write


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "store", who="A Tester")
    found.add(workshop(tmp_path / "shop"))
    return found


def test_from_a_folder_to_a_result_that_repeats(store: Store, tmp_path: Path) -> None:
    assert [hit.name for hit in store.find("dataset", tags="text")] == ["long", "short"]
    locked = store.lock("program:count")
    assert (locked.snapshot() / "shop" / "program" / "count" / "count.py").is_file()
    report = store.run("program:count", lock=locked, dataset="short", repeat=2, env={"A": "1"})
    assert report.ok and report.run.environment["A"] == "1"
    assert len(report.run.measurements["execution_time"]) == 2
    again = store.replay(report.id)
    assert [comparison.result for comparison in again.comparisons] == ["same"]
    assert [entry.id for entry in store.runs()] == [again.id, report.id]
    assert [entry.verb for entry in store.log(2)] == ["run", "run"]
    assert [entry.source.name for entry in store.sources()] == ["ckstore", "shop"]
    assert store.fsck().damage == ()


def test_a_lock_can_be_written_and_read_back(store: Store, tmp_path: Path) -> None:
    locked = store.lock(["program:count", "dataset:short"])
    locked.write(tmp_path / "my.lock")
    again = store.read_lock(tmp_path / "my.lock")
    assert (again.lock, again.digest) == (locked.lock, locked.digest)
    write(tmp_path, {"bad.lock": "lock = 1\n[[pin]]\n"})
    with pytest.raises(InvalidInput, match=r"bad\.lock: 'component' is missing"):
        store.read_lock(tmp_path / "bad.lock")
    with pytest.raises(NotFound):
        store.read_lock(tmp_path / "no.lock")


def test_a_lock_tells_what_it_holds_and_lays_it_out(store: Store, tmp_path: Path) -> None:
    locked = store.lock("program:count")
    assert locked.tree().branches[0].pin == locked.lock.pin("shop:program:count")
    assert locked.why("dataset:short")[0].paths[0][-1].asker == "shop:program:count"
    assert locked.outdated().outdated == () and locked.diff(locked.lock).same
    assert locked.vendor(tmp_path / "kept").components == locked.checkout(tmp_path / "work").components
    assert locked.verify().problems == ()
    assert json.loads(locked.export("json"))["digest"] == f"sha256:{locked.digest}"
    with pytest.raises(InvalidInput, match="no format 'xml'"):
        locked.export("xml")


def test_a_project_gets_its_files(store: Store, tmp_path: Path) -> None:
    locked = store.lock("program:count", project=tmp_path / "project")
    assert (tmp_path / "project" / "ckstore.lock").read_text() == locked.lock.emit()
    assert store.lock(project=tmp_path / "project").lock == locked.lock


def test_a_run_without_a_lock_keeps_one(store: Store) -> None:
    first = store.run("program:count")
    assert "not in a project" in first.notes[0]
    assert "using the lock kept" in store.run("program:count").notes[0]


def test_everything_has_plain_values(store: Store) -> None:
    report = store.run("program:count")
    plain = [report.as_plain(), store.replay("last").as_plain(), store.fsck().as_plain()]
    plain += [entry.as_plain() for entry in store.runs()] + [entry.as_plain() for entry in store.log()]
    plain += [entry.as_plain() for entry in store.sources()] + [
        hit.as_plain() for hit in store.find("dataset")
    ]
    assert json.loads(json.dumps(plain)) == json.loads(json.dumps(plain, default=repr))


def test_a_store_that_is_not_there_is_not_made_unless_wanted(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no store"):
        Store(tmp_path / "gone", create=False)
    assert not (tmp_path / "gone").exists()
