"""``run``: carry out an action of a component against the snapshot that a lock names."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ckstore.actions.launch import launch
from ckstore.actions.options import parse_options
from ckstore.actions.plan import Outcome, Plan
from ckstore.actions.signature import ActionSpec, read_actions
from ckstore.errors import Conflict, NotFound, Unavailable, Unsupported
from ckstore.model.locks import Lock, Pin
from ckstore.model.names import did_you_mean
from ckstore.model.plain import as_map, as_text
from ckstore.model.records import Operation, Run
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.objects.litter import sweep_folder, temporary_folder
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.outputs import Comparison, compare_outputs, store_outputs
from ckstore.operations.project import WORKSPACE
from ckstore.operations.snapshot import held_snapshot, verify

Progress = Callable[[str], None]
_RUN = "run-"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did. ``id`` names its record in the log; ``kept`` is the workspace, if it was kept."""

    id: str
    run: Run
    message: str
    hints: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    compared_with: str
    notes: tuple[str, ...] = ()
    kept: str = ""
    drift: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """True when the action succeeded and its outputs are what they were."""
        return self.run.status == "ok"

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        run = self.run
        return {
            "id": self.id, "status": run.status, "action": run.action, "component": run.component,
            "exit_code": run.exit_code, "message": self.message, "hints": list(self.hints),
            "measurements": dict(run.measurements), "details": dict(run.details), "host": dict(run.host),
            "environment": dict(run.environment), "outputs": run.outputs, "lock": run.lock,
            "compared_with": self.compared_with, "replay_of": run.replay_of,
            "comparisons": [comparison.as_plain() for comparison in self.comparisons],
            "drift": {name: list(pair) for name, pair in self.drift.items()},
            "notes": list(self.notes), "kept": self.kept,
        }  # fmt: skip


def find_pin(lock: Lock, reference: str) -> Pin:
    """The pin of a lock that a reference means; roots first. The range must admit the pinned version."""
    wanted = Requirement.parse(reference)
    answers = {got for ask, got in lock.roots if ask == str(wanted)}  # a tag query is known by its answers
    found = [pin for pin in lock.pins if pin.component in answers or _matches(wanted, pin)]
    roots = {got for _, got in lock.roots}
    found = [pin for pin in found if pin.component in roots] or found
    if not found:
        names = [f"{pin.kind}:{pin.name}" for pin in lock.pins]
        raise NotFound(
            f"The lock of this project does not pin {reference}.",
            code="not-in-lock",
            hints=[*did_you_mean(reference, names), f"`ckstore lock {reference}` adds it"],
        )
    if len(found) > 1:
        raise Conflict(
            f"{reference} means several components of the lock: {', '.join(p.component for p in found)}.",
            code="ambiguous",
            hints=[f"name exactly one: {found[0].component}"],
        )
    return found[0]


def _matches(wanted: Requirement, pin: Pin) -> bool:
    return (
        (not wanted.source or wanted.source == pin.source)
        and (not wanted.kinds or pin.kind in wanted.kinds)
        and wanted.name in (pin.name, pin.uid)
        and VersionRange.parse(wanted.range).admits(parse_version(pin.version))
    )


def action_spec(root: Path, lock: Lock, pin: Pin, action: str) -> tuple[Pin, ActionSpec]:
    """The module that gives a component's kind its actions, and what it says of this action."""
    modules = lock.got(pin.component, "kind")
    if not modules:
        raise Unsupported(
            f"{pin.component}: no module that ckstore can run gives actions to the kind {pin.kind!r}.",
            code="no-actions",
            hints=["`ckstore find module` lists the modules"],
        )
    path = root.joinpath(*modules[0].component.split(":")) / "module.py"
    source = path.read_text("utf-8") if path.is_file() else ""
    actions = read_actions(source, f"{modules[0].component}/module.py")
    if action not in actions:
        raise NotFound(
            f"The kind {pin.kind!r} has no action {action!r}.",
            code="no-action",
            hints=[*did_you_mean(action, actions), f"it has: {', '.join(sorted(actions))}"],
        )
    return modules[0], actions[action]


def run(
    store: ObjectStore, lock: Lock, reference: str, *, action: str = "run", words: Sequence[str] = (),
    environment: Mapping[str, str], project: Path | None = None, keep: bool = False, replay_of: str = "",
    notes: Sequence[str] = (), progress: Progress = lambda line: None,
) -> RunReport:  # fmt: skip
    """Carry out ``action`` of the component that ``reference`` means, with the options in ``words``.

    Resolves nothing and needs no network: the lock says everything. Outputs that must repeat are
    compared with those of the first run with the same key (or of ``replay_of``); a record is published
    whether the action succeeded or not. ``environment`` is what the action may choose from; it sees an
    allow-list of it. Raises the errors of finding a tool, a dataset or an option.
    """
    with contextlib.ExitStack() as held:
        root = held.enter_context(held_snapshot(store, lock, progress))
        pin = find_pin(lock, reference)
        module, spec = action_spec(root, lock, pin, action)
        options = parse_options(spec, words)
        started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        workspace = held.enter_context(_workspace(store, project))
        plan = Plan(action, pin.component, module.component, root, lock.emit(), workspace, options)
        outcome = launch(plan, progress=progress, environment=environment)
        verify(store, lock, [*outcome.touched, pin.component, module.component])
        draft = _draft(pin, lock, action, words, started, outcome, replay_of)
        report = _record(store, draft, outcome, lock, workspace)
        kept = workspace.rename(workspace.with_name(f"kept-{report.id}")) if keep else ""
    return replace(report, notes=tuple(notes), kept=str(kept))


