"""Processes that create one store at once, and git beside them. Crowds: tests/crash."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import (
    SOURCE,
    add,
    fsck,
    git,
    make_folder,
    read_everything,
    start_child,
)

WRITERS, EACH = 6, 15

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")


def together(*works: Callable[[], object]) -> list[int]:
    """Run all in children at once; their exit codes."""
    children = [start_child(work) for work in works]
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def reader_until(stop: Path, path: Path) -> Callable[[], None]:
    """Read everything again and again; what was once there must stay."""

    def work() -> None:
        rounds, seen = 0, 0
        while not stop.exists() or rounds == 0:
            done = stop.exists()
            store = ObjectStore(path, create=False)
            view = store.view()
            found = list(view.components(SOURCE))
            for component in found[:: max(1, len(found) // 5)]:
                tree = view.release(SOURCE, component.uid, component.newest).tree
                assert store.digests.of_tree(tree).startswith("sha256:")
            assert len(found) >= seen
            rounds, seen = rounds + 1, len(found)
            if done:
                break

    return work


def test_six_processes_may_create_the_same_store_at_once(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "c", {"x": b"1"})
    start = time.time() + 0.2

    def creator(number: int) -> Callable[[], None]:
        def work() -> None:
            time.sleep(max(0.0, start - time.time()))
            add(ObjectStore(tmp_path / "store"), f"c{number}", folder)

        return work

    assert together(*(creator(number) for number in range(6))) == [0] * 6
    assert len(read_everything(ObjectStore(tmp_path / "store"))) == 6


def test_housekeeping_of_git_does_not_disturb_writers_and_readers(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    stop = tmp_path / "stop"
    add(store, "first", make_folder(tmp_path / "first", {"x": b"1"}))

    def write() -> None:
        mine = ObjectStore(store.path)
        for number in range(25):
            add(mine, f"c{number}", make_folder(tmp_path / f"{number}", {"x": b"%d" % number}))
        stop.touch()

    def keep_house() -> None:
        while not stop.exists():
            git("pack-refs", "--all", at=store.git)
            git("repack", "-Adq", at=store.git)

    assert together(write, keep_house, reader_until(stop, store.path)) == [0, 0, 0]
    assert len(read_everything(store)) == 26
    assert check(store).damage == ()
    assert fsck(store) == []
