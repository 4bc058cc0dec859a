"""Requirements: the one grammar in which users and metadata name components.

::

    [source:]kind:name[@range]      program:cbench-automotive-susan@^1.2
    kind[|kind…][tags][@range]      soft|package[lib,xopenme]

``source``, ``kind`` and ``name`` may hold ``*`` and ``?``; ``name`` may be a UID. Parsing and printing
are inverse: ``str(Requirement.parse(text))`` parses to the same value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ckstore.errors import InvalidInput
from ckstore.model.names import is_uid, unsafe_component_name
from ckstore.model.tags import TagQuery

_TAG_FORM = re.compile(r"([^\[\]@:]+)\[([^\[\]]+)\](?:@(.+))?")
_NAME_FORM = re.compile(r"([^@\[\]]+)(?:@(.+))?")
_HINT = "write program:name, source:program:name@^1.2 or soft[compiler,lang-c]"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A wish. Either ``name`` is set (possibly with wildcards) or ``tags`` is not empty.

    ``kinds`` is empty when any kind will do. ``range`` is the text of a version range, ``*`` for any;
    it is checked where versions are compared, so that reading a reference needs no version library.
    """

    kinds: tuple[str, ...] = ()
    name: str = ""
    tags: TagQuery = TagQuery()
    range: str = "*"
    source: str = ""

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read a requirement; raise :class:`InvalidInput` with what was expected."""
        tagged = _TAG_FORM.fullmatch(text)
        if tagged:
            kinds = () if tagged[1] == "*" else tuple(tagged[1].split("|"))
            _check_parts(text, kinds)
            return cls(kinds=kinds, tags=TagQuery.parse(tagged[2]), range=tagged[3] or "*")
        named = _NAME_FORM.fullmatch(text)
        parts = named[1].split(":") if named else []
        if not named or not 1 <= len(parts) <= 3 or not all(parts):
            raise _no_reference(text)
        _check_parts(text, parts)
        source, kind, name = ["", "*", *parts][-3:] if len(parts) < 2 else ["", *parts][-3:]
        return cls(
            kinds=() if kind == "*" else (kind,), name=name, range=named[2] or "*",
            source="" if source == "*" else source,
        )  # fmt: skip

    @property
    def is_uid(self) -> bool:
        """True when the name is a UID."""
        return is_uid(self.name)

    @property
    def is_pattern(self) -> bool:
        """True when a part holds a wildcard, so that many components may be meant."""
        return any(c in part for part in (self.name, self.source, *self.kinds) for c in "*?")

    def __str__(self) -> str:
        suffix = "" if self.range == "*" else f"@{self.range}"
        kind = "|".join(self.kinds) or "*"
        if self.tags:
            return f"{kind}[{self.tags}]{suffix}"
        return ":".join(part for part in (self.source, kind, self.name) if part) + suffix


def _no_reference(text: str) -> InvalidInput:
    head, bracket, rest = text.partition("[")
    reason = ""
    if not text:
        reason = "it is empty"
    elif text.endswith("@"):
        reason = "no range of versions stands after '@'"
    elif bracket and "]" not in rest:
        reason = "']' is missing"
    elif bracket and not rest.partition("]")[0]:
        reason = "no tags stand between the brackets"
    elif bracket and not head:
        reason = f"a kind must stand before the tags, or * for any: *{text}"
    elif bracket and ":" in head:
        reason = "tags are asked of all sources: write a kind before them, and nothing else"
    elif bracket and not rest.partition("]")[2].startswith("@"):
        reason = "after ']' only a range may follow: '@^1.2'"
    elif not bracket and text.count(":") > 2:
        reason = "there are too many colons"
    return InvalidInput(
        f"{text!r} does not name a component{': ' if reason else ''}{reason}.",
        code="bad-reference", hints=[_HINT],
    )  # fmt: skip


def _check_parts(text: str, parts: tuple[str, ...] | list[str]) -> None:
    for part in parts:
        reason = unsafe_component_name(re.sub(r"[*?]", "x", part))
        if reason is not None:
            raise InvalidInput(
                f"{text!r} does not name a component: in {part!r}, {reason}.",
                code="bad-reference",
                hints=[_HINT],
            )
