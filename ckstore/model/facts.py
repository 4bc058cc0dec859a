"""Metadata as facts: pairs of a key and a value, by which components are found.

::

    {"a": {"b.c": [1, "x"]}, "deps": {}}      a.b\\.c = 1     a.b\\.c = x     deps = (empty text)

Keys of nested mappings are joined by dots; a dot or a backslash in a key is escaped. A list has the key
that leads to it, once for each item. The shallowest facts come first, so that a limit costs the deepest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ckstore.model.limits import MAX_FACT_CHARACTERS, MAX_FACTS, MAX_KEY_CHARACTERS

_ESCAPED = str.maketrans({"\\": "\\\\", ".": "\\."})
Fact = tuple[str, str]


def facts_of(body: Mapping[str, object]) -> tuple[Fact, ...]:
    """The (key, value) pairs of metadata, each once, at most :data:`MAX_FACTS`.

    Values are text: ``true``, ``false`` and ``null`` as in JSON, numbers as written, an empty mapping or list
    is an empty text. Longer values are cut at :data:`MAX_FACT_CHARACTERS`; what lies under a key longer than
    :data:`MAX_KEY_CHARACTERS` is left out.
    """
    found: dict[Fact, None] = {}
    for key, value in _walk(body):
        found[key, value] = None
        if len(found) >= MAX_FACTS:
            break
    return tuple(found)


def _walk(body: Mapping[str, object]) -> Iterator[Fact]:
    level: list[tuple[str, object]] = [(_key("", key), value) for key, value in body.items()]
    while level:
        below: list[tuple[str, object]] = []
        for path, value in level:
            if len(path) > MAX_KEY_CHARACTERS:
                continue
            if isinstance(value, Mapping) and value:
                below += [(_key(f"{path}.", key), item) for key, item in value.items()]
            elif isinstance(value, (list, tuple)) and value:
                below += [(path, item) for item in value]
            else:
                yield path, _text(value)
        level = below


def _key(prefix: str, key: object) -> str:
    text = _storable(key) if isinstance(key, str) else _text(key)
    return prefix + (text.translate(_ESCAPED) if "." in text or "\\" in text else text)


def _text(value: object) -> str:
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "null"
    elif isinstance(value, (Mapping, list, tuple)):
        text = ""
    else:
        text = str(value)
    return _storable(text[:MAX_FACT_CHARACTERS])


def _storable(text: str) -> str:
    """Without what a database could not hold or would take for an end: half surrogate pairs, zeros."""
    if text.isprintable():
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")
