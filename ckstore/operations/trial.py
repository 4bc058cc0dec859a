"""Trials: does what was run before still work with another lock?

A recorded run says what was asked and what came of it. Its trial carries the same action out with another
lock, and leaves a run record of its own. It *works* when the action succeeds, no output and no measurement
of before is gone, and every output that either of the two checks is the same bytes. A program that does
less than it did, silently and with exit code 0, is therefore found out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ckstore.errors import CkstoreError, Unavailable
from ckstore.model.counting import plural
from ckstore.model.locks import Lock
from ckstore.model.plain import as_texts
from ckstore.model.records import Run
from ckstore.objects.store import ObjectStore
from ckstore.operations.outputs import flatten
from ckstore.operations.run import run
from ckstore.operations.runs import RunEntry, runs

_SHOWN = 3
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """``of`` is the run that was tried, ``run`` the record that the trial left (empty when it left none).

    ``why`` says in one sentence what does not work; empty when all does.
    """

    of: str
    action: str
    component: str
    words: tuple[str, ...]
    run: str = ""
    why: str = ""

    @property
    def works(self) -> bool:
        """True when the action does what it did."""
        return not self.why

    @property
    def told(self) -> str:
        """What was run, as one would type it."""
        return " ".join([self.action, self.component.partition("@")[0], *self.words])

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "words": list(self.words), "works": self.works}


def recorded_runs(store: ObjectStore, lock: Lock) -> list[RunEntry]:
    """The newest run that succeeded of each thing that was run with what ``lock`` pins; oldest first."""
    pinned = {f"{pin.component}@={pin.version}" for pin in lock.pins}
    found: dict[object, RunEntry] = {}
    for entry in runs(store):
        record = entry.run
        asked = (record.action, record.component, words_of(record))
        if record.status == "ok" and record.component in pinned and asked not in found:
            found[asked] = entry
    return list(reversed(found.values()))


def words_of(record: Run) -> tuple[str, ...]:
    """The options that the user gave to a recorded run."""
    return tuple(record.inputs.get("words", ()))


@dataclass(slots=True)
class Workbench:
    """Tries runs with locks, each pair once. ``count`` is how many actions were carried out."""

    store: ObjectStore
    environment: Mapping[str, str]
    project: Path | None = None
    progress: Progress = lambda line: None
    count: int = 0
    _known: dict[tuple[str, str], Trial] = field(default_factory=dict)

    def works(self, entry: RunEntry, lock: Lock) -> bool:
        """True when the run works with the lock."""
        return self.trial(entry, lock).works

    def trial(self, entry: RunEntry, lock: Lock) -> Trial:
        """What came of carrying out a recorded run with ``lock``.

        Raises :class:`Unavailable` when this machine hindered it (a full disk), and KeyboardInterrupt.
        """
        key = (entry.id, lock.digest)
        if key not in self._known:
            self.count += 1
            self._known[key] = self._try(entry, lock)
        return self._known[key]

    def _try(self, entry: RunEntry, lock: Lock) -> Trial:
        record = entry.run
        words = words_of(record)
        source = record.component.partition(":")[0]
        trial = Trial(entry.id, record.action, record.component, words)
        self.progress(f"trying {trial.told}")
        try:
            report = run(
                self.store, lock, f"{source}:*:{record.uid}", action=record.action, words=words,
                environment=self.environment, project=self.project, replay_of=entry.id,
            )  # fmt: skip
        except Unavailable:
            raise
        except CkstoreError as error:
            return replace(trial, why=error.message)
        if report.run.status == "interrupted":
            raise KeyboardInterrupt
        if report.run.status not in ("ok", "mismatch"):
            why = report.message or f"the action {report.run.status}"
            return replace(trial, run=report.id, why=why)
        return replace(trial, run=report.id, why=difference(self.store, record, report.run))


def difference(store: ObjectStore, before: Run, after: Run) -> str:
    """What of a run is not as it was, as a sentence; empty when nothing is."""
    old, new = (flatten(store.read_tree, record.outputs) for record in (before, after))
    checked = {name for record in (before, after) for name in as_texts(record.details.get("checked", ()))}
    gone = sorted(old.keys() - new.keys())
    other = sorted(name for name in checked & old.keys() & new.keys() if old[name] != new[name])
    lost = sorted(before.measurements.keys() - after.measurements.keys())
    parts = [
        (gone, "output", "is not there any more", "are not there any more"),
        (other, "output", "is another one", "are others"),
        (lost, "measurement", "is not taken any more", "are not taken any more"),
    ]
    return "; ".join(_sentence(names, what, one, many) for names, what, one, many in parts if names)


def _sentence(names: Sequence[str], what: str, one: str, many: str) -> str:
    if len(names) == 1:
        return f"the {what} {names[0]} {one}"
    more = " …" if len(names) > _SHOWN else ""
    return f"{plural(len(names), what)} {many}: {', '.join(names[:_SHOWN])}{more}"
