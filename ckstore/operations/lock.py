"""``lock``: from what the user wants to what was resolved, written into the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ckstore.errors import Conflict, InvalidInput, NotFound
from ckstore.index.search import search
from ckstore.mirror.urls import parse_url
from ckstore.model.lockgraph import LockGraph
from ckstore.model.locks import Lock, Pin, SourcePin
from ckstore.model.manifest import FILE, LOCK_FILE, Manifest, check_group
from ckstore.model.metadata import Need
from ckstore.model.query import Query
from ckstore.model.records import Source
from ckstore.model.requirements import Requirement
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.catalogue import STRAIGHT, Steering, StoreCatalogue
from ckstore.operations.find import find, opened, suggestions
from ckstore.operations.held_back import lacking
from ckstore.operations.kinds import ensure_kinds
from ckstore.operations.lock_merge import mended_lock
from ckstore.operations.project import manifest_text, read_lock, read_manifest, read_text, tidy, write_whole
from ckstore.operations.snapshot import check_pins
from ckstore.operations.unmet import near_misses
from ckstore.operations.yank import yank_notes
from ckstore.resolve.resolver import Resolution, resolve

_SHOWN = 4  # changes of an interface in one note


@dataclass(frozen=True, slots=True)
class Change:
    """One pin that differs between two locks; ``before`` or ``after`` is empty when it came or went."""

    component: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class LockReport:
    """``written`` is False when the files were already as they should be."""

    path: Path
    lock: Lock
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    written: bool

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "path": str(self.path), "digest": self.lock.digest, "written": self.written,
            "pins": len(self.lock.pins), "sources": len(self.lock.sources), "notes": list(self.notes),
            "roots": [{"ask": ask, "got": got} for ask, got in self.lock.roots],
            "changes": [
                {"component": c.component, "before": c.before, "after": c.after} for c in self.changes
            ],
        }  # fmt: skip


def make_lock(
    store: ObjectStore, asks: Sequence[str], order: Sequence[str] = (), present: Lock | None = None,
    *, refill: bool = False, steering: Steering = STRAIGHT, precise: Sequence[str] = (),
) -> tuple[Lock, tuple[str, ...]]:  # fmt: skip
    """Resolve ``asks`` against the store; gives the lock and notes for the user.

    ``order`` is the precedence of sources, ``present`` a lock whose answers are kept; with ``refill``, not
    those needs for which it has nothing. ``precise`` are further requirements that count, and are no roots
    of the lock.
    Raises the errors of :func:`ckstore.resolve.resolver.resolve`.
    """
    shipped = ensure_kinds(store)
    view = store.view()
    roots = [(ask, need) for ask in asks for need in _roots(store, ask, present)]
    with opened(store.path) as (index, _):
        catalogue = StoreCatalogue(
            view, lambda query: search(index, query), lambda query: suggestions(store.path, query),
            order, present, shipped, refill=refill, steering=steering,
        )  # fmt: skip
        exact = [Need("update", ask) for ask in precise]
        resolution = resolve([*exact, *(need for _, need in roots)], catalogue)
    pins = tuple(_pin(resolution, catalogue, name) for name in resolution.chosen)
    answers = resolution.edges.get("", ())
    lock = Lock(
        roots=tuple((ask, edge.got) for ask, need in roots for edge in answers if edge.ask == need.ask),
        sources=tuple(_source_pins(view, pins, catalogue, present)),
        pins=pins,
    )
    unmet = near_misses(resolution, catalogue)
    told = _not_as_now(view, lock, present)
    return lock, (*resolution.notes, *unmet, *told, *yank_notes(view, pins))


def _roots(store: ObjectStore, ask: str, present: Lock | None) -> list[Need]:
    """What the user's requirement stands for: a pattern names all components that it matches.

    Those of a pattern in the present lock stay what they are.
    """
    requirement = Requirement.parse(ask)
    if requirement.tags:
        return [Need("root", ask, "any")]
    if not requirement.is_pattern:
        return [Need("root", ask)]
    names = [got for asked, got in present.roots if asked == ask] if present else []
    if not names:
        query = Query(requirement.source, "|".join(requirement.kinds), requirement.name)
        names = [f"{hit.source}:{hit.kind}:{hit.name}" for hit in find(store.path, query).hits]
    suffix = "" if requirement.range == "*" else f"@{requirement.range}"
    return [Need("root", f"{name}{suffix}") for name in names] or [Need("root", ask)]


def _pin(resolution: Resolution, catalogue: StoreCatalogue, name: str) -> Pin:
    choice = resolution.chosen[name]
    release = catalogue.release(choice.candidate, choice.version)
    return Pin(
        source=choice.candidate.source, kind=release.kind, name=release.name, uid=release.uid,
        version=release.version, tree=release.tree, digest=release.digest, commit=release.commit,
        path=release.path, needs=resolution.edges.get(name, ()),
    )  # fmt: skip


def _source_pins(
    view: LogView, pins: tuple[Pin, ...], catalogue: StoreCatalogue, present: Lock | None
) -> list[SourcePin]:
    """Each source at its head, or where the present lock has it while none of its pins changed."""
    names = sorted({pin.source for pin in pins}, key=catalogue.rank)
    before = {source.name: source for source in present.sources} if present else {}
    old = {pin.component: pin.tree for pin in present.pins} if present else {}
    found = []
    for rank, name in enumerate(names, 1):
        source = view.source(name)
        assert source is not None, "a pinned release belongs to a source of the same view"
        kept = before.get(name)
        same = all(old.get(pin.component) == pin.tree for pin in pins if pin.source == name)
        commit = kept.commit if kept and same else source.head
        found.append(SourcePin(name, _url(source), commit, rank))
    return found


def _url(source: Source) -> str:
    """Folders have no address that means something elsewhere."""
    return source.url if source.kind == "git" else f"{source.kind}:{source.name}"


def _not_as_now(view: LogView, lock: Lock, present: Lock | None) -> list[str]:
    """What was withdrawn or renamed since; of new pins also what the newest releases lack."""
    notes = []
    graph = LockGraph(lock)
    before = {(pin.key, pin.version) for pin in present.pins} if present else set()
    for pin in lock.pins:
        component = view.component(pin.source, pin.uid)
        if component is None:
            continue
        renamed = (component.kind, component.name) != (pin.kind, pin.name)
        now = f", now {component.kind}:{component.name}," if renamed else ""
        known = component.newest == pin.version or (pin.key, pin.version) in before
        missing = "" if known else lacking(view, graph, pin)
        if component.withdrawn:
            notes.append(f"{pin.component} was withdrawn upstream; pinned all the same")
        elif missing:
            notes.append(f"{pin.component} is pinned at {pin.version}: {component.newest}{now} {missing}")
        elif renamed:
            notes.append(f"{pin.component} is now called {component.kind}:{component.name}; pinned as it was")
    return notes


def lock_project(
    store: ObjectStore, project: Path, asks: Sequence[str] = (), *, group: str = ""
) -> LockReport:
    """Add ``asks`` to the manifest of a project (to a ``group`` of it) and bring its lock up to date.

    Present pins are kept where they still answer. Both files are replaced whole, and only when the new lock
    is complete.
    """
    tidy(project)
    present = read_manifest(project)
    manifest = _adding(present, asks, group)
    before, told = _before(project)
    if not manifest.everything:
        raise _nothing_to_lock(project)
    order = order_of_manifest(store, manifest)
    lock, notes = make_lock(store, manifest.everything, order, before)
    path = project / LOCK_FILE
    if manifest != present or not (project / FILE).is_file():
        write_whole(project / FILE, manifest_text(project, manifest))
    written = not path.is_file() or read_text(path) != lock.emit()
    if written:
        write_whole(path, lock.emit())
    return LockReport(
        path, lock, _changes(before, lock), (*told, *notes, *why_gone(store, before, lock)), written
    )


def _adding(manifest: Manifest, asks: Sequence[str], group: str) -> Manifest:
    if not group:
        return replace(manifest, requires=_with(manifest.requires, asks))
    inside = _with(manifest.groups.get(check_group(group), ()), asks)
    return replace(manifest, groups={**manifest.groups, group: inside})


def why_gone(store: ObjectStore, before: Lock | None, after: Lock) -> list[str]:
    """For each pin that went, what its newest release changed: tags that are gone, most likely."""
    view, kept = store.view(), {pin.uid for pin in after.pins}
    notes = []
    for pin in before.pins if before else ():
        component = view.component(pin.source, pin.uid)
        if pin.uid in kept or component is None or component.newest == pin.version:
            continue
        changes = view.release(pin.source, pin.uid, component.newest).changes
        if changes:
            notes.append(f"{pin.component} is at {component.newest} now: {' '.join(changes[:_SHOWN])}")
    return notes


def _with(requires: Sequence[str], asks: Sequence[str]) -> tuple[str, ...]:
    """The requirements with new ones; another range for the same wish takes the place of the old one."""
    found = {replace(Requirement.parse(text), range="*"): text for text in requires}
    for ask in map(Requirement.parse, asks):
        wish = replace(ask, range="*")
        if wish not in found or ask != wish:
            found[wish] = str(ask)
    return tuple(found.values())


def _nothing_to_lock(project: Path) -> InvalidInput:
    there = (project / FILE).is_file()
    why = f"{project / FILE} requires nothing" if there else f"there is no {FILE} in {project}"
    does = "adds a requirement" if there else f"writes {FILE} and {LOCK_FILE}"
    return InvalidInput(
        f"There is nothing to lock: {why}.",
        code="nothing-to-lock",
        hints=[f"`ckstore lock program:NAME` {does}", "`ckstore find program` lists programs"],
    )


def _before(project: Path) -> tuple[Lock | None, tuple[str, ...]]:
    """The lock of a project, and what a merge had to decide.

    A damaged one is not written over: its pins would be lost without a word.
    """
    try:
        return read_lock(project), ()
    except InvalidInput as error:
        if error.code == "not-a-file":
            raise
        mended = mended_lock(project / LOCK_FILE)
        if mended is not None:
            return mended
        raise InvalidInput(
            error.message,
            code=error.code,
            hints=[
                "take the file back from version control",
                "or give its pins up: delete it, and `ckstore lock` writes it anew with the newest releases",
            ],
        ) from error


def order_of_manifest(store: ObjectStore, manifest: Manifest) -> list[str]:
    """The manifest's sources by name; one that is not mirrored yet simply has no candidates."""
    known = {source.url: source.name for source in store.view().sources() if source.url}
    return [known.get(_address(url), name) for name, url in manifest.sources.items()]


