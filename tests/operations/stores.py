"""Real stores with made-up components."""

from __future__ import annotations

from pathlib import Path

from ckstore.model.records import Component, Operation, Release, Source
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, TreeEntry

TOML = b'kind = "program"\nname = "susan"\ntags = ["image"]\n[program]\nlanguage = "c"\n'
Line = tuple[str, Component, list[Release]]


def publish(path: Path, *lines: Line, files: dict[str, bytes] | None = None) -> ObjectStore:
    """Publish these lines; every release gets a tree of ``files``."""
    store = ObjectStore(path)

    def prepare(writer: PackWriter) -> str:
        held = files or {"component.toml": TOML}
        return writer.add_tree(TreeEntry(FILE, name, writer.add("blob", data)) for name, data in held.items())

    def edit(view: LogView, change: LogEdit, tree: str) -> None:
        for source, component, releases in lines:
            change.put_source(Source(source, f"https://example.org/{source}", "git"))
            new = [r for r in releases if not view.has_release(source, component.uid, r.version)]
            change.put_component(source, component, [_with_tree(release, tree) for release in new])

    store.publish(Operation("add", "ckstore add", "made up"), prepare, edit)
    return store


def _with_tree(release: Release, tree: str) -> Release:
    return Release(**{name: getattr(release, name) for name in Release.__slots__} | {"tree": tree})
