"""``pull`` and ``push``: stores exchange what they published, in either direction, append-only.

Nothing but git is in between: another store's folder, a bare repository on any host, or a served store.
What comes is judged whole before it is published, by one operation or by following the other log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from ckstore.errors import InvalidInput, NotFound, Unavailable
from ckstore.mirror.listing import find_engine
from ckstore.mirror.otherlog import QUARANTINE, bring_log, push_log
from ckstore.mirror.quarantine import Quarantine, quarantine
from ckstore.mirror.remote import PushingEngine
from ckstore.mirror.stock_git import StockGit
from ckstore.mirror.urls import RemoteUrl, parse_url
from ckstore.model.names import unsafe_file_name
from ckstore.model.records import Operation
from ckstore.objects.bases import Bases
from ckstore.objects.digests import Digests
from ckstore.objects.head import GIT_FOLDER, LOG_REF, LogMoved, read_head
from ckstore.objects.history import mark_elsewhere
from ckstore.objects.joining import (
    ancestors,
    below,
    check_kept,
    forward,
    is_sound_commit,
    unheld_here,
)
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.merge import OPERATION, Merge
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import GITLINK, TreeEntry, parse_tree
from ckstore.operations.received import Received, refused
from ckstore.operations.signatures import check_arrivals

Progress = Callable[[str], None]
_TRIES = 20  # each time that one fails, another one got through
_MERGED = "merged"
_PUSHED = RemoteUrl("file:///a push", "folder", "")


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull did. ``how``: ``unchanged``, ``followed`` (the log here became theirs) or ``joined``.

    ``releases`` new here, by source; ``runs`` new here; ``head`` of the log here, ``theirs`` of that there.
    """

    store: str
    how: str
    head: str
    theirs: str
    releases: Mapping[str, int] = field(default_factory=dict)
    runs: int = 0
    notes: tuple[str, ...] = ()

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "releases": dict(self.releases), "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did: ``moved`` when the log there is at ``head`` now; ``pulled`` came here first."""

    store: str
    moved: bool
    head: str
    pulled: PullReport

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "pulled": self.pulled.as_plain()}


def pull(
    store: ObjectStore, other: str, *, engine: PushingEngine | None = None,
    progress: Progress = lambda line: None,
) -> PullReport:  # fmt: skip
    """Take over what the store ``other`` (its folder, or any git address) published and this one lacks.

    If the log here is a part of the other one, it becomes the other one, commit for commit. Otherwise one
    operation joins both. Raises :class:`Conflict` when they contradict each other (both values are named),
    :class:`CorruptData` and :class:`Unsupported` for what must not be taken; then nothing is published.
    """
    with _meeting(store, other, engine, progress) as meeting:
        return meeting.pull(join=False)


