"""``ckstore log``."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from ckstore.cli.common import json_option, open_store, print_json, store_option, table


@click.command("log")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="How many operations; 0: all.",
)
@store_option
@json_option
def command(limit: int, store_path: str | None, as_json: bool) -> None:
    """List what was published, newest first."""
    from ckstore.operations.log import log

    entries = log(open_store(store_path, create=False), limit)
    if as_json:
        print_json([entry.as_plain() for entry in entries])
        return
    table(
        (
            entry.id[:12],
            datetime.fromtimestamp(entry.time, UTC).strftime("%Y-%m-%d %H:%M"),
            entry.who,
            entry.verb,
            entry.summary,
        )
        for entry in entries
    )
