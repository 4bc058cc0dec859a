"""Finding and ending every process that a run started, wherever it hid.

On Linux a process can be made the *subreaper* of its descendants (prctl(2)): those that daemonise or
call setsid come back to it instead of init, so walking the parents in ``/proc`` finds all of them. Where
that does not exist, process groups and the table of ``ps`` (``taskkill`` on Windows) are used.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_PROC = Path("/proc")


def adopt_orphans() -> bool:
    """Make this process the one to which orphaned descendants come; False where the system cannot."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> bool:
    """Ask the kernel to kill this process when its parent dies; False where the system cannot."""
    return _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0)


def descendants(root: int) -> list[int]:
    """The processes below ``root``, nearest first; ended ones that nobody waited for included."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def _parents() -> dict[int, int]:
    return _parents_from_proc() if (_PROC / "self/stat").exists() else _parents_from_ps()


def _parents_from_proc() -> dict[int, int]:
    parents = {}
    for entry in os.listdir(_PROC):  # noqa: PTH208  # names are all that is wanted of many entries
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The second field is the program's name in parentheses and may hold anything, ")" too.
            fields = (_PROC / entry / "stat").read_bytes().rpartition(b")")[2].split()
            parents[int(entry)] = int(fields[1])
    return parents


def _parents_from_ps() -> dict[int, int]:
    if os.name == "nt":
        return {}
    with subprocess.Popen(["ps", "-axo", "pid=,ppid="], stdout=subprocess.PIPE, text=True) as process:
        output = process.communicate()[0]
    pairs = (line.split() for line in output.splitlines())
    table = {int(pid): int(parent) for pid, parent in pairs}
    table.pop(process.pid, None)
    return table


def signal_all(pids: list[int], number: int) -> None:
    """Send a signal to each of the processes that still exist."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_descendants() -> None:
    """Kill everything below this process and wait until it is gone.

    Only for a process that has no child it still needs. Each round ends at least one process, and
    what it leaves behind comes to us (see :func:`adopt_orphans`), so it terminates.
    """
    own = os.getpid()
    while below := descendants(own):
        signal_all(below, signal.SIGKILL)
        if not _wait_for_children(below):
            return


def _wait_for_children(pids: list[int]) -> bool:
    waited = False
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
            waited = True
    return waited


def end_tree(pid: int) -> None:
    """Kill a process (the leader of its group) and all that is below it now."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(pid)], capture_output=True, check=False)
        return
    below = descendants(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    signal_all([pid, *below], signal.SIGKILL)
