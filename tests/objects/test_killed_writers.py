"""A process killed at any instant leaves a store that the next command finds whole."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.objects import fold as folding
from ckstore.objects import head as heads
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.layout import lay_out
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import add, fsck, in_child, make_folder, packs, read_everything, release

CHANGES = {
    "open",
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.utime",
    "os.truncate",
    "fsync",
}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")


def die_at(step: int, store: Path) -> None:
    """Kill this very process just before its ``step``-th change below ``store``."""
    left = step

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in CHANGES or not str(arguments[0]).startswith((str(store), "descriptor")):
            return
        if event == "open" and not int(str(arguments[2])) & (os.O_WRONLY | os.O_RDWR):
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    fsync = os.fsync

    def counted(descriptor: int) -> None:
        count("fsync", ("descriptor",))
        fsync(descriptor)
        count("fsync", ("descriptor",))  # synced, and killed before what follows

    os.fsync = counted  # type: ignore[assignment]  # narrower: we sync descriptors only
    sys.addaudithook(count)


Work = Callable[[ObjectStore], object]


def killed_everywhere(template: Path, work: Work, inspect: Callable[[ObjectStore, int], None]) -> int:
    """Run ``work`` on a copy of a store in a child killed at its first step, on another copy at the second …

    After each death the store is inspected, the work is repeated, and the store inspected again. Gives
    how many steps there were.
    """
    for step in range(1, 200):
        path = template.with_name(f"copy{step}")
        if template.exists():
            shutil.copytree(template, path, symlinks=True)

        def attempt(step: int = step, path: Path = path) -> None:
            die_at(step, path)
            work(ObjectStore(path))

        code = in_child(attempt)
        if code == 0:
            return step - 1
        assert code == -signal.SIGKILL
        inspect(ObjectStore(path), step)
        work(ObjectStore(path))
        inspect(ObjectStore(path), 0)
    raise AssertionError("it never completes")


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "_STALE_SECONDS", 0.02)


def test_publishing_killed_at_any_step_happened_entirely_or_not_at_all(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    add(store, "first", make_folder(tmp_path / "first", {"x": b"1"}))
    make_folder(tmp_path / "v", {"y": b"2", "bin/z*": b"3"})
    outcomes: list[int] = []

    def inspect(store: ObjectStore, step: int) -> None:
        found = read_everything(store)
        if step:
            outcomes.append(len(found))
        assert set(found) | {"victim@1.0.0"} == {"first@1.0.0", "victim@1.0.0"}
        assert step or len(found) == 2
        assert len(list(store.operations())) == len(found)  # repeating what had happened adds nothing
        assert [damage for damage in check(store).damage if not damage.repaired] == []
        if step % 5 == 4:
            assert fsck(store) == []

    died = killed_everywhere(store.path, lambda store: add(store, "victim", tmp_path / "v"), inspect)
    assert died > 12
    assert set(outcomes) == {1, 2}


def test_creating_a_store_killed_at_any_step_can_be_repeated(tmp_path: Path) -> None:
    assert killed_everywhere(tmp_path / "none", lambda store: store, lambda store, step: None) >= 3


def test_folding_packs_killed_at_any_step_loses_nothing(
    store: ObjectStore, tmp_path: Path, have_git: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        add(store, f"c{number}", make_folder(tmp_path / f"{number}", {"x": b"%d" % number}))
    monkeypatch.setattr(folding, "_MANY", 3)

    def inspect(store: ObjectStore, step: int) -> None:
        assert len(read_everything(store)) == 4
        assert [damage for damage in check(store).damage if not damage.repaired] == []
        if step == 0:
            assert len(packs(store)) < 3
        if step % 5 == 4:
            assert fsck(store) == []

    work = lambda store: folding.fold(store.git / "objects" / "pack")  # noqa: E731 - it is a value here
    assert killed_everywhere(store.path, work, inspect) > 10


def test_laying_out_killed_at_any_step_leaves_no_half_of_a_tree(store: ObjectStore, tmp_path: Path) -> None:
    add(store, "c", make_folder(tmp_path / "c", {"a": b"1", "b/c*": b"2", "l@": b"a"}))
    found = release(store, "c")

    def inspect(store: ObjectStore, step: int) -> None:
        done = store.path / "trees" / found.tree
        assert done.exists() or step
        assert not done.exists() or digest_of_folder(done) == found.digest
        assert [damage for damage in check(store).damage if not damage.repaired] == []

    work = lambda store: lay_out(store, found.tree, found.digest)  # noqa: E731 - it is a value here
    assert killed_everywhere(store.path, work, inspect) > 5
