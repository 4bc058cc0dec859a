"""Reading a YAML document part by part, each part once: versions of a file differ in a few lines.

A block mapping is cut before the lines that begin a key at its indentation, a block sequence before those
that begin an item; parts that are large are cut again. Each part is a document by itself, and the values of
all of them together are the value of the whole. That is exact because nothing of YAML reaches over such a
cut unnoticed: a quoted text or a flow collection that does is not closed in its part, an alias names nothing
there, a block scalar cannot hold a line that is indented no deeper than its key. So whatever is odd about a
part (it cannot be read, it has a key of another part, a line may be a marker or a directive) leaves the whole
to the parser, which alone decides what is wrong and says where.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ckstore.model.limits import MAX_DATA_VALUES

_SMALL = 512  # bytes up to which a part is not cut again
_LARGE = 8 * 1024  # bytes from which one is not remembered
_REMEMBERED = 2 * 1024 * 1024  # bytes of parts; their values take some ten times that
_ALONE = 200  # bytes that a remembered part takes besides its text
_MARKS = (b"---", b"...", b"%")
_MARKER = re.compile(rb"(?:^|[\r\n\x85\xa8\xa9])(?:%|\.\.\.)|[\r\n\x85\xa8\xa9]---")
_OTHER_BREAK = re.compile(rb"\r(?!\n)|[\x85\xa8\xa9]")  # lines are counted by \n alone
_HEADER = re.compile(
    rb"( *)([A-Za-z0-9_][A-Za-z0-9_.-]{0,99}):(?: +#[\t -~]*| *)\n"  # a key without a value in its line
    rb"(?: *(?:#[\t -~]*)?\n)*( *)(- |[A-Za-z0-9_])"  # where the collection below it begins
)
_KEY = b"[A-Za-z0-9_]"
Value = dict[str, Any] | list[Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A value, the number of nodes in it, and its keys that are there twice, each with its line from 0."""

    value: Value
    nodes: int
    twice: tuple[tuple[str, int], ...] = ()


Parse = Callable[[bytes, int], Part | None]  # of a text that is below so many levels; None: it is odd


class Parts:
    """Values of parts, remembered by their bytes; they are shared, so nobody may change them."""

    def __init__(self, parse: Parse) -> None:
        self._parse = parse
        self._known: dict[tuple[bytes, int], Part] = {}
        self._held = 0

    def read(self, data: bytes) -> Part | None:
        """The mapping that a document is (UTF-8, without a byte order mark); None: it is odd."""
        if any(mark in data for mark in _MARKS) and _MARKER.search(data):
            return None
        found = self._joined(_cut(data, 0, _KEY), 0)
        if found is None or found.nodes > MAX_DATA_VALUES or not isinstance(found.value, dict):
            return None
        return None if found.twice and _OTHER_BREAK.search(data) else found

    def _joined(self, parts: list[bytes], above: int) -> Part | None:
        """One value from those of its parts, which are mappings without a common key, or sequences."""
        found = [self._part(part, above) for part in parts]
        read = [part for part in found if part is not None]
        if len(read) < len(found):
            return None
        values = [part.value for part in read]
        value: Value
        if all(isinstance(each, dict) for each in values):
            value = {key: item for each in values for key, item in each.items()}  # type: ignore[union-attr]  # as checked
        elif all(isinstance(each, list) for each in values):
            value = [item for each in values for item in each]
        else:
            return None
        if len(value) < sum(map(len, values)):
            return None
        twice: list[tuple[str, int]] = []
        if any(part.twice for part in read):
            lines = itertools.accumulate((text.count(b"\n") for text in parts), initial=0)
            twice = [
                (key, at + line) for part, at in zip(read, lines, strict=False) for key, line in part.twice
            ]
        return Part(value, 1 + sum(part.nodes - 1 for part in read), tuple(twice))

    def _part(self, text: bytes, above: int) -> Part | None:
        key = text, above
        found = self._known.get(key)
        if found is None:
            found = self._below(text, above) if len(text) > _SMALL else None
            found = found or self._parse(text, above)
            if found is not None and len(text) <= _LARGE:
                self._remember(key, found)
        return found

    def _below(self, text: bytes, above: int) -> Part | None:
        """A text that is one key with a collection, from the parts of that; None: it is not, or is odd."""
        head = _HEADER.match(text)
        if head is None:
            return None
        begin, indent, items = head.start(3), len(head[3]), head[4] == b"- "
        if indent < len(head[1]) + (not items):  # not below the key
            return None
        below = self._joined(_cut(text[begin:], indent, b"- " if items else _KEY), above + 1)
        if below is None:
            return None
        first = text.count(b"\n", 0, begin) if below.twice else 0
        twice = tuple([(key, first + line) for key, line in below.twice])
        return Part({head[2].decode("ascii"): below.value}, below.nodes + 2, twice)

    def _remember(self, key: tuple[bytes, int], found: Part) -> None:
        self._held += len(key[0]) + _ALONE
        if self._held > _REMEMBERED:
            self._known.clear()
            self._held = len(key[0]) + _ALONE
        self._known[key] = found


def _cut(text: bytes, indent: int, start: bytes) -> list[bytes]:
    """The text in parts, each but the first with such a beginning at the indentation."""
    line = rb" {%d}(?=%s)" % (indent, start)
    cuts = [found.start() + 1 for found in re.finditer(rb"\n" + line, text)]
    edges = [0, *(cuts if re.match(line, text) else cuts[1:]), len(text)]
    return [text[begin:end] for begin, end in itertools.pairwise(edges)]