def push(
    store: ObjectStore, other: str, *, engine: PushingEngine | None = None,
    progress: Progress = lambda line: None,
) -> PushReport:  # fmt: skip
    """Let the store ``other`` have everything that this one has: a pull first, then its log moves forward.

    The log there is never forced: whoever was quicker is pulled, and the push tried again.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(LogMoved):
            return _push_once(store, other, engine, progress)
    raise LogMoved


def _push_once(
    store: ObjectStore, other: str, engine: PushingEngine | None, progress: Progress
) -> PushReport:
    with _meeting(store, other, engine, progress, create=True) as meeting:
        pulled = meeting.pull(join=True)
        there, where = meeting.there, meeting.url.text
        ahead = bool(pulled.head) and pulled.theirs != pulled.head and not meeting.alike
        if ahead and there is None:
            meeting.push(pulled.head)
    if ahead and there is not None:  # not within the meeting: the other store may want to push to us
        pull(ObjectStore(there, create=False), str(store.path), progress=progress)
    return PushReport(where, ahead, pulled.head, pulled)


def receive(
    path: Path, old: str, new: str, pack: IO[bytes], *, progress: Progress = lambda line: None
) -> PullReport:
    """Take what another store pushed into the one at ``path``: its log moves from ``old`` to ``new``.

    ``pack`` holds the objects. Raises :class:`LogMoved` unless the log is at ``old`` (empty: there is none)
    and is part of the history of ``new``, and what :func:`pull` raises.
    """
    store, engine = ObjectStore(path, create=False), StockGit.find()
    if engine is None:
        raise Unavailable("Taking a push needs the git program.", code="no-git", hints=["install git"])
    with quarantine(store, f"{QUARANTINE}-received", _PUSHED, progress) as incoming:
        try:
            engine.index_pack(incoming.git, _PUSHED, pack)
            incoming.reopen()
            if not incoming.whole or not incoming.objects.has(new):
                raise refused("the push", "something in it is missing or beyond the limits")
            if read_head(path) != old or (old and old not in ancestors(incoming.objects, new)):
                raise LogMoved("The log here is not what the push was made for: pull first.")
            meeting = _Meeting(store, _PUSHED, None, incoming, engine, progress, exact=True)
            return meeting.take(old, new, join=False)
        finally:
            incoming.remove()


@contextlib.contextmanager
def _meeting(
    store: ObjectStore, other: str, engine: PushingEngine | None, progress: Progress, *, create: bool = False
) -> Iterator[_Meeting]:
    url, there = _address(store, other, create)
    with quarantine(store, QUARANTINE, url, progress) as incoming:
        try:
            yield _Meeting(store, url, there, incoming, engine or find_engine(), progress)
        finally:
            incoming.remove()


def _address(store: ObjectStore, other: str, create: bool) -> tuple[RemoteUrl, Path | None]:
    """The address of the other log and, where it is that of a store on this machine, its folder."""
    path = Path(other)
    if "://" in other or not path.is_dir():
        return parse_url(other), None
    if (path / GIT_FOLDER / "objects").is_dir() or (create and not any(path.iterdir())):
        there = ObjectStore(path, create=create)
        if there.path.resolve() == store.path.resolve():
            raise InvalidInput(
                f"{other} is the store itself.", code="same-store", hints=["name another store"]
            )
        return parse_url(str(there.git)), there.path
    return parse_url(other), None


@dataclass(slots=True)
class _Meeting:
    """One exchange with one other store; no other one is under way here. ``there``: its folder, if any."""

    store: ObjectStore
    url: RemoteUrl
    there: Path | None
    incoming: Quarantine
    engine: PushingEngine
    progress: Progress
    exact: bool = False  # the log must be where the other side believes it is
    alike: bool = False  # both hold the same already, though neither log is a part of the other one
    _spelling: str = ""

    def pull(self, *, join: bool) -> PullReport:
        """Bring the log there into the one here. ``join``: the log here must follow theirs afterwards."""
        self.progress(f"asking {self.url.text} for its log")
        ours = read_head(self.store.path)
        theirs, self._spelling = bring_log(self.engine, self.incoming, self.url, ours, self.progress)
        if not theirs and not join and self.there is None:
            self._check_is_empty()
        return self.take(ours, theirs, join=join)

    def push(self, head: str) -> None:
        """Move the log there to ``head``, which follows it."""
        self.progress(f"pushing to {self.url.text}")
        push_log(self.engine, self.incoming, self.url, self._spelling, head)

    def take(self, ours: str, theirs: str, *, join: bool) -> PullReport:
        """Judge what arrived below ``theirs`` and publish it over ``ours``, if the log is still there."""
        objects = self.incoming.objects
        our_commits, their_commits = ancestors(objects, ours), ancestors(objects, theirs)
        if theirs in our_commits or not theirs:
            return PullReport(self.url.text, "unchanged", ours, theirs)
        here, there = objects.view(ours) if ours else self.store.view(), objects.view(theirs)
        if there.find((OPERATION,)) is None:
            raise _no_store(self.url, f"{LOG_REF} there is no log of ckstore")
        digests = Digests(objects.read_tree, objects.read_blob, objects.large_blob)
        received = Received(objects, digests, self.progress)
        new = [oid for oid in their_commits if oid not in our_commits]
        self._check_objects(new, received)
        check_arrivals(self.store, objects, new)
        received.check(there.root, here.root)
        descends = not ours or ours in their_commits
        if descends and self._holds_all(here, there):
            retired = check_kept(here, there)
            try:
                forward(self.store, ours, theirs, lambda: self._adopt(there, theirs))
            except LogMoved:  # others published meanwhile: then both are joined, and nobody can come between
                if self.exact:
                    raise
            else:
                return self._report("followed", theirs, theirs, received, retired)
        how, head, retired = self._join(ours, theirs, received, join or descends)
        return self._report(how, head, theirs, received, retired)

    def _holds_all(self, here: LogView, there: LogView) -> bool:
        """True when joining what is here with what came of it there would give just what is there."""
        bases = Bases(self.incoming.objects)
        merge, ours = Merge(bases, bases), _entries(self.incoming.objects, here.root)
        theirs = _entries(self.incoming.objects, there.root)
        return merge.with_paths(merge.roots(ours, ours, theirs), ours) == theirs

    def _join(self, ours: str, theirs: str, received: Received, join: bool) -> tuple[str, str, list[str]]:
        """One operation that has both logs as parents, over whatever is newest here: theirs was judged.

        Gives what happened, the head of the log, and what was taken back.
        """
        retired: list[str] = []
        done = ["unchanged"]

        def edit(view: LogView, change: LogEdit, _: None) -> None:
            if view.head != ours:
                if self.exact:
                    raise LogMoved
                self.incoming.reopen()  # others published meanwhile
            objects = self.incoming.objects
            if view.head and theirs in ancestors(objects, view.head):
                return
            there = objects.view(theirs)
            bases = Bases(objects)
            here, came = _entries(objects, view.root), _entries(objects, there.root)
            both = _Joined(bases, change.writer)
            merge = Merge(both, change.writer)
            base = bases.entries(view.head, theirs) if view.head else {}
            merged = merge.with_paths(merge.roots(base, here, came), here)
            self.alike = merged == here and Merge(bases, bases).with_paths(here, came) == came
            if self.alike or (merged == here and not join):
                return
            both.root = tuple(merged.values())
            after = LogView(both, view.head, _MERGED)
            retired.extend(check_kept(view, after))
            self._adopt(after, there.head)
            change.join(merged, [there.head])
            change.summary = _summary(self.url.text, received)
            done[0] = "joined"

        operation = Operation("pull", f"ckstore pull {self.url.text}", "")
        head = self.store.publish(operation, lambda writer: None, edit)
        return done[0], head, retired

    def _check_is_empty(self) -> None:
        """A repository without a log is a store to be if nothing else is in it."""
        pairs = self.engine.list_refs(self.incoming.git, self.url, self._spelling)
        if any(name != "HEAD" for name, _ in pairs):
            raise _no_store(self.url, "it is a git repository")

    def _adopt(self, after: LogView, theirs: str) -> None:
        """Bring the objects in; what is known of histories that stay elsewhere comes before the log moves."""
        elsewhere = unheld_here(self.store, after)
        self.store.adopt_packs(self.incoming.git)
        mark_elsewhere(self.store.repo, elsewhere, theirs)

    def _check_objects(self, commits: list[str], received: Received) -> None:
        """Everything that the new commits reach is here, and every name in it is safe: history, too."""
        objects, seen, files = self.incoming.objects, set[str](), set[str]()
        for number, oid in enumerate(commits, 1):
            if not is_sound_commit(objects.read(oid)[1]):
                raise refused(f"the log at {self.url.text}", f"its commit {oid} is malformed")
            received.check_operation(objects.root_of(oid))
            for _, entries in below(objects, objects.root_of(oid), seen):
                self._check_entries(entries)
                files.update(e.oid for e in entries if not e.is_tree and e.mode != GITLINK)
            if number % 100 == 0:
                self.progress(f"read {number}/{len(commits)} operations")
        for oid in files:
            if not objects.has(oid):
                raise refused(f"the log at {self.url.text}", f"it lacks the object {oid}")
            if objects.kind_of(oid) != "blob":
                raise refused(f"the log at {self.url.text}", f"it takes {oid} for a file, which that is not")

    def _check_entries(self, entries: Sequence[TreeEntry]) -> None:
        if len({entry.name for entry in entries}) != len(entries):
            raise refused(f"the log at {self.url.text}", "a folder in it has a name twice")
        for entry in entries:
            reason = unsafe_file_name(entry.name)
            if reason is not None:
                raise refused(f"the log at {self.url.text}", f"{entry.name!a} in it: {reason}")

    def _report(
        self, how: str, head: str, theirs: str, received: Received, retired: Sequence[str]
    ) -> PullReport:
        notes = [f"{name} was taken back there, so it is here" for name in retired]
        releases = dict(sorted(received.releases.items()))
        return PullReport(self.url.text, how, head, theirs, releases, received.runs, tuple(notes))


@dataclass(slots=True)
class _Joined:
    """The trees that an operation is writing, over what came and what is here.

    ``root`` is the tree that is called :data:`_MERGED`.
    """

    objects: Bases
    writer: PackWriter
    root: tuple[TreeEntry, ...] = ()

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        """The entries of a tree."""
        if oid == _MERGED:
            return self.root
        return parse_tree(self.writer.read(oid)) if oid in self.writer else self.objects.read_tree(oid)

    def read_blob(self, oid: str) -> bytes:
        """The bytes of a blob."""
        return self.writer.read(oid) if oid in self.writer else self.objects.read_blob(oid)

    def has(self, oid: str) -> bool:
        """True when the object is in any of them."""
        return oid in self.writer or self.objects.has(oid)

    def root_of(self, commit: str) -> str:
        """The tree of a commit."""
        return self.objects.root_of(commit)


def _no_store(url: RemoteUrl, found: str) -> NotFound:
    return NotFound(
        f"There is no store of ckstore at {url.text}: {found}.",
        code="not-a-store",
        hints=[f"`ckstore mirror {url.text}` takes the components of a repository"],
        details={"url": url.text},
    )


def _entries(objects: ObjectStore, root: str) -> dict[str, TreeEntry]:
    entries = objects.read_tree(root) if root else ()
    return {entry.name: entry for entry in entries if entry.name != OPERATION}


def _summary(where: str, received: Received) -> str:
    parts = [f"{count} of {source}" for source, count in sorted(received.releases.items())]
    runs = f", runs: {received.runs}" if received.runs else ""
    return f"releases: {', '.join(parts) or 'none new'}{runs}; from {where}"
