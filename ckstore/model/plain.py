"""Reading plain values (JSON, TOML, msgpack) that strangers wrote.

Metadata in the wild holds strings where lists belong and numbers where text belongs. These helpers
take what is there and give back one shape, so that no other module needs to look twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from ckstore.errors import InvalidInput
from ckstore.model.limits import MAX_DATA_DEPTH, MAX_METADATA_BYTES

Plain = dict[str, object]
MAX_BYTES, MAX_DEPTH = MAX_METADATA_BYTES, MAX_DATA_DEPTH
_TEXT_ONLY = frozenset([str])
_KEYS_SHOWN, _KEY_SHOWN = 10, 60


@dataclass(slots=True)
class Twice:
    """Keys that are there twice in one file; the first of them by name, since there may be any number."""

    keys: dict[str, None] = field(default_factory=dict)
    more: bool = False

    def add(self, key: str, place: str = "") -> None:
        """One more, at a place in the file."""
        text = key if len(key) <= _KEY_SHOWN else f"{key[:_KEY_SHOWN]}…"
        told = f"{text!r} ({place})" if place else repr(text)
        if len(self.keys) < _KEYS_SHOWN or told in self.keys:
            self.keys[told] = None
        else:
            self.more = True

    def told(self, where: str) -> tuple[str, ...]:
        """One line about all of them; none when there are none."""
        if not self.keys:
            return ()
        named = ", ".join(self.keys) + (" and others" if self.more else "")
        return (f"{where}: twice in one place, where the last one counts: {named}",)


def check_size(data: bytes, where: str, most: int = MAX_BYTES) -> None:
    """:class:`InvalidInput` when a file is too large to be metadata."""
    if len(data) > most:
        raise InvalidInput(
            f"{where}: {len(data)} bytes are too much for metadata (at most {most}).",
            code="too-large",
            details={"file": where, "bytes": len(data), "limit": most},
        )


def parse_json(
    data: bytes, where: str, twice: Twice | None = None, *, most: int = MAX_BYTES, finite: bool = True
) -> Plain:
    """A JSON object from bytes (UTF-8, a byte order mark is tolerated).

    Of a key that is there twice the last one counts, as in the kernel that the files were written for: real
    metadata has such keys; they are added to ``twice``. Refused are numbers that JSON does not have (NaN,
    Infinity; unless not ``finite``), half surrogate pairs, nesting deeper than :data:`MAX_DEPTH` and more
    than ``most`` bytes.
    Raises :class:`InvalidInput` naming ``where`` and, where it is known, line and column.
    """
    check_size(data, where, most)
    keep = None if twice is None else partial(_last_counts, twice)
    try:
        value = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=keep,
            parse_constant=_no_number if finite else None, parse_float=_finite if finite else None,
        )  # fmt: skip
        if b"\\ud" in data.lower():  # half a surrogate pair is no text: nothing could store it
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{where}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg}).",
            code="bad-json",
            details={"file": where, "line": error.lineno, "column": error.colno},
        ) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise _bad_json(where, str(error)) from error
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and deeper_than(value, MAX_DEPTH):
        raise _bad_json(where, f"nested deeper than {MAX_DEPTH} levels")
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{where}: a JSON object was expected, found {type(value).__name__}.",
            code="bad-json",
            details={"file": where},
        )
    return value


def _bad_json(where: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{where}: not valid JSON ({reason}).", code="bad-json", details={"file": where})


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else cast(float, _no_number(text))


def _last_counts(twice: Twice, pairs: list[tuple[str, object]]) -> Plain:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                twice.add(key)
            seen.add(key)
    return value


def deeper_than(value: object, levels: int) -> bool:
    """Looked at level by level: how much of the stack is left must not decide what is valid."""
    level = [value]
    for _ in range(levels):
        level = [
            item
            for outer in level
            if isinstance(outer, (dict, list))
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True


def as_map(value: object) -> Plain:
    """A mapping with text keys, or an empty one."""
    if type(value) is dict and set(map(type, value)) <= _TEXT_ONLY:  # nearly always
        return value.copy()
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[object]:
    """A list; one text becomes a list of one, nothing an empty list."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value] if isinstance(value, str) and value else []


def as_texts(value: object) -> list[str]:
    """A list of non-empty texts; a text is split at commas (``"a,b"`` and ``["a", "b"]`` are alike)."""
    items: list[Any] = value.split(",") if isinstance(value, str) else as_list(value)
    if set(map(type, items)) <= _TEXT_ONLY:
        return [text for item in items if (text := item.strip())]
    return [text for item in items if (text := as_text(item).strip())]


def as_text(value: object) -> str:
    """Text as it is, numbers as text, everything else empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def as_flag(value: object) -> bool:
    """True for ``true`` and for CK's ``"yes"``."""
    return value is True or (isinstance(value, str) and value.strip().lower() in ("yes", "true", "on"))


def as_int(value: object, default: int) -> int:
    """A whole number, from a number or its text; ``default`` when it is none."""
    try:
        return int(as_text(value))
    except ValueError:
        return default
