"""One damaged record of a run must not hide the others."""

from __future__ import annotations

import pytest

from ckstore.errors import CorruptData, Unsupported
from ckstore.model.records import Operation, Run, encode
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE
from ckstore.objects.verify import check


def record(store: ObjectStore, started: str) -> str:
    ids: list[str] = []

    def edit(view: LogView, change: LogEdit, prepared: None) -> None:
        run = Run("run", "lab:program:c@=1.0.0", "u", "l", started, "ok", 0)
        ids.append(change.put_run(run, "lock"))

    store.publish(Operation("run", "ckstore run", started), lambda writer: None, edit)
    return ids[0]


def put_record(store: ObjectStore, run_id: str, data: bytes) -> None:
    """Put other bytes where the record of a run is."""

    def edit(view: LogView, change: LogEdit, oid: str) -> None:
        change._put(("runs", run_id[:2], run_id, "record"), FILE, oid)

    store.publish(Operation("run", "", ""), lambda writer: writer.add("blob", data), edit)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"nonsense", CorruptData), (encode({"schema": 1}), CorruptData), (encode({"schema": 99}), Unsupported)],
)
def test_the_other_runs_are_listed_and_the_damaged_one_is_named(
    store: ObjectStore, data: bytes, kind: type
) -> None:
    ids = [record(store, f"2026-01-0{day}") for day in (1, 2, 3)]
    put_record(store, ids[1], data)
    view = store.view()
    assert {run_id for run_id, _ in view.runs()} == {ids[0], ids[2]}
    [(damaged, error)] = view.damaged_runs()
    assert damaged == ids[1]
    assert isinstance(error, kind)
    assert [(found.code, found.what) for found in check(store).damage] == [("bad-run", f"run {ids[1]}")]


def test_a_damaged_folder_of_runs_hides_only_its_own(store: ObjectStore) -> None:
    good = record(store, "2026-01-01")
    other = "00" if not good.startswith("00") else "01"

    def prepare(writer: PackWriter) -> str:
        return writer.add("tree", b"nonsense")

    def edit(view: LogView, change: LogEdit, oid: str) -> None:
        change._put(("runs", other), 0o40000, oid)

    store.publish(Operation("run", "", ""), prepare, edit)
    view = store.view()
    assert [run_id for run_id, _ in view.runs()] == [good]
    assert [run_id for run_id, _ in view.damaged_runs()] == [other]


def test_a_sound_log_has_no_damaged_runs(store: ObjectStore) -> None:
    assert store.view().damaged_runs() == []
    record(store, "2026-01-01")
    assert store.view().damaged_runs() == []
    assert check(store).damage == ()
