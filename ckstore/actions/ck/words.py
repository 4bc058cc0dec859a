"""Command lines in the manner of Collective Knowledge: words to a request, and names to their parts.

::

    ck search soft --tags=compiler,lang-c @more.json     action, kind or name, options, options from a file
    program:cbench-*    ck-env:soft:    ^    ^other      [repo:]module:data; ^ is the entry of this folder
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from ckstore.errors import InvalidInput
from ckstore.model.plain import MAX_DEPTH, Plain, as_map, deeper_than

HERE = ("^", "#")  # begin a name that is meant in the folder of the caller
_PARTS = ("repo_uoa", "module_uoa", "data_uoa")
Read = Callable[[str], Mapping[str, object]]


def read_command(words: Sequence[str], read_file: Read, read_typed: Read) -> Plain:
    """The request that the words are; values are texts, but for those from JSON.

    ``read_file`` gives what the file of ``@file`` holds, ``read_typed`` what is typed for ``@@key``. Later
    words win. Raises :class:`InvalidInput` for JSON that is none.
    """
    if not words:
        raise InvalidInput("action is not defined", code="no-action")
    request: Plain = {"action": words[0].rstrip(), "cids": []}
    named: list[str] = []
    for place, word in enumerate(word.rstrip() for word in words[1:]):
        if word == "--":
            request["unparsed"] = list(words[place + 2 :])
            break
        _take(word, request, named, read_file, read_typed)
    if named:
        request["cid"], *request["cids"] = named
    request.setdefault("out", "con")
    return request


def _take(word: str, request: Plain, named: list[str], read_file: Read, read_typed: Read) -> None:
    key, equals, value = word.partition("=")
    if word.startswith("@@@"):
        merge(request, inline_json(word[3:]))
    elif word.startswith("@@"):
        typed = read_typed(word[2:])
        merge(request, {word[2:]: typed} if word[2:] else typed)
    elif word.startswith("@"):
        merge(request, read_file(word[1:]))
    elif word.startswith("-"):
        option = key.removeprefix("-").removeprefix("-")
        request[option] = value if equals and option else "yes"
    elif equals and key:
        request[key] = value
    elif word:
        named.append(word)


def inline_json(text: str) -> Plain:
    """The object in ``{'key':'value'}``, where the quotes that a shell would take are single ones."""
    try:
        value = json.loads(text.replace('"', '\\"').replace("'", '"'))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"problem converting text to json ({error})", code="bad-json") from error
    if not isinstance(value, dict) or deeper_than(value, MAX_DEPTH):
        raise InvalidInput("problem converting text to json (no object)", code="bad-json")
    return value


def merge(into: Plain, more: Mapping[str, object]) -> None:
    """Objects are merged at every level, everything else is replaced."""
    for key, value in more.items():
        held = into.get(key)
        if isinstance(value, Mapping) and isinstance(held, dict):
            merge(held, value)
        else:
            into[key] = as_map(value) if isinstance(value, Mapping) else value


def parts_of(name: str, here: Mapping[str, str] | None = None) -> dict[str, str]:
    """``repo_uoa``, ``module_uoa`` and ``data_uoa`` that a name says; ``here`` are those of the folder.

    Nothing for a bare word that no ``^`` makes a name. :class:`InvalidInput` for more than three parts.
    """
    marked = name.startswith(HERE)
    parts = (name[1:] if marked else name).split(":")
    if len(parts) > len(_PARTS):
        raise InvalidInput("unknown CID format", code="bad-cid")
    known = dict(here or {}) if marked else {}
    if parts == [""]:
        return known
    if len(parts) == 1 and not marked:
        return {}
    said = dict(zip(_PARTS[-len(parts) :], parts, strict=True))
    return {**known, **said}
