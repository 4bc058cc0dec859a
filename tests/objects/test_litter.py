"""What killed processes leave goes away by itself; what living ones work at stays."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.objects import litter as sweeping
from ckstore.objects.layout import lay_out
from ckstore.objects.litter import (
    UNFINISHED_INDEX,
    quarantine_lock,
    sweep,
    sweep_folder,
    temporary_file,
    temporary_folder,
)
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import add, in_child, litter, make_folder, packs, release

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")


def die(work: Callable[[], object]) -> None:
    """Do the work in a child that is then killed."""

    def child() -> None:
        work()
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(child) == -signal.SIGKILL


def leave_litter(store: ObjectStore) -> None:
    """A killed process in the middle of everything."""
    held = contextlib.ExitStack()  # a name, so that nothing is collected before the death
    writer = store.writer()

    def work() -> None:
        writer.add("blob", b"half an operation")
        for folder, prefix in ((".", "tmp-"), ("trees", "tmp-"), ("snapshots", "tmp-"), ("work", "run-")):
            (store.path / folder).mkdir(exist_ok=True)
            made = held.enter_context(temporary_folder(store.path / folder, prefix))
            make_folder(made, {"deep/file": b"1"})
            (made / "deep").chmod(0o555)
        held.enter_context(temporary_file(store.git / "objects" / "pack", UNFINISHED_INDEX))

    die(work)


def left(store: ObjectStore) -> list[str]:
    return litter(store) + [str(path) for path in store.path.glob("work/run-*")]


def test_the_next_operation_removes_what_a_killed_process_left(store: ObjectStore, tmp_path: Path) -> None:
    leave_litter(store)
    assert len(left(store)) == 6
    add(store, "susan", make_folder(tmp_path / "c", {"x": b"1"}))
    assert left(store) == []


def test_a_check_removes_what_a_killed_process_left_and_says_so(store: ObjectStore) -> None:
    leave_litter(store)
    before = left(store)
    found = check(store).damage
    assert sorted(damage.what for damage in found) == sorted(before)
    assert {(damage.code, damage.repaired) for damage in found} == {("left-over", True)}
    assert left(store) == []
    assert check(store).damage == ()


def test_a_process_killed_while_it_writes_a_pack_leaves_litter_for_the_next_one(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "c", {"x": b"1"})

    def killed_at_the_rename(source: object, target: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        os.replace = os.rename = killed_at_the_rename  # type: ignore[assignment]  # it never returns
        add(store, "susan", folder)

    assert in_child(work) == -signal.SIGKILL
    assert len(litter(store)) == 2
    add(store, "susan", folder)
    assert litter(store) == []
    assert len(packs(store)) == 1


def test_what_a_living_process_works_at_stays_however_old_it_is(store: ObjectStore, tmp_path: Path) -> None:
    ready, go = tmp_path / "ready", tmp_path / "go"
    folder = make_folder(tmp_path / "c", {"x": b"1"})
    child = os.fork()
    if child == 0:
        with (
            store.writer() as writer,
            temporary_folder(store.path, "tmp-") as made,
            temporary_folder(store.path, "run-") as work,
        ):
            writer.add("blob", b"alive")
            [pack] = (store.git / "objects" / "pack").glob("ckstore_pack_*")
            for path in (made, work, pack):
                os.utime(path, (1, 1))
            ready.touch()
            while not go.exists():
                time.sleep(0.01)
            os._exit(0 if made.exists() and work.exists() and writer.finish() else 1)
    while not ready.exists():
        time.sleep(0.01)
    assert sweep(store.path) == sweep_folder(store.path, "run-") == []
    add(ObjectStore(store.path), "susan", folder)
    assert check(ObjectStore(store.path)).damage == ()
    go.touch()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_own_work_of_a_process_stays(store: ObjectStore) -> None:
    with temporary_folder(store.path, "tmp-") as made:
        assert sweep(store.path) == []
        assert made.is_dir()
    assert not made.exists()


def test_what_was_renamed_stays(store: ObjectStore) -> None:
    with temporary_folder(store.path, "tmp-") as made:
        final = made.rename(store.path / "final")
    assert final.is_dir()


@pytest.mark.parametrize("elsewhere", ["another host", "no locks here"])
def test_where_locks_say_nothing_only_what_nobody_touched_for_a_day_is_removed(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    leave_litter(store)
    before = left(store)
    if elsewhere == "another host":
        monkeypatch.setattr(sweeping, "_host", lambda: "123456")
    else:
        monkeypatch.setattr(sweeping, "fcntl", None)
    assert sweep(store.path) == []
    for path in store.path.rglob("*"):
        os.utime(path, (time.time() - 90_000,) * 2, follow_symlinks=False)
    os.utime(next(store.path.glob("work/run-*/deep/file")))  # somebody is at it
    assert len(sweep(store.path)) == len(before) - 1
    assert [Path(path).name[:4] for path in left(store)] == ["run-"]


def test_a_workspace_that_was_kept_on_purpose_is_never_removed(store: ObjectStore) -> None:
    for name in ("run-abcdefgh", "kept-abcdefgh"):
        make_folder(store.path / "work" / name, {"x": b"1"})
        os.utime(store.path / "work" / name / "x", (1, 1))
        os.utime(store.path / "work" / name, (1, 1))
    assert sweep(store.path) == []


def test_half_packs_of_a_killed_mirror_are_removed_unless_one_is_under_way(store: ObjectStore) -> None:
    pack = ObjectStore(store.path / "incoming" / "lab").git / "objects" / "pack"
    half, whole = pack / "tmp_pack_Ab12cd", pack / "pack-1.pack"
    for path in (half, whole):
        path.write_bytes(b"PACK")
    with store.lock(quarantine_lock("lab")):
        assert sweep(store.path) == []
    assert [damage.what for damage in check(store).damage] == [str(half)]
    assert not half.exists()
    assert whole.exists()


def test_many_at_once_sweep_and_work_without_losing_anything(store: ObjectStore, tmp_path: Path) -> None:
    def work() -> None:
        for _ in range(150):
            with temporary_folder(store.path, "tmp-") as made:
                (made / "x").write_bytes(b"1")
                sweep(store.path)
                assert (made / "x").read_bytes() == b"1"

    children = [os.fork() for _ in range(1)]
    if children[0] == 0:
        code = 1
        with contextlib.suppress(BaseException):
            work()
            code = 0
        os._exit(code)
    work()
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert litter(store) == []


def test_litter_that_cannot_be_removed_stops_nothing(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_litter(store)

    def refuse(path: object, *more: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
    monkeypatch.setattr(os, "unlink", refuse)
    assert sweep(store.path) == []


def test_a_killed_layout_is_swept_and_repeated(store: ObjectStore, tmp_path: Path) -> None:
    add(store, "c", make_folder(tmp_path / "c", {"a": b"1"}))
    found = release(store, "c")
    real = os.rename

    def work() -> None:
        os.rename = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
        lay_out(store, found.tree, found.digest)

    assert in_child(work) == -signal.SIGKILL
    assert os.rename is real
    assert len(litter(store)) == 1
    assert [path.parent.name for path in sweep(store.path)] == ["trees"]
    assert lay_out(store, found.tree, found.digest).is_dir()
