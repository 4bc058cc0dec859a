"""From a lock to files on disk. A lock comes from anyone: every pin is checked against the store first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ckstore.errors import Conflict, CorruptData, NotFound
from ckstore.model.locks import Lock, Pin
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.layout import Layout, all_lead, build_snapshot, leads_to, remove_tree
from ckstore.objects.log import LogView
from ckstore.objects.sharing import lease, shared, touch
from ckstore.objects.store import ObjectStore
from ckstore.objects.whole import is_noted, note
from ckstore.operations.kinds import ensure_kinds
from ckstore.operations.origins import KINDS_SOURCE


def check_pins(store: ObjectStore, lock: Lock) -> None:
    """Raise when a pin is not exactly a release of this store; needs no network and resolves nothing.

    The kinds that ship with ckstore are brought in when a store does not have them yet.
    """
    view = view_with_kinds(store, lock)
    for pin in lock.pins:
        check_pin(store, view, lock, pin)


def view_with_kinds(store: ObjectStore, lock: Lock) -> LogView:
    """The newest view, after the shipped kinds were brought in that the lock pins."""
    view = store.view()
    shipped = [pin for pin in lock.pins if pin.source == KINDS_SOURCE]
    if not all(view.has_release(pin.source, pin.uid, pin.version) for pin in shipped):
        ensure_kinds(store)
        view = store.view()
    return view


def check_pin(store: ObjectStore, view: LogView, lock: Lock, pin: Pin) -> None:
    """Raise when this pin is not exactly a release of the store."""
    if not view.has_release(pin.source, pin.uid, pin.version):
        raise _not_here(store, view, lock, pin)
    release = view.release(pin.source, pin.uid, pin.version)
    for what, ours, theirs in (
        ("tree", release.tree, pin.tree),
        ("digest", release.digest, pin.digest),
        ("name", f"{release.kind}:{release.name}", f"{pin.kind}:{pin.name}"),
    ):
        if ours != theirs:
            raise Conflict(
                f"The lock says that {pin.component}@{pin.version} has the {what} {theirs}; it has {ours}.",
                code="lock-mismatch",
                hints=["was ckstore.lock edited? take it back from version control, or run `ckstore lock`"],
                details={"component": pin.component, "lock": theirs, "store": ours},
            )


def _not_here(store: ObjectStore, view: LogView, lock: Lock, pin: Pin) -> NotFound:
    named = f"The lock names {pin.component}@{pin.version}, which"
    if pin.version not in view.retired(pin.source, pin.uid):
        hints = [_where_to_get(lock, pin)]
        return NotFound(f"{named} is not in this store.", code="release-not-here", hints=hints)
    oid = _taken_back_by(store, pin)
    operation = store.view(oid).operation() if oid else None
    undo = [f"`ckstore undo {oid[:12]}` brings it back"] if operation and operation.verb == "undo" else []
    return NotFound(
        f"{named} was taken back here.",
        code="release-not-here",
        hints=[*undo, "`ckstore update` takes what there is instead"],
        details={"operation": oid},
    )


def _taken_back_by(store: ObjectStore, pin: Pin) -> str:
    """The id of the newest operation before which the release was here; empty when that is not known."""
    for oid, commit in store.operations():
        if commit.parents and store.view(commit.parents[0]).has_release(pin.source, pin.uid, pin.version):
            return oid
    return ""


def _where_to_get(lock: Lock, pin: Pin) -> str:
    if pin.source == KINDS_SOURCE:
        made_by = pin.version.partition("+")[0]
        return f"it ships with ckstore {made_by}: install that version, or lock again with this one"
    url = next((source.url for source in lock.sources if source.name == pin.source), "")
    return f"`ckstore mirror {url}`" if "://" in url else f"`ckstore add` the folder of {pin.source} again"


def snapshot(store: ObjectStore, lock: Lock, progress: Callable[[str], None] = lambda line: None) -> Path:
    """The read-only folder ``source/kind/name`` that the lock names; shared by all who use the same lock."""
    checked = _check(store, lock)
    with shared(store.path, progress):
        return _ready(store, lock, checked) or _lay_out(store, lock, checked, progress)


@contextlib.contextmanager
def held_snapshot(
    store: ObjectStore, lock: Lock, progress: Callable[[str], None] = lambda line: None
) -> Iterator[Path]:
    """The same folder, which no garbage collection takes away while it is used."""
    checked = _check(store, lock)
    with contextlib.ExitStack() as held:
        with shared(store.path, progress):
            root = _ready(store, lock, checked) or _lay_out(store, lock, checked, progress)
            held.enter_context(lease(root))
        yield root


def _check(store: ObjectStore, lock: Lock) -> str:
    """Check the pins, unless the same lock was checked against the very same releases since the machine was
    started. Gives the id of the tree that holds all releases.
    """  # fmt: skip
    releases = store.view().releases_entry()
    if not is_noted(store.path, lock.digest, releases):
        check_pins(store, lock)
    return releases


def _ready(store: ObjectStore, lock: Lock, releases: str) -> Path | None:
    """The snapshot, when it was made from these releases and every entry still leads to a tree."""
    root = place_of_snapshot(store, lock)
    trees = ((pin.component, pin.tree) for pin in lock.pins)
    if not is_noted(store.path, lock.digest, releases) or not all_lead(root, store.path / "trees", trees):
        return None
    touch(root)
    return root


def _lay_out(store: ObjectStore, lock: Lock, releases: str, progress: Callable[[str], None]) -> Path:
    trees = []
    with Layout(store) as layout:
        for number, pin in enumerate(lock.pins, 1):
            progress(f"laying out {number}/{len(lock.pins)} components")
            trees.append((pin.component, layout.tree(pin.tree, pin.digest)))
    root = build_snapshot(place_of_snapshot(store, lock), trees)
    touch(root)
    note(store.path, lock.digest, releases)
    return root


def place_of_snapshot(store: ObjectStore, lock: Lock) -> Path:
    """Where the snapshot of a lock is, once it is laid out."""
    return store.path / "snapshots" / lock.digest


def verify(store: ObjectStore, lock: Lock, components: Iterable[str]) -> None:
    """Check that the files of these components are what the lock promises.

    Raises :class:`CorruptData` when they were changed; the changed copy is deleted, so that the next
    snapshot has the true files again.
    """
    root = place_of_snapshot(store, lock)
    for component in sorted(set(components)):
        pin = lock.pin(component)
        tree = store.path / "trees" / pin.tree
        entry = root.joinpath(*component.split(":"))
        if leads_to(root, component, tree) and digest_of_folder(entry) == pin.digest:
            continue
        for changed in (root, tree):
            if changed.is_dir():
                remove_tree(changed)
        raise CorruptData(
            f"The files of {component}@{pin.version} in the snapshot were changed.",
            code="snapshot-changed",
            hints=["the changed copy was removed; the next run starts from the true files"],
            details={"component": component, "tree": pin.tree},
        )
