"""Whether the fields of a record hold what they are declared to hold.

Decoding a record checks that its bytes are canonical; our own records need no more. One that comes from
another store may still hold a number where text belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from ckstore.model.metadata import Need


def wrong_shape(record: Any) -> str:
    """Why a record's fields are not what their class declares; empty when they are."""
    for field in fields(record):
        test = _TESTS[str(field.type)]
        if not test(getattr(record, field.name)):
            return f"its field {field.name!r} does not hold {_WORDS[str(field.type)]}"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, (tuple, list)) and all(map(_is_text, value))


def _are_needs(value: object) -> bool:
    return isinstance(value, (tuple, list)) and all(
        isinstance(item, Need) and all(map(_is_text, (item.role, item.ask, item.scope, item.when, item.host)))
        for item in value
    )


def _are_spans(value: object) -> bool:
    return isinstance(value, (tuple, list)) and all(_are_texts(item) and len(item) == 3 for item in value)


def _is_map_of_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value.values()))


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


_TESTS: Mapping[str, Callable[[object], bool]] = {
    "str": _is_text, "int": _is_number, "tuple[str, ...]": _are_texts, "tuple[Need, ...]": _are_needs,
    "tuple[tuple[str, str, str], ...]": _are_spans, "Mapping[str, str]": _is_map_of_texts,
    "Mapping[str, Any]": _is_map,
}  # fmt: skip
_WORDS = {
    "tuple[tuple[str, str, str], ...]": "a list of three texts each",
    "str": "text", "int": "a whole number", "tuple[str, ...]": "a list of texts",
    "tuple[Need, ...]": "a list of requirements", "Mapping[str, str]": "a map of texts",
    "Mapping[str, Any]": "a map",
}  # fmt: skip
