"""Releases of a mirrored source that others brought, and that the mirror here has not derived.

Their files are what their digests say, but that upstream ever had them as these versions is only claimed.
"""

from __future__ import annotations

from itertools import pairwise

from ckstore.model.records import Component, Source
from ckstore.model.versions import parse_version
from ckstore.objects.log import LogView


def underived(view: LogView, source: Source | None, component: Component) -> frozenset[str]:
    """The versions of a component that came from elsewhere, ahead of what is derived here.

    A line is derived in rising order, and what others brought stands before it: so does all that precedes
    its last fall. A line of which nothing is derived names a commit that the history kept here lacks. Of a
    source without a head, or whose history is not here, all came from others: nothing tells versions apart.
    """
    if source is None or source.kind != "git" or not source.head or not view.holds(source.head):
        return frozenset()
    if not view.holds(view.release(source.name, component.uid, component.newest).commit):
        return frozenset(component.versions)
    ordered = [parse_version(version) for version in component.versions]
    falls = [at for at, (one, two) in enumerate(pairwise(ordered), 1) if two < one]
    return frozenset(component.versions[: falls[-1]] if falls else ())
