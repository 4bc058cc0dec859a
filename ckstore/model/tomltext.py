"""Writing TOML strings, and reading TOML with the standard library's reader within limits."""

from __future__ import annotations

import re
import tomllib

from ckstore.model.limits import MAX_KEY_PARTS, MAX_METADATA_BYTES

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote(text: str) -> str:
    """A TOML basic string (https://toml.io/en/v1.0.0#string)."""
    if text.isprintable() and '"' not in text and "\\" not in text:  # nearly all; a lock has thousands
        return f'"{text}"'
    out = []
    for char in text:
        if char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif ord(char) < 0x20 or ord(char) == 0x7F:
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_KEY_PARTS}}}")


def read_toml(text: str, most: int = MAX_METADATA_BYTES) -> dict[str, object]:
    """The table that the text is; ValueError says why it is none.

    Beyond what TOML forbids, refused are texts of more than ``most`` characters, and keys of more than
    :data:`MAX_KEY_PARTS` parts (``a.b.c``), as the reader needs the square of their number.
    """
    if len(text) > most:
        raise ValueError(f"{len(text)} characters are too much (at most {most})")
    for number, written in enumerate(text.split("\n"), 1):
        if written.count(".") >= MAX_KEY_PARTS and _LONG_KEY.search(written):
            raise ValueError(f"line {number} has a key of more than {MAX_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
