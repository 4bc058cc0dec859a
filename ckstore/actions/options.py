"""From the words of a command line, or from JSON, to the checked options of an action."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ckstore.actions.signature import ActionSpec, Parameter
from ckstore.errors import InvalidInput
from ckstore.model.names import near_misses

REST = "arguments"  # the option that receives what stands after `--`
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def parse_options(spec: ActionSpec, words: Sequence[str]) -> dict[str, object]:
    """Options from ``--cmd edges --repeat=3 --env.THREADS=4 -- more``; only those that were given.

    ``--name value`` and ``--name=value`` are alike, a flag stands alone (``--no-name`` unsets it), a map
    takes ``--name.KEY=value``, a list is given by repeating its flag. The last of two equal flags counts.

    Raises :class:`InvalidInput`: ``unknown-flag``, ``missing-value``, ``bad-value``, ``unexpected-word``.
    """
    given: dict[str, object] = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            _take_rest(spec, queue, given)
            break
        if not word.startswith("--"):
            raise _unexpected(spec, word)
        _take_flag(spec, word[2:], queue, given)
    return check_options(spec, given)


def check_options(spec: ActionSpec, given: Mapping[str, object]) -> dict[str, object]:
    """The options with their types checked, from any door; the errors of :func:`parse_options`."""
    checked: dict[str, object] = {}
    for name, value in given.items():
        parameter = _find(spec, name)
        checked[parameter.name] = _check(parameter, value)
    missing = [p.flag for p in spec.parameters if p.default is None and p.name not in checked]
    if missing:
        raise InvalidInput(f"{spec.name} needs {missing[0]}.", code="missing-option")
    return checked


def to_words(options: Mapping[str, object]) -> list[str]:
    """The words that :func:`parse_options` reads as these options: what a record of a run keeps."""
    words: list[str] = []
    rest: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True or value is False:
            words.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, Mapping):
            words += [f"{flag}.{key}={item}" for key, item in value.items()]
        elif name == REST and isinstance(value, (list, tuple)):
            rest = ["--", *map(str, value)]
        elif isinstance(value, (list, tuple)):
            words += [f"{flag}={item}" for item in value]
        else:
            words.append(f"{flag}={value}")
    return words + rest


def _take_flag(spec: ActionSpec, text: str, queue: list[str], given: dict[str, object]) -> None:
    name, equals, value = text.partition("=")
    head, dot, key = name.partition(".")
    parameter = spec.parameter(name) or (spec.parameter(head) if dot else None)
    if parameter is None and name.startswith("no-"):
        parameter = spec.parameter(name[3:])
        if parameter is not None and parameter.type == "flag" and not equals:
            given[parameter.name] = False
            return
    parameter = parameter if parameter and parameter.type != "flag" else _find(spec, name)
    if parameter.type == "flag":
        given[parameter.name] = value if equals else True
        return
    if dot and (parameter.type != "map" or not key):
        raise _unknown(spec, name)
    if not equals:
        if not queue or queue[0].startswith("--"):
            raise InvalidInput(f"--{name} needs a value.", code="missing-value", hints=[f"--{name}=…"])
        value = queue.pop(0)
    _store(parameter, key, value, given)


def _store(parameter: Parameter, key: str, value: str, given: dict[str, object]) -> None:
    if parameter.type == "map":
        if not key:
            key, equals, value = value.partition("=")
            if not equals or not key:
                raise _wrong(parameter, value or key, f"{parameter.flag}.KEY=value")
        table = given.setdefault(parameter.name, {})
        assert isinstance(table, dict)
        table[key] = value
    elif parameter.type == "texts":
        items = given.setdefault(parameter.name, [])
        assert isinstance(items, list)
        items.append(value)
    else:
        given[parameter.name] = value


def _take_rest(spec: ActionSpec, words: list[str], given: dict[str, object]) -> None:
    if words and spec.parameter(REST) is None:
        raise InvalidInput(f"{spec.name} takes no arguments after --.", code="unexpected-word")
    if words:
        given[REST] = list(words)


def _find(spec: ActionSpec, name: str) -> Parameter:
    parameter = spec.parameter(name)
    if parameter is None:
        raise _unknown(spec, name)
    return parameter


def _unknown(spec: ActionSpec, name: str) -> InvalidInput:
    flag = f"--{name.replace('_', '-')}"
    listing = f"{spec.name} knows {', '.join(_flags(spec)) or 'no options'}"
    return InvalidInput(
        f"{spec.name} has no option {flag}.", code="unknown-flag", hints=[*_near(spec, flag), listing]
    )


def _unexpected(spec: ActionSpec, word: str) -> InvalidInput:
    # What looks like an option with one dash may be one: -timeout
    near = _near(spec, f"-{word}") if word.startswith("-") else ()
    look = "options look like --name value; arguments of the program itself come after --"
    return InvalidInput(f"{word!r} was not expected here.", code="unexpected-word", hints=[*near, look])


def _flags(spec: ActionSpec) -> list[str]:
    return [p.flag for p in spec.parameters if p.name != REST]


def _near(spec: ActionSpec, flag: str) -> tuple[str, ...]:
    """A hint with the options that are spelt like ``flag``, if there are any."""
    wanted = flag.partition("=")[0].partition(".")[0]
    # Compared without the dashes, which would make all short options alike.
    near = near_misses(wanted.removeprefix("--"), [name.removeprefix("--") for name in _flags(spec)])
    return (f"did you mean {', '.join(f'--{name}' for name in near)}?",) if near else ()


def _wrong(parameter: Parameter, value: object, expected: str) -> InvalidInput:
    return InvalidInput(
        f"{parameter.flag} got {value!r}, expected {expected}.",
        code="bad-value",
        details={"option": parameter.name},
    )


def _check(parameter: Parameter, value: object) -> object:
    match parameter.type:
        case "text" if isinstance(value, str):
            return value
        case "integer":
            return _integer(parameter, value)
        case "number":
            return _number(parameter, value)
        case "flag":
            return _flag(parameter, value)
        case "map" if isinstance(value, Mapping) and _all_texts([*value, *value.values()]):
            return dict(value)
        case "texts" if isinstance(value, (list, tuple)) and _all_texts(value):
            return list(value)
    raise _wrong(
        parameter, value, {"map": "a map of texts", "texts": "a list of texts"}.get(parameter.type, "text")
    )


def _all_texts(items: Sequence[object]) -> bool:
    return all(isinstance(item, str) for item in items)


def _integer(parameter: Parameter, value: object) -> int:
    try:
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    raise _wrong(parameter, value, "a whole number")


def _number(parameter: Parameter, value: object) -> float:
    try:
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            number = float(value)
            if math.isfinite(number):
                return number
    except ValueError:
        pass
    raise _wrong(parameter, value, "a number")


def _flag(parameter: Parameter, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _YES + _NO:
        return value.lower() in _YES
    raise _wrong(parameter, value, "yes or no")
