"""The process between ckstore and an action: it outlives the action and takes everything down with it.

It waits for two things at once: the end of its worker, and the end of the *lifeline*, a pipe whose other
end only ckstore holds. The lifeline ends when ckstore closes it (interrupted, out of time) and also when
ckstore is killed: the kernel closes it then. Either way no process of the run survives the guard.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable

from ckstore.actions import strays

GRACE = 2.0  # seconds between asking processes to end and killing them


def run_guarded(lifeline: int, work: Callable[[], int]) -> int:
    """Do ``work`` in a child process and return its exit code; -N when signal N ended it.

    POSIX only, and only for a process that has a single thread. When the file descriptor ``lifeline``
    reaches its end first, the worker gets SIGTERM and, after :data:`GRACE` seconds, SIGKILL.
    """
    strays.adopt_orphans()
    wakeup = _watch_signals()
    worker = os.fork()
    if worker == 0:
        _be_the_worker(lifeline, work)
    try:
        status = _wait(worker, lifeline, wakeup)
        return _end_gently(worker, wakeup) if status is None else status
    finally:
        strays.end_descendants()


def _watch_signals() -> int:
    """A descriptor that becomes readable with every SIGCHLD and SIGTERM (their numbers, as bytes)."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    os.set_blocking(read, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def _be_the_worker(lifeline: int, work: Callable[[], int]) -> None:
    guard = os.getppid()
    code = 70  # EX_SOFTWARE of sysexits.h; replaced unless even reporting the failure failed
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        strays.die_with_parent()
        strays.adopt_orphans()
        if os.getppid() != guard:
            os._exit(code)  # the guard died before the kernel was told to tell us
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, lifeline)
        code = work()
    finally:
        os._exit(code)


def _wait(worker: int, lifeline: int, wakeup: int) -> int | None:
    """The exit code of the worker; None when the lifeline ended (or somebody sent SIGTERM) first."""
    while True:
        status = _reap(worker)
        if status is not None:
            return status
        ready, _, _ = select.select([lifeline, wakeup], [], [])
        if wakeup in ready and _drain(wakeup) & {signal.SIGTERM, signal.SIGINT}:
            return None
        if lifeline in ready and not os.read(lifeline, 4096):
            return None


def _end_gently(worker: int, wakeup: int) -> int:
    strays.signal_all(strays.descendants(os.getpid()), signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while strays.descendants(os.getpid()) and (left := deadline - time.monotonic()) > 0:
        select.select([wakeup], [], [], left)
        _drain(wakeup)
        _reap(worker)
    return -signal.SIGTERM


def _reap(worker: int) -> int | None:
    """Wait for every child that has ended; the exit code of the worker when it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == worker:
                code = os.waitstatus_to_exitcode(status)
    return code


def _drain(wakeup: int) -> set[int]:
    with contextlib.suppress(BlockingIOError):
        return set(os.read(wakeup, 4096))
    return set()
