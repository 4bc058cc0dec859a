"""The same component, or the same name, in several sources: where, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ckstore.errors import CkstoreError
from ckstore.model.interface import compare
from ckstore.model.query import Hit, Query
from ckstore.model.records import Release
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.find import find

_MEMBERS = 4


def how_they_differ(one: Release, other: Release) -> tuple[str, bool]:
    """(in words, whether the interface differs) for two releases."""
    if one.digest == other.digest:
        return "the same files", False
    lines = compare(frozenset(one.interface), frozenset(other.interface)).as_lines()
    if not lines:
        return "other files, the same interface", False
    return f"another interface ({_some(lines)})", True


def elsewhere(store: ObjectStore, source: str, release: Release) -> Iterator[str]:
    """A line for each component of another source with the UID, or the kind and name, of this one."""
    view, seen = store.view(), {(source, release.uid)}
    for query in (Query(name=release.uid), Query(kind=release.kind, name=release.name)):
        for hit in find(store.path, query).hits:
            if (hit.source, hit.uid) not in seen and hit.newest and not hit.withdrawn:
                seen.add((hit.source, hit.uid))
                same = "UID" if hit.uid == release.uid else "name"
                yield f"{hit.reference}: the same {same}, {_compared(view, release, hit)}"


def differences(view: LogView, hits: Iterable[Hit]) -> Iterator[str]:
    """How all but the first of these differ from the first."""
    first, *others = hits
    try:
        one = view.release(first.source, first.uid, first.version)
    except CkstoreError:  # damaged: that there are several is told all the same
        return
    for hit in others:
        yield f"{hit.reference} has {_compared(view, one, hit)}, compared with {first.reference}"


def _compared(view: LogView, one: Release, hit: Hit) -> str:
    try:
        return how_they_differ(one, view.release(hit.source, hit.uid, hit.version))[0]
    except CkstoreError:
        return "its record cannot be read"


def _some(lines: list[str]) -> str:
    more = f" and {len(lines) - _MEMBERS} more" if len(lines) > _MEMBERS else ""
    return " ".join(lines[:_MEMBERS]) + more
