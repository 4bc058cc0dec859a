"""``ckstore why``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ckstore.cli.common import json_option, plural, print_json, say, some, table
from ckstore.cli.locks import lock_option

if TYPE_CHECKING:
    from ckstore.model.lockgraph import Asked
    from ckstore.model.locks import Lock
    from ckstore.operations.lock_tree import Why

_SHOWN = 5


@click.command("why")
@click.argument("reference")
@lock_option
@json_option
def command(reference: str, lock_path: Path | None, as_json: bool) -> None:
    """Say why a lock pins a component: the ways that lead to it from what you asked for.

    \b
    ckstore why soft:compiler.gcc
    ckstore why "dataset:*"            each of these
    """
    from ckstore.operations.export_lock import find_lock
    from ckstore.operations.lock_tree import why

    lock = find_lock(lock_path)
    found = why(lock, reference)
    if as_json:
        print_json([reason.as_plain() for reason in found])
        return
    for reason in found:
        _show(lock, reason)


def _show(lock: Lock, reason: Why) -> None:
    say(f"{reason.pin.component}@={reason.pin.version}")
    for number, path in enumerate(reason.paths[:_SHOWN]):
        if number:
            say("")
        table([(_who(lock, asked), f"asks for {_what(asked)}") for asked in path], indent="  ")
    more = len(reason.paths) - _SHOWN
    if more > 0:
        say(f"  … and {plural(more, 'more way', 'more ways')} (--json lists them all)")
    if len(reason.required_by) > 1:
        say(f"  asked for by {plural(len(reason.required_by), 'requirement')}:")
        rows = [f"    {_who(lock, asked)}  {_what(asked)}" for asked in reason.required_by]
        for row in some(rows, 2 * _SHOWN, f"ckstore tree -i {reason.pin.component}"):
            say(row if row.startswith("    ") else f"    {row}")


def _who(lock: Lock, asked: Asked) -> str:
    return f"{asked.asker}@={lock.pin(asked.asker).version}" if asked.asker else "you"


def _what(asked: Asked) -> str:
    return f"{asked.ask} ({asked.role})" if asked.role else asked.ask
