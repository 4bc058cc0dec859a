"""A layout that formats share: components at ``[prefix/]<kind>/<name>``, exactly two levels deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ckstore.mirror.readers.found import Changes, Found, descend, join, may_have
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Place


@dataclass(frozen=True, slots=True)
class Pairs:
    """Finds the folders of a ``format`` that hold one of the files ``marks``; hidden folders are no kinds."""

    format: str
    marks: tuple[str, ...]

    def changes(self, trees: Trees, old: tuple[str, str], new: tuple[str, str]) -> Changes:
        """What changed between two (root tree, prefix); an empty root: nothing was, or is, there."""
        out = Changes()
        if old[0] and new[0] and old[1] != new[1]:
            out.gone = {found.path for found in self.changes(trees, ("", ""), old).found}
            old = "", ""
        root, prefix = new if new[0] else old
        below = trees.difference(descend(trees, old[0], prefix), descend(trees, new[0], prefix))
        for kind in sorted(below[0].keys() | below[1].keys()):
            was, now = (side[kind].oid if kind in side and side[kind].is_tree else "" for side in below)
            if not kind.startswith(".") and (was or now):
                self._kind(trees, (root, join(prefix, kind), kind), (was, now), out)
        return out

    def _kind(
        self, trees: Trees, where: tuple[str, str, str], folders: tuple[str, str], out: Changes
    ) -> None:
        root, above, kind = where
        before, after = trees.difference(*folders)
        out.gone |= {join(above, name) for name, entry in before.items() if entry.is_tree}
        for name, entry in sorted(after.items()):
            out.look()
            if entry.is_tree and not name.startswith(".") and may_have(trees, entry.oid, self.marks):
                out.found.append(Found(join(above, name), Place(kind, name), entry.oid, self.format, root))

    def at(self, trees: Trees, root: str, prefix: str, path: str) -> Found | None:
        """The component at a path, if it is two levels below the prefix."""
        steps = path.removeprefix(f"{prefix}/" if prefix else "").split("/")
        if join(prefix, *steps) != path or len(steps) != 2 or any(step.startswith(".") for step in steps):
            return None
        tree = descend(trees, root, path)
        if not tree or not may_have(trees, tree, self.marks):
            return None
        return Found(path, Place(*steps), tree, self.format, root)

    def strangers(self, trees: Trees, root: str, prefix: str) -> Iterator[str]:
        """Lines about folders that are no components, where most of their neighbours are."""
        for kind in trees.read_tree(descend(trees, root, prefix)):
            if not kind.is_tree or kind.name.startswith("."):
                continue
            folders = [e for e in trees.read_tree(kind.oid) if e.is_tree and not e.name.startswith(".")]
            others = [entry.name for entry in folders if not may_have(trees, entry.oid, self.marks)]
            if 2 * len(others) < len(folders):
                reason = f"no component: it has no {' or '.join(self.marks)}"
                yield from (f"{join(prefix, kind.name, name)}: {reason}" for name in others)
