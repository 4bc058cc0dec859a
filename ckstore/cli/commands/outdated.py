"""``ckstore outdated``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ckstore.cli.common import json_option, note, open_store, plural, print_json, say, store_option
from ckstore.cli.locks import lock_option

if TYPE_CHECKING:
    from ckstore.operations.outdated import Outdated

_MEMBERS, _HELD = 6, 3


@click.command("outdated")
@lock_option
@store_option
@json_option
def command(lock_path: Path | None, store_path: str | None, as_json: bool) -> None:
    """List the pins of a lock that have newer releases in the store.

    For each, how far the requirements let it go, what is newest, what that changes for others, and which
    requirements hold it. `ckstore mirror --update` asks upstream first. Exit code 0 whatever there is.
    """
    from ckstore.operations.export_lock import find_lock
    from ckstore.operations.outdated import outdated

    report = outdated(open_store(store_path, create=False), find_lock(lock_path))
    if as_json:
        print_json(report.as_plain())
        return
    for one in report.outdated:
        _show(one)
    if report.unknown:
        note(f"not in this store, so nothing is known: {', '.join(report.unknown)}")
    newer = plural(len(report.outdated), "has a newer release", "have newer releases")
    say(f"{newer}, of {plural(report.pins, 'component')}" if report.outdated else _current(report.pins))


def _current(pins: int) -> str:
    return f"nothing newer for {plural(pins, 'component')} in the store"


def _show(one: Outdated) -> None:
    wanted = f" → {one.wanted}" if one.wanted != one.pinned else ""
    newest = f"; {one.newest} is newest" if one.newest != one.wanted else ""
    changes = _changes(one)
    say(f"{one.component}  {one.pinned}{wanted}{newest}  ({one.step}{': ' if changes else ''}{changes})")
    for line in one.held[:_HELD]:
        say(f"  {line}")
    if len(one.held) > _HELD:
        say(f"  … and {len(one.held) - _HELD} more")


def _changes(one: Outdated) -> str:
    members = [*(f"-{m}" for m in one.removed), *(f"+{m}" for m in one.added)]
    more = f" and {len(members) - _MEMBERS} more" if len(members) > _MEMBERS else ""
    return " ".join(members[:_MEMBERS]) + more
