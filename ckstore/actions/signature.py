"""Reading the signature of an action from its source text.

An action is a public function of a module component's ``module.py`` whose first parameter is a
``Context``; what follows are keyword-only options. One signature gives the flags, the help, the JSON
schema and the check of what was given. The text is parsed, never imported: asking what a stranger's
component can do must not run it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Literal

from ckstore.errors import InvalidInput

ParameterType = Literal["text", "integer", "number", "flag", "map", "texts"]
MODULE_FILE = "module.py"
_TYPES: dict[str, ParameterType] = {
    "str": "text", "int": "integer", "float": "number", "bool": "flag",
    "Mapping[str, str]": "map", "dict[str, str]": "map",
    "Sequence[str]": "texts", "list[str]": "texts", "tuple[str, ...]": "texts",
}  # fmt: skip
_SCHEMA: dict[ParameterType, dict[str, object]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
    "texts": {"type": "array", "items": {"type": "string"}},
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One option. ``default`` is None when it must be given."""

    name: str
    type: ParameterType
    default: object = None
    help: str = ""

    @property
    def flag(self) -> str:
        """How it is written on a command line: ``--dataset-file``."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action: its name, one line of help, its options in the order of the signature."""

    name: str
    help: str = ""
    parameters: tuple[Parameter, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        """The option of this name (``-`` and ``_`` are alike), or None."""
        wanted = name.replace("-", "_")
        return next((p for p in self.parameters if p.name == wanted), None)


def read_actions(source: str, where: str) -> dict[str, ActionSpec]:
    """The actions in the text of a ``module.py``, by name.

    Raises :class:`InvalidInput` (code ``bad-action``) naming file, line and what cannot be read.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None) or 0
        raise _bad(where, line, f"not valid Python ({error})") from error
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_action(node)]
    return {node.name: _read_action(node, where) for node in functions}


def describe(spec: ActionSpec) -> dict[str, object]:
    """The action as a plain JSON schema of its options."""
    properties: dict[str, object] = {}
    for parameter in spec.parameters:
        entry = dict(_SCHEMA[parameter.type])
        if parameter.default is not None:
            default = parameter.default
            entry["default"] = list(default) if isinstance(default, tuple) else default
        if parameter.help:
            entry["description"] = parameter.help
        properties[parameter.name] = entry
    return {
        "title": spec.name, "description": spec.help, "type": "object", "properties": properties,
        "required": [p.name for p in spec.parameters if p.default is None], "additionalProperties": False,
    }  # fmt: skip


def _is_action(node: ast.FunctionDef) -> bool:
    first = [*node.args.posonlyargs, *node.args.args][:1]
    annotation = first[0].annotation if first else None
    named = annotation is not None and ast.unparse(annotation).strip("'\"").split(".")[-1] == "Context"
    return named and not node.name.startswith("_")


def _read_action(node: ast.FunctionDef, where: str) -> ActionSpec:
    arguments = node.args
    if len(arguments.posonlyargs) + len(arguments.args) > 1 or arguments.vararg or arguments.kwarg:
        raise _bad(where, node.lineno, f"the options of {node.name!r} must be keyword-only (after a *)")
    summary, helps = _read_docstring(ast.get_docstring(node) or "")
    parameters = [
        _read_parameter(argument, default, helps, where)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return ActionSpec(node.name, summary, tuple(parameters))


def _read_parameter(
    argument: ast.arg, default: ast.expr | None, helps: dict[str, str], where: str
) -> Parameter:
    name = argument.arg
    annotation = ast.unparse(argument.annotation) if argument.annotation else ""
    kind = _TYPES.get(annotation.strip("'\""))
    if kind is None:
        raise _bad(where, argument.lineno, f"the option {name!r} has the type {annotation or 'none'!r}")
    try:
        value = None if default is None else ast.literal_eval(default)
    except ValueError:
        raise _bad(where, argument.lineno, f"the default of {name!r} is not a plain value") from None
    return Parameter(name, kind, value, helps.get(name, ""))


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The first line, and the lines of the section ``Args:`` by option (``name: what it does``)."""
    summary = text.strip().partition("\n")[0].strip()
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\s*\n)*)", text, re.MULTILINE)
    helps: dict[str, str] = {}
    current = ""
    for line in section[1].splitlines() if section else []:
        entry = re.fullmatch(r" {4}(\w+): *(.*)", line)
        if entry:
            current = entry[1]
            helps[current] = entry[2].strip()
        elif current and line.strip():
            helps[current] = f"{helps[current]} {line.strip()}".strip()
    return summary, helps


def _bad(where: str, line: int, what: str) -> InvalidInput:
    return InvalidInput(
        f"{where}, line {line}: {what}.",
        code="bad-action",
        hints=[f"options have one of the types {', '.join(_TYPES)}, and plain defaults"],
        details={"file": where, "line": line},
    )
