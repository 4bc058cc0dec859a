"""Running one external command for an action, and measuring it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from ckstore.actions import strays
from ckstore.errors import ActionFailed, Unavailable

_SHELL_SIGNAL = 128  # a shell says "ended by signal N" as exit code 128 + N
MIB = 1024 * 1024
MOST_OUTPUT = 1024 * MIB  # bytes that a command may write into one file, unless somebody says more
_LIMITING = threading.Lock()  # our own limits are those of the child for a moment: one start at a time


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended. Times in seconds, memory in bytes.

    ``max_rss`` is 0 where it is not known: on Windows, and for a command that needed less than the
    process that started it (see :func:`_peak_memory`).
    ``signal`` is the name of the signal that ended it (``SIGSEGV``), or empty. ``overflow``: it wrote, or
    tried to write, more into one file than it may.
    """

    exit_code: int
    signal: str
    timed_out: bool
    wall: float
    user: float
    system: float
    max_rss: int
    overflow: bool = False

    @property
    def ok(self) -> bool:
        """True when it ended by itself with exit code 0."""
        return self.exit_code == 0 and not self.timed_out and not self.overflow


def cut_short(
    finished: Finished, what: str, limit: float, most: int, details: Mapping[str, object]
) -> ActionFailed | None:
    """The error for a command that was ended for taking too long or writing too much; else None."""
    if finished.timed_out:
        return ActionFailed(
            f"{what} was ended after {limit:g} seconds.",
            code="timeout", hints=["allow more time with --timeout"], details=details,
        )  # fmt: skip
    if finished.overflow:
        return ActionFailed(
            f"{what} printed or wrote more than {most // MIB} MiB into one file.",
            code="too-much-output", hints=["allow more with --max-output"], details=details,
        )  # fmt: skip
    return None


def shell_words(line: str) -> list[str]:
    """A command line as arguments for the system's shell: bash where there is one, many scripts expect it."""
    if os.name == "nt":
        return [os.environ.get("COMSPEC", "cmd.exe"), "/d", "/s", "/c", line]
    return [shutil.which("bash") or "/bin/sh", "-c", line]


def run_command(
    command: Sequence[str] | str,
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdout: Path,
    stderr: Path,
    limit: float = 0.0,
    most: int = MOST_OUTPUT,
) -> Finished:
    """Run a command (a list of arguments, or a line for the shell) and wait for it.

    It reads nothing, writes into the files ``stdout`` and ``stderr`` (which may be the same file), and
    leads a session of its own. After ``limit`` seconds (0: none) it is killed with everything below it.
    No file that it writes may grow beyond ``most`` bytes (0: any size): on POSIX the system stops it
    there (setrlimit(2), RLIMIT_FSIZE), elsewhere it is noticed at the end.

    Raises :class:`Unavailable` (``cannot-start``) when it cannot be started at all.
    """
    words = shell_words(command) if isinstance(command, str) else list(command)
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(stdout.open("wb"))
        err = out if stderr == stdout else stack.enter_context(stderr.open("wb"))
        started = time.perf_counter()
        with _file_limit(most):
            process = _start(words, folder, environment, out, err)
        with _deadline(process, limit) as deadline:
            _wait_to_the_end(process)
        wall = time.perf_counter() - started
        finished = _finish(process, wall, deadline.is_set())
        full = most > 0 and max(os.fstat(file.fileno()).st_size for file in (out, err)) >= most
        return replace(finished, overflow=full or finished.signal == "SIGXFSZ")


@contextlib.contextmanager
def _file_limit(most: int) -> Iterator[None]:
    """Within the block, a process that is started may write ``most`` bytes (0: any number) into a file.

    A child has the limits of its parent, and Popen gives it back the default answer to SIGXFSZ, which
    Python itself ignores. Setting them in the child (preexec_fn) is not safe beside other threads.
    """
    if most <= 0 or sys.platform == "win32":
        yield
        return
    import resource

    with _LIMITING:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        wanted = most if soft == resource.RLIM_INFINITY else min(most, soft)
        resource.setrlimit(resource.RLIMIT_FSIZE, (wanted, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _start(
    words: list[str], folder: Path, environment: Mapping[str, str], out: IO[bytes], err: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise Unavailable(
            f"{words[0]} cannot be started: {error.strerror}.",
            code="cannot-start",
            details={"command": words},
        ) from error


@contextlib.contextmanager
def _deadline(process: subprocess.Popen[bytes], limit: float) -> Iterator[threading.Event]:
    """Within the block, the process is killed after ``limit`` seconds; the event tells that it was."""
    passed = threading.Event()
    if limit <= 0:
        yield passed
        return

    def end() -> None:
        passed.set()
        strays.end_tree(process.pid)

    timer = threading.Timer(limit, end)
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()
        timer.join()


def _wait_to_the_end(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has ended but, where possible, leave its pid taken: the timer must not hit another."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    elif os.name == "nt":
        process.wait()


def _finish(process: subprocess.Popen[bytes], wall: float, timed_out: bool) -> Finished:
    if sys.platform == "win32":
        return Finished(process.returncode, "", timed_out, wall, 0.0, 0.0, 0)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # Popen must not wait for it again
    number = _signal_number(process.returncode)
    code = _SHELL_SIGNAL + number if number else process.returncode
    name = _signal_name(number)
    return Finished(
        code, name, timed_out, wall, usage.ru_utime, usage.ru_stime, _peak_memory(usage.ru_maxrss)
    )


def _peak_memory(reported: int) -> int:
    """Bytes of a child's largest resident set; 0 when it is hidden below our own.

    Until it calls exec, a child is a copy of us, and Linux counts that copy's peak as the child's: what
    is reported is the larger of both, so only a value above our own peak says something about the child.
    """
    if sys.platform == "win32":
        return 0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): bytes on macOS, KiB elsewhere
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return reported * unit if reported > own else 0


def _signal_number(code: int) -> int:
    """The signal behind a return code, our own child's or one that a shell passes on."""
    if code < 0:
        return -code
    known = {int(number) for number in signal.valid_signals()}
    return code - _SHELL_SIGNAL if code - _SHELL_SIGNAL in known else 0


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name if number else ""
    except ValueError:
        return f"signal {number}"
