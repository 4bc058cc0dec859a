"""Repositories of the Collective Mind framework (CM).

::

    cmr.yaml, cmr.json                  at the root: alias, uid, and the ``prefix`` below which all else is
    [<prefix>/]<automation>/<alias>/    _cm.yaml, _cm.json: a component

Of keys in both files, those of the JSON file count, as for CM. A descriptor that cannot be read is searched
for a line with the prefix, so that one mistake in it does not withdraw every component.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ckstore.errors import CorruptData, InvalidInput, NotFound
from ckstore.mirror.readers.files import file_ids, read_file, read_files
from ckstore.mirror.readers.found import Changes, Found, descend, join
from ckstore.mirror.readers.pairs import Pairs
from ckstore.mirror.trees import Trees
from ckstore.model.metadata_cm import CM_FILES, read_cm
from ckstore.model.names import is_uid, unsafe_file_name
from ckstore.model.plain import Plain, as_text, parse_json
from ckstore.model.yamltext import parse_yaml

DESCRIPTORS = ("cmr.yaml", "cmr.json")
_PREFIX_LINE = re.compile(rb"^[\"' ]*prefix[\"']?\s*:\s*[\"']?([^\s\"',#]+)", re.MULTILINE)
_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What the files at the root say; ``problem`` is why they could not be read, or not be followed."""

    prefix: str = ""
    problem: str = ""


class CmReader:
    """Components two levels below the prefix, and nothing else."""

    def __init__(self) -> None:
        self._pairs = Pairs("cm", CM_FILES)
        self._known: dict[tuple[tuple[str, str], ...], Descriptor] = {}

    def reads(self, trees: Trees, root: str) -> bool:
        """True when there is a descriptor at the root."""
        return bool(file_ids(trees, root, DESCRIPTORS))

    def changes(self, trees: Trees, old: str, new: str) -> Changes:
        """What changed between two root trees."""
        return self._pairs.changes(trees, (old, self._prefix(trees, old)), (new, self._prefix(trees, new)))

    def at(self, trees: Trees, root: str, path: str) -> Found | None:
        """The component at a path."""
        return self._pairs.at(trees, root, self._prefix(trees, root), path)

    def base(self, trees: Trees, found: Found, text: str) -> Found | None:
        """``[automation::]artifact``; each an alias, a UID, or both with a comma between them."""
        automation, _, artifact = text.rpartition("::")
        folder = join(self._prefix(trees, found.root), _alias(automation) or found.path.split("/")[-2])
        named = self.at(trees, found.root, join(folder, _alias(artifact) or artifact))
        return named or self._by_uid(trees, found.root, folder, artifact)

    def _by_uid(self, trees: Trees, root: str, folder: str, artifact: str) -> Found | None:
        """The component whose metadata says this alias or UID, whatever its folder is called."""
        for entry in trees.read_tree(descend(trees, root, folder)):
            found = self.at(trees, root, join(folder, entry.name)) if entry.is_tree else None
            if found is not None and _is_called(trees, found, artifact):
                return found
        return None

    def remarks(self, trees: Trees, root: str) -> Iterator[str]:
        """A descriptor that is broken, a prefix that leads nowhere, folders that are no components."""
        descriptor = self._descriptor(trees, root)
        if descriptor.problem:
            yield descriptor.problem
        if descriptor.prefix and not descend(trees, root, descriptor.prefix):
            yield f"{descriptor.prefix}: the descriptor names this prefix, but there is no such folder"
        yield from self._pairs.strangers(trees, root, descriptor.prefix)

    def _prefix(self, trees: Trees, root: str) -> str:
        return self._descriptor(trees, root).prefix if root else ""

    def _descriptor(self, trees: Trees, root: str) -> Descriptor:
        ids = file_ids(trees, root, DESCRIPTORS)
        key = tuple(ids.items())
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = _read(trees, ids)
        return self._known[key]


def _read(trees: Trees, ids: dict[str, str]) -> Descriptor:
    body: Plain = {}
    try:
        for name, oid in ids.items():
            parse = parse_yaml if name.endswith(".yaml") else parse_json
            body.update(parse(read_file(trees, oid), name))
    except (NotFound, CorruptData) as error:
        return Descriptor("", f"{next(iter(ids))}: {error.message}")
    except InvalidInput as error:
        lines = _PREFIX_LINE.findall(b"\n".join(read_file(trees, oid) for oid in ids.values()))
        return Descriptor(_steps(lines[-1].decode("utf-8", "replace") if lines else ""), error.message)
    prefix = as_text(body.get("prefix")).strip()
    if prefix and not _steps(prefix):
        return Descriptor("", f"{next(iter(ids))}: the prefix {prefix!r} is no folder of the repository")
    return Descriptor(_steps(prefix))


def _steps(prefix: str) -> str:
    """A prefix as a path; empty when it leads out, or nowhere."""
    steps = [step for step in prefix.replace("\\", "/").split("/") if step not in ("", ".")]
    return "" if any(unsafe_file_name(step) for step in steps) else "/".join(steps)


def _alias(text: str) -> str:
    """The alias of ``alias`` or ``alias,uid``; empty when there is only a UID."""
    alias = text.split(",")[0].strip()
    return "" if is_uid(alias.lower()) else alias


def _is_called(trees: Trees, found: Found, artifact: str) -> bool:
    """True when the metadata says one of the texts around the comma as its alias or its UID."""
    try:
        body = read_cm(read_files(trees, found.tree, CM_FILES), found.path).body
    except (InvalidInput, NotFound, CorruptData):
        return False
    said = {as_text(body.get("alias")).strip(), as_text(body.get("uid")).strip().lower()} - {""}
    return not said.isdisjoint(part.strip() for part in (*artifact.split(","), artifact.lower()))
