"""Releases by a commit of their source, and by a name that a component had once."""

from __future__ import annotations

import re

from ckstore.errors import CkstoreError
from ckstore.model.records import Component, Release
from ckstore.model.requirements import Requirement
from ckstore.objects.store import ObjectStore

_COMMIT = re.compile(r"[0-9a-f]{7,40}")


def version_at(store: ObjectStore, source: str, component: Component, commit: str) -> str:
    """The version that was current at a commit (7 digits or more of its id); empty when that is not known.

    That is the release made there, or else the newest whose files the commit holds in their place.
    """
    if not _COMMIT.fullmatch(commit):
        return ""
    view = store.view()
    releases = [view.release(source, component.uid, version) for version in reversed(component.versions)]
    made = next((one.version for one in releases if one.commit.startswith(commit)), "")
    return made or next((one.version for one in releases if _holds(store, commit, one)), "")


def _holds(store: ObjectStore, commit: str, release: Release) -> bool:
    try:
        found = store.repo.get(commit)
        tree = store.root_of(str(found.id)) if found is not None else ""
        for name in release.path.split("/") if release.path and tree else ():
            tree = next((entry.oid for entry in store.read_tree(tree) if entry.name == name), "")
            if not tree:
                return False
    except (CkstoreError, ValueError):  # no commit, an ambiguous one, or one whose objects are missing
        return False
    return tree == release.tree


def last_under(store: ObjectStore, source: str, component: Component, name: str) -> str:
    """The newest version that was made under a former name; empty for a name of today, or a UID."""
    wanted = Requirement.parse(name)
    if wanted.name in (component.name, component.uid):
        return ""
    view = store.view()
    releases = (view.release(source, component.uid, version) for version in reversed(component.versions))
    return next((one.version for one in releases if one.name == wanted.name), "")
