"""A project: the folder with ``ckstore.toml`` and ``ckstore.lock``."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Array

from ckstore.errors import InvalidInput, NotFound
from ckstore.model.limits import MAX_LOCK_BYTES
from ckstore.model.locks import Lock
from ckstore.model.manifest import FILE, LOCK_FILE, Manifest
from ckstore.model.requirements import Requirement
from ckstore.objects.litter import sweep_folder
from ckstore.operations.files import whole_file

WORKSPACE = ".ckstore"


def find_project(start: Path) -> Path | None:
    """The nearest folder from ``start`` upwards that has a manifest or a lock."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file() or (folder / LOCK_FILE).is_file():
            return folder
    return None


def read_text(path: Path) -> str:
    """A file's text; :class:`NotFound` or :class:`InvalidInput` when that cannot be."""
    try:
        if path.stat().st_size > MAX_LOCK_BYTES:
            raise InvalidInput(
                f"{path} has more than {MAX_LOCK_BYTES} bytes: it is not read.", code="unreadable-file"
            )
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise NotFound(
            f"There is no {path.name} in {path.parent}.",
            code="no-file",
            hints=["`ckstore lock REQUIREMENT` writes one"],
        ) from None
    except (UnicodeDecodeError, OSError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", code="unreadable-file") from error


def read_manifest(project: Path) -> Manifest:
    """The manifest of a project; an empty one when there is none."""
    path = project / FILE
    return Manifest.parse(read_text(path), str(path)) if _is_there(path) else Manifest()


def read_lock(project: Path) -> Lock | None:
    """The lock of a project, if it has one."""
    path = project / LOCK_FILE
    return Lock.parse(read_text(path), str(path)) if _is_there(path) else None


def _is_there(path: Path) -> bool:
    """Whether there is such a file; :class:`InvalidInput` when something else is in its place."""
    if not os.path.lexists(path):
        return False
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not a file"
        raise InvalidInput(
            f"{path} is {what}; a file of this name is read and written here.",
            code="not-a-file",
            hints=["move it away, or choose another folder with --project"],
        )
    return True


def manifest_text(project: Path, manifest: Manifest) -> str:
    """The manifest's text with exactly these requirements; comments and everything else stay as they are."""
    path = project / FILE
    text = read_text(path) if path.is_file() else ""
    document = tomlkit.parse(text)
    if "requires" not in document:  # at the top: after a table it would belong to the table
        document = tomlkit.parse("requires = []\n" + (f"\n{text}" if text.strip() else ""))
    _write_list(document, "requires", manifest.requires)
    for name, asks in manifest.groups.items():
        groups = document.setdefault("groups", tomlkit.table())
        groups.setdefault(name, tomlkit.array())
        _write_list(groups, name, asks)
    return tomlkit.dumps(document)


def _write_list(table: MutableMapping[str, Any], key: str, asks: Sequence[str]) -> None:
    array = table[key]
    assert isinstance(array, Array), "the manifest was read before"
    for place, item in enumerate(list(array)):  # another range takes the place of the old one
        if place < len(asks) and str(Requirement.parse(str(item))) != asks[place]:
            array[place] = asks[place]
    for place in reversed(range(len(asks), len(array))):
        del array[place]
    if asks[len(array) :]:
        _append(array, asks[len(array) :])


def _append(array: Array, items: Sequence[str]) -> None:
    text = array.as_string()
    if "\n" not in text:
        array.extend(items)
        array.multiline(len(array) > 1)
        return
    indent = re.search(r"\n([ \t]+)\S", text)
    for item in items:
        array.add_line(item, indent=indent[1] if indent else "    ")


def tidy(project: Path) -> None:
    """Remove what a killed process left of :func:`write_whole`."""
    for name in (FILE, LOCK_FILE):
        sweep_folder(project, _temporary(name), strangers=False)


def _temporary(name: str) -> str:
    return f".{name}-"


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once: never half-written, synced, and never missing in between."""
    with whole_file(path, _temporary(path.name)) as file:
        file.write(text.encode())
