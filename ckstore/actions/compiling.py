"""The steps of a build: commands that may run side by side, and what they say when they fail."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ckstore.actions.process import MOST_OUTPUT, Finished, cut_short, run_command
from ckstore.actions.said import last_lines, telling_line
from ckstore.errors import ActionFailed

_SHOWN = 30  # last lines of a failed command that are kept


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a build. ``what`` names it in messages: the source file, or ``linking``."""

    what: str
    command: Sequence[str] | str

    @property
    def line(self) -> str:
        """The command as one line that a shell would read."""
        return self.command if isinstance(self.command, str) else shlex.join(self.command)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a build happens: folder, environment, folder for what commands say.

    ``limit`` is in seconds per command (0: none), ``most`` in bytes per file that one writes (0: any).
    """

    folder: Path
    environment: Mapping[str, str]
    logs: Path
    limit: float
    progress: Callable[[str], None]
    most: int = MOST_OUTPUT


def run_steps(steps: Sequence[Step], workshop: Workshop) -> list[str]:
    """Run steps that do not depend on each other, as many at once as there are processors.

    Gives the command lines in the order of the steps. Raises :class:`ActionFailed` (``compile-failed``,
    ``timeout``, ``too-much-output``) for the first step, in that order, that had failed when the failure
    was seen.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        futures = [pool.submit(_run_step, step, workshop) for step in steps]
        wait(futures, return_when=FIRST_EXCEPTION)
        pool.shutdown(cancel_futures=True)
    for future in futures:
        if not future.cancelled():
            future.result()
    return [step.line for step in steps]


def object_names(sources: Iterable[str], extension: str) -> list[str]:
    """A file name for the object of each source; equal base names in different folders get numbers."""
    taken: set[str] = set()
    names = []
    for source in sources:
        stem = PurePosixPath(source.replace("\\", "/")).stem
        name, number = f"{stem}{extension}", 1
        while name.lower() in taken:  # lower: some file systems do not tell a.o from A.o
            number += 1
            name = f"{stem}.{number}{extension}"
        taken.add(name.lower())
        names.append(name)
    return names


def program_words(text: str) -> list[str]:
    """A compiler as it stands in a variable: the path of a program, or a program with arguments."""
    return [text] if Path(text).is_file() else shlex.split(text)


def _run_step(step: Step, workshop: Workshop) -> None:
    workshop.progress(f"compiling: {step.what}")
    workshop.logs.mkdir(parents=True, exist_ok=True)
    name = "".join(sign if sign.isalnum() else "-" for sign in step.what).strip("-")
    log = workshop.logs / f"{name}.log"
    finished = run_command(
        step.command, folder=workshop.folder, environment=workshop.environment, stdout=log, stderr=log,
        limit=workshop.limit, most=workshop.most,
    )  # fmt: skip
    if not finished.ok:
        raise _failure(step, finished, log, workshop)


def _failure(step: Step, finished: Finished, log: Path, workshop: Workshop) -> ActionFailed:
    said = last_lines(log, _SHOWN)
    # Of what compilers say, the first error counts: the others follow from it.
    telling = next((line for line in said if "error" in line.lower()), telling_line(said))
    details = {"command_line": step.line, "compiler_output": said, "exit_code": finished.exit_code}
    early = cut_short(finished, f"The compiler ({step.what})", workshop.limit, workshop.most, details)
    if early is not None:
        return early
    how = finished.signal or f"exit code {finished.exit_code}"
    return ActionFailed(
        f"{step.what} does not compile ({how}): {telling.strip() or 'it said nothing'}",
        code="compile-failed", details=details,
    )  # fmt: skip
