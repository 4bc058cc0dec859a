"""Reading plain values (JSON, TOML, msgpack) that strangers wrote.

Metadata in the wild holds strings where lists belong and numbers where text belongs. These helpers
take what is there and give back one shape, so that no other module needs to look twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import cast

from ckstore.errors import InvalidInput
from ckstore.model.limits import MAX_DATA_DEPTH, MAX_METADATA_BYTES

Plain = dict[str, object]
MAX_BYTES, MAX_DEPTH = MAX_METADATA_BYTES, MAX_DATA_DEPTH


def check_size(data: bytes, where: str) -> None:
    """:class:`InvalidInput` when a file is too large to be metadata."""
    if len(data) > MAX_BYTES:
        raise InvalidInput(
            f"{where}: {len(data)} bytes are too much for metadata (at most {MAX_BYTES}).",
            code="too-large",
            details={"file": where, "bytes": len(data), "limit": MAX_BYTES},
        )


def parse_json(data: bytes, where: str, told: list[str] | None = None) -> Plain:
    """A JSON object from bytes (UTF-8, a byte order mark is tolerated).

    Of a key that is there twice the last one counts, as in the kernel that the files were written for: real
    metadata has such keys; ``told`` gets a line for each. Numbers that JSON does not have (NaN, Infinity),
    half surrogate pairs, nesting deeper than :data:`MAX_DEPTH` and more than :data:`MAX_BYTES` are refused.
    Raises :class:`InvalidInput` naming ``where`` and, where it is known, line and column.
    """
    check_size(data, where)
    keep = None if told is None else partial(_last_counts, told)
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=keep)
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
    if deeper_than(value, MAX_DEPTH):
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


def _last_counts(told: list[str], pairs: list[tuple[str, object]]) -> Plain:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                told.append(f"the key {key!r} is there twice; the last one counts")
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
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[object]:
    """A list; one text becomes a list of one, nothing an empty list."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value] if isinstance(value, str) and value else []


def as_texts(value: object) -> list[str]:
    """A list of non-empty texts; a text is split at commas (``"a,b"`` and ``["a", "b"]`` are alike)."""
    items = value.split(",") if isinstance(value, str) else as_list(value)
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
