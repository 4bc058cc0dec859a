"""``yank`` and ``unyank``: keep a release for the locks that have it, and hide it from everybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from ckstore.errors import InvalidInput, NotFound
from ckstore.index.writer import precedence
from ckstore.model.locks import Pin
from ckstore.model.records import Component, Operation, Yank
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.operations.lookup import lookup

_SHOWN = 6
_REASON_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class YankReport:
    """``versions`` were changed, ``unchanged`` were so already; ``operation`` is empty if nothing changed."""

    verb: str  # "yank" | "unyank"
    component: str  # source:kind:name
    uid: str
    versions: tuple[str, ...]
    unchanged: tuple[str, ...]
    reason: str
    operation: str

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "versions": list(self.versions), "unchanged": list(self.unchanged)}


def yank(
    store: ObjectStore, reference: str, reason: str = "", *, command: str = "", precedence: Sequence[str] = ()
) -> YankReport:
    """Yank the releases that ``reference`` names: ``program:x@1.2.0`` exactly one, or a range of them.

    What is locked stays usable, with a warning that tells ``reason``; nothing is newly resolved to it. What
    is yanked already gets the new reason, and keeps its own when none is given. Raises
    InvalidInput when no version is named, and what :func:`~ckstore.operations.lookup.lookup` raises.
    """
    told = " ".join(reason.split())[:_REASON_LENGTH]
    yanked = Yank(told, store.who, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def edit(change: LogEdit, source: str, uid: str, version: str, before: Yank | None) -> bool:
        if before is not None and told in ("", before.reason):
            return False  # without a reason nothing new is said: the one that was given stays
        change.put_yank(source, uid, version, yanked)
        return True

    return _publish(store, "yank", reference, told, command, precedence, edit)


def unyank(
    store: ObjectStore, reference: str, *, command: str = "", precedence: Sequence[str] = ()
) -> YankReport:
    """Let yanked releases be chosen again; the errors are those of :func:`yank`."""

    def edit(change: LogEdit, source: str, uid: str, version: str, before: Yank | None) -> bool:
        change.remove_yank(source, uid, version)
        return before is not None

    return _publish(store, "unyank", reference, "", command, precedence, edit)


def yank_notes(view: LogView, pins: Iterable[Pin]) -> list[str]:
    """What the user of a lock should know about the releases in it that were yanked since."""
    notes = []
    for pin in pins:
        found = view.yank(pin.source, pin.uid, pin.version)
        if found is not None:
            notes.append(f"{pin.component}@{pin.version} was yanked{because(found)}; locked, so still used")
    return notes


def because(yank: Yank) -> str:
    """``: the reason``, or nothing where none was given."""
    return f": {yank.reason.rstrip('.')}" if yank.reason else ""


def _publish(
    store: ObjectStore, verb: str, reference: str, reason: str, command: str, order: Sequence[str],
    edit_one: Callable[[LogEdit, str, str, str, Yank | None], bool],
) -> YankReport:  # fmt: skip
    requirement = _with_version(reference)
    source, component, release = lookup(store, requirement, order)
    name = f"{source}:{release.kind}:{release.name}"
    changed: list[str] = []
    named: list[str] = []

    def edit(view: LogView, change: LogEdit, _: None) -> None:
        now = view.component(source, component.uid) or component
        named[:] = _named(now, requirement.range)
        before = view.yanks(source, component.uid)
        changed[:] = [v for v in named if edit_one(change, source, component.uid, v, before.get(v))]

    listed = _listed(_named(component, requirement.range))
    summary = f"{name}@{listed}" + (f": {reason}" if reason else "")
    operation = Operation(verb, command or f"ckstore {verb} {reference}", summary)
    head = store.publish(operation, _nothing, edit)
    return YankReport(
        verb, name, component.uid, tuple(changed), tuple(v for v in named if v not in changed),
        reason, head if changed else "",
    )  # fmt: skip


def _nothing(_: PackWriter) -> None:
    pass


def _with_version(reference: str) -> Requirement:
    """The requirement; a whole version alone means exactly that one here, not a range that begins with it."""
    requirement = Requirement.parse(reference)
    if requirement.range == "*" or requirement.tags:
        raise InvalidInput(
            f"{reference} names no version.",
            code="no-version-named",
            hints=[
                "name one (program:x@1.2.0) or a range of them (program:x@>=1.2.0,<1.3.0)",
                f"`ckstore show {reference}` lists its versions",
            ],
        )
    try:
        parse_version(requirement.range)
    except InvalidInput:
        return requirement
    exact = f"={requirement.range}"
    return Requirement(requirement.kinds, requirement.name, requirement.tags, exact, requirement.source)


def _named(component: Component, wanted: str) -> list[str]:
    """The versions in a range, lowest first; ``=1.0.0+b`` is not ``1.0.0+a``, though they rank the same."""
    if wanted.removeprefix("=") in component.versions:
        return [wanted.removeprefix("=")]
    admits = VersionRange.parse(wanted).admits
    found = [version for version in precedence(component.versions) if admits(parse_version(version))]
    if not found:
        raise NotFound(
            f"{component.kind}:{component.name} has no version in {wanted}.", code="no-version",
            hints=[f"there are {_listed(precedence(component.versions))}"],
        )  # fmt: skip
    return found


def _listed(versions: Sequence[str]) -> str:
    more = f" and {len(versions) - _SHOWN} more" if len(versions) > _SHOWN else ""
    return ", ".join(versions[-_SHOWN:]) + more
