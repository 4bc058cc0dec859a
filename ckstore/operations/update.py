"""``update``: newer releases for a lock, with what each change means, and without what breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ckstore.errors import CkstoreError, InvalidInput, NotFound, Unavailable
from ckstore.model.answers import means
from ckstore.model.lockgraph import LockGraph
from ckstore.model.locks import Lock, Pin
from ckstore.model.manifest import LOCK_FILE
from ckstore.model.names import did_you_mean
from ckstore.model.requirements import Requirement
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.bisect import BisectReport, search
from ckstore.operations.catalogue import Steering
from ckstore.operations.held_back import users
from ckstore.operations.lock import make_lock, order_of_manifest, why_gone
from ckstore.operations.lock_diff import LockDiff, diff_locks
from ckstore.operations.lookup import version_named
from ckstore.operations.outdated import Outdated, outdated
from ckstore.operations.project import read_lock, read_manifest, read_text, tidy, write_whole
from ckstore.operations.relations import offer_of_release
from ckstore.operations.runs import RunEntry
from ckstore.operations.steps import Step, way
from ckstore.operations.trial import Trial, Workbench, recorded_runs

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """``references`` name what may move (nothing: everything), ``precise`` the version that one goes to."""

    references: tuple[str, ...] = ()
    precise: str = ""


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """From the lock ``before`` to ``lock``; ``written`` is False for a dry run and where nothing changes.

    ``users`` says who in the new lock asks for what changed. ``held`` are pins that stay behind their newest
    releases because somebody in the lock asks for what these have not. With trials: ``trials`` says what
    came of each recorded run with the new lock, ``blamed`` which releases broke one and stay out.
    """

    path: Path
    before: Lock
    lock: Lock
    changes: LockDiff
    users: Mapping[str, tuple[str, ...]]
    held: tuple[Outdated, ...]
    notes: tuple[str, ...]
    written: bool
    trials: tuple[Trial, ...] = ()
    blamed: tuple[BisectReport, ...] = ()

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "path": str(self.path), "digest": self.lock.digest, "written": self.written,
            "changes": self.changes.as_plain(),
            "users": {name: list(who) for name, who in self.users.items()},
            "held": [asdict(one) for one in self.held], "notes": list(self.notes),
            "trials": [trial.as_plain() for trial in self.trials],
            "blamed": [report.as_plain() for report in self.blamed],
        }  # fmt: skip


@dataclass(slots=True)
class _Update:
    """One update: what it starts from, and how a lock is made."""

    store: ObjectStore
    before: Lock
    asks: Sequence[str]
    order: Sequence[str]
    moving: Sequence[Pin]  # empty: everything
    precise: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)

    def lock(self, held: Mapping[str, str] | None = None) -> Lock:
        """The new lock; ``held`` components (``source:uid``) stay at a version, or out of it (empty)."""
        held = held or {}
        steering = Steering(
            free=frozenset(pin.key for pin in self.moving or self.before.pins),
            wished={key: version for key, version in held.items() if version},
            barred=frozenset(key for key, version in held.items() if not version),
        )
        present = self.before if self.moving else None
        lock, notes = make_lock(
            self.store, self.asks, self.order, present, steering=steering, precise=self.precise
        )
        self.notes = list(notes)
        return lock


def update_project(
    store: ObjectStore, project: Path, wanted: Wanted = Wanted(), *, dry_run: bool = False,
    bench: Workbench | None = None, progress: Progress = lambda line: None,
) -> UpdateReport:  # fmt: skip
    """Bring what is ``wanted`` in the lock of a project to its newest releases, as far as all ranges admit.

    With a ``bench``, the project's recorded runs are tried with the new lock; a release that breaks one is
    found, and stays out with all later ones of its component. The file is replaced whole, at the end.
    Raises what :func:`~ckstore.operations.lock.make_lock` raises, and :class:`NotFound` when there is no
    lock or nothing in it is meant.
    """
    tidy(project)
    before, manifest = _lock_of(project), read_manifest(project)
    asks = manifest.everything or tuple(dict.fromkeys(ask for ask, _ in before.roots))
    view = store.view()
    moving = _meant(view, before, wanted)
    update = _Update(
        store, before, asks, order_of_manifest(store, manifest), moving, _precise(view, moving, wanted)
    )
    progress("resolving")
    lock = update.lock()
    trials: tuple[Trial, ...] = ()
    blamed: tuple[BisectReport, ...] = ()
    if bench is not None:
        lock, trials, blamed = _without_what_breaks(update, lock, bench)
    path = project / LOCK_FILE
    written = not dry_run and read_text(path) != lock.emit()
    if written:
        write_whole(path, lock.emit())
    changes, graph = diff_locks(store, before, lock), LockGraph(lock)
    return UpdateReport(
        path, before, lock, changes,
        {name: users(graph, name) for name in changes.components},
        tuple(one for one in outdated(store, lock).outdated if one.held),
        (*update.notes, *why_gone(store, before, lock)), written, trials, blamed,
    )  # fmt: skip


def _lock_of(project: Path) -> Lock:
    lock = read_lock(project)
    if lock is None:
        raise NotFound(
            f"There is no {LOCK_FILE} in {project} to update.",
            code="not-locked",
            hints=["`ckstore lock REQUIREMENT` writes one"],
        )
    return lock


def _meant(view: LogView, lock: Lock, wanted: Wanted) -> list[Pin]:
    """The pins that the references mean; none for everything."""
    found: dict[str, Pin] = {}
    for text in wanted.references:
        requirement = Requirement.parse(text)
        if requirement.range != "*":
            raise InvalidInput(
                f"{text} has a range, and `update` goes by those of the manifest.",
                code="range-not-wanted",
                hints=["--precise names one version", f"`ckstore lock '{text}'` changes the manifest"],
            )
        pins = [pin for pin in lock.pins if _is_meant(view, requirement, pin)]
        if not pins:
            raise NotFound(
                f"The lock does not pin {text}.",
                code="not-in-lock",
                hints=did_you_mean(text, [f"{pin.kind}:{pin.name}" for pin in lock.pins]),
            )
        found |= {pin.key: pin for pin in pins}
    return list(found.values())


def _is_meant(view: LogView, requirement: Requirement, pin: Pin) -> bool:
    if not view.has_release(pin.source, pin.uid, pin.version):
        return False
    release = view.release(pin.source, pin.uid, pin.version)
    return means(requirement, offer_of_release(pin.source, release))


def _precise(view: LogView, moving: Sequence[Pin], wanted: Wanted) -> list[str]:
    """The requirement that takes one component to one version."""
    if not wanted.precise:
        return []
    if len(moving) != 1:
        named = ", ".join(pin.component for pin in moving)
        raise InvalidInput(
            "--precise goes with one component" + (f", not with {named}." if named else "."),
            code="not-one",
            hints=["`ckstore update program:NAME --precise 1.2.0`"],
        )
    pin = moving[0]
    line = view.component(pin.source, pin.uid)
    assert line is not None, "its release was read before"
    version = version_named(line, wanted.precise)
    release = view.release(pin.source, pin.uid, version)
    return [f"{pin.source}:{release.kind}:{release.name}@={version}"]


def _without_what_breaks(
    update: _Update, lock: Lock, bench: Workbench
) -> tuple[Lock, tuple[Trial, ...], tuple[BisectReport, ...]]:
    """The newest lock with which all recorded runs work that work with the present one."""
    entries = recorded_runs(update.store, update.before)
    if not entries:
        update.notes.append("nothing that succeeded is recorded for this lock: nothing was tried")
    held: dict[str, str] = {}
    blamed: list[BisectReport] = []
    while broken := _first_broken(bench, entries, lock):
        if not bench.works(broken, update.before):
            entries.remove(broken)
            why = bench.trial(broken, update.before)
            update.notes.append(f"{why.told} does not work with the present lock either: {why.why}")
            continue
        report = search(bench, broken, way(update.store, update.before, lock))
        blamed.append(report)
        lock = _held_back(update, held, report.culprits)
    trials = tuple(bench.trial(entry, lock) for entry in entries)
    return lock, trials, tuple(blamed)


def _first_broken(bench: Workbench, entries: Sequence[RunEntry], lock: Lock) -> RunEntry | None:
    return next((entry for entry in entries if not bench.works(entry, lock)), None)


def _held_back(update: _Update, held: dict[str, str], culprits: Sequence[Step]) -> Lock:
    """The lock without these releases; the present one where there is no such lock, or it is no help."""
    news = {step.key: step.before for step in reversed(culprits)}  # of several steps of one, the first
    helpful = any(held.get(key) != version for key, version in news.items())
    held |= news
    try:
        if helpful:
            return update.lock(held)
        reason = "holding back what broke it did not help"
    except Unavailable:
        raise
    except CkstoreError as error:
        reason = error.message
    update.notes.append(f"nothing is updated: {reason}")
    return update.before
