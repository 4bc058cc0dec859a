"""A process killed while it lays out a tree leaves no half of one. Whole commands: tests/crash."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.objects.digests import digest_of_folder
from ckstore.objects.layout import lay_out
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.crash.seam import die_at
from tests.objects.helpers import add, in_child, make_folder, release

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are followed through /proc")


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
