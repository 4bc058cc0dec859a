"""How the kernel of Collective Knowledge compares: wildcards, texts in metadata, subsets of metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from ckstore.model.plain import Plain

_STEP = re.compile(r"#([^#@]*)|@([0-9]+)")


def is_pattern(text: str) -> bool:
    """True when a text is compared as a pattern: brackets alone make none."""
    return "*" in text or "?" in text


def matches(text: str, wanted: str) -> bool:
    """Equality, or a match with a pattern; case counts."""
    return fnmatchcase(text, wanted) if is_pattern(wanted) else text == wanted


def says(value: object, wanted: str, any_case: bool = False) -> bool:
    """True when a value somewhere in metadata, as text, is (or matches) what is wanted; keys do not count."""
    wanted = wanted.lower() if any_case else wanted
    return any(matches(text.lower() if any_case else text, wanted) for text in _leaves(value))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield str(value)


def holds(held: object, wanted: object, any_case: bool = False) -> bool:
    """True when metadata has all that is wanted: keys at every level, members of lists, equal values.

    A number equals no text; members of lists are compared as they are.
    """
    if isinstance(wanted, Mapping):
        return isinstance(held, Mapping) and all(
            key in held and holds(held[key], value, any_case) for key, value in wanted.items()
        )
    if isinstance(wanted, (list, tuple)):
        return isinstance(held, list) and all(item in held for item in wanted)
    if any_case and isinstance(held, str) and isinstance(wanted, str):
        return held.lower() == wanted.lower()
    return type(held) is type(wanted) and held == wanted


def holds_flat(held: Plain, wanted: Mapping[str, object], any_case: bool = False) -> bool:
    """The same for ``{"##customize#env_prefix": value}``: ``#key`` and ``@index``, behind one ``#``."""
    return all(holds(_at(held, path), value, any_case) for path, value in wanted.items())


def _at(value: object, path: str) -> object:
    for key, place in _STEP.findall(path.removeprefix("#")):
        if place:
            inside = isinstance(value, list) and int(place) < len(value)
            value = value[int(place)] if isinstance(value, list) and inside else None
        else:
            value = value.get(key) if isinstance(value, Mapping) else None
    return value
