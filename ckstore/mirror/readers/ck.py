"""Repositories of Collective Knowledge (https://doi.org/10.1098/rsta.2020.0211).

::

    <module>/.cm/alias-a-<data>         first line: the UID of the entry
    <module>/<data>/.cm/meta.json       makes the folder an entry; exactly two levels
    .cm/alias-u-<uid of a module>       first line: the alias of a module whose folder is named by UID

The kind of a component is its module's alias, the name is the entry's. The files that say the UID lie
outside the entry's own folder, so a change of them alone counts as a change of the entry.
"""

from __future__ import annotations

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.readers.found import Changes, Found, join
from ckstore.mirror.trees import Trees
from ckstore.model.metadata import Place
from ckstore.model.names import is_uid

MARKER = ".ckr.json"
_FOLDER, _META = ".cm", "meta.json"
_NAME_TO_UID, _UID_TO_NAME = "alias-a-", "alias-u-"


class CkReader:
    """Entries two levels deep, and nothing else."""

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees."""
        out = Changes()
        before, after = trees.difference(old, new)
        for name in sorted(self._touched(trees, old, new, before.keys() | after.keys())):
            was, now = trees.subtree(old, name), trees.subtree(new, name)
            kind_before, kind = _module_alias(trees, old, name), _module_alias(trees, new, name)
            if kind_before != kind:
                _module(trees, (name, kind_before), was, "", out)
                was = ""
            _module(trees, (name, kind), was, now, out)
        return out

    def _touched(self, trees: Trees, old: str, new: str, names: set[str]) -> set[str]:
        """Folders to compare: those that differ, and all that are named by UID when the aliases differ."""
        touched = {name for name in names if not name.startswith(".")}
        if _FOLDER in names:
            touched |= {entry.name for root in (old, new) for entry in trees.read_tree(root)
                        if entry.is_tree and is_uid(entry.name)}  # fmt: skip
        return touched


class EntryReader:
    """One entry by itself: a folder with ``.cm/meta.json`` at its root, outside of any repository.

    Its place says nothing, so that whoever adds it must say the kind.
    """

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """The whole tree, if it is an entry."""
        found = [Found("", Place(), new, "ck")] if is_entry(trees, new) else []
        return Changes({""} if old else set(), found)


def is_repository(trees: Trees, root: str) -> bool:
    """True when the root holds the descriptor of a repository, or the aliases of modules."""
    if trees.child(root, MARKER) is not None:
        return True
    return bool(trees.subtree(root, _FOLDER)) and not is_entry(trees, root)


def is_entry(trees: Trees, tree: str) -> bool:
    """True when the folder is an entry."""
    own = trees.subtree(tree, _FOLDER) if tree else ""
    meta = trees.child(own, _META) if own else None
    return meta is not None and not meta.is_tree


def _may_be_entry(trees: Trees, tree: str) -> bool:
    """True as well when it cannot be read: then it is reported, and stops nothing else."""
    try:
        return is_entry(trees, tree)
    except (NotFound, CorruptData):
        return True


def _module_alias(trees: Trees, root: str, folder: str) -> str:
    if not root or not is_uid(folder):
        return folder
    return _first_line(trees, trees.subtree(root, _FOLDER), _UID_TO_NAME + folder) or folder


def _module(trees: Trees, module: tuple[str, str], old: str, new: str, out: Changes) -> None:
    """Compare one module's folder; ``module`` is (name of the folder, kind)."""
    folder, kind = module
    before, after = trees.difference(old, new)
    names = before.keys() | after.keys()
    aliases_before, aliases = trees.subtree(old, _FOLDER), trees.subtree(new, _FOLDER)
    if aliases_before != aliases:
        gone, come = trees.difference(aliases_before, aliases)
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
        if entry is not None and entry.is_tree and _may_be_entry(trees, entry.oid):
            out.found.append(Found(path, Place(kind, name, _uid(trees, aliases, name)), entry.oid, "ck"))


def _uid(trees: Trees, aliases: str, name: str) -> str:
    if is_uid(name):
        return name
    stated = _first_line(trees, aliases, _NAME_TO_UID + name)
    return stated if is_uid(stated) else ""


def _first_line(trees: Trees, tree: str, name: str) -> str:
    entry = trees.child(tree, name) if tree else None
    return "" if entry is None or entry.is_tree else trees.first_line(entry.oid)
