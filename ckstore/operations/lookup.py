"""From a reference to exactly one component, and to one of its releases."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from ckstore.errors import Conflict, InvalidInput, NotFound
from ckstore.index.writer import precedence as by_precedence
from ckstore.mirror.labels import version_order
from ckstore.model.counting import plural
from ckstore.model.names import did_you_mean
from ckstore.model.query import Hit, Query
from ckstore.model.records import Component, Release
from ckstore.model.requirements import Requirement
from ckstore.model.versions import VersionRange, parse_version
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.find import find, suggestions
from ckstore.operations.twins import differences

Progress = Callable[[str], None]
_SHOWN = 6
_COMPARED = 3


def _silent(_: str) -> None:
    pass


def lookup(
    store: ObjectStore,
    requirement: Requirement,
    precedence: Sequence[str] = (),
    *,
    progress: Progress = _silent,
) -> tuple[str, Component, Release]:
    """(source, component, release) of the one component that is meant, at its best version in the range.

    ``precedence`` names sources; where several offer the same, the first of them that does so wins.
    Raises NotFound ``no-component`` with near misses or ``no-version`` with the versions that there are,
    and Conflict ``ambiguous`` with the candidates and the ways to choose.
    """
    query = query_of(requirement)
    hits = _preferred(store, requirement, find(store.path, query, progress=progress).hits, precedence)
    if not hits:
        raise _nothing(store, requirement, query)
    if len(hits) > 1:
        raise _ambiguous(store.view(), requirement, hits)
    view, hit = store.view(), hits[0]
    component = view.component(hit.source, hit.uid)
    if component is None:  # the log went back between two looks at it
        raise _nothing(store, requirement, query)
    return hit.source, component, view.release(hit.source, hit.uid, hit.version)


def line_of(
    store: ObjectStore,
    requirement: Requirement,
    precedence: Sequence[str] = (),
    *,
    progress: Progress = _silent,
) -> tuple[str, Component]:
    """(source, component) of the one component that is meant, whatever its versions are.

    Also one that has only pre-releases, or none that new locks would take. The range of the requirement is
    not looked at. Raises what :func:`lookup` raises, but for ``no-version``.
    """
    query = replace(query_of(requirement), range="*", all_versions=True)
    found = find(store.path, query, progress=progress).hits
    newest = {(hit.source, hit.uid): hit for hit in reversed(found)}
    hits = _preferred(store, requirement, list(newest.values())[::-1], precedence)
    if not hits:
        raise _nothing(store, requirement, query)
    if len(hits) > 1:
        raise _ambiguous(store.view(), requirement, hits)
    component = store.view().component(hits[0].source, hits[0].uid)
    if component is None:  # the log went back between two looks at it
        raise _nothing(store, requirement, query)
    return hits[0].source, component


def version_named(component: Component, wanted: str) -> str:
    """The version of a component that ``wanted`` means: an exact version, a label, or the best of a range.

    Raises NotFound ``no-version`` with what there is.
    """
    if wanted in component.versions:
        return wanted
    if wanted in component.labels:
        return component.labels[wanted]
    in_order = by_precedence(component.versions)[::-1]
    with contextlib.suppress(InvalidInput):
        admitted = VersionRange.parse(wanted)
        best = next((version for version in in_order if admitted.admits(parse_version(version))), "")
        if best:
            return best
    more = f" and {plural(len(in_order) - _SHOWN, 'lower one')}" if len(in_order) > _SHOWN else ""
    raise NotFound(
        f"{component.kind}:{component.name} has no version or tag {wanted}.",
        code="no-version",
        hints=[
            *did_you_mean(wanted, [*component.labels, *component.versions]),
            f"there are {', '.join(in_order[:_SHOWN])}{more}",
            *_some_labels(component),
        ],
        details={"versions": in_order, "labels": sorted(component.labels), "wanted": wanted},
    )


def _some_labels(component: Component) -> list[str]:
    newest = sorted(component.labels, key=version_order, reverse=True)
    more = f" and {len(newest) - _SHOWN} more" if len(newest) > _SHOWN else ""
    return [f"and the tags {', '.join(newest[:_SHOWN])}{more}"] if newest else []


def query_of(requirement: Requirement) -> Query:
    """The search that a requirement asks for."""
    return Query(
        source=requirement.source,
        kind="|".join(requirement.kinds),
        name=requirement.name,
        range=requirement.range,
        tags=requirement.tags,
    )


def _preferred(
    store: ObjectStore, requirement: Requirement, hits: Sequence[Hit], precedence: Sequence[str]
) -> list[Hit]:
    """What is called so now before what once was; what is still there before what was withdrawn.

    Then the first source in the order of precedence.
    """
    called = [hit for hit in hits if _is_called(store, requirement, hit)] if len(hits) > 1 else []
    hits = called or hits
    living = [hit for hit in hits if not hit.withdrawn] or list(hits)
    for source in precedence:
        preferred = [hit for hit in living if hit.source == source]
        if preferred:
            return preferred
    return living


def _is_called(store: ObjectStore, requirement: Requirement, hit: Hit) -> bool:
    """True when the component of a hit has the name (or the UID) that is asked for now."""
    component = store.view().component(hit.source, hit.uid)
    kinds = requirement.kinds
    return component is not None and (
        requirement.name == hit.uid
        or (component.name == requirement.name and (component.kind in kinds or "*" in kinds or not kinds))
    )


def _nothing(store: ObjectStore, requirement: Requirement, query: Query) -> NotFound:
    known = find(store.path, replace(query, range="*", all_versions=True)).hits
    if known:
        versions = by_precedence({hit.version for hit in known})[::-1]
        more = f" and {plural(len(versions) - _SHOWN, 'lower one')}" if len(versions) > _SHOWN else ""
        return NotFound(
            f"No version of {replace(requirement, range='*')} is in {requirement.range}.",
            code="no-version",
            hints=[f"there are {', '.join(versions[:_SHOWN])}{more}"],
            details={"versions": versions, "range": requirement.range},
        )
    return NotFound(
        f"There is no component {requirement}.", code="no-component", hints=suggestions(store.path, query)
    )


def _ambiguous(view: LogView, requirement: Requirement, hits: Sequence[Hit]) -> Conflict:
    shown = [
        f"{hit.source}:{hit.kind}:{hit.name}@{hit.version} (tree {hit.tree[:12]})" for hit in hits[:_SHOWN]
    ]
    more = f" and {len(hits) - _SHOWN} more" if len(hits) > _SHOWN else ""
    first = hits[0]
    hints = [f"name exactly one, for example {first.source}:{first.kind}:{first.name}"]
    if len({hit.source for hit in hits}) > 1:
        hints.append("or order the sources under [sources] in ckstore.toml: the earlier one wins")
        hints += differences(view, hits[:_COMPARED])
    return Conflict(
        f"{requirement} may mean {', '.join(shown)}{more}.",
        code="ambiguous",
        hints=hints,
        details={"candidates": [hit.as_plain() for hit in hits]},
    )
