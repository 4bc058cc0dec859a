"""Repositories whose components carry a ``component.toml``.

The file may lie anywhere down to four folders deep. The folder that holds it is the component; nothing
below it is another one.
"""

from __future__ import annotations

from ckstore.mirror.readers.found import Changes, Found, join
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import NATIVE_FILE, Place

MAX_DEPTH = 4


class NativeReader:
    """``name`` is that of a component at the root whose metadata does not say one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees."""
        out = Changes()
        self._compare(trees, (), old, new, out)
        return out

    def _compare(self, trees: Trees, steps: tuple[str, ...], old: str, new: str, out: Changes) -> None:
        """``steps`` lead to the folder that was ``old`` and is ``new`` (empty: not there)."""
        out.look()
        path = join(*steps)
        if is_component(trees, old):
            out.gone.add(path)
            old = ""  # nothing below it was a component
        if is_component(trees, new):
            out.found.append(Found(path, self._place(steps), new, "native"))
            new = ""
        if len(steps) >= MAX_DEPTH or old == new:
            return
        before, after = trees.difference(old, new)
        for name in sorted(before.keys() | after.keys()):
            was, now = (
                side[name].oid if name in side and side[name].is_tree else "" for side in (before, after)
            )
            if not name.startswith(".") and (was or now):
                self._compare(trees, (*steps, name), was, now, out)

    def _place(self, steps: tuple[str, ...]) -> Place:
        """A folder in a folder says ``kind/name``."""
        return Place(kind=steps[-2] if len(steps) > 1 else "", name=steps[-1] if steps else self._name)


def is_component(trees: Trees, tree: str) -> bool:
    """True when the folder holds the metadata file."""
    entry = trees.child(tree, NATIVE_FILE) if tree else None
    return entry is not None and not entry.is_tree


def holds_components(trees: Trees, tree: str, known: dict[tuple[str, int], bool], depth: int = 0) -> bool:
    """True when a component lies in the tree or below; ``known`` remembers answers by (tree, depth)."""
    key = (tree, depth)
    if key not in known:
        known[key] = is_component(trees, tree) or (
            depth < MAX_DEPTH
            and any(
                holds_components(trees, entry.oid, known, depth + 1)
                for entry in trees.read_tree(tree)
                if entry.is_tree and not entry.name.startswith(".")
            )
        )
    return known[key]
