"""Which trees may be released: every name and every link in them can be laid out anywhere.

Checked once per tree id, before publication and independently of the code that lays trees out (which
checks again). Links are judged by their text: ``..`` is allowed at the beginning only, so that no link,
not even through another one, leads outside.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import NamedTuple

from ckstore.mirror.trees import Trees
from ckstore.model.limits import (
    MAX_COMPONENT_DEPTH,
    MAX_FILES,
    MAX_LINK_BYTES,
    MAX_LISTED_BYTES,
    MAX_PATH_BYTES,
)
from ckstore.model.names import link_target_rule, unportable_file_name, unsafe_file_name, unsafe_link_name
from ckstore.objects.digests import SUBMODULE_NOTE
from ckstore.objects.trees import SYMLINK, TREE, TreeEntry

_FRAMES = 4096  # folders with different names that are remembered


class Verdict(NamedTuple):
    """``refusal``: why the tree must not be released, with the path; ``warning``: what is odd about it.

    ``files`` counts files and folders in every place where they lie, ``listed`` the bytes of all their paths,
    ``longest`` those of the longest, ``height`` how many folders lie within each other. ``climb`` is how
    many folders above the tree's root its boldest link leads, ``climber`` that link.
    """

    refusal: str = ""
    warning: str = ""
    files: int = 0
    listed: int = 0
    longest: int = 0
    height: int = 0
    climb: int = 0
    climber: str = ""


class _Frame(NamedTuple):
    """What follows from the names and modes in a folder alone; most versions of it have the same.

    ``files``, ``listed`` and ``longest`` count the plain files, ``others`` are the places of all else.
    """

    refusal: str
    warning: str
    files: int
    listed: int
    longest: int
    others: tuple[int, ...]


class Safety:
    """Verdicts on trees, remembered by id."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._known: dict[str, Verdict] = {}
        self._frames: dict[tuple[tuple[int, str], ...], _Frame] = {}

    def check(self, tree: str) -> Verdict:
        """The verdict on a component's tree."""
        verdict = self._folder(tree, 0)
        if not verdict.refusal and verdict.climb > 0:
            return Verdict(f"{verdict.climber}: the symlink leads out of the component")
        return verdict

    def _folder(self, tree: str, depth: int) -> Verdict:
        if depth > MAX_COMPONENT_DEPTH:
            return _TOO_DEEP
        if tree not in self._known:
            verdict = self._entries(self._trees.read_tree(tree), depth)
            if depth and verdict.refusal.endswith(_TOO_DEEP.refusal):
                return verdict  # depends on where the folder lies
            self._known[tree] = verdict
        return self._known[tree]

    def _entries(self, entries: tuple[TreeEntry, ...], depth: int) -> Verdict:
        frame = self._frame(entries)
        if frame.refusal:
            return Verdict(frame.refusal, frame.warning)
        refusal, warning, files, listed, longest, others = frame
        height = climb = 0
        climber = ""
        for entry in map(entries.__getitem__, others):
            below = self._entry(entry, depth)
            if below.refusal:
                refusal = _inside(entry, below.refusal)
                break
            if below.warning and not warning:
                warning = _inside(entry, below.warning)
            here = len(entry.name.encode("utf-8", "surrogateescape")) + entry.is_tree
            files += below.files
            listed += below.listed + here * below.files
            longest, height = max(longest, here + below.longest), max(height, below.height)
            if below.climb > climb:
                climb, climber = below.climb, _inside(entry, below.climber) or entry.name
        refusal = refusal or _excess(files, listed, longest, height)
        return Verdict(refusal, warning, files, listed, longest, height, climb, climber)

    def _frame(self, entries: tuple[TreeEntry, ...]) -> _Frame:
        key = tuple([entry[:2] for entry in entries])
        frame = self._frames.get(key)
        if frame is None:
            if len(self._frames) >= _FRAMES:
                self._frames.clear()
            frame = self._frames[key] = _framed(entries)
        return frame

    def _entry(self, entry: TreeEntry, depth: int) -> Verdict:
        """The verdict on a folder or a symlink."""
        if entry.is_tree:
            below = self._folder(entry.oid, depth + 1)
            climb = below.climb - 1 if below.climb else 0
            return Verdict(
                below.refusal, below.warning, below.files + 1, below.listed, below.longest,
                below.height + 1, climb, below.climber,
            )  # fmt: skip
        if self._trees.objects.size_of(entry.oid) > MAX_LINK_BYTES:
            return Verdict("a symlink, and its target is empty or overlong")
        return _link(entry.name, self._trees.read_blob(entry.oid))


def _framed(entries: tuple[TreeEntry, ...]) -> _Frame:
    refusal, warning = _names(entries)
    others = tuple([n for n, entry in enumerate(entries) if entry.mode in (TREE, SYMLINK)])
    sizes = [
        len(name.encode("utf-8", "surrogateescape"))
        for mode, name, _ in entries
        if mode not in (TREE, SYMLINK)
    ]
    return _Frame(refusal, warning, len(sizes), sum(sizes), max(sizes, default=0), others)


def _excess(files: int, listed: int, longest: int, height: int) -> str:
    """Why a folder with so much below it must not be released."""
    if files > MAX_FILES:
        return f"more than {MAX_FILES} files"
    if listed > MAX_LISTED_BYTES:
        return f"its paths have more than {MAX_LISTED_BYTES} bytes together"
    if longest > MAX_PATH_BYTES:
        return f"a path of {longest} bytes, more than {MAX_PATH_BYTES}"
    return _TOO_DEEP.refusal if height > MAX_COMPONENT_DEPTH else ""


def _inside(entry: TreeEntry, text: str) -> str:
    """``text`` about what is below an entry (empty: nothing to say), told from the folder of the entry."""
    if not text:
        return text
    name = entry.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return f"{name}/{text}" if entry.is_tree else f"{name}: {text}" if ":" not in text else text


def _names(entries: tuple[TreeEntry, ...]) -> tuple[str, str]:
    """(refusal, warning) about the names in one folder."""
    seen: set[str] = set()
    last = b""
    folded: dict[str, str] = {}
    warning = ""
    for entry in entries:
        reason, same, odd = _judged(entry.name)
        if entry.name == SUBMODULE_NOTE:
            reason = "a file of this name stands for a submodule"
        key = entry.name.encode("utf-8", "surrogateescape") + b"/" * entry.is_tree
        if reason is None and entry.name in seen:
            reason = "the name is there twice"
        elif reason is None and key < last:
            reason = "it is not in the order that git gives to a folder"
        last = key
        if reason is not None:
            return f"{ascii(entry.name)[1:-1]}: {reason}", ""
        seen.add(entry.name)
        twin = folded.setdefault(same, entry.name)
        if twin != entry.name:
            odd = f"{twin} has the same name on many systems"
        if odd is not None and not warning:
            warning = f"{entry.name}: {odd}"
    return "", warning


@functools.lru_cache(maxsize=16_384)
def _judged(name: str) -> tuple[str | None, str, str | None]:
    """(why it must not be, what other systems make of it, why some of them cannot have it)."""
    same = unicodedata.normalize("NFC", name).casefold()
    return unsafe_file_name(name), same, unportable_file_name(name)


def _link(name: str, target: bytes) -> Verdict:
    """The verdict on a symlink, seen from the folder that holds it."""
    reason, climb = link_target_rule(target)
    reason = unsafe_link_name(name) or reason
    return Verdict(f"a symlink, and {reason}") if reason else Verdict(files=1, climb=climb)


_TOO_DEEP = Verdict(f"nested deeper than {MAX_COMPONENT_DEPTH} folders")
