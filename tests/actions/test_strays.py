from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ckstore.actions import strays
from tests.actions.world import gone

pytestmark = pytest.mark.skipif(os.name == "nt", reason="process tables of POSIX")
TREE = (
    "import subprocess, sys\n"
    "p = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
    "print(p.pid, flush=True); input()"
)


@pytest.mark.parametrize("without_proc", [False, True])
def test_processes_below_are_found_and_ended(monkeypatch: pytest.MonkeyPatch, without_proc: bool) -> None:
    if without_proc:
        monkeypatch.setattr(strays, "_parents", strays._parents_from_ps)
    with subprocess.Popen(
        [sys.executable, "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        below = int(process.stdout.readline())
        assert strays.descendants(process.pid) == [below]
        assert strays.descendants(os.getpid())[0] == process.pid
        strays.end_tree(process.pid)
    assert process.returncode < 0
    assert gone([below])
