"""``outdated``: which pins have newer releases in the store, how far one may go, and what that means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from ckstore.model.lockgraph import LockGraph
from ckstore.model.locks import Lock, Pin
from ckstore.model.records import Release
from ckstore.model.versions import parse_version
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.diff import interface_change
from ckstore.operations.held_back import reasons
from ckstore.operations.lock_diff import Step, step_between
from ckstore.operations.relations import offer_of_release


@dataclass(frozen=True, slots=True)
class Outdated:
    """A pin with newer releases. ``wanted``: the newest that answers everything which asks for it.

    ``newest_name`` is what ``newest`` is called, where that is another name. ``step`` is that from the pin to
    ``newest``, ``removed`` and ``added`` what its interface would lose and gain; ``held`` are sentences: who
    asks for what ``newest`` has not.
    """

    component: str
    pinned: str
    wanted: str
    newest: str
    newest_name: str
    step: Step
    removed: tuple[str, ...]
    added: tuple[str, ...]
    held: tuple[str, ...]
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class OutdatedReport:
    """``unknown``: pinned components that the store does not have, so that nothing can be said of them."""

    pins: int
    outdated: tuple[Outdated, ...]
    unknown: tuple[str, ...]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return asdict(self)


def outdated(store: ObjectStore, lock: Lock) -> OutdatedReport:
    """Compare every pin with the releases in the store; changes nothing and needs no network."""
    view = store.view()
    unknown = [pin.component for pin in lock.pins if view.component(pin.source, pin.uid) is None]
    graph = LockGraph(lock)
    found = (_compared(view, graph, pin) for pin in lock.pins)
    return OutdatedReport(len(lock.pins), tuple(one for one in found if one), tuple(unknown))


def _compared(view: LogView, graph: LockGraph, pin: Pin) -> Outdated | None:
    newer = list(_newer(view, pin))
    if not newer:
        return None
    newest = newer[0]
    wanted = next((release.version for release in newer if not _held(graph, pin, release)), pin.version)
    component = view.component(pin.source, pin.uid)
    name = f"{pin.source}:{newest.kind}:{newest.name}"
    removed, added = _interface(view, pin, newest)
    return Outdated(
        pin.component, pin.version, wanted, newest.version, name if name != pin.component else "",
        step_between(pin.version, newest.version), removed, added, _held(graph, pin, newest),
        bool(component and component.withdrawn),
    )  # fmt: skip


def _newer(view: LogView, pin: Pin) -> Iterator[Release]:
    """The releases after the pinned one that a new lock may take, newest first."""
    component = view.component(pin.source, pin.uid)
    yanked = view.yanks(pin.source, pin.uid)
    now = parse_version(pin.version)
    for version in sorted(component.versions if component else (), key=parse_version, reverse=True):
        found = parse_version(version)
        if found <= now:
            return
        if version not in yanked and not found.prerelease:
            yield view.release(pin.source, pin.uid, version)


def _held(graph: LockGraph, pin: Pin, release: Release) -> tuple[str, ...]:
    return reasons(graph, pin, offer_of_release(pin.source, release))


def _interface(view: LogView, pin: Pin, newest: Release) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not view.has_release(pin.source, pin.uid, pin.version):
        return (), ()
    change = interface_change(view.release(pin.source, pin.uid, pin.version), newest)
    return change.removed, change.added
