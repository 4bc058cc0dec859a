"""Starting an action in a process of its own and waiting for what comes of it."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import ckstore
from ckstore.actions import strays
from ckstore.actions.guard import GRACE
from ckstore.actions.plan import Outcome, Plan
from ckstore.actions.wire import NO_ROOM, disk_full, error_from_plain
from ckstore.errors import ActionFailed, InvalidInput
from ckstore.model.limits import MAX_LOCK_BYTES
from ckstore.model.plain import as_map, parse_json

# What an action may see of the user's environment: where programs, libraries and homes are, and the
# language. Tokens, keys and whatever else lives there stay out of runs and of their records.
_ALLOWED = frozenset(
    [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR", "TEMP",
        "TMP", "CC", "CXX", "JAVA_HOME", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH",
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",
        "PKG_CONFIG_PATH", "SDKROOT", "DEVELOPER_DIR", "MACOSX_DEPLOYMENT_TARGET", "SYSTEMROOT",
        "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
        "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "NUMBER_OF_PROCESSORS",
        "PROCESSOR_ARCHITECTURE", "INCLUDE", "LIB",
    ]
)  # fmt: skip
_PATIENCE = GRACE + 3.0  # seconds for the guard to end everything before its group is killed
_LONGEST_LINE = 1 << 16  # bytes
_END = ""  # in the queue of lines: no more will come


def allowed_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of ``environment`` that actions may see."""
    return {
        name: value
        for name, value in environment.items()
        if name.upper() in _ALLOWED or name.startswith("LC_")
    }


def launch(
    plan: Plan,
    *,
    progress: Callable[[str], None],
    environment: Mapping[str, str],
    limit: float = 0.0,
) -> Outcome:
    """Carry out a plan in a process of its own; lines that it writes go to ``progress`` as they come.

    ``environment`` is filtered through :func:`allowed_environment`. After ``limit`` seconds (0: none)
    the outcome has the status ``timeout``. Whatever happens, also when this process is killed, no
    process of the action is left behind.

    Raises the error that the action raised (any kind of :mod:`ckstore.errors`), :class:`ActionFailed`
    (``action-crashed``) when its process died, and KeyboardInterrupt after everything has ended.
    """
    with tempfile.TemporaryDirectory(prefix="ckstore-") as folder:
        result = Path(folder) / "result.json"
        here = replace(plan, snapshot=plan.snapshot.absolute(), workspace=plan.workspace.absolute())
        with _start(here.workspace, allowed_environment(environment)) as process:
            try:
                in_time = _follow(process, {"plan": here.as_plain(), "result": str(result)}, progress, limit)
            finally:
                code = _end(process)
        if not in_time:
            return _timeout(limit)
        return _read_result(result, code, plan)


def _start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    home = str(Path(ckstore.__file__).parent.parent)
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)  # exists on Windows alone
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "ckstore.actions.host"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        cwd=folder, env=environment | {"PYTHONPATH": home}, start_new_session=True, creationflags=flags,
    )  # fmt: skip


def _follow(
    process: subprocess.Popen[bytes],
    payload: Mapping[str, object],
    progress: Callable[[str], None],
    limit: float,
) -> bool:
    """Pass the payload in and the lines out, to the end; False when the time is over first."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(payload).encode() + b"\n")
        process.stdin.flush()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(process.stdout, lines), daemon=True).start()
    deadline = time.monotonic() + limit if limit > 0 else None
    while True:
        try:
            line = lines.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return False
        if line == _END:
            return True
        progress(line.rstrip("\r\n"))


def _read_lines(stream: IO[bytes], lines: queue.SimpleQueue[str]) -> None:
    # The stream is read whole even when nobody listens any more: a full pipe would stop the host.
    # In pieces: what has no line ends is not collected until the memory is full.
    while line := stream.readline(_LONGEST_LINE):
        lines.put(line.decode("utf-8", "replace"))
    lines.put(_END)


def _end(process: subprocess.Popen[bytes]) -> int:
    """Close the lifeline and wait; a host that does not end by itself is killed with its group."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    while True:
        try:
            return process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            strays.end_tree(process.pid)
        except KeyboardInterrupt:
            # An impatient second Ctrl-C: end everything now, then let it through.
            strays.end_tree(process.pid)
            process.wait()
            raise


def _timeout(limit: float) -> Outcome:
    return Outcome(
        status="timeout",
        exit_code=1,
        message=f"The action was ended after {limit:g} seconds.",
        hints=("allow more time with --timeout",),
        error_code="timeout",
    )


def _read_result(result: Path, code: int, plan: Plan) -> Outcome:
    if not result.is_file():
        if code == NO_ROOM:
            raise disk_full(str(result.parent))
        raise ActionFailed(
            f"The process of the action {plan.action!r} ended without a result (exit code {code}).",
            code="action-crashed",
            details={"exit_code": code},
        )
    try:
        answer = parse_json(
            result.read_bytes(), "the result of the action", most=MAX_LOCK_BYTES, finite=False
        )
        if "error" not in answer:
            return Outcome.from_plain(as_map(answer.get("outcome")))
    except InvalidInput as error:
        raise ActionFailed(
            f"The action {plan.action!r} gave a result that cannot be read: {error.message}",
            code="no-outcome",
        ) from error
    raise error_from_plain(as_map(answer["error"]))
