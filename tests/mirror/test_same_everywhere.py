"""The same commits give the same releases, byte for byte, wherever, whenever and however mirrored."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.stock_git import StockGit
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.histories import grow
from tests.mirror.upstream import Upstream, all_bytes, lines

_ELSEWHERE = """
import sys
from pathlib import Path
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
store = ObjectStore(Path(sys.argv[1]), who="somebody else")
mirror(store, sys.argv[2], name="up")
print(store.view().find(("sources", "up", "components")).oid)
"""


def published(store: ObjectStore) -> str:
    """The git tree of everything that is published of the source ``up``: records and files."""
    found = store.view().find(("sources", "up", "components"))
    return found.oid if found else ""


def elsewhere(folder: Path, url: str, hash_seed: int) -> str:
    """What another process publishes, with other hashes, another locale and another clock."""
    environment = {
        **os.environ, "PYTHONHASHSEED": str(hash_seed), "LC_ALL": "C", "TZ": "Pacific/Auckland",
        "HOME": str(folder),
    }  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(folder / f"store{hash_seed}"), url],
        env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return found.stdout.strip()


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_in_stores_processes_engines_and_packs_that_share_nothing(tmp_path: Path, seed: int) -> None:
    up = Upstream(tmp_path / "here" / "up.git")
    for _ in grow(up, seed, commits=25):
        pass
    first, second = ObjectStore(tmp_path / "first", who="A"), ObjectStore(tmp_path / "second", who="B")
    mirror(first, up.url, engine=LibraryGit())
    assert published(first)
    clone = pygit2.clone_repository(up.url, str(tmp_path / "there" / "up.git"), bare=True)  # in one pack
    mirror(second, clone.path, name="up", engine=StockGit.find())
    assert published(first) == published(second)
    assert all_bytes(first, "up") == all_bytes(second, "up")
    assert {elsewhere(tmp_path, up.url, number) for number in (0, 4)} == {published(first)}


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.lists(st.booleans(), min_size=14, max_size=14))
def test_in_any_number_of_steps(seed: int, stops: list[bool]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        up = Upstream(Path(folder) / "up.git")
        in_steps, at_once = (ObjectStore(Path(folder) / name) for name in ("steps", "once"))
        for _, stop in zip(grow(up, seed), stops, strict=True):
            if stop:
                mirror(in_steps, up.url)
        mirror(in_steps, up.url)
        mirror(at_once, up.url)
        assert all_bytes(in_steps, "up") == all_bytes(at_once, "up")
        assert published(in_steps) == published(at_once)


def test_the_histories_hold_what_they_are_for(tmp_path: Path) -> None:
    """Else the tests above would prove little."""
    met: set[str] = set()
    for seed in range(12):
        up, store = Upstream(tmp_path / str(seed) / "up.git"), ObjectStore(tmp_path / f"store{seed}")
        for _ in grow(up, seed, commits=25):
            pass
        report = mirror(store, up.url)
        met |= {"problem"} if report.problems else set()
        for component in lines(store, "up").values():
            absences = store.view().absences("up", component.uid).spans
            met |= {"renamed"} if len(component.names) > 1 else set()
            met |= {"labelled"} if component.labels else set()
            met |= {"withdrawn"} if component.withdrawn else set()
            met |= {"returned"} if any(back for _, _, back in absences) else set()
            met |= {store.view().release("up", component.uid, v).bump for v in component.versions}
    assert met == {
        "problem", "renamed", "labelled", "withdrawn", "returned", "first", "major", "minor", "patch",
        "explicit",
    }  # fmt: skip
