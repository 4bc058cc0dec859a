"""A process killed while it lays out a tree leaves no half of one. Whole commands: tests/crash."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from ckstore.objects.digests import digest_of_folder
from ckstore.objects.layout import lay_out, remove_tree
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.crash.seam import die_at
from tests.objects.helpers import add, in_child, litter, make_folder, release


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are followed through /proc")
def test_laying_out_killed_at_any_step_leaves_no_half_of_a_tree(store: ObjectStore, tmp_path: Path) -> None:
    add(store, "c", make_folder(tmp_path / "c", {"a": b"1", "b/c*": b"2", "l@": b"a"}))
    found = release(store, "c")
    done = store.path / "trees" / found.tree
    for step in range(1, 100):

        def attempt(step: int = step) -> None:
            die_at(step, store.path)
            lay_out(ObjectStore(store.path), found.tree, found.digest)

        code = in_child(attempt)
        assert code in (0, -signal.SIGKILL)
        assert not done.exists() or digest_of_folder(done) == found.digest
        assert [damage for damage in check(store).damage if not damage.repaired] == []
        lay_out(store, found.tree, found.digest)
        assert digest_of_folder(done) == found.digest
        assert litter(store) == []
        remove_tree(done)
        if code == 0:
            break
    assert step > 8
