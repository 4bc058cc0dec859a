"""The Python door: :class:`Store`, the same functions that the command line calls, in the same words.

::

    from ckstore import Store

    store = Store("my-store")
    store.mirror("github:ctuning/ctuning-programs")
    lock = store.lock("program:cbench-automotive-susan")
    print(store.run("program:cbench-automotive-susan", lock=lock, cmd="edges", repeat=3).run.measurements)

"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ckstore.model.locks import Lock
from ckstore.objects.store import ObjectStore

if TYPE_CHECKING:  # operations are imported when they are called: a script that finds needs no resolver
    from ckstore.objects.verify import Health
    from ckstore.operations.add import AddReport
    from ckstore.operations.bisect import BisectReport
    from ckstore.operations.diff import DiffReport
    from ckstore.operations.exchange import PullReport, PushReport
    from ckstore.operations.export_lock import ExportReport
    from ckstore.operations.found import Found
    from ckstore.operations.gc import GcReport
    from ckstore.operations.impact import Impact
    from ckstore.operations.import_bundle import ImportReport
    from ckstore.operations.lint.check import CheckReport
    from ckstore.operations.lock_diff import LockDiff
    from ckstore.operations.lock_tree import LockTree, Why
    from ckstore.operations.log import Entry
    from ckstore.operations.mirror import MirrorReport
    from ckstore.operations.mirror_many import Outcome
    from ckstore.operations.outdated import OutdatedReport
    from ckstore.operations.relations import Relations
    from ckstore.operations.repair import Repair
    from ckstore.operations.run import RunReport
    from ckstore.operations.runs import RunEntry
    from ckstore.operations.show import ComponentView
    from ckstore.operations.sources import SourceEntry
    from ckstore.operations.story import Story
    from ckstore.operations.undo import UndoReport
    from ckstore.operations.update import UpdateReport
    from ckstore.operations.vendor import CopyReport
    from ckstore.operations.verify_lock import VerifyReport
    from ckstore.operations.yank import YankReport

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Locked:
    """A lock with the store that can lay it out."""

    store: ObjectStore
    lock: Lock
    notes: tuple[str, ...] = ()

    def snapshot(self) -> Path:
        """The read-only folder ``source/kind/name`` that the lock names."""
        from ckstore.operations.snapshot import snapshot

        return snapshot(self.store, self.lock)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the canonical text to ``path``."""
        from ckstore.operations.project import write_whole

        write_whole(Path(path), self.lock.emit())

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical text, hex."""
        return self.lock.digest

    def tree(self, *references: str, invert: bool = False) -> LockTree:
        """What it holds below what asked for it: see :func:`ckstore.operations.lock_tree.lock_tree`."""
        from ckstore.operations.lock_tree import lock_tree

        return lock_tree(self.lock, references, invert=invert)

    def why(self, reference: str) -> tuple[Why, ...]:
        """Why it pins something: see :func:`ckstore.operations.lock_tree.why`."""
        from ckstore.operations.lock_tree import why

        return why(self.lock, reference)

    def outdated(self) -> OutdatedReport:
        """The pins with newer releases: see :func:`ckstore.operations.outdated.outdated`."""
        from ckstore.operations.outdated import outdated

        return outdated(self.store, self.lock)

    def diff(self, other: Locked | Lock) -> LockDiff:
        """What differs from this lock to another: see :func:`ckstore.operations.lock_diff.diff_locks`."""
        from ckstore.operations.lock_diff import diff_locks

        return diff_locks(self.store, self.lock, other.lock if isinstance(other, Locked) else other)

    def verify(self) -> VerifyReport:
        """Read every byte that it names: see :func:`ckstore.operations.verify_lock.verify_lock`."""
        from ckstore.operations.verify_lock import verify_lock

        return verify_lock(self.store, self.lock)

    def vendor(self, folder: str | os.PathLike[str], *, replace: bool = False) -> CopyReport:
        """Plain files with digests in a folder: see :func:`ckstore.operations.vendor.vendor`."""
        from ckstore.operations.vendor import vendor

        return vendor(self.store, self.lock, Path(folder), replace=replace)

    def checkout(self, folder: str | os.PathLike[str]) -> CopyReport:
        """The files to work on, in a folder: see :func:`ckstore.operations.vendor.checkout`."""
        from ckstore.operations.vendor import checkout

        return checkout(self.store, self.lock, Path(folder))

    def export(self, form: str) -> str:
        """The lock as ``json``, ``sources`` or ``cyclonedx``, for others."""
        from ckstore.operations.lock_formats import written_lock

        return written_lock(self.lock, form)


class Store:
    """A store at ``path``, created on first use unless ``create`` is False.

    Without a path, the one that the command line would use: ``CKSTORE_STORE``, the project's, the user's.

    Every method raises the errors of :mod:`ckstore.errors` and returns a typed value with ``as_plain()``
    for JSON. ``progress`` gets one line of text at a time.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, create: bool = True, who: str = "",
        progress: Progress = _silent, sign_key: str | os.PathLike[str] | None = None,
    ) -> None:  # fmt: skip
        if path is None:
            from ckstore.operations.place import store_path

            path = store_path()
        self.objects = ObjectStore(
            Path(path).absolute(), create=create, who=who, sign_key=Path(sign_key) if sign_key else None
        )
        self._progress = progress

    @property
    def path(self) -> Path:
        """The folder of the store."""
        return self.objects.path

    def add(
        self, path: str | os.PathLike[str], *, kind: str = "", name: str = "", version: str = "",
        tags: Sequence[str] = (), source: str = "",
    ) -> AddReport:  # fmt: skip
        """Publish a folder: see :func:`ckstore.operations.add.add`."""
        from ckstore.operations.add import add

        return add(
            self.objects, Path(path), kind=kind, name=name, version=version, tags=tags, source=source,
            command="Store.add", progress=self._progress,
        )  # fmt: skip

    def mirror(self, url: str, *, name: str = "") -> MirrorReport:
        """Mirror a repository: see :func:`ckstore.operations.mirror.mirror`."""
        from ckstore.operations.mirror import mirror

        return mirror(self.objects, url, name=name, progress=self._progress)

    def update(self, *sources: str, at_once: int = 4) -> list[Outcome]:
        """Bring these sources up to date, or all that are mirrored; what came of each, failures included."""
        from ckstore.operations.mirror_many import mirror_many
        from ckstore.operations.mirror_update import jobs_of_update

        jobs = jobs_of_update(self.objects, sources)
        return mirror_many(self.objects, jobs, at_once=at_once, progress=self._progress)

    def find(
        self, *words: str, tags: str | Sequence[str] = (), source: str = "", kind: str = "",
        where: str | Sequence[str] = (), needs: str = "", provides: str | Sequence[str] = (),
        all_versions: bool = False, withdrawn: bool = False, yanked: bool = False,
        sort: str | Sequence[str] = (), limit: int = 0,
    ) -> Found:  # fmt: skip
        """What ``ckstore find`` finds, in the same words (docs/find.md); nothing is asked before that.

        The answer is a sequence of :class:`~ckstore.model.query.Hit` that can also count, and give facets and
        columns: see :class:`~ckstore.operations.found.Found`. No match is an empty one.
        """
        from ckstore.operations.found import Found, words_of

        asked = words_of(
            words, tags, where, provides, sort, limit, source=source, kind=kind, needs=needs,
            all_versions=all_versions, withdrawn=withdrawn, yanked=yanked,
        )  # fmt: skip
        return Found(self.path, asked, self._progress)

    def show(self, reference: str) -> ComponentView:
        """Everything about one component: see :func:`ckstore.operations.show.show`."""
        from ckstore.operations.show import show

        return show(self.objects, reference)

    def lock(
        self, requirements: str | Sequence[str] = (), *, order: Sequence[str] = (),
        project: str | os.PathLike[str] | None = None, group: str = "",
    ) -> Locked:  # fmt: skip
        """Resolve requirements. With ``project`` the manifest and the lock there are written as well.

        Then ``group`` names the group of the manifest to which the requirements are added.
        """
        from ckstore.operations.lock import lock_project, make_lock

        asks = (requirements,) if isinstance(requirements, str) else tuple(requirements)
        if project is not None:
            report = lock_project(self.objects, Path(project), asks, group=group)
            return Locked(self.objects, report.lock, report.notes)
        lock, notes = make_lock(self.objects, asks, order)
        return Locked(self.objects, lock, notes)

    def update_lock(
        self, project: str | os.PathLike[str], references: str | Sequence[str] = (), *, precise: str = "",
        dry_run: bool = False, try_runs: bool = False,
    ) -> UpdateReport:  # fmt: skip
        """Newer releases for a project's lock: see :func:`ckstore.operations.update.update_project`.

        With ``try_runs`` its recorded runs are tried first, and what breaks one is left out.
        """
        from ckstore.operations.trial import Workbench
        from ckstore.operations.update import Wanted, update_project

        named = (references,) if isinstance(references, str) else tuple(references)
        folder = Path(project)
        bench = Workbench(self.objects, os.environ, folder, self._progress) if try_runs else None
        return update_project(
            self.objects, folder, Wanted(named, precise), dry_run=dry_run, bench=bench,
            progress=self._progress,
        )  # fmt: skip

    def bisect(
        self, good: Locked | Lock, bad: Locked | Lock, reference: str = "", *, action: str = "run",
        **options: object,
    ) -> BisectReport:  # fmt: skip
        """The first bad release between two locks: see :func:`ckstore.operations.bisect.bisect`.

        Without ``reference`` the runs that are recorded for ``good`` are tried; ``options`` are the action's.
        """
        from ckstore.actions.options import to_words
        from ckstore.operations.bisect import Action, bisect

        first, last = (one.lock if isinstance(one, Locked) else one for one in (good, bad))
        wanted = Action(action, reference, tuple(to_words(options))) if reference else None
        return bisect(
            self.objects, first, last, wanted, environment=os.environ, progress=self._progress
        )  # fmt: skip

    def read_lock(self, path: str | os.PathLike[str]) -> Locked:
        """A lock from a file; its pins are checked when it is used."""
        from ckstore.operations.project import read_text

        return Locked(self.objects, Lock.parse(read_text(Path(path)), str(path)))

    def run(
        self, reference: str, *, action: str = "run", lock: Locked | Lock | None = None,
        keep: bool = False, **options: object,
    ) -> RunReport:  # fmt: skip
        """Carry out an action; ``options`` are its own (``cmd="edges", repeat=3, env={"N": "4"}``).

        Without ``lock`` the one kept for this reference is used, or made and kept.
        """
        from ckstore.actions.options import to_words
        from ckstore.operations.keep import kept_lock
        from ckstore.operations.run import run

        notes: tuple[str, ...] = ()
        if lock is None:
            kept = kept_lock(self.objects, reference)
            lock, notes = kept.lock, kept.notes
        return run(
            self.objects, lock.lock if isinstance(lock, Locked) else lock, reference, action=action,
            words=to_words(options), environment=os.environ, keep=keep, notes=notes,
            progress=self._progress,
        )  # fmt: skip

    def runs(self, limit: int = 0) -> list[RunEntry]:
        """What was run, newest first."""
        from ckstore.operations.runs import runs

        return runs(self.objects, limit)

    def replay(self, run: str, *, keep: bool = False) -> RunReport:
        """Carry out a recorded run again; ``run`` is the beginning of its id, or ``last``."""
        from ckstore.operations.runs import replay

        return replay(self.objects, run, environment=os.environ, keep=keep, progress=self._progress)

    def sources(self) -> list[SourceEntry]:
        """Where the components come from."""
        from ckstore.operations.sources import sources

        return sources(self.objects)

    def log(self, limit: int = 0) -> list[Entry]:
        """What was published, newest first."""
        from ckstore.operations.log import log

        return log(self.objects, limit)

    def story(self, reference: str, limit: int = 0) -> Story:
        """What became of one component: see :func:`ckstore.operations.story.story`."""
        from ckstore.operations.story import story

        return story(self.objects, reference, limit, progress=self._progress)

    def yank(self, reference: str, reason: str = "") -> YankReport:
        """Keep a release for the locks that have it: see :func:`ckstore.operations.yank.yank`."""
        from ckstore.operations.yank import yank

        return yank(self.objects, reference, reason)

    def unyank(self, reference: str) -> YankReport:
        """Let a yanked release be chosen again."""
        from ckstore.operations.yank import unyank

        return unyank(self.objects, reference)

    def diff(self, first: str, second: str = "", *, patch: bool = False) -> DiffReport:
        """What changed between two releases: see :func:`ckstore.operations.diff.diff`."""
        from ckstore.operations.diff import diff

        return diff(self.objects, first, second, patch=patch, progress=self._progress)

    def needs(self, reference: str, *, depth: int = 1) -> Relations:
        """What a component needs: see :func:`ckstore.operations.relations.needs`; ``depth=0``: all of it."""
        from ckstore.operations.relations import needs

        return needs(self.objects, reference, depth=depth, progress=self._progress)

    def needed_by(self, reference: str, *, depth: int = 1) -> Relations:
        """Who needs it, across all sources: see :func:`ckstore.operations.relations.needed_by`."""
        from ckstore.operations.relations import needed_by

        return needed_by(self.objects, reference, depth=depth, progress=self._progress)

    def impact(self, first: str, second: str = "") -> Impact:
        """Who loses what if ``first`` became ``second``: see :func:`ckstore.operations.impact.impact`."""
        from ckstore.operations.impact import impact

        return impact(self.objects, first, second, progress=self._progress)

    def check(self, source: str = "", *, ignore: Sequence[str] = ()) -> CheckReport:
        """A lint of one source, or of all: see :func:`ckstore.operations.lint.check.check_store`."""
        from ckstore.operations.lint.check import check_store

        return check_store(self.objects, source, ignore=ignore, progress=self._progress)

    def check_folder(
        self, path: str | os.PathLike[str], *, source: str = "", ignore: Sequence[str] = ()
    ) -> CheckReport:  # fmt: skip
        """A lint of a working folder: see :func:`ckstore.operations.lint.check.check_folder`."""
        from ckstore.operations.lint.check import check_folder

        return check_folder(
            Path(path), self.objects, source=source, ignore=ignore, progress=self._progress
        )  # fmt: skip

    def undo(self, operation: str = "", *, dry_run: bool = False) -> UndoReport:
        """Take back what an operation published: see :func:`ckstore.operations.undo.undo`."""
        from ckstore.operations.undo import undo

        return undo(self.objects, operation, dry_run=dry_run)

    def export_lock(
        self, lock: Locked | Lock, target: str | os.PathLike[str] | IO[bytes]
    ) -> ExportReport:  # fmt: skip
        """Write a lock with all that it names: see :func:`ckstore.operations.export_lock.export_lock`."""
        from ckstore.operations.export_lock import export_lock

        place = Path(target) if isinstance(target, (str, os.PathLike)) else target
        wanted = lock.lock if isinstance(lock, Locked) else lock
        return export_lock(self.objects, wanted, place, self._progress)

    def import_bundle(self, file: str | os.PathLike[str] | IO[bytes]) -> ImportReport:
        """Take an exported file in: see :func:`ckstore.operations.import_bundle.import_bundle`."""
        from ckstore.operations.import_bundle import import_bundle

        place = Path(file) if isinstance(file, (str, os.PathLike)) else file
        return import_bundle(self.objects, place, progress=self._progress)

    def gc(self, *, dry_run: bool = False, grace: float = 14.0) -> GcReport:
        """Remove what nothing needs any more: see :func:`ckstore.operations.gc.gc`; ``grace`` in days."""
        from ckstore.operations.gc import gc

        return gc(self.objects, dry_run=dry_run, grace=grace, progress=self._progress)

    def pull(self, other: str | os.PathLike[str]) -> PullReport:
        """Take over what another store published: see :func:`ckstore.operations.exchange.pull`."""
        from ckstore.operations.exchange import pull

        return pull(self.objects, os.fspath(other), progress=self._progress)

    def push(self, other: str | os.PathLike[str]) -> PushReport:
        """Let another store have what this one has: see :func:`ckstore.operations.exchange.push`."""
        from ckstore.operations.exchange import push

        return push(self.objects, os.fspath(other), progress=self._progress)

    def fsck(self, *, signers: str | os.PathLike[str] | None = None) -> Health:
        """Check every object, record, digest and extracted tree, the index, and signatures."""
        from ckstore.operations.fsck import fsck

        return fsck(self.objects, self._progress, signers=Path(signers) if signers else None)

    def repair(
        self, others: Sequence[str | os.PathLike[str]] = (), *, back_to: str = ""
    ) -> tuple[Repair, Health]:  # fmt: skip
        """Mend what can be mended: see :func:`ckstore.operations.repair.repair`; then check again."""
        from ckstore.operations.fsck import fsck_and_repair

        places = [Path(path) for path in others]
        return fsck_and_repair(self.objects, places, back_to=back_to, progress=self._progress)

    def access(
        self, request: Mapping[str, object] | Sequence[str], folder: str | os.PathLike[str] = ""
    ) -> dict[str, object]:
        """The dict protocol of Collective Knowledge: never raises, ``return`` is 0 or says what failed.

        A request is a dict, or the words of CK's command line; ``folder`` is what ``^`` in a name refers to
        (default: the current one). See :func:`ckstore.operations.access.access`.
        """
        from ckstore.operations.access import access

        return access(self.objects, request, os.environ, os.fspath(folder) or os.curdir)
