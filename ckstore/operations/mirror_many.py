"""Many mirrors at once: one that fails does not stop the others.

They run in threads of this process. What takes long in a fetch happens elsewhere (in a git program, or in
the network), and an update that finds nothing new is all waiting; deriving releases is Python and shares
one core. Each thread opens the store for itself, as another process would.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Protocol

from ckstore.errors import CkstoreError, Unavailable
from ckstore.mirror.listing import find_engine
from ckstore.mirror.remote import Engine, Progress
from ckstore.mirror.urls import parse_url
from ckstore.model.records import Source
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import MirrorReport, mirror
from ckstore.operations.mirror_names import choose_source, known_sources

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Job:
    """One repository to mirror. ``moved_from`` is the former address of one that moved.

    ``listed``: nobody named it, its owner's forge did; so that it is empty is no failure.
    """

    address: str
    name: str = ""
    moved_from: str = ""
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: a report, or the error that stopped it."""

    job: Job
    source: str
    report: MirrorReport | None = None
    error: CkstoreError | None = None

    @property
    def empty(self) -> bool:
        """True for a repository without a commit that nobody asked for by name."""
        return self.job.listed and self.error is not None and self.error.code == "empty-repository"

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        if self.report is not None:
            return self.report.as_plain()
        error = self.error.as_plain() if self.error else {}
        return {"source": self.source, "url": self.job.address, **error}


class Follow(Protocol):
    """Says which further repositories a mirrored one asks for."""

    def __call__(self, store: ObjectStore, report: MirrorReport) -> Sequence[Job]:
        """The jobs; what was done before may be among them."""


def mirror_many(
    store: ObjectStore, jobs: Sequence[Job], *, at_once: int = AT_ONCE, follow: Follow | None = None,
    progress: Progress = lambda line: None, done: Callable[[Outcome], None] = lambda outcome: None,
    engine: Engine | None = None,
) -> list[Outcome]:  # fmt: skip
    """Mirror all of these, ``at_once`` of them at a time; gives what came of each, in their order.

    The same repository is mirrored once. ``follow`` may add jobs after each success. ``done`` is called
    in this thread as each one ends, ``progress`` from any, with one line for all. An interruption (Ctrl-C)
    ends every fetch that is under way; what arrived whole is used by the next mirror.
    """
    return _Crowd(store, at_once, follow, progress, done, engine or find_engine()).run(jobs)


@dataclass(slots=True)
class _Crowd:
    store: ObjectStore
    at_once: int
    follow: Follow | None
    progress: Progress
    done: Callable[[Outcome], None]
    engine: Engine
    known: dict[str, Source] = field(default_factory=dict)  # names that are taken, by jobs under way as well
    addresses: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)  # names of sources
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Everything, and what follows from it."""
        self.known = known_sources(self.store.view())
        board = Board(self.progress)
        pool = ThreadPoolExecutor(max(self.at_once, 1), thread_name_prefix="mirror")
        try:
            pending = self._start(pool, board, jobs)
            while pending:
                ended, _ = wait(pending, return_when=FIRST_COMPLETED)
                for future in ended:
                    pending |= self._end(pool, board, future, pending.pop(future))
        except BaseException:
            self.stopped.set()
            self.engine.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return self.outcomes

    def _start(
        self, pool: ThreadPoolExecutor, board: Board, jobs: Sequence[Job]
    ) -> dict[Future[MirrorReport], int]:
        started: dict[Future[MirrorReport], int] = {}
        for job in jobs:
            try:
                url = parse_url(job.address)
                if url.text in self.addresses and not job.name:
                    continue
                source = choose_source(self.known, url, job.name, job.moved_from)
                if source.name in self.begun:
                    continue
                self.addresses.add(url.text)
                self.begun.add(source.name)
            except CkstoreError as error:
                self.outcomes.append(Outcome(job, job.name, error=error))
                self.done(self.outcomes[-1])
                continue
            self.known[source.name] = source
            board.expect()
            self.outcomes.append(Outcome(job, source.name))
            # by the name chosen here: two that would take the same one cannot see each other yet
            future = pool.submit(self._mirror, board, replace(job, name=source.name))
            started[future] = len(self.outcomes) - 1
        return started

    def _mirror(self, board: Board, job: Job) -> MirrorReport:
        def told(line: str) -> None:
            if self.stopped.is_set():
                raise KeyboardInterrupt
            board.tell(job.name, line.removeprefix(f"{job.name}: "))

        told("waiting")
        own = ObjectStore(self.store.path, create=False, who=self.store.who)
        return mirror(
            own, job.address, name=job.name, moved_from=job.moved_from, progress=told, engine=self.engine
        )

    def _end(
        self, pool: ThreadPoolExecutor, board: Board, future: Future[MirrorReport], at: int
    ) -> dict[Future[MirrorReport], int]:
        outcome = self.outcomes[at]
        board.end(outcome.source)
        try:
            outcome = replace(outcome, report=future.result())
        except CkstoreError as error:
            if self.known[outcome.source].head:
                error.hints = (*error.hints, "what was mirrored stays")
            outcome = replace(outcome, error=error)
        except Exception as error:  # a full disk or a defect that one of them meets must not cost the others
            outcome = replace(outcome, error=_unexpected(f"{outcome.source} was not mirrored", error))
        self.outcomes[at] = outcome
        self.done(outcome)
        return self._start(pool, board, self._further(outcome))

    def _further(self, outcome: Outcome) -> Sequence[Job]:
        """What a mirrored repository asks for."""
        failed: CkstoreError
        if self.follow is None or outcome.report is None:
            return ()
        try:
            return self.follow(ObjectStore(self.store.path, create=False), outcome.report)
        except CkstoreError as error:
            failed = error
        except Exception as error:
            failed = _unexpected(f"what {outcome.source} needs cannot be read", error)
        self.outcomes.append(Outcome(outcome.job, outcome.source, error=failed))
        self.done(self.outcomes[-1])
        return ()


def _unexpected(what: str, error: Exception) -> Unavailable:
    """An error that nobody foresaw, as one of ours; its traceback goes with it."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    found = Unavailable(
        f"{what}: {reason or 'no reason is given'} ({type(error).__name__}).",
        code="job-failed",
        hints=["run the command again: what was mirrored stays"],
    )
    found.__cause__ = error
    return found


class Board:
    """Many lines of progress as one: how many are done, and what each of the others does."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._lines: dict[str, str] = {}
        self._expected = self._ended = 0

    def expect(self) -> None:
        """One more will come."""
        with self._lock:
            self._expected += 1

    def tell(self, name: str, line: str) -> None:
        """What this one does now."""
        with self._lock:
            self._lines[name] = line
            self._show()

    def end(self, name: str) -> None:
        """This one is done, well or not."""
        with self._lock:
            self._lines.pop(name, None)
            self._ended += 1
            self._show()

    def _show(self) -> None:
        doing = [f"{name}: {line}" for name, line in self._lines.items()]
        ahead = [f"{self._ended}/{self._expected} done"] if self._expected > 1 else []
        if ahead or doing:
            self._progress(" · ".join(ahead + doing))