def _address(url: str) -> str:
    """The canonical spelling that sources have; what is no address stays as it is."""
    try:
        return parse_url(url).text if url else ""
    except (InvalidInput, NotFound):
        return url


def _changes(before: Lock | None, after: Lock) -> tuple[Change, ...]:
    old: Mapping[str, str] = {pin.component: pin.version for pin in before.pins} if before else {}
    new = {pin.component: pin.version for pin in after.pins}
    return tuple(
        Change(name, old.get(name, ""), new.get(name, ""))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def check_project(store: ObjectStore, project: Path) -> LockReport:
    """Raise :class:`Conflict` unless the lock is what locking now would write and all of it is here."""
    path = project / LOCK_FILE
    text = read_text(path)
    present = Lock.parse(text, str(path))
    if present.emit() != text:
        raise Conflict(
            f"{path} is not in canonical form: it was edited by hand or by a merge.",
            code="lock-not-canonical",
            hints=["`ckstore lock` writes it anew"],
        )
    check_pins(store, present)
    if not (project / FILE).is_file():  # it was imported: there is nothing that it could lag behind
        note = f"there is no {FILE}: the pins were checked, not whether they are what anybody asked for"
        return LockReport(path, present, (), (note,), written=False)
    manifest = read_manifest(project)
    lock, notes = make_lock(store, manifest.everything, order_of_manifest(store, manifest), present)
    if lock.emit() != text:
        raise Conflict(
            f"{path} is out of date: {_summary(_changes(present, lock))}.",
            code="lock-out-of-date",
            hints=["`ckstore lock` brings it up to date"],
        )
    return LockReport(path, lock, (), notes, written=False)


def _summary(changes: Sequence[Change]) -> str:
    named = [f"{c.component} {c.before or 'nothing'} → {c.after or 'nothing'}" for c in changes]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return (", ".join(named[:3]) + more) or "requirements or sources changed"
