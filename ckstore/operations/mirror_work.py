"""The work of a mirror: fetch, derive releases, publish, all or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ckstore.errors import Conflict
from ckstore.mirror.derive import Line
from ckstore.mirror.history import Derived, derive, side_tips
from ckstore.mirror.listing import Listing, list_remote
from ckstore.mirror.quarantine import Quarantine, quarantine
from ckstore.mirror.remote import Engine, Progress, RemoteRefs
from ckstore.mirror.transport import bring, results
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.counting import plural
from ckstore.model.records import Component, Operation, Release, Source
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.merge import led_by
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import HISTORY_REFS, ObjectStore
from ckstore.objects.trees import GITLINK
from ckstore.operations.mirror_names import taken
from ckstore.operations.mirror_report import MirrorReport, is_current, plain_report, unchanged_report

_HEAD, _SIDE, _FORMER, _TAG = "head", "side/", "former/", "tag/"


def fetch_and_publish(
    store: ObjectStore, url: RemoteUrl, expected: Source, listing: Listing, engine: Engine,
    progress: Progress, moved_from: str = "",
) -> MirrorReport:  # fmt: skip
    """Bring in what ``listing`` has and the source lacks; that was ``expected`` when it was asked for."""
    with quarantine(store, expected.name, url, progress) as incoming:
        return _Mirror(store, url, incoming, engine, progress, moved_from).run(expected, listing)


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
            self.incoming.remove()
            raise taken(source, self.url)
        if source.head != expected.head:  # another one mirrored it meanwhile: what we know is old
            listing = list_remote(self.engine, self.store.git, self.url)
        refs = listing.refs
        if is_current(source, self.url, refs):
            self.incoming.remove()
            return unchanged_report(view, source, self.url, refs)
        bring(self.engine, self.incoming, self.url, listing, self.progress)
        arrived = self._arrived(source, refs)
        derived = derive(self.incoming.objects, view, source, arrived, self.url.name or name, self.progress)
        arrived = replace(arrived, problems=derived.problems)
        report = self._report(view, arrived, refs, derived, unchanged=arrived == source and not derived.lines)
        if not report.unchanged:
            self._publish(source, arrived, derived, report, refs)
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

    def _publish(
        self, source: Source, arrived: Source, derived: Derived, report: MirrorReport, refs: RemoteRefs
    ) -> None:
        self.progress(f"publishing {plural(report.releases, 'release')}")
        operation = Operation("mirror", f"ckstore mirror {self.url.text}", _summary(report))
        whole = self.incoming.whole
        if whole:
            tips = self._tips(source, arrived, derived, refs)

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

    def _tips(self, source: Source, arrived: Source, derived: Derived, refs: RemoteRefs) -> dict[str, str]:
        """What keeps everything mirrored reachable: also what upstream has abandoned, and annotated tags."""
        former, tags = self._kept(source.name, _FORMER), self._kept(source.name, _TAG)
        if derived.walk.rewritten and source.history:
            former.add(source.head)
        objects = self.incoming.objects
        commits = set(arrived.labels.values())
        others = [oid for oid in {*commits, *former, *refs.branches} if objects.has(oid)]
        outside = side_tips(objects, arrived.head, others)
        tags |= {oid for oid, commit in refs.tag_objects.items() if commit in commits and objects.has(oid)}
        return {
            _HEAD: arrived.head,
            **{(_FORMER if oid in former else _SIDE) + oid: oid for oid in outside},
            **{_TAG + oid: oid for oid in sorted(tags)},
        }

    def _kept(self, source: str, group: str) -> set[str]:
        """The ids in one group of refs that the source has now."""
        prefix = f"{HISTORY_REFS}{source}/{group}"
        return {ref.removeprefix(prefix) for ref in self.store.repo.references if ref.startswith(prefix)}

    def _report(
        self, view: LogView, source: Source, refs: RemoteRefs, derived: Derived, *, unchanged: bool
    ) -> MirrorReport:
        report = plain_report(source, self.url, refs, unchanged=unchanged)
        lines = derived.lines
        known = {uid: component for uid in lines if (component := view.component(source.name, uid))}
        added = {uid: _added(line, known.get(uid)) for uid, line in lines.items()}
        was_away = {uid for uid, component in known.items() if component.withdrawn}
        is_away = {uid for uid, line in lines.items() if line.component.withdrawn}
        return replace(
            report,
            total=derived.total,
            new=sum(uid not in known for uid in lines),
            changed=sum(uid in known and bool(count) for uid, count in added.items()),
            withdrawn=len(is_away - was_away),
            returned=len(was_away - is_away),
            releases=sum(added.values()),
            notes=(*report.notes, *self.incoming.damage, *_notes(derived, whole=self.incoming.whole)),
        )


def _added(line: Line, known: Component | None) -> int:
    """How many releases of a line are not here yet; imports bring some before their source is mirrored."""
    return sum(known is None or release.version not in known.versions for release in line.added)


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
        shared = plural(derived.shared_uids, "component shares", "components share")
        notes.append(f"{shared} a UID with one of another kind; each got one of its own")
    if not derived.total:
        none = (
            "no component of it could be released"
            if derived.problems
            else "no component was found at its head"
        )
        notes.append(none)
    return notes


def _summary(report: MirrorReport) -> str:
    return f"{report.source}: {report.in_numbers()}"


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
