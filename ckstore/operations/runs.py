"""``runs`` and ``replay``: what was executed, and executing it again from the very same bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import Conflict, NotFound
from ckstore.model.locks import Lock
from ckstore.model.names import did_you_mean
from ckstore.model.records import Run
from ckstore.objects.store import ObjectStore
from ckstore.operations.run import RunReport, run


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run of the log."""

    id: str
    run: Run

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        run = self.run
        return {
            "id": self.id, "started": run.started, "status": run.status, "action": run.action,
            "component": run.component, "exit_code": run.exit_code, "inputs": dict(run.inputs),
            "measurements": dict(run.measurements), "details": dict(run.details),
            "host": dict(run.host), "environment": dict(run.environment), "lock": run.lock,
            "outputs": run.outputs, "key": run.key, "replay_of": run.replay_of,
        }  # fmt: skip


def runs(store: ObjectStore, limit: int = 0) -> list[RunEntry]:
    """The newest ``limit`` runs (0: all), newest first."""
    entries = [RunEntry(run_id, record) for run_id, record in store.view().runs()]
    entries.sort(key=lambda entry: (entry.run.started, entry.id), reverse=True)
    return entries[:limit] if limit else entries


def unreadable_runs(store: ObjectStore) -> list[str]:
    """A sentence for each run whose record is damaged; the others are not affected."""
    return [f"run {run_id} cannot be read: {error.message}" for run_id, error in store.view().damaged_runs()]


def find_run(store: ObjectStore, text: str) -> RunEntry:
    """The run whose id begins with ``text``; ``last`` is the newest.

    Raises :class:`NotFound` when there is none and :class:`Conflict` when there are several.
    """
    entries = runs(store)
    if text == "last" and entries:
        return entries[0]
    for run_id, error in store.view().damaged_runs():
        if text and run_id.startswith(text):
            raise error
    found = [entry for entry in entries if text and entry.id.startswith(text)]
    if not found:
        raise NotFound(
            f"There is no run {text}.",
            code="no-run",
            hints=[*did_you_mean(text, [entry.id for entry in entries]), "`ckstore runs` lists them"],
        )
    if len(found) > 1:
        raise Conflict(
            f"Several runs begin with {text}: {', '.join(entry.id for entry in found[:5])}.",
            code="ambiguous-run",
            hints=["give more digits"],
        )
    return found[0]


def replay(
    store: ObjectStore, text: str, *, environment: Mapping[str, str], project: Path | None = None,
    keep: bool = False, progress: Callable[[str], None] = lambda line: None,
) -> RunReport:  # fmt: skip
    """Carry out a recorded run again: same lock, same action, same options; outputs compared with its own."""
    entry = find_run(store, text)
    record = entry.run
    lock = Lock.parse(store.view().run_lock(entry.id), f"the lock of run {entry.id}")
    return run(
        store, lock, record.component, action=record.action, words=record.inputs.get("words", ()),
        environment=environment, project=project, keep=keep, replay_of=entry.id, progress=progress,
    )  # fmt: skip
