"""Repositories of Collective Knowledge (https://doi.org/10.1098/rsta.2020.0211).

::

    .ckr.json                           describes the repository
    <module>/.cm/alias-a-<data>         first line: the UID of the entry
    <module>/<data>/.cm/meta.json       makes the folder an entry; exactly two levels
    .cm/alias-u-<uid of a module>       first line: the alias of a module whose folder is named by UID

The kind of a component is its module's alias, the name is the entry's. The files that say the UID lie
outside the entry's own folder, so a change of them alone counts as a change of the entry.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckstore.mirror.readers.found import Changes, Found, has_file, join, may_have
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Place
from ckstore.model.metadata_ck import CK_FILE, CK_REPOSITORY
from ckstore.model.names import is_uid

_FOLDER = ".cm"
_NAME_TO_UID, _UID_TO_NAME = "alias-a-", "alias-u-"


class CkReader:
    """Entries two levels deep, and nothing else."""

    def reads(self, trees: Trees, root: str) -> bool:
        """True when the root holds the descriptor of a repository, or the aliases of modules."""
        if has_file(trees, root, CK_REPOSITORY):
            return True
        return bool(trees.subtree(root, _FOLDER)) and not has_file(trees, root, CK_FILE)

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees."""
        out = Changes()
        before, after = trees.difference(old, new)
        for name in sorted(self._touched(trees, old, new, before.keys() | after.keys())):
            was, now = trees.subtree(old, name), trees.subtree(new, name)
            kind_before, kind = _module_alias(trees, old, name), _module_alias(trees, new, name)
            if kind_before != kind:
                _module(trees, (new, name, kind_before), was, "", out)
                was = ""
            _module(trees, (new, name, kind), was, now, out)
        return out

    def _touched(self, trees: Trees, old: str, new: str, names: set[str]) -> set[str]:
        """Folders to compare: those that differ, and all that are named by UID when the aliases differ."""
        touched = {name for name in names if not name.startswith(".")}
        if _FOLDER in names:
            touched |= {entry.name for root in (old, new) for entry in trees.read_tree(root)
                        if entry.is_tree and is_uid(entry.name)}  # fmt: skip
        return touched

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The entry at a path."""
        folder, _, name = path.partition("/")
        if not name or "/" in name or name.startswith(".") or folder.startswith("."):
            return None
        module = trees.subtree(root, folder)
        tree = trees.subtree(module, name)
        if not tree or not may_have(trees, tree, (CK_FILE,)):
            return None
        place = Place(
            _module_alias(trees, root, folder), name, _uid(trees, trees.subtree(module, _FOLDER), name)
        )
        return Found(path, place, tree, "ck", root)

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """``[[repository:]module:]data``; the kernel ignores the repository, and so must the base be here."""
        steps = [step.strip() for step in text.split(":")]
        module = steps[-2] if len(steps) > 1 else found.path.partition("/")[0]
        folder = _folder_of(trees, found.root, module)
        return self.at(
            trees, found.root, join(folder, _folder_of(trees, trees.subtree(found.root, folder), steps[-1]))
        )

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """Aliases without a folder, folders without an alias or without metadata."""
        yield from _dead_aliases(trees, root, "")
        for folder in trees.read_tree(root):
            own = trees.subtree(folder.oid, _FOLDER) if folder.is_tree else ""
            if own and not folder.name.startswith("."):
                yield from _dead_aliases(trees, folder.oid, folder.name)
                yield from _entries_without(trees, folder.oid, folder.name)


class EntryReader:
    """One entry by itself: a folder with ``.cm/meta.json`` at its root, outside of any repository.

    Its place says nothing, so that whoever adds it must say the kind.
    """

    def reads(self, trees: Trees, root: str) -> bool:
        """True when the root is an entry."""
        return has_file(trees, root, CK_FILE)

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """The whole tree, if it is an entry."""
        found = self.at(trees, new, "") if new else None
        return Changes({""} if old else set(), [found] if found else [])

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The whole tree, if it is an entry."""
        return Found("", Place(), root, "ck", root) if not path and self.reads(trees, root) else None

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """Nothing: the entry is alone."""
        return None

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """Nothing."""
        return iter(())


def _module_alias(trees: Trees, root: str, folder: str) -> str:
    if not root or not is_uid(folder):
        return folder
    return _first_line(trees, trees.subtree(root, _FOLDER), _UID_TO_NAME + folder) or folder


def _folder_of(trees: Trees, above: str, called: str) -> str:
    """The folder of something that an alias or a UID names."""
    if not is_uid(called) or not above:
        return called
    return _first_line(trees, trees.subtree(above, _FOLDER), _UID_TO_NAME + called) or called


def _module(trees: Trees, module: tuple[str, str, str], old: str, new: str, out: Changes) -> None:
    """Compare one module's folder; ``module`` is (root tree, name of the folder, kind)."""
    root, folder, kind = module
    before, after = trees.difference(old, new)
    names = before.keys() | after.keys()
    aliases = trees.subtree(new, _FOLDER)
    if _FOLDER in names:
        gone, come = trees.difference(trees.subtree(old, _FOLDER), aliases)
        changed = (name for name in gone.keys() | come.keys() if name.startswith(_NAME_TO_UID))
        names |= {name.removeprefix(_NAME_TO_UID) for name in changed}
    for name in sorted(names):
        if name.startswith(".") or not name:
            continue
        out.look()
        path = join(folder, name)
        if old:
            out.gone.add(path)
        entry = after.get(name) or (trees.child(new, name) if name not in before else None)
        if entry is not None and entry.is_tree and may_have(trees, entry.oid, (CK_FILE,)):
            place = Place(kind, name, _uid(trees, aliases, name))
            out.found.append(Found(path, place, entry.oid, "ck", root))


def _uid(trees: Trees, aliases: str, name: str) -> str:
    if is_uid(name):
        return name
    stated = _first_line(trees, aliases, _NAME_TO_UID + name)
    return stated if is_uid(stated) else ""


def _first_line(trees: Trees, tree: str, name: str) -> str:
    entry = trees.child(tree, name) if tree else None
    return "" if entry is None or entry.is_tree else trees.first_line(entry.oid)


def _dead_aliases(trees: Trees, above: str, path: str) -> Iterator[str]:
    """Lines about alias files in ``<path>/.cm`` that name a folder which is not there."""
    folders = {entry.name for entry in trees.read_tree(above) if entry.is_tree}
    told: set[str] = set()
    for entry in trees.read_tree(trees.subtree(above, _FOLDER)):
        name = entry.name.removeprefix(_NAME_TO_UID)
        if entry.name.startswith(_UID_TO_NAME):
            name = "" if entry.is_tree else trees.first_line(entry.oid)
        elif name == entry.name:
            continue
        if name not in folders and name not in told:
            told.add(name)
            yield f"{join(path, _FOLDER, entry.name)}: there is no folder {join(path, name)!r}"


def _entries_without(trees: Trees, module: str, path: str) -> Iterator[str]:
    """Lines about folders of a module that say less than an entry must."""
    aliases = trees.subtree(module, _FOLDER)
    for entry in trees.read_tree(module):
        if not entry.is_tree or entry.name.startswith("."):
            continue
        if not may_have(trees, entry.oid, (CK_FILE,)):
            yield f"{join(path, entry.name)}: no component: it has no {CK_FILE}"
        elif not _uid(trees, aliases, entry.name):
            yield f"{join(path, entry.name)}: no alias file says its UID; its own files or its name give one"
