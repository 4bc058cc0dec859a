"""Running a program's command, once or several times, and measuring it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ckstore.actions.ck.hooks import call_hook
from ckstore.actions.process import MIB, Finished, cut_short, run_command
from ckstore.actions.said import last_lines, last_text, tail, telling_line
from ckstore.errors import ActionFailed, InvalidInput
from ckstore.model.plain import as_map, as_text, parse_json

from .spec import Command, Hook

_SHOWN = 4000  # characters of a shown file that go into the details
_LAST_LINES = 10
_KEPT_OF_A_FAILURE = 8 * MIB  # of longer outputs of a failed command the end is kept
_TIMER_BYTES = MIB  # of a timer file; what is longer holds no times
_SIDE = "ckstore-side.txt"  # what commands around the run print
PEAK = "max_rss_bytes"
TIMER_VARIABLE = "XOPENME_TIME_FILE"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where and how a command runs: the finished line for the shell, its folder and its variables.

    ``own_files`` is the folder of the program's files, ``hook_input`` what CK's hooks are told besides.
    ``settle`` ends whatever a repetition left running. ``limit`` is in seconds per command, ``most`` in
    bytes per file that it writes; 0 is none.
    """

    command: Command
    line: str
    folder: Path
    own_files: Path
    environment: Mapping[str, str]
    limit: float
    progress: Callable[[str], None]
    settle: Callable[[], None]
    most: int
    hook_input: Mapping[str, object] = field(default_factory=dict)

    @property
    def timer(self) -> str:
        """The file with the program's own times; empty when it measures nothing itself."""
        return (self.environment.get(TIMER_VARIABLE) or self.command.timer) if self.command.timer else ""


@dataclass(slots=True)
class Measured:
    """What the repetitions gave: numbers as text by name, one per repetition, and what was seen."""

    numbers: dict[str, list[str]] = field(default_factory=dict)
    state: dict[str, object] = field(default_factory=dict)
    digests: list[dict[str, str]] = field(default_factory=list)

    def add(self, name: str, value: float, digits: int = 9) -> None:
        """One more measurement."""
        self.numbers.setdefault(name, []).append(f"{value:.{digits}f}")

    @property
    def unstable(self) -> list[str]:
        """The checked files that were not the same in every repetition."""
        names = self.digests[0] if self.digests else {}
        return sorted(name for name in names if len({seen.get(name) for seen in self.digests}) > 1)


def execute(stage: Stage, repeat: int, measured: Measured) -> None:
    """Run the command ``repeat`` times, each in a process of its own, filling ``measured``.

    Raises ActionFailed at the first repetition that fails: ``timeout``, ``too-much-output``, ``crashed``,
    ``program-failed``, ``no-timer``, ``missing-output``, ``hook-failed``. Its details hold
    ``exit_code`` and the last lines.
    """
    for number in range(repeat):
        counter = f" ({number + 1} of {repeat})" if repeat > 1 else ""
        stage.progress(f"running: {stage.command.name}{counter}")
        _clear(stage)
        finished = _run(stage, stage.line, stage.command.stdout, stage.command.stderr)
        stage.settle()
        _check_end(stage, finished)
        _post_process(stage, measured)
        _measure(stage, finished, measured)
        measured.digests.append(_check_outputs(stage))
    if "0" in measured.numbers.get(PEAK, ()):
        del measured.numbers[PEAK]  # smaller than what measures it: not known, rather than wrong


def prepare(stage: Stage) -> Stage:
    """Do what comes before the first repetition: hooks that may add variables and lines, and commands."""
    environment, lines = dict(stage.environment), []
    for hook in stage.command.hooks_before:
        answer = _call(stage, hook) or {}
        environment |= {name: as_text(value) for name, value in as_map(answer.get("new_env")).items()}
        lines += [as_text(answer.get("bat"))] if as_text(answer.get("bat")).strip() else []
    prepared = replace(stage, line="\n".join([*lines, stage.line]), environment=environment)
    for line in stage.command.before:
        _side_command(prepared, line)
    return prepared


def shown(stage: Stage) -> dict[str, object]:
    """The files that the program wants to be seen after the run, the end of them when they are long."""
    texts: dict[str, object] = {}
    for name in stage.command.shown:
        path = stage.folder / name
        if path.is_file():
            texts[name] = last_text(path, _SHOWN)
    return texts


def produced(stage: Stage) -> list[str]:
    """The files worth keeping that are there, by name."""
    command = stage.command
    names = [*command.outputs, *command.checked, command.stdout, command.stderr, stage.timer]
    return sorted({name for name in names if name and (stage.folder / name).is_file()})


def said_by_a_failure(stage: Stage, spare: Path) -> dict[str, Path]:
    """What a failed command printed, by name; of what is long the end, as NAME.tail in ``spare``."""
    found: dict[str, Path] = {}
    for name in {stage.command.stdout, stage.command.stderr}:
        path = stage.folder / name
        # The program may have put anything there, and a failure must be recorded all the same.
        ours = ".." not in Path(name).parts and _inside(path, stage.folder.parent)
        if not ours or path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        if size > _KEPT_OF_A_FAILURE:
            short = spare / f"{name}.tail"
            short.parent.mkdir(parents=True, exist_ok=True)
            short.write_bytes(tail(path, _KEPT_OF_A_FAILURE))
            found[f"{name}.tail"] = short
        elif size:
            found[name] = path
    return found


def _clear(stage: Stage) -> None:
    command = stage.command
    names = [*command.outputs, *command.checked, command.stdout, command.stderr, stage.timer]
    for name in names:
        path = stage.folder / name
        if name and _inside(path, stage.folder.parent) and (path.is_file() or path.is_symlink()):
            path.unlink()
    for name in command.folders:
        (stage.folder / name).mkdir(parents=True, exist_ok=True)