@contextlib.contextmanager
def _workspace(store: ObjectStore, project: Path | None) -> Iterator[Path]:
    """A new folder below the project, or below the store when the project cannot be written to.

    Removed at the end, and after a kill by the next run, unless it was renamed by then.
    """
    places = [*([project / WORKSPACE] if project else []), store.path]
    try:
        with contextlib.ExitStack() as held:
            yield _new_folder(held, places)
    finally:
        for place in places:
            _remove_empty(place)


def _new_folder(held: contextlib.ExitStack, places: list[Path]) -> Path:
    reason = ""
    for parent in (place / "work" for place in places):
        sweep_folder(parent, _RUN, strangers=False)
        for _ in range(_TRIES):  # another run that ends may take the empty parent away in between
            try:
                parent.mkdir(parents=True, exist_ok=True)
                return held.enter_context(temporary_folder(parent, _RUN))
            except OSError as error:
                reason = error.strerror or str(error)
    raise Unavailable(
        f"{places[-1]} cannot be written to: {reason}.",
        code="no-workspace",
        hints=["check its permissions and the free space of its disk", "--store names another place"],
    )


def _remove_empty(place: Path) -> None:
    for folder in (place / "work", place):
        if folder.name in ("work", WORKSPACE):
            with contextlib.suppress(OSError):  # not empty: another run is there
                folder.rmdir()


def _draft(
    pin: Pin, lock: Lock, action: str, words: Sequence[str], started: str, outcome: Outcome, replay_of: str
) -> Run:
    return Run(
        action=action, component=f"{pin.component}@={pin.version}", uid=pin.uid, lock=lock.digest,
        started=started, status=outcome.status, exit_code=outcome.exit_code,
        inputs={"words": list(words)}, host=outcome.host, environment=outcome.environment,
        measurements=outcome.measurements,
        details={**outcome.details, "checked": list(outcome.checked), "message": outcome.message},
        key=outcome.key, replay_of=replay_of,
    )  # fmt: skip


def _record(store: ObjectStore, draft: Run, outcome: Outcome, lock: Lock, workspace: Path) -> RunReport:
    """Store the outputs, compare them, publish the record: one operation."""
    reports: list[RunReport] = []

    def edit(view: LogView, change: LogEdit, tree: str) -> None:
        reference = _reference(view, draft)
        comparisons = compare_outputs(store, view, reference, tree, outcome.checked, change.read_tree)
        differs = any(comparison.result == "differs" for comparison in comparisons)
        status = "mismatch" if differs and draft.status == "ok" else draft.status
        final = replace(draft, status=status, outputs=tree)
        run_id = change.put_run(final, lock.emit())
        if draft.key and outcome.checked and not view.reference(draft.key) and status == "ok":
            change.put_reference(draft.key, run_id)
        drift = _drift(view.run(draft.replay_of), final) if draft.replay_of else {}
        reports.append(
            RunReport(run_id, final, outcome.message, outcome.hints, comparisons, reference, drift=drift)
        )

    words = [draft.action, draft.component, *draft.inputs["words"]]
    command = shlex.join(["ckstore", *(["replay", draft.replay_of] if draft.replay_of else words)])
    store.publish(
        Operation("run", command, f"{draft.action} {draft.component}"),
        lambda writer: store_outputs(writer, workspace, outcome.outputs),
        edit,
    )
    return reports[-1]


def _reference(view: LogView, draft: Run) -> str:
    """The run to compare with: the one replayed if it got to its end; else the first one of its key."""
    if draft.replay_of and view.run(draft.replay_of).status in ("ok", "mismatch"):
        return draft.replay_of
    return view.reference(draft.key)


def _drift(before: Run, now: Run) -> dict[str, tuple[str, str]]:
    """What the machine has now that differs from the record: name → (then, now)."""
    then, found = _machine(before), _machine(now)
    pairs = {name: (then.get(name, ""), found.get(name, "")) for name in sorted(then.keys() | found.keys())}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _machine(run: Run) -> dict[str, str]:
    """Facts about the host, and the software that was found on it."""
    tools = {role: as_map(tool) for role, tool in as_map(run.details.get("tools")).items()}
    return {
        **run.host,
        **{role: f"{as_text(t.get('path'))} {as_text(t.get('version'))}" for role, t in tools.items()},
    }
