"""Which trees may be released: every name and every link in them can be laid out anywhere.

Checked once per tree id, before publication and independently of the code that lays trees out (which
checks again). Links are judged by their text: ``..`` is allowed at the beginning only, so that no link,
not even through another one, leads outside.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass

from ckstore.mirror.trees import Trees
from ckstore.model.names import unportable_file_name, unsafe_file_name
from ckstore.objects.digests import SUBMODULE_NOTE
from ckstore.objects.trees import SYMLINK, TreeEntry

MAX_DEPTH = 64
MAX_FILES = 1_000_000
_MAX_TARGET = 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """``refusal``: why the tree must not be released, with the path; ``warning``: what is odd about it.

    ``climb`` is how many folders above the tree's root its boldest link leads, ``climber`` that link.
    """

    refusal: str = ""
    warning: str = ""
    files: int = 0
    climb: int = 0
    climber: str = ""


class Safety:
    """Verdicts on trees, remembered by id."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._known: dict[str, Verdict] = {}

    def check(self, tree: str) -> Verdict:
        """The verdict on a component's tree."""
        verdict = self._folder(tree, 0)
        if not verdict.refusal and verdict.climb > 0:
            return Verdict(f"{verdict.climber}: the symlink leads out of the component")
        return verdict

    def _folder(self, tree: str, depth: int) -> Verdict:
        if depth > MAX_DEPTH:
            return Verdict(f"nested deeper than {MAX_DEPTH} folders")
        if tree not in self._known:
            verdict = self._entries(self._trees.read_tree(tree), depth)
            if depth and verdict.refusal.endswith("folders"):
                return verdict  # depends on where the folder lies
            self._known[tree] = verdict
        return self._known[tree]

    def _entries(self, entries: tuple[TreeEntry, ...], depth: int) -> Verdict:
        refusal, warning = _names(entries)
        files, climb, climber = 0, 0, ""
        for entry in entries:
            if refusal:
                break
            below = self._entry(entry, depth)
            refusal = _inside(entry, below.refusal)
            warning = warning or _inside(entry, below.warning)
            files += below.files
            if below.climb > climb:
                climb, climber = below.climb, _inside(entry, below.climber) or entry.name
        if files > MAX_FILES:
            refusal = refusal or f"more than {MAX_FILES} files"
        return Verdict(refusal, warning, files, climb, climber)

    def _entry(self, entry: TreeEntry, depth: int) -> Verdict:
        if entry.is_tree:
            below = self._folder(entry.oid, depth + 1)
            return Verdict(below.refusal, below.warning, below.files, below.climb - 1, below.climber)
        if entry.mode == SYMLINK:
            return _link(self._trees.read_blob(entry.oid))
        return Verdict(files=1)


def _inside(entry: TreeEntry, text: str) -> str:
    """``text`` about what is below an entry (empty: nothing to say), told from the folder of the entry."""
    name = entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text and (f"{name}/{text}" if entry.is_tree else f"{name}: {text}" if ":" not in text else text)


def _names(entries: tuple[TreeEntry, ...]) -> tuple[str, str]:
    """(refusal, warning) about the names in one folder."""
    seen: set[str] = set()
    folded: dict[str, str] = {}
    warning = ""
    for entry in entries:
        reason = unsafe_file_name(entry.name)
        if entry.name == SUBMODULE_NOTE:
            reason = "a file of this name stands for a submodule"
        if reason is None and entry.name in seen:
            reason = "the name is there twice"
        if reason is not None:
            return f"{ascii(entry.name)[1:-1]}: {reason}", ""
        seen.add(entry.name)
        twin = folded.setdefault(unicodedata.normalize("NFC", entry.name).casefold(), entry.name)
        odd = unportable_file_name(entry.name)
        if twin != entry.name:
            odd = f"{twin} has the same name on many systems"
        if odd is not None and not warning:
            warning = f"{entry.name}: {odd}"
    return "", warning


def _link(target: bytes) -> Verdict:
    """The verdict on a symlink, seen from the folder that holds it."""
    text = os.fsdecode(target)
    steps = [step for step in text.split("/") if step not in ("", ".")]
    climb = next((n for n, step in enumerate(steps) if step != ".."), len(steps))
    if not text or len(target) > _MAX_TARGET:
        return Verdict("a symlink with an empty or overlong target")
    if text.startswith("/") or text[1:2] == ":":
        return Verdict("a symlink to an absolute path")
    if any(unsafe_file_name(step) for step in steps[climb:]):
        return Verdict("a symlink through a name that is not allowed")
    return Verdict(files=1, climb=climb, climber="")
