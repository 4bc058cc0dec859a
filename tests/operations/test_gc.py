from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ckstore.objects.sharing import lease
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.gc import GcReport, gc
from ckstore.operations.keep import kept_lock
from ckstore.operations.lock import make_lock
from ckstore.operations.snapshot import held_snapshot, snapshot
from ckstore.operations.undo import undo
from tests.operations.folders import component, workshop, write


@pytest.fixture
def shop(store: ObjectStore, tmp_path: Path) -> Path:
    folder = workshop(tmp_path / "shop")
    add(store, folder)
    return folder


def removed(report: GcReport, what: str) -> set[str]:
    return {garbage.name for garbage in report.removed if garbage.what == what}


def age(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def age_all(store: ObjectStore, days: float = 20) -> None:
    for folder in ("trees", "snapshots"):
        for path in (store.path / folder).iterdir():
            age(path, days)


def test_a_snapshot_goes_with_its_trees_when_nobody_used_it(store: ObjectStore, shop: Path) -> None:
    lock, _ = make_lock(store, ["program:count"])
    root = snapshot(store, lock)
    age_all(store)
    snapshot(store, lock)  # used again today
    assert gc(store).removed == ()
    age_all(store)
    dry, real = gc(store, dry_run=True), gc(store)
    assert removed(dry, "snapshot") == removed(real, "snapshot") == {root.name}
    assert removed(dry, "tree") == removed(real, "tree") == {pin.tree for pin in lock.pins}
    assert snapshot(store, lock).is_dir()


def test_a_kept_lock_keeps_its_snapshot_and_its_trees(store: ObjectStore, shop: Path) -> None:
    lock = kept_lock(store, "program:count").lock
    snapshot(store, lock)
    component(shop / "dataset" / "extra", "dataset", "extra", tags="text", files={"text.txt": "a\n"})
    add(store, shop)
    other, _ = make_lock(store, ["program:count"])
    second = snapshot(store, other)
    age_all(store)
    report = gc(store)
    assert removed(report, "snapshot") == {second.name}
    assert removed(report, "tree") == {pin.tree for pin in other.pins} - {pin.tree for pin in lock.pins}


def test_a_kept_lock_that_cannot_be_read_keeps_everything(store: ObjectStore, shop: Path) -> None:
    lock, _ = make_lock(store, ["program:count"])
    snapshot(store, lock)
    write(store.path / "kept" / "broken", {"ckstore.lock": "no lock"})
    assert removed(gc(store, grace=0), "snapshot") == set()


def test_what_is_used_at_this_moment_stays(store: ObjectStore, shop: Path) -> None:
    lock, _ = make_lock(store, ["program:count"])
    with held_snapshot(store, lock) as root:
        report = gc(store, grace=0)
        assert removed(report, "snapshot") == removed(report, "tree") == set()
        assert (root / "shop" / "program" / "count" / "count.py").is_file()
    with lease(root):
        assert removed(gc(store, grace=0), "snapshot") == set()
    assert removed(gc(store, grace=0), "snapshot") == {root.name}


def test_what_was_taken_back_can_still_be_brought_back(store: ObjectStore, shop: Path) -> None:
    lock, _ = make_lock(store, ["program:count"])
    snapshot(store, lock)
    before = store.view().find(("sources", "shop"))
    component(shop / "dataset" / "extra", "dataset", "extra", files={"text.txt": "a\n" * 1000})
    add(store, shop)
    undo(store)
    assert store.view().find(("sources", "shop")) == before
    gc(store, grace=0)
    assert undo(store).restored == ("shop:dataset:extra@1.0.0",)
    lock, _ = make_lock(store, ["dataset:extra"])
    assert (snapshot(store, lock) / "shop" / "dataset" / "extra" / "text.txt").read_text() == "a\n" * 1000
