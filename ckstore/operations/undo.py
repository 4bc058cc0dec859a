"""``undo``: take back what one operation published, by a new operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from ckstore.errors import CkstoreError, Conflict, InvalidInput, NotFound
from ckstore.model.records import Operation
from ckstore.objects.changes import Changed, changes
from ckstore.objects.log import LogEdit, LogView, Path
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.operations.origins import SHIPPED

_SHOWN, _ID_SHOWN = 5, 12


@dataclass(frozen=True, slots=True)
class UndoReport:
    """``undone`` is the operation that was taken back, ``operation`` the new one (empty for a dry run).

    ``removed`` and ``restored`` are sentences' worth of names: releases, runs, sources, yanks.
    """

    undone: str
    verb: str
    summary: str
    removed: tuple[str, ...]
    restored: tuple[str, ...]
    notes: tuple[str, ...]
    operation: str = ""

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            **asdict(self),
            **{name: list(getattr(self, name)) for name in ("removed", "restored", "notes")},
        }


def undo(store: ObjectStore, wanted: str = "", *, dry_run: bool = False, command: str = "") -> UndoReport:
    """Let everything that an operation changed be as it was before it.

    ``wanted`` is the beginning of an id as ``log`` prints it; empty: the newest operation. Nothing is lost:
    the log keeps what was there, and undoing the undo brings it back. A version that was released once keeps
    its files for ever, also while its release is taken back. Raises NotFound ``no-operation``, Conflict
    ``undo-blocked`` that names what was published on top of it, and Conflict ``already-undone``.
    """
    oid, operation = _find(store, wanted)
    commit = store.read_commit(oid)
    after = store.view(oid)
    before = store.view(commit.parents[0]) if commit.parents else LogView(store, "", "")
    done = changes(store, before, after)
    plan: list[Changed] = []

    def edit(view: LogView, change: LogEdit, _: None) -> None:
        plan[:] = _plan(store, view, oid, done)
        _take_back(view, change, plan)

    if dry_run:
        plan, head = _plan(store, store.view(), oid, done), ""
    else:
        said = Operation(
            "undo", command or f"ckstore undo {oid[:_ID_SHOWN]}", f"{operation.verb}: {operation.summary}"
        )
        head = store.publish(said, _nothing, edit)
    gone = tuple(sorted(_names(after, (c for c in plan if c.before is None))))
    back = tuple(sorted(_names(before, (c for c in plan if c.before is not None))))
    return UndoReport(oid, operation.verb, operation.summary, gone, back, tuple(_notes(plan, done)), head)


def _nothing(_: PackWriter) -> None:
    pass


def _find(store: ObjectStore, wanted: str) -> tuple[str, Operation]:
    """The operation that is meant; of the shipped kinds only when it is named."""
    found: list[tuple[str, Operation]] = []
    for oid, _ in store.operations():
        operation = store.view(oid).operation()
        if operation is None or not oid.startswith(wanted) or (not wanted and operation.command == SHIPPED):
            continue
        found.append((oid, operation))
        if not wanted:
            break
    if not found:
        raise NotFound(
            f"The log has no operation {wanted}." if wanted else "The log has nothing to take back.",
            code="no-operation",
            hints=["`ckstore log` lists what was published"],
        )
    if len(found) > 1:
        raise Conflict(
            f"{wanted} begins the ids of {len(found)} operations.",
            code="ambiguous",
            hints=[f"{oid[:_ID_SHOWN]}  {_line(operation)}" for oid, operation in found[:_SHOWN]],
        )
    if found[0][1].verb == "pull":
        raise InvalidInput(
            "What was pulled is not taken back: every store that pulls from here would lose it, too.",
            code="undo-pull",
            hints=["`ckstore yank` hides a release from new locks", "take it back where it was published"],
        )
    if found[0][1].command == SHIPPED:
        raise InvalidInput(
            "What ships with ckstore is not taken back: the next command that needs it brings it again.",
            code="undo-shipped",
        )
    return found[0]


def _line(operation: Operation) -> str:
    return f"{operation.verb}: {operation.summary}"


def _plan(store: ObjectStore, view: LogView, oid: str, done: Sequence[Changed]) -> list[Changed]:
    """What is left to take back at this view; :class:`Conflict` when something was published on top of it."""
    open_ = [change for change in done if view.find(change.path) != change.before]
    blocked = [change for change in open_ if view.find(change.path) != change.after]
    if blocked:
        raise _blocked(store, view, oid, blocked)
    kept = {change.path for change in _sources_in_use(view, open_)}
    plan = [change for change in open_ if change.path not in kept]
    if not plan:
        raise Conflict(
            f"Everything that {oid[:_ID_SHOWN]} published was taken back already.",
            code="already-undone",
            hints=["`ckstore log` names the undo; undoing that brings it back"],
        )
    return plan


def _sources_in_use(view: LogView, plan: Sequence[Changed]) -> Iterator[Changed]:
    """Records of sources that hold other components by now: they stay, or nobody could read these."""
    going = {change.path for change in plan if change.before is None}
    for change in plan:
        if change.path[0] == "sources" and len(change.path) == 3 and change.before is None:
            source = change.path[1]
            places = (("sources", source, "components", c.uid[:2], c.uid) for c in view.components(source))
            if any((*place, "component") not in going for place in places):
                yield change


def _take_back(view: LogView, change: LogEdit, plan: Iterable[Changed]) -> None:
    for each in plan:
        if each.before is not None:
            change.put(each.path, each.before)
            continue
        change.remove(each.path)
        if each.release is not None:
            source, uid, version = each.release
            change.retire(source, view.release(source, uid, version))


def _blocked(store: ObjectStore, view: LogView, oid: str, blocked: Sequence[Changed]) -> Conflict:
    """Names what was changed since, and the operations that did it, the newest first."""
    since: dict[str, str] = {}
    named = list(_names(view, blocked)) or ["/".join(blocked[0].path)]
    for later, commit in store.operations():
        if later == oid:
            break
        here, below = store.view(later), store.view(commit.parents[0])
        operation = here.operation()
        if operation is not None and any(here.find(c.path) != below.find(c.path) for c in blocked):
            since[later] = f"`ckstore undo {later[:_ID_SHOWN]}` takes back {_line(operation)}"
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return Conflict(
        f"{oid[:_ID_SHOWN]} cannot be taken back: {', '.join(named[:_SHOWN])}{more} changed since.",
        code="undo-blocked",
        hints=list(since.values())[:_SHOWN],
        details={"changed": named, "operations": list(since)},
    )


def _names(view: LogView, plan: Iterable[Changed]) -> Iterator[str]:
    """What entries are called; a component's own record and a reference go without saying beside the rest."""
    seen: set[str] = set()
    listed = list(plan)
    released = {c.release[:2] for c in listed if c.release}
    for change in listed:
        path = change.path
        quiet = path[0] in ("retired", "references")
        record = path[0] == "sources" and len(path) == _RECORD and not change.release
        quiet |= record and (path[1], path[4]) in released
        name = "" if quiet else _name(view, change, path)
        if name and name not in seen:
            seen.add(name)
            yield name


_RECORD = 6  # the length of the path of a component's record; that of a release is as long


def _name(view: LogView, change: Changed, path: Path) -> str:
    if change.run:
        return f"run {change.run}"
    if path[0] == "sources" and len(path) > 4:
        what = "" if len(path) == 6 else f" ({path[6]})"
        version = f"@{path[5]}" if len(path) > 6 or change.release else ""
        return f"{_component(view, path[1], path[4])}{version}{what}"
    return f"source {path[1]}" if path[0] == "sources" else "/".join(path)


def _component(view: LogView, source: str, uid: str) -> str:
    try:
        component = view.component(source, uid)
    except CkstoreError:
        component = None
    return f"{source}:{component.kind}:{component.name}" if component else f"{source}:{uid}"


def _notes(plan: Sequence[Changed], done: Sequence[Changed]) -> Iterator[str]:
    left = {change.path for change in done} - {change.path for change in plan}
    for path in sorted(left):
        if path[0] == "sources" and len(path) == 3:
            yield f"the source {path[1]} stays: it has other components by now"
    if any(change.release and change.before is None for change in plan):
        yield "locks, also those of runs, no longer find these releases; undoing the undo brings them back"
