"""Bring a git repository in, or up to date: fetch, derive releases, publish, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from ckstore.errors import Conflict
from ckstore.mirror.history import Derived, derive, side_tips
from ckstore.mirror.quarantine import Quarantine, left_over, quarantine
from ckstore.mirror.remote import Engine, Progress, RemoteRefs
from ckstore.mirror.transport import Listing, bring, find_engine, list_remote, results
from ckstore.mirror.urls import RemoteUrl, parse_url
from ckstore.model.records import Operation, Release, Source
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.merge import led_by
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import HISTORY_REFS, ObjectStore
from ckstore.objects.trees import GITLINK
from ckstore.operations.mirror_names import choose_source, known_sources, taken

_HEAD, _SIDE, _FORMER = "head", "side/", "former/"


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """What a mirror did. Counts are of components, but for ``releases``; ``total`` has a release now."""

    source: str
    url: str
    head: str
    branch: str
    total: int = 0
    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    releases: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: bool = False

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "problems": list(self.problems), "notes": list(self.notes)}


def mirror(
    store: ObjectStore,
    url: str,
    *,
    name: str = "",
    moved_from: str = "",
    progress: Progress = lambda line: None,
    engine: Engine | None = None,
) -> MirrorReport:
    """Mirror the repository at ``url`` as the source ``name`` (default: the repository's own name).

    Fetches the default branch and all tags, derives the releases of every component and publishes them
    in one operation. Called again, it continues. ``moved_from`` is the former address of a repository
    that moved: its source continues at the new one. ``progress`` gets lines of text. Raises
    :class:`InvalidInput` for a wrong address, :class:`Conflict` when the name belongs to another source,
    ``NotFound`` and ``Unavailable`` when there is nothing at the address or no answer from it.
    """
    remote = parse_url(url)
    source = choose_source(known_sources(store.view()), remote, name, moved_from)

    def told(line: str) -> None:
        progress(f"{source.name}: {line}")

    engine = engine or find_engine()
    told("asking for branches and tags")
    listing = list_remote(engine, store.git, remote)
    if _is_current(source, remote, listing.refs) and not left_over(store, source.name):
        return _unchanged(store.view(), source, remote, listing.refs)
    with quarantine(store, source.name, remote, told) as incoming:
        work = _Mirror(store, remote, incoming, engine, told, moved_from)
        return work.run(source, listing)


@dataclass(slots=True)
class _Mirror:
    """One run, alone with this source: no other mirror of it is under way."""

    store: ObjectStore
    url: RemoteUrl
    incoming: Quarantine
    engine: Engine
    progress: Callable[[str], None]
    moved_from: str = ""

    def run(self, expected: Source, listing: Listing) -> MirrorReport:
        """Fetch, derive, publish. ``listing`` was asked for when the source was as ``expected``."""
        view, name = self.store.view(), expected.name
        source = view.source(name) or Source(name, self.url.text, "git")
        if source.url not in (self.url.text, self.moved_from):  # taken while this process waited
            raise taken(source)
        if source.head != expected.head:  # another one mirrored it meanwhile: what we know is old
            listing = list_remote(self.engine, self.store.git, self.url)
        refs = listing.refs
        if _is_current(source, self.url, refs):
            self.incoming.remove()
            return _unchanged(view, source, self.url, refs)
        bring(self.engine, self.incoming, self.url, listing, self.progress)
        arrived = self._arrived(source, refs)
        derived = derive(self.incoming.objects, view, source, arrived, self.url.name or name, self.progress)
        arrived = replace(arrived, problems=derived.problems)
        report = self._report(arrived, refs, derived, unchanged=arrived == source and not derived.lines)
        if not report.unchanged:
            self._publish(source, arrived, derived, report)
        self.incoming.remove()
        moved = [f"the tag {tag} was moved upstream" for tag in _moved_tags(source, arrived)]
        moved += (
            []
            if source.url == self.url.text
            else [f"the repository was at {source.url}; its source continues here"]
        )
        return replace(report, notes=(*report.notes, *moved))

    def _arrived(self, source: Source, refs: RemoteRefs) -> Source:
        """The record after this mirror. Tags that are gone upstream keep their labels: locks may use them."""
        head, tags = results(self.incoming, refs)
        labels = dict(sorted({**source.labels, **tags}.items()))
        history = 1 if self.incoming.whole else 0
        return replace(
            source, url=self.url.text, head=head, branch=refs.branch, labels=labels, history=history
        )

    def _publish(self, source: Source, arrived: Source, derived: Derived, report: MirrorReport) -> None:
        self.progress(f"publishing {report.releases} releases")
        operation = Operation("mirror", f"mirror {self.url.text}", _summary(report))
        whole = self.incoming.whole
        if whole:
            tips = self._tips(source, arrived, derived)

        def prepare(writer: PackWriter) -> None:
            if not whole:
                _copy(self.incoming.objects, writer, derived)

        def edit(view: LogView, change: LogEdit, _: None) -> None:
            if view.source(source.name) not in (source, None if not source.head else source):
                raise Conflict(
                    f"The source {source.name} was changed meanwhile.",
                    code="source-changed",
                    hints=["run the command again"],
                )
            if whole:  # only now: a mirror that is refused leaves no object behind
                self.store.adopt_packs(self.incoming.git)
            change.put_source(arrived)
            for _uid, line in sorted(derived.lines.items()):
                recorded = view.component(source.name, line.component.uid)
                component = led_by(line.component, recorded) if recorded else line.component
                change.put_component(source.name, component, line.added)
                if line.absences.spans:
                    change.put_absences(source.name, line.component.uid, line.absences)
            if whole:
                change.keep_history(source.name, tips)

        self.store.publish(operation, prepare, edit)

    def _tips(self, source: Source, arrived: Source, derived: Derived) -> dict[str, str]:
        """Commits that keep everything mirrored reachable: also what upstream has abandoned."""
        prefix = f"{HISTORY_REFS}{source.name}/"
        references = self.store.repo.references
        former = {
            name.removeprefix(prefix + _FORMER) for name in references if name.startswith(prefix + _FORMER)
        }
        if derived.walk.rewritten and source.history:
            former.add(source.head)
        objects = self.incoming.objects
        others = [oid for oid in {*arrived.labels.values(), *former} if objects.has(oid)]
        outside = side_tips(objects, arrived.head, others)
        return {_HEAD: arrived.head} | {(_FORMER if oid in former else _SIDE) + oid: oid for oid in outside}

    def _report(self, source: Source, refs: RemoteRefs, derived: Derived, *, unchanged: bool) -> MirrorReport:
        report = _plain_report(source, self.url, refs, unchanged=unchanged)
        lines, known = derived.lines, derived.known
        return replace(
            report,
            total=derived.total,
            new=sum(uid not in known for uid in lines),
            changed=sum(uid in known and bool(line.added) for uid, line in lines.items()),
            withdrawn=sum(bool(line.component.withdrawn) for line in lines.values()),
            releases=sum(len(line.added) for line in lines.values()),
            notes=(*report.notes, *_notes(derived, whole=self.incoming.whole)),
        )


def _plain_report(source: Source, url: RemoteUrl, refs: RemoteRefs, *, unchanged: bool) -> MirrorReport:
    notes = tuple(note for note in (url.note, refs.note) if note)
    return MirrorReport(
        source.name, url.text, source.head, source.branch, problems=source.problems, unchanged=unchanged,
        notes=notes,
    )  # fmt: skip


def _unchanged(view: LogView, source: Source, url: RemoteUrl, refs: RemoteRefs) -> MirrorReport:
    total = sum(not component.withdrawn for component in view.components(source.name))
    return replace(_plain_report(source, url, refs, unchanged=True), total=total)


def _is_current(source: Source, url: RemoteUrl, refs: RemoteRefs) -> bool:
    """True when there is nothing to fetch, and nothing to write about the source."""
    return source.url == url.text and refs.head == source.head and not _new_tags(source, refs.tags)


def _new_tags(source: Source, tags: Mapping[str, str]) -> bool:
    return any(source.labels.get(tag) != oid for tag, oid in tags.items())


def _moved_tags(source: Source, arrived: Source) -> list[str]:
    return [tag for tag, oid in source.labels.items() if arrived.labels.get(tag) != oid]


def _notes(derived: Derived, *, whole: bool) -> list[str]:
    notes = [*derived.warnings, *derived.notes]
    if derived.walk.rewritten:
        notes.append("upstream's history was rewritten: what was released stays, new releases follow it")
    if derived.walk.cut:
        notes.append(f"the history before {derived.walk.cut[:12]} is missing in the source")
    if not whole:
        notes.append(
            "objects of the source are missing or refused: its releases are kept, its history is not"
        )
    if derived.shared_uids:
        notes.append(
            f"{derived.shared_uids} components share a UID with one of another kind; they got their own"
        )
    if not derived.total:
        none = (
            "no component of it could be released"
            if derived.problems
            else "no component was found at its head"
        )
        notes.append(none)
    return notes


def _summary(report: MirrorReport) -> str:
    return (
        f"{report.source}: {report.releases} releases, {report.new} components new, {report.changed} changed,"
        f" {report.withdrawn} withdrawn"
    )


def _copy(objects: ObjectStore, writer: PackWriter, derived: Derived) -> None:
    """Copy the trees of new releases, which are whole, out of a repository that is not."""
    done: set[str] = set()
    added = (release for line in derived.lines.values() for release in line.added)
    for release in added:
        _copy_tree(objects, writer, release, done)


def _copy_tree(objects: ObjectStore, writer: PackWriter, release: Release, done: set[str]) -> None:
    pending = [release.tree]
    while pending:
        oid = pending.pop()
        if oid in done:
            continue
        done.add(oid)
        kind, data = objects.read(oid)
        if kind == "tree":
            writer.add("tree", data)
            pending += [entry.oid for entry in objects.read_tree(oid) if entry.mode != GITLINK]
        else:
            writer.add("blob", data)
