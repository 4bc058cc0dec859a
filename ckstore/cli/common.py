"""What every command shares: options, the store, progress, JSON."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ckstore.cli.options import Option
from ckstore.cli.output import clean as clean  # for all commands
from ckstore.model.counting import plural as plural  # for all commands
from ckstore.operations.place import store_path as place_of_store

if TYPE_CHECKING:
    from ckstore.objects.store import ObjectStore

F = TypeVar("F", bound=Callable[..., Any])


_OF_A_COMMIT = re.compile(r"(.*)@([0-9a-f]{12}): (.*)", re.DOTALL)
_TYPES: dict[str, dict[str, Any]] = {
    "flag": {"is_flag": True},
    "multi": {"multiple": True},
    "value": {},
    "number": {"type": click.IntRange(0)},
}


def declare(option: Option) -> click.Option:
    """An option of a hot command for click."""
    return click.Option(
        [*option.flags, option.name], help=option.help, metavar=option.metavar or None,
        default=option.default, **_TYPES[option.kind],
    )  # fmt: skip


def store_option(function: F) -> F:
    """``--store PATH``."""
    return click.option(
        "--store",
        "store_path",
        metavar="PATH",
        envvar="CKSTORE_STORE",
        help="The store to use, instead of the project's or your own.",
    )(function)


def json_option(function: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(function)


def open_store(store_path: str | None, *, create: bool = True) -> ObjectStore:
    """The store of ``--store``, the environment, the project, or the user."""
    from ckstore.objects.store import ObjectStore

    key = os.environ.get("CKSTORE_SIGN_KEY", "")
    return ObjectStore(
        Path(place_of_store(store_path or "")), create=create, who=user_name(),
        sign_key=Path(key).expanduser() if key else None,
    )  # fmt: skip


def user_name() -> str:
    """Who is written into the log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def print_json(value: object) -> None:
    """One JSON value on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


class Progress:
    """One line on stderr that replaces itself; silent where stderr is no terminal."""

    def __init__(self) -> None:
        self._shown = False
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def __call__(self, line: str) -> None:
        """Show this line instead of the one before."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            clean = "".join(c if c.isprintable() else " " for c in line)
            sys.stderr.write(f"\r\x1b[2K{clean[:width]}")
            sys.stderr.flush()
            self._shown = True

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away, for something else to be printed there."""
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def say(text: str) -> None:
    """Text on stdout."""
    click.echo(clean(text))


def note(text: str) -> None:
    """One line for the reader on stderr; not with ``--json``, where stderr holds errors alone."""
    context = click.get_current_context(silent=True)
    if context is None or not (context.params.get("as_json") or context.params.get("json")):
        click.echo(f"ckstore: {clean(text)}", err=True)


def table(rows: Iterable[Sequence[str]], indent: str = "") -> None:
    """Aligned columns on stdout; the last one is not padded."""
    listed = [list(row) for row in rows]
    if not listed:
        return
    widths = [max(len(row[i]) for row in listed) for i in range(len(listed[0]))]
    for row in listed:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        say(f"{indent}{'  '.join([*cells, row[-1]])}".rstrip())


def some(lines: Sequence[str], most: int, all_of_them: str) -> list[str]:
    """The first ``most`` of these lines, then how many more there are and the command that lists them."""
    more = len(lines) - most
    return [*lines[:most], f"… and {more} more: {all_of_them}"] if more > 1 else list(lines)


def once(problems: Sequence[str]) -> list[str]:
    """Problems of a history (``path@commit: reason``), those that repeat told once with their commits."""
    commits: dict[tuple[str, str] | str, list[str]] = {}
    for line in problems:
        found = _OF_A_COMMIT.fullmatch(line)
        commits.setdefault((found[1], found[3]) if found else line, []).append(found[2] if found else "")
    return [
        key if isinstance(key, str)
        else f"{key[0]}@{at[0]}: {key[1]}" + (f" (in {len(at)} commits, this one first)" if at[1:] else "")
        for key, at in commits.items()
    ]  # fmt: skip
