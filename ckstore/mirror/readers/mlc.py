"""Repositories of MLC, the successor of CM.

::

    meta.yaml, else meta.json       at the root: alias and uid of the repository
    <automation>/<alias>/           meta.yaml, else meta.json: a component

Many other tools call a file so: at the root it counts only when it says an alias and a UID.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckstore.errors import CorruptData, InvalidInput, NotFound
from ckstore.mirror.readers.files import file_ids, read_file
from ckstore.mirror.readers.found import Changes, Found
from ckstore.mirror.readers.pairs import Pairs
from ckstore.mirror.trees import Trees
from ckstore.model.metadata_cm import MLC_FILES
from ckstore.model.names import is_uid
from ckstore.model.plain import as_text, parse_json
from ckstore.model.yamltext import parse_yaml

_ALIAS_LINE = re.compile(rb"^alias\s*:\s*\S", re.MULTILINE)
_UID_LINE = re.compile(rb"^uid\s*:\s*[\"']?[0-9a-fA-F]{16}\b", re.MULTILINE)
_REMEMBERED = 1024


class MlcReader:
    """Components two levels deep, and nothing else."""

    def __init__(self) -> None:
        self._pairs = Pairs("mlc", MLC_FILES)
        self._known: dict[str, tuple[bool, str]] = {}  # blob → (is a descriptor, what is wrong with it)

    def reads(self, trees: Trees, root: str) -> bool:
        """True when the file at the root describes a repository."""
        return self._descriptor(trees, root)[0]

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees."""
        return self._pairs.changes(trees, (old, ""), (new, ""))

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The component at a path."""
        return self._pairs.at(trees, root, "", path)

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """Nothing is inherited in this format."""
        return None

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """A descriptor that is broken, folders that are no components."""
        if self._descriptor(trees, root)[1]:
            yield self._descriptor(trees, root)[1]
        yield from self._pairs.strangers(trees, root, "")

    def _descriptor(self, trees: Trees, root: str) -> tuple[bool, str]:
        for name, oid in file_ids(trees, root, MLC_FILES).items():
            if oid not in self._known:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[oid] = _judge(trees, oid, name)
            return self._known[oid]
        return False, ""


def _judge(trees: Trees, oid: str, name: str) -> tuple[bool, str]:
    """One that cannot be read is judged by its lines: a mistake must not withdraw every component."""
    try:
        data = read_file(trees, oid)
    except (NotFound, CorruptData):
        return False, ""
    try:
        body = parse_yaml(data, name) if name.endswith(".yaml") else parse_json(data, name)
    except InvalidInput as error:
        return bool(_ALIAS_LINE.search(data) and _UID_LINE.search(data)), error.message
    named = as_text(body.get("alias")).strip() and not as_text(body.get("automation_alias"))
    return bool(named) and is_uid(as_text(body.get("uid")).strip().lower()), ""
