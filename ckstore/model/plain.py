"""Reading plain values (JSON, TOML, msgpack) that strangers wrote.

Metadata in the wild holds strings where lists belong and numbers where text belongs. These helpers
take what is there and give back one shape, so that no other module needs to look twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ckstore.errors import InvalidInput

Plain = dict[str, object]


def parse_json(data: bytes, where: str) -> Plain:
    """A JSON object from bytes (UTF-8, a byte order mark is tolerated).

    Of a key that is there twice the last one counts, as in the kernel that the files were written for: real
    metadata has such keys. Raises :class:`InvalidInput` naming ``where``, line and column.
    """
    try:
        value = json.loads(data.decode("utf-8-sig"))
        if b"\\ud" in data.lower():  # half a surrogate pair is no text: nothing could store it
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{where}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg}).",
            code="bad-json",
            details={"file": where, "line": error.lineno, "column": error.colno},
        ) from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InvalidInput(
            f"{where}: not valid JSON ({error}).", code="bad-json", details={"file": where}
        ) from error
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{where}: a JSON object was expected, found {type(value).__name__}.",
            code="bad-json",
            details={"file": where},
        )
    return value


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
