"""The order of writes that survives a power cut, as the kernel sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.objects.helpers import make_folder

CODE = """
import sys
from pathlib import Path
from ckstore.objects.store import ObjectStore
from tests.objects.helpers import add
store = ObjectStore(Path(sys.argv[1]))
add(store, "first", Path(sys.argv[2]))
print("mark", flush=True)
add(store, "second", Path(sys.argv[2]))
"""


@pytest.fixture
def trace(tmp_path: Path) -> list[str]:
    """The system calls of the second publication into a store, descriptors with their paths."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    (tmp_path / "code.py").write_text(CODE)
    make_folder(tmp_path / "c", {"x": b"1"})
    root = Path(__file__).resolve().parents[2]
    wanted = "trace=fsync,fdatasync,rename,renameat,renameat2,link,linkat,write"
    command: list[str | Path] = [strace, "-f", "-y", "-o", tmp_path / "trace", "-e", wanted, sys.executable]
    done = subprocess.run(
        [*command, tmp_path / "code.py", tmp_path / "store", tmp_path / "c"],
        capture_output=True,
        text=True,
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("processes cannot be traced here")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "trace").read_text().splitlines()
    return lines[next(n for n, line in enumerate(lines) if '"mark' in line) :]


def test_objects_are_synced_before_the_log_moves_and_the_log_before_it_is_told(trace: list[str]) -> None:
    order = [
        r"fsync\(\d+<.*/tmp_pack_\w+>\)",
        r"fsync\(\d+<.*/tmp_idx_\w+>\)",
        r'rename\w*\(.*tmp_pack_.*"[^"]*/pack-\w+\.pack"',
        r'rename\w*\(.*tmp_idx_.*"[^"]*/pack-\w+\.idx"',
        r"fsync\(\d+<[^>]*/objects/pack>\)",
        r"fsync\(\d+<.*/refs/ckstore/log\.lock>\)",
        r'rename\w*\(.*log\.lock.*"[^"]*/refs/ckstore/log"',
        r"fsync\(\d+<[^>]*/refs/ckstore>\)",
    ]
    at = [next((n for n, line in enumerate(trace) if re.search(step, line)), -1) for step in order]
    assert -1 not in at, trace
    assert at == sorted(at), trace


def test_an_operation_needs_few_syncs_however_much_it_holds(trace: list[str]) -> None:
    assert sum("sync(" in line for line in trace) <= 8
