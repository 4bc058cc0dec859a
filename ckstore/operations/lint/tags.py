"""Tags that look like misspellings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ckstore.operations.lint.corpus import Corpus, Here
from ckstore.operations.lint.findings import Finding
from ckstore.operations.lint.places import place_of

COMMON = 3  # components (told apart by UID) that make a tag a common one
_LEAST = 7  # letters of the longer one: among short words, neighbours that both mean something are too many
_SEPARATORS = str.maketrans("", "", "-_. ")


def check_tags(corpus: Corpus, source: str) -> Iterator[Finding]:
    """Tags of one component alone that differ from a common one by a slip, or in separators and case only.

    Copies of a component in other sources have its UID, and are not counted.
    """
    users: dict[str, dict[str, Here]] = defaultdict(dict)
    for here in corpus.components():
        for tag in here.tags:
            users[tag].setdefault(here.uid, here)
    common = {tag for tag, those in users.items() if len(those) >= COMMON}
    near = _Near(common)
    for here in corpus.components():
        for tag in here.tags if not source or here.source == source else ():
            meant = near.of(tag) if len(users[tag]) == 1 else ""
            if meant and meant not in here.tags:
                yield _finding(corpus, here, tag, meant, len(users[meant]))


def _finding(corpus: Corpus, here: Here, tag: str, meant: str, uses: int) -> Finding:
    release = corpus.release(here.source, here.uid, here.version)
    file, line = place_of(corpus.view_of(here.source), release, ["tags", tag])
    message = f"no other component has the tag {tag!r}; {uses} have {meant!r}"
    return Finding("rare-tag", "warning", message, here.source, here.reference, file, line)


class _Near:
    """Finds the common tag that a tag is a slip of: by the texts that remain when one letter is left out."""

    def __init__(self, common: set[str]) -> None:
        self._by_rest: dict[str, set[str]] = defaultdict(set)
        self._by_form: dict[str, set[str]] = defaultdict(set)
        for tag in common:
            if _may_slip(tag):
                for rest in _rests(tag):
                    self._by_rest[rest].add(tag)
            self._by_form[_form(tag)].add(tag)

    def of(self, tag: str) -> str:
        """The common tag that is meant; empty when the tag may well be a word of its own."""
        same = self._by_form.get(_form(tag), ()) if _may_slip(_form(tag)) else ()
        slips = [
            other for rest in (_rests(tag) if _may_slip(tag) else ()) for other in self._by_rest.get(rest, ())
            if is_slip(tag, other)
        ]  # fmt: skip
        return min([*same, *slips], default="")


def _form(tag: str) -> str:
    return tag.lower().translate(_SEPARATORS)


def _may_slip(tag: str) -> bool:
    return len(tag) >= _LEAST - 1 and not any(c.isdigit() for c in tag)


def _rests(tag: str) -> set[str]:
    return {tag, *(tag[:n] + tag[n + 1 :] for n in range(len(tag)))}


def is_slip(one: str, other: str) -> bool:
    """True for two texts that differ by one letter: left out, doubled, another one, or two in wrong order.

    Not at the beginning of a word in it, nor at its end: ``opengl`` and ``opencl``, ``cpu`` and ``gpu``,
    ``model`` and ``models`` are no slips of each other.
    """
    short, long = sorted((one, other), key=len)
    at = next((n for n, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    inside = at > 0 and short[at - 1].isalpha() and at < len(short) and long[at].isalpha()
    if not inside or len(long) < _LEAST or len(long) - len(short) > 1 or one == other:
        return False
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = long[at + 1 : at + 2] + long[at : at + 1] + long[at + 2 :]
    same_rest = short[at + 1 :] == long[at + 1 :] and at + 1 < len(short)
    return short[at:] == swapped or same_rest
