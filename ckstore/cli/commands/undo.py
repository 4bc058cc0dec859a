"""``ckstore undo``."""

from __future__ import annotations

import shlex

import click

from ckstore.cli.common import json_option, note, open_store, print_json, say, store_option

_SHOWN = 20
_ID_SHOWN = 12


@click.command("undo")
@click.argument("operation", default="")
@click.option("--dry-run", is_flag=True, help="Only say what would be taken back.")
@store_option
@json_option
def command(operation: str, dry_run: bool, store_path: str | None, as_json: bool) -> None:
    """Take back what OPERATION published (the beginning of its id in `ckstore log`; default: the newest).

    A new operation does it, nothing is lost: undoing the undo brings everything back.
    """
    from ckstore.operations.undo import undo

    said = shlex.join(["ckstore", "undo", *([operation] if operation else [])])
    report = undo(open_store(store_path, create=False), operation, dry_run=dry_run, command=said)
    if as_json:
        print_json(report.as_plain())
        return
    verb = "would be taken back" if dry_run else "taken back"
    say(f"{report.undone[:_ID_SHOWN]} {verb}: {report.verb}: {report.summary}")
    for mark, names in (("-", report.removed), ("+", report.restored)):
        for name in names[:_SHOWN]:
            say(f"  {mark} {name}")
        if len(names) > _SHOWN:
            say(f"  {mark} … and {len(names) - _SHOWN} more (--json lists them all)")
    for text in report.notes:
        note(text)
