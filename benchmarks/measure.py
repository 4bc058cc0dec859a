"""Measuring: CPU time of whole processes, contestants in turn, so that a busy machine hurts all alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SMALL = 0.1
Sample = Callable[[], float]  # does the work once; gives CPU seconds (user and system)


@dataclass(frozen=True)
class Row:
    """One comparison: every repetition, ours and the peer's, in the order they were taken.

    CPU seconds, or with ``unit`` MiB the most memory that a process had. ``target``: what ``ratio`` shall not
    exceed, where there is such a promise.
    """

    name: str
    peer: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    note: str = ""
    target: float | None = None
    unit: str = "ms"

    @property
    def ratio(self) -> float:
        """Median to median: the number to look at."""
        return statistics.median(self.ours) / max(statistics.median(self.theirs), 1e-6)

    @property
    def ratio_of_best(self) -> float:
        """Minimum to minimum: what is left when everything else on the machine is quiet."""
        return min(self.ours) / max(min(self.theirs), 1e-6)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values; seconds."""
        return {
            "name": self.name, "peer": self.peer, "note": self.note, "target": self.target,
            "unit": "s" if self.unit == "ms" else self.unit,
            "ours": list(self.ours), "theirs": list(self.theirs),
            "ratio": round(self.ratio, 3), "ratio_of_best": round(self.ratio_of_best, 3),
        }  # fmt: skip


def process(
    argv: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
    prepare: Callable[[], Mapping[str, str]] = dict, memory: bool = False,
) -> Sample:  # fmt: skip
    """A sample that runs a process to its end, children included; ``memory``: its peak in MiB, not CPU time.

    ``prepare`` is called before each run, unmeasured; what it gives is added to the environment.
    Raises RuntimeError with what the process said when it fails.
    """

    def sample() -> float:
        variables = {**os.environ, **(env or {}), **prepare()}
        child = subprocess.Popen(
            [str(word) for word in argv], cwd=cwd, env=variables,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert child.stderr is not None
        said = child.stderr.read()
        child.stderr.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, argv))}: exit {child.returncode}\n{said.decode()}")
        peak = usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024 * 1024)
        return peak if memory else usage.ru_utime + usage.ru_stime

    return sample


def call(work: Callable[[], object], *, prepare: Callable[[], object] = dict) -> Sample:
    """A sample that calls a function in this process; ``prepare`` is called before, unmeasured."""

    def sample() -> float:
        prepare()
        start = time.process_time()
        work()
        return time.process_time() - start

    return sample


def compare(
    name: str, peer: str, ours: Sample, theirs: Sample, repetitions: int, note: str = "",
    target: float | None = None,
) -> Row:  # fmt: skip
    """Both once for warming up, then in turn; which one begins alternates."""
    ours()
    theirs()
    mine: list[float] = []
    other: list[float] = []
    for number in range(repetitions):
        pairs = [(mine, ours), (other, theirs)]
        for results, sample in pairs if number % 2 else reversed(pairs):
            results.append(sample())
    return Row(name, peer, tuple(mine), tuple(other), note, target)


def table(rows: Sequence[Row]) -> str:
    """The rows as text: medians, the two ratios, and the target where there is one."""
    head = ("what", "ours", "peer", "", "ratio", "of best", "target", "peer")
    lines = [
        (
            row.name, _number(row, row.ours), _number(row, row.theirs), row.unit,
            f"{row.ratio:.3f}" if row.ratio < _SMALL else f"{row.ratio:.2f}", f"{row.ratio_of_best:.2f}",
            _target(row), row.peer + (f" ({row.note})" if row.note else ""),
        )
        for row in rows
    ]  # fmt: skip
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 3, 7) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *lines)
    )


def _number(row: Row, samples: Sequence[float]) -> str:
    return f"{statistics.median(samples) * (1000 if row.unit == 'ms' else 1):.1f}"


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    return f"{row.target:.2f} {'ok' if row.ratio <= row.target else 'NO'}"