def _inside(path: Path, folder: Path) -> bool:
    return path.parent.resolve().is_relative_to(folder.resolve())


def _run(stage: Stage, line: str, stdout: str, stderr: str) -> Finished:
    return run_command(
        line, folder=stage.folder, environment=stage.environment, stdout=stage.folder / stdout,
        stderr=stage.folder / stderr, limit=stage.limit, most=stage.most,
    )  # fmt: skip


def _check_end(stage: Stage, finished: Finished) -> None:
    said, name = _last_lines(stage), stage.command.name
    details = {"exit_code": finished.exit_code, "last_lines": said}
    early = cut_short(finished, f"The command {name!r}", stage.limit, stage.most, details)
    if early is not None:
        raise early
    if stage.command.any_exit_code or not finished.exit_code:
        return
    hints = [] if said else ["it said nothing; --keep keeps the workspace, to look into"]
    last = f": {telling_line(said)}" if said else "."
    if finished.signal:
        meaning = signal.strsignal(getattr(signal, finished.signal, 0) or 0) or "a signal"
        raise ActionFailed(
            f"The command {name!r} was ended by {finished.signal} ({meaning.lower()}){last}",
            code="crashed", hints=hints, details=details,
        )  # fmt: skip
    raise ActionFailed(
        f"The command {name!r} ended with exit code {finished.exit_code}{last}",
        code="program-failed", hints=hints, details=details,
    )  # fmt: skip


def _last_lines(stage: Stage) -> list[str]:
    names = (stage.command.stderr, stage.command.stdout)
    said = (last_lines(stage.folder / name, _LAST_LINES) for name in names)
    return next((lines for lines in said if lines), [])


def _post_process(stage: Stage, measured: Measured) -> None:
    for line in stage.command.after:
        _side_command(stage, line)
    for hook in stage.command.hooks_after:
        answer = _call(stage, hook) or {}
        measured.state |= _as_record(as_map(answer.get("characteristics")))


def _side_command(stage: Stage, line: str) -> None:
    finished = _run(stage, line, _SIDE, _SIDE)
    if not finished.ok:
        said = last_lines(stage.folder / _SIDE, _LAST_LINES)
        raise ActionFailed(
            f"A command around the run failed (exit code {finished.exit_code}): {line}",
            code="side-command-failed",
            details={"exit_code": finished.exit_code, "last_lines": said},
        )


def _call(stage: Stage, hook: Hook) -> dict[str, object] | None:
    given = {"env": dict(stage.environment), **stage.hook_input}
    return call_hook(stage.own_files / hook.script, hook.function, given, stage.folder, stage.progress)


def _measure(stage: Stage, finished: Finished, measured: Measured) -> None:
    times = _own_times(stage) if stage.timer else {}
    execution_time = times.pop("execution_time", finished.wall)
    measured.add("execution_time", execution_time)
    for name, value in times.items():
        measured.add(name, value)
    measured.add("wall_time", finished.wall)
    if os.name != "nt":
        measured.add("user_time", finished.user)
        measured.add("system_time", finished.system)
        measured.add(PEAK, finished.max_rss, 0)
    if stage.timer:
        timer = tail(stage.folder / stage.timer, _TIMER_BYTES)
        state = parse_json(timer, stage.timer, finite=False).get("run_time_state")
        measured.state |= _as_record(as_map(state))


def _own_times(stage: Stage) -> dict[str, float]:
    """The times in the program's timer file, in seconds; it must be there and say execution_time."""
    path = stage.folder / stage.timer
    if not path.is_file():
        raise ActionFailed(
            f"The command {stage.command.name!r} ended well but wrote no {stage.timer} with its times.",
            code="no-timer",
            details={"exit_code": 1},
        )
    try:
        if path.stat().st_size > _TIMER_BYTES:
            raise ValueError(f"it is larger than {_TIMER_BYTES // MIB} MiB")
        table = parse_json(path.read_bytes(), stage.timer, finite=False)
        names = {"execution_time", *(name for name in table if name.startswith("execution_time"))}
        times = {name: float(as_text(table.get(name))) for name in sorted(names)}
        if not all(map(math.isfinite, times.values())):
            raise ValueError("a time must be a finite number")
        return times
    except (InvalidInput, ValueError) as error:
        raise ActionFailed(
            f"{stage.timer}, written by the program, has no readable execution_time: {error}",
            code="no-timer",
            details={"exit_code": 1},
        ) from error


def _check_outputs(stage: Stage) -> dict[str, str]:
    """The digests of the files that must be equal in every run; all of them must be there."""
    missing = [name for name in stage.command.checked if not (stage.folder / name).is_file()]
    if missing:
        raise ActionFailed(
            f"The command {stage.command.name!r} ended well but did not write {missing[0]}, "
            "which its metadata lists among the outputs to check.",
            code="missing-output",
            hints=["this is a fault of the component's metadata or of the program"],
            details={"exit_code": 1, "missing": missing},
        )
    return {name: _digest(stage.folder / name) for name in stage.command.checked}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _as_record(value: Mapping[str, object]) -> dict[str, object]:
    """What a program says about itself, as records hold it: whole numbers stay, the rest becomes text."""

    def plain(item: object) -> object:
        if isinstance(item, int) and not isinstance(item, bool):
            return item
        return item if isinstance(item, str) else json.dumps(item, sort_keys=True, default=str)

    return {name: plain(item) for name, item in value.items()}
