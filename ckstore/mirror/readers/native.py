"""Repositories whose components carry a ``component.toml``.

The file may lie anywhere down to four folders deep. The folder that holds it is the component; nothing
below it is another one.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckstore.mirror.readers.found import Changes, Found, has_file, join
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Place
from ckstore.model.metadata_native import NATIVE_FILE
from ckstore.objects.trees import TreeEntry

MAX_DEPTH = 4
_REMEMBERED = 500_000


class NativeReader:
    """``name`` is that of a component at the root whose metadata does not say one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._below: dict[tuple[str, int], bool] = {}
        self._barren = ""  # the last root without any component: the next one differs from it in little

    def reads(self, trees: Trees, root: str) -> bool:
        """True when a component lies anywhere in the tree."""
        if len(self._below) > _REMEMBERED:
            self._below.clear()
        found = holds_components(trees, root, self._below, barren=self._barren)
        self._barren = self._barren if found else root
        return found

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
            out.found.append(Found(path, self._place(steps), new, "ckstore"))
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

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The component at a path, unless it lies in another one."""
        steps: tuple[str, ...] = ()
        tree = root
        for step in path.split("/") if path else ():
            if is_component(trees, tree) or step.startswith("."):
                return None
            steps, tree = (*steps, step), trees.subtree(tree, step)
        if len(steps) > MAX_DEPTH or not is_component(trees, tree):
            return None
        return Found(path, self._place(steps), tree, "ckstore", root)

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """Nothing is inherited in this format."""
        return None

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """Nothing: a folder is a component or says nothing."""
        return iter(())

    def _place(self, steps: tuple[str, ...]) -> Place:
        """A folder in a folder says ``kind/name``."""
        return Place(kind=steps[-2] if len(steps) > 1 else "", name=steps[-1] if steps else self._name)


def is_component(trees: Trees, tree: str) -> bool:
    """True when the folder holds the metadata file."""
    return bool(tree) and has_file(trees, tree, NATIVE_FILE)


def holds_components(
    trees: Trees, tree: str, known: dict[tuple[str, int], bool], depth: int = 0, barren: str = ""
) -> bool:
    """True when a component lies in the tree or below; ``known`` remembers answers by (tree, depth).

    ``barren`` is a tree without any at the same depth: what both hold is not looked at again.
    """
    key = (tree, depth)
    if key not in known:
        known[key] = is_component(trees, tree) or (
            depth < MAX_DEPTH and _any_below(trees, tree, known, depth, barren)
        )
    return known[key]


def _any_below(trees: Trees, tree: str, known: dict[tuple[str, int], bool], depth: int, barren: str) -> bool:
    before, after = trees.difference(barren, tree)
    return any(
        holds_components(trees, entry.oid, known, depth + 1, _folder(before.get(name)))
        for name, entry in after.items()
        if entry.is_tree and not name.startswith(".")
    )


def _folder(entry: TreeEntry | None) -> str:
    return entry.oid if entry is not None and entry.is_tree else ""
