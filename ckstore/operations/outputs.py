"""The files that a run leaves: kept as a git tree, compared with those of an earlier run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import Conflict, CorruptData, NotFound
from ckstore.model.names import unsafe_file_name
from ckstore.objects.log import LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, TREE, TreeEntry

ReadTree = Callable[[str], tuple[TreeEntry, ...]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """``result`` is ``first`` (nothing to compare with), ``same`` or ``differs``; ids are git blob ids."""

    name: str
    result: str
    expected: str
    found: str

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"name": self.name, "result": self.result, "expected": self.expected, "found": self.found}


def store_outputs(writer: PackWriter, workspace: Path, outputs: Mapping[str, str]) -> str:
    """Write the outputs (name → path inside ``workspace``) as a tree; empty when there are none.

    A path that leads out of the workspace through a symlink is refused: an output is what the run wrote.
    """
    files: dict[tuple[str, ...], str] = {}
    for name, relative in sorted(outputs.items()):
        path = workspace / relative
        if not path.resolve().is_relative_to(workspace.resolve()):
            raise CorruptData(f"The output {name} leads out of the workspace.", code="unsafe-output")
        if any(unsafe_file_name(part) for part in name.split("/")):
            raise CorruptData(f"The output {name!r} has an unsafe name.", code="unsafe-output")
        if path.is_file():
            files[tuple(name.split("/"))] = writer.add_file(path, path.stat().st_size)
    return _nested(writer, files) if files else ""


def _nested(writer: PackWriter, files: Mapping[tuple[str, ...], str]) -> str:
    entries: list[TreeEntry] = []
    below: dict[str, dict[tuple[str, ...], str]] = {}
    for parts, oid in files.items():
        if len(parts) == 1:
            entries.append(TreeEntry(FILE, parts[0], oid))
        else:
            below.setdefault(parts[0], {})[parts[1:]] = oid
    entries += [TreeEntry(TREE, name, _nested(writer, part)) for name, part in below.items()]
    return writer.add_tree(entries)


def flatten(read_tree: ReadTree, tree: str, prefix: str = "") -> dict[str, str]:
    """Path → blob id for every file below a tree."""
    found: dict[str, str] = {}
    for entry in read_tree(tree) if tree else ():
        path = f"{prefix}{entry.name}"
        found.update(flatten(read_tree, entry.oid, f"{path}/") if entry.is_tree else {path: entry.oid})
    return found


def compare_outputs(
    store: ObjectStore, view: LogView, reference: str, tree: str, checked: Iterable[str], read_new: ReadTree
) -> tuple[Comparison, ...]:
    """Compare the ``checked`` files of the new ``tree`` with those of the run ``reference``."""
    new = flatten(read_new, tree)
    if not reference:
        return tuple(Comparison(name, "first", "", new.get(name, "")) for name in checked)
    old = flatten(store.read_tree, view.run(reference).outputs)
    return tuple(_compare(name, old.get(name, ""), new.get(name, "")) for name in checked)


def _compare(name: str, expected: str, found: str) -> Comparison:
    return Comparison(name, "same" if expected == found else "differs", expected, found)


def write_outputs(store: ObjectStore, tree: str, folder: Path) -> list[Path]:
    """Copy the files that a run left into a new folder; gives their paths."""
    written = []
    for name, oid in flatten(store.read_tree, tree).items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise NotFound(f"The output {name} has an unsafe name.", code="unsafe-output")
        if path.exists():
            raise Conflict(
                f"{path} is there already.", code="output-exists", hints=["name a folder that is new"]
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(store.read_blob(oid))
        written.append(path)
    return written
