"""A log in memory, with the part of LogView that the index uses, and short ways to make records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import cast

from ckstore.errors import CorruptData, NotFound
from ckstore.model.metadata_native import NATIVE_FILE
from ckstore.model.names import derive_uid
from ckstore.model.records import Component, Release, Retired, Source, Yank
from ckstore.objects.log import LogView
from ckstore.objects.trees import FILE, TreeEntry

Key = tuple[str, str]
State = dict[Key, tuple[Component, dict[str, Release]]]


class Log:
    """Heads are "1", "2" …; ``damaged`` holds the (source, uid) whose records cannot be read."""

    def __init__(self) -> None:
        self.states: dict[str, State] = {"": {}}
        self.head = ""
        self.damaged: set[Key] = set()
        self.yanked: dict[str, dict[Key, frozenset[str]]] = {"": {}}
        self.releases_read = 0
        self.metadata: dict[str, bytes] = {}  # tree → its component.toml

    def publish(self, *changes: tuple[str, Component, list[Release]], removed: tuple[Key, ...] = ()) -> str:
        state = dict(self.states[self.head])
        for source, component, releases in changes:
            _, held = state.get((source, component.uid), (None, {}))
            state[source, component.uid] = component, {**held, **{r.version: r for r in releases}}
        for key in removed:
            del state[key]
        yanked = self.yanked[self.head]
        self.head = str(len(self.states))
        self.states[self.head], self.yanked[self.head] = state, yanked
        return self.head

    def yank(self, source: str, uid: str, *versions: str) -> str:
        """Let these versions of a component be the yanked ones."""
        self.publish()
        self.yanked[self.head] = {**self.yanked[self.head], (source, uid): frozenset(versions)}
        return self.head

    def view(self, head: str | None = None) -> LogView:
        return cast(LogView, View(self, self.head if head is None else head))


class View:
    def __init__(self, log: Log, head: str) -> None:
        self.log, self.head, self.state = log, head, log.states[head]

    def source(self, name: str) -> Source:
        return Source(name, f"file:///{name}", "git")

    def component(self, source: str, uid: str) -> Component | None:
        if (source, uid) in self.log.damaged:
            raise CorruptData("The object is damaged.", code="bad-object")
        held = self.state.get((source, uid))
        return held[0] if held else None

    def version_entries(self, source: str, uid: str) -> dict[str, str]:
        _, releases = self.state[source, uid]
        yanked = self.log.yanked[self.head].get((source, uid), frozenset())
        return {v: hashlib.sha1(repr((r, v in yanked)).encode()).hexdigest() for v, r in releases.items()}

    def yanks(self, source: str, uid: str) -> dict[str, Yank]:
        return {version: Yank("") for version in self.log.yanked[self.head].get((source, uid), ())}

    def retired(self, source: str, uid: str) -> dict[str, Retired]:
        return {}

    def release(self, source: str, uid: str, version: str) -> Release:
        self.log.releases_read += 1
        return self.state[source, uid][1][version]

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        held = oid in self.log.metadata
        return (TreeEntry(FILE, NATIVE_FILE, oid),) if held else ()

    def read_blob(self, oid: str) -> bytes:
        return self.log.metadata[oid]

    def changed_since(self, old: str) -> list[Key]:
        if old not in self.log.states:
            raise NotFound("There is no such commit.", code="no-object")
        before, state = self.log.states[old], self.state
        was, now = self.log.yanked[old], self.log.yanked[self.head]
        keys = sorted(before.keys() | state.keys())
        return [k for k in keys if (before.get(k), was.get(k)) != (state.get(k), now.get(k))]


def release(kind: str, name: str, version: str = "1.0.0", **more: object) -> Release:
    fields: Mapping[str, object] = {
        "uid": derive_uid(kind, name), "kind": kind, "name": name, "version": version, "tree": "a" * 40,
        "digest": "sha256:" + "b" * 64, "commit": "c" * 40, "path": f"{kind}/{name}", "format": "ckstore",
        "bump": "first", **more,
    }  # fmt: skip
    return Release(**fields)  # type: ignore[arg-type]  # fields of a test


def line(source: str, *releases: Release, withdrawn: str = "") -> tuple[str, Component, list[Release]]:
    """A component whose releases these are, the last being what it is called now."""
    last = releases[-1]
    names = tuple(dict.fromkeys(f"{r.kind}:{r.name}" for r in releases))
    versions = tuple(r.version for r in releases)
    component = Component(last.uid, last.kind, last.name, names, versions, withdrawn)
    return source, component, list(releases)
