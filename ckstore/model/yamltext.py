"""Reading YAML that strangers wrote: every scalar stays the text that it is written as.

A UID made of digits, a version like ``1.10`` and a tag called ``no`` must survive, so nothing is guessed
from how a scalar looks: all are text (:func:`~ckstore.model.plain.as_flag` and ``as_int`` read it where a
flag or a number is meant), and nothing, ``~`` and ``null`` are None. Built on PyYAML's events, not on its
objects: an alias counts with all that it stands for, so a small file cannot become a large value. Merge
keys (``<<``) are followed. Refused, with the line: several documents, keys that are no text, tags that
would create other objects, nesting deeper and values larger than the limits allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from ckstore.errors import InvalidInput
from ckstore.model.limits import MAX_DATA_VALUES
from ckstore.model.plain import MAX_DEPTH, Plain, Twice, check_size
from ckstore.model.yamlparts import Part, Parts

_NOTHING = frozenset(["", "~", "null", "Null", "NULL"])
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset(["!", *(_CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq",
                                                      "timestamp"))])  # fmt: skip
_MERGE = "<<"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SMALL = 1024  # bytes up to which a document is read at once
_NO_TEXT = re.compile("[\ud800-\udfff]")


def parse_yaml(data: bytes, where: str, twice: Twice | None = None) -> Plain:
    """The mapping in one YAML document (UTF-8, a byte order mark is tolerated).

    Of a key that is there twice the last one counts, as for the tools that the files are written for;
    they are added to ``twice``. Raises :class:`InvalidInput` naming ``where``, line and column.
    """
    check_size(data, where)
    parts = _PARTS.read(data.removeprefix(_BYTE_ORDER_MARK)) if len(data) > _SMALL else None
    if parts is None:
        return _parse_whole(data, where, twice)
    if twice is not None:
        _tell(parts.twice, twice)
    return cast(Plain, parts.value)


def _tell(found: Iterable[tuple[str, int]], twice: Twice) -> None:
    for key, line in found:
        twice.add(key, f"line {line + 1}")


def _parse_part(text: bytes, above: int) -> Part | None:
    """The value of a part of a document; None when it has none, or cannot be read."""
    import yaml

    build = _Build("", above)
    try:
        build.run(text.decode())
    except (InvalidInput, UnicodeDecodeError, yaml.YAMLError):
        return None
    value = build.value
    if build.merged or not isinstance(value, (dict, list)):
        return None
    return Part(value, build.total, tuple(build.twice))


def _parse_whole(data: bytes, where: str, twice: Twice | None) -> Plain:
    import yaml  # costs start-up time; few commands read YAML

    build = _Build(where)
    try:
        build.run(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused(where, line, 0, f"not UTF-8: {error.reason}") from error
    except yaml.reader.ReaderError as error:
        line = data[: error.position].count(b"\n") + 1  # characters, not bytes: a little early at worst
        raise _refused(where, line, 0, f"the character {error.character!r} is not allowed") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        reason = error.problem or error.context or "it cannot be read"
        raise _refused(where, line, column, reason) from error
    if not isinstance(build.value, dict):
        raise _refused(where, 1, 0, f"a mapping was expected, found {_sort(build.value)}")
    if twice is not None:
        _tell(build.twice, twice)
    return build.value


def _sort(value: object) -> str:
    return "nothing" if value is None else "a list" if isinstance(value, list) else "text"


def _refused(where: str, line: int, column: int, reason: str) -> InvalidInput:
    place = f", line {line}" + (f", column {column}" if column else "") if line else ""
    return InvalidInput(
        f"{where}{place}: not valid YAML ({reason}).",
        code="bad-yaml",
        details={"file": where, "line": line, "column": column},
    )


@dataclass(slots=True)
class _Open:
    """A collection that is not complete: its value, its ``size`` in nodes, and the key that waits."""

    value: dict[str, Any] | list[Any]
    anchor: str | None
    size: int = 1
    key: str | None = None
    merges: bool = False  # the key that waits is a merge key
    merged: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Build:
    """Turns events into one value, without recursion; collections that an alias names are shared.

    ``above``: levels that the text is below. ``total``: nodes so far, with every alias written out.
    ``twice``: keys that are there twice in one place, with their lines from 0. ``merged``: the outermost
    mapping has a merge key, and what that brings stands before all its other keys.
    """

    where: str
    above: int = 0
    value: object = None
    total: int = 0
    twice: list[tuple[str, int]] = field(default_factory=list)
    merged: bool = False
    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[object, int]] = field(default_factory=dict)  # anchor → (value, size)
    _documents: int = 0

    def run(self, text: str) -> None:
        """All events of a text."""
        import yaml

        # not yaml.parse(): its generator asks twice for every event
        next_event = getattr(yaml, "CBaseLoader", yaml.BaseLoader)(text).get_event
        while (event := next_event()) is not None:
            self.take(event)

    def take(self, event: Any) -> None:
        """One event of the parser."""
        name = type(event).__name__
        if name == "ScalarEvent":  # most are
            self._scalar(event)
        elif name == "AliasEvent":
            if event.anchor not in self._anchors:
                raise self._error(event, f"the alias {event.anchor!r} names nothing before it")
            value, size = self._anchors[event.anchor]
            self._count(event, size)
            self._put(event, value, size)
        elif name in ("MappingStartEvent", "SequenceStartEvent"):
            self._start(event, {} if name[0] == "M" else [])
        elif name in ("MappingEndEvent", "SequenceEndEvent"):
            self._end(event)
        elif name == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise self._error(event, "there is more than one document")

    def _error(self, event: Any, reason: str) -> InvalidInput:
        mark = event.start_mark
        return _refused(self.where, mark.line + 1, mark.column + 1, reason)

    def _count(self, event: Any, size: int) -> None:
        self.total += size
        if self.total > MAX_DATA_VALUES:
            raise self._error(event, f"more than {MAX_DATA_VALUES} values, with every alias written out")

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _TAGS:
            raise self._error(event, f"the tag {event.tag.replace(_CORE, '!!')} is not allowed")

    def _scalar(self, event: Any) -> None:
        if event.tag is not None:
            self._check_tag(event)
        self._count(event, 1)
        text: str = event.value
        # half a pair is written as an escape, which only one of the two parsers refuses
        if not text.isascii() and _NO_TEXT.search(text):
            raise self._error(event, "half a surrogate pair is no text")
        plain = event.style is None or event.style == ""
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(event, top, text, plain)
            return
        value = None if plain and text in _NOTHING and event.tag is None else text
        if event.anchor:
            self._anchors[event.anchor] = value, 1
        self._put(event, value, 1)

    def _key(self, event: Any, top: _Open, text: str, plain: bool) -> None:
        if event.anchor:
            self._anchors[event.anchor] = text, 1
        top.key, top.merges = text, plain and text == _MERGE
        if not top.merges and text in top.value:
            self.twice.append((text, event.start_mark.line))

    def _start(self, event: Any, value: dict[str, Any] | list[Any]) -> None:
        if event.tag is not None:
            self._check_tag(event)
        self._count(event, 1)
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            raise self._error(event, "a key must be text")
        if len(self._open) + self.above >= MAX_DEPTH:
            raise self._error(event, f"nested deeper than {MAX_DEPTH} levels")
        self._open.append(_Open(value, event.anchor))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        self.merged = bool(done.merged)
        if isinstance(done.value, dict) and done.merged:
            own = done.value
            merged: dict[str, Any] = {}
            for other in reversed(done.merged):
                merged.update(other)
            done.value = {**merged, **own}
        if done.anchor:
            self._anchors[done.anchor] = done.value, done.size
        self._put(event, done.value, done.size)

    def _put(self, event: Any, value: Any, size: int) -> None:
        """A complete value, of ``size`` nodes, has its place in what is open."""
        if not self._open:
            self.value = value
            return
        top = self._open[-1]
        top.size += size
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.key is None:  # an alias
            if not isinstance(value, str):
                raise self._error(event, "a key must be text")
            self._key(event, top, value, plain=False)
        elif top.merges:
            self._merge(event, top, value)
        else:
            top.value[top.key] = value
            top.key = None

    def _merge(self, event: Any, top: _Open, value: Any) -> None:
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            raise self._error(event, "a merge key takes a mapping or a list of mappings")
        top.merged += parts
        top.key = None


_PARTS = Parts(_parse_part)
