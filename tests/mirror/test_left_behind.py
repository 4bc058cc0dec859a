"""A git program that outlives its killed mirror goes on writing; nobody else works there until it ended."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.mirror.stock_git import StockGit
from ckstore.objects.litter import sweep
from ckstore.objects.store import ObjectStore
from ckstore.objects.unused import find_unused
from ckstore.objects.verify import check
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import start_child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files have no such locks there")
# A git whose fetch waits until it may go on, deaf to its caller's end; everything else is git's.
_SLOW_GIT = """#!/bin/sh
trap '' PIPE
case "$*" in
  *" fetch "*)
    echo $$ > {base}/pid.new && mv {base}/pid.new {base}/pid
    read go < {base}/go || exit 1
    {git} "$@" 2>/dev/null
    touch {base}/fetched
    ;;
  *) exec {git} "$@" ;;
esac
"""


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "up.git")
    made.commit(native("program/a", tags="one"))
    return made


@pytest.fixture
def abandoned(tmp_path: Path, have_git: str, up: Upstream) -> Iterator[ObjectStore]:
    """A store whose mirror was killed in the middle of a fetch, which waits for a word from ``go``."""
    os.mkfifo(tmp_path / "go")
    slow = tmp_path / "slow-git"
    slow.write_text(_SLOW_GIT.format(base=tmp_path, git=have_git))
    slow.chmod(0o755)
    store = ObjectStore(tmp_path / "store")
    child = start_child(lambda: mirror(store, f"file://{up.path}", engine=StockGit(str(slow))))
    go = os.open(tmp_path / "go", os.O_WRONLY)  # waits until the fetch is there to read it
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    yield store
    os.close(go)


def let_go(base: Path) -> None:
    (base / "go").write_text("\n")


def test_the_next_mirror_waits_for_the_fetch_that_a_killed_one_left_behind(
    abandoned: ObjectStore, tmp_path: Path, have_git: str, up: Upstream
) -> None:
    lines: list[str] = []

    def progress(line: str) -> None:
        if "left behind" in line and not lines:
            assert not (tmp_path / "fetched").exists()
            let_go(tmp_path)
        lines.extend([line] if "left behind" in line else [])

    report = mirror(abandoned, f"file://{up.path}", engine=StockGit(have_git), progress=progress)
    assert lines
    assert (tmp_path / "fetched").exists()
    assert report.releases == 1
    assert check(abandoned).damage == ()


def test_what_it_writes_is_not_swept_or_collected_under_it(abandoned: ObjectStore, tmp_path: Path) -> None:
    pack = abandoned.path / "incoming" / "up" / "objects.git" / "objects" / "pack" / "tmp_pack_x"
    pack.write_bytes(b"PACK half")
    sweep(abandoned.path)
    assert pack.exists()
    assert "quarantine" not in {garbage.what for garbage in find_unused(abandoned, 0, (), ())}
