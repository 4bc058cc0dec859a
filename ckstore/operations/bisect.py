"""``bisect``: which release, of all sources, broke what worked with one lock and does not with another?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import Conflict, NotFound
from ckstore.model.locks import Lock
from ckstore.objects.store import ObjectStore
from ckstore.operations.run import run
from ckstore.operations.runs import RunEntry
from ckstore.operations.steps import Step, Verdict, Way, turning_place, way
from ckstore.operations.trial import Trial, Workbench, recorded_runs

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Action:
    """What to carry out: ``[action] reference options``."""

    name: str
    reference: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BisectReport:
    """``trial`` is what does not work with the bad lock.

    ``culprits`` holds the one release after which it does not work; several where those in between cannot be
    had without each other, or cannot be told apart (``skipped`` mixtures could not be locked).
    ``good`` and ``bad`` are the last lock that works and the first that does not.
    """

    trial: Trial
    culprits: tuple[Step, ...]
    good: Lock
    bad: Lock
    steps: int
    runs: int
    skipped: int

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "trial": self.trial.as_plain(), "culprits": [step.as_plain() for step in self.culprits],
            "good": self.good.digest, "bad": self.bad.digest, "steps": self.steps, "runs": self.runs,
            "skipped": self.skipped,
        }  # fmt: skip


def bisect(
    store: ObjectStore, good: Lock, bad: Lock, action: Action | None = None, *,
    environment: Mapping[str, str], project: Path | None = None, progress: Progress = lambda line: None,
) -> BisectReport:  # fmt: skip
    """The first bad release between two locks, in O(log n) runs for n releases.

    ``action`` is run with ``good`` first; what it does there is what it has to do. Without it, the runs that
    are recorded for ``good`` are tried with ``bad``, and the first that does not work is looked into.
    Raises :class:`NotFound` when no such run is recorded, :class:`Conflict` when ``good`` does not work,
    ``bad`` does, or nothing lies between them.
    """
    bench = Workbench(store, environment, project, progress)
    entries = [_baseline(bench, good, action)] if action else recorded_runs(store, good)
    if not entries:
        raise NotFound(
            "Nothing that succeeded is recorded for the good lock.",
            code="no-run",
            hints=["say what to run: `ckstore bisect --good LOCK --bad LOCK -- program:NAME`"],
        )
    between = way(store, good, bad)
    if not between:
        raise Conflict("The two locks pin the same releases.", code="nothing-between")
    broken = next((entry for entry in entries if not bench.works(entry, bad)), None)
    if broken is None:
        raise Conflict(
            "With the bad lock everything works as with the good one.",
            code="not-broken",
            hints=["name another action behind --"] if action is None else [],
            details={"tried": [bench.trial(entry, bad).told for entry in entries]},
        )
    return search(bench, broken, between)


def _baseline(bench: Workbench, good: Lock, action: Action) -> RunEntry:
    bench.progress("running with the good lock")
    bench.count += 1
    report = run(
        bench.store, good, action.reference, action=action.name, words=action.words,
        environment=bench.environment, project=bench.project,
    )  # fmt: skip
    if report.run.status == "interrupted":
        raise KeyboardInterrupt
    if not report.ok:
        raise Conflict(
            f"With the good lock it does not work: {report.message or report.run.status}",
            code="not-good",
            hints=["give a lock with which it worked"],
        )
    return RunEntry(report.id, report.run)


def search(bench: Workbench, entry: RunEntry, between: Way) -> BisectReport:
    """The turning place of a run that works at the beginning of the way and not at its end."""

    def judge(place: int) -> Verdict:
        bench.progress(f"{len(between)} releases between, looking at {place}")
        lock = between.lock(place)
        if lock is None:
            return "skip"
        return "good" if bench.works(entry, lock) else "bad"

    turn = turning_place(len(between), judge)
    good, bad = between.lock(turn.good), between.lock(turn.bad)
    assert good is not None, "a place that was judged has a lock"
    assert bad is not None, "a place that was judged has a lock"
    skipped = sum(1 for verdict in turn.asked.values() if verdict == "skip")
    return BisectReport(
        bench.trial(entry, bad), tuple(between.steps[turn.good : turn.bad]), good, bad,
        len(between), bench.count, skipped,
    )  # fmt: skip
