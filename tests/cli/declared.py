"""What the commands declare to click, as completion knows it.

``python -m tests.cli.declared`` writes ``ckstore/cli/grammar.py`` anew after a command has changed.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import click

from ckstore.cli import grammar
from ckstore.cli.app import COMMANDS, app
from ckstore.cli.completing import DECLARED

Entry = tuple[str, tuple[str, ...], tuple[tuple[tuple[str, ...], str, str], ...]]
ARGUMENTS = {
    **dict.fromkeys(("reference", "references", "first", "second", "requirements"), "component"),
    **dict.fromkeys(("names", "target", "source"), "source"),
    **dict.fromkeys(("other", "path", "addresses"), "folders"), "run": "last",
    **dict.fromkeys(("file", "lock", "base", "ours", "theirs"), "files"),
}  # fmt: skip
WORDS = {"find": "query", "run": "component", "export": "files"}  # arguments that are called so
OPTIONS = {
    "kind": "kind", "tags": "tags", "source": "source", "store_path": "folders", "lock_path": "files",
    "project": "folders", "others": "folders",
}  # fmt: skip
HEAD = '''\
"""The commands with their arguments and options, for completion; ``python -m tests.cli.declared`` writes it.

A test compares it with what the commands declare; those that have a quick door declare their options in
:mod:`ckstore.cli.options`, which completion reads.
"""

# ruff: noqa: E501 -- a table, one row an option
from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    Option = tuple[tuple[str, ...], str, str]  # flags, sort of the value (empty: none), help
    Entry = tuple[str, tuple[str, ...], tuple[Option, ...]]  # help, sorts of arguments (*: many), options

# fmt: off
GRAMMAR: dict[str, Entry] = {
'''


def declared() -> dict[str, Entry]:
    """The table, from click's own objects."""
    context = click.Context(app)
    found = {}
    for name, told in COMMANDS.items():
        command = app.get_command(context, name)
        assert command is not None
        arguments = tuple(_argument(name, p) for p in command.params if isinstance(p, click.Argument))
        options = tuple(_option(p) for p in command.params if isinstance(p, click.Option))
        found[name] = told, arguments, () if name in DECLARED else options
    return found


def _argument(command: str, parameter: click.Argument) -> str:
    name = str(parameter.name)
    choices = getattr(parameter.type, "choices", ())
    sort = "|".join(choices) or (
        WORDS.get(command, "word") if name == "words" else ARGUMENTS.get(name, "word")
    )
    return sort + ("*" if parameter.nargs < 0 else "")


def _option(option: click.Option) -> tuple[tuple[str, ...], str, str]:
    flags = (*option.opts, *option.secondary_opts)
    return flags, "" if option.is_flag else _sort(option), option.help or ""


def _sort(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(option.type.choices)
    if str(option.name) in OPTIONS:
        return OPTIONS[str(option.name)]
    if isinstance(option.type, click.Path):
        return "folders" if option.metavar == "FOLDER" or not option.type.file_okay else "files"
    return "word"


def text() -> str:
    """The module."""
    lines = []
    for name, (told, arguments, options) in declared().items():
        rows = "".join(f"        {option!r},\n" for option in options)
        body = f"(\n{rows}    )" if rows else "()"
        lines.append(f"    {name!r}: ({told!r}, {arguments!r}, {body}),\n")
    return f"{HEAD}{''.join(lines)}}}\n"


if __name__ == "__main__":
    Path(inspect.getfile(grammar)).write_text(text(), encoding="utf-8")
