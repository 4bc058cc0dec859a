"""``ckstore runs``."""

from __future__ import annotations

import click

from ckstore.cli.common import json_option, note, open_store, print_json, store_option, table


@click.command("runs")
@click.option(
    "-n", "--limit", type=click.IntRange(0), default=20, show_default=True, help="How many runs; 0: all."
)
@store_option
@json_option
def command(limit: int, store_path: str | None, as_json: bool) -> None:
    """List what was run, newest first; `ckstore show RUN` tells more."""
    from ckstore.cli.runs import command_of, time_of
    from ckstore.operations.runs import runs, unreadable_runs

    store = open_store(store_path, create=False)
    entries = runs(store, limit)
    for text in unreadable_runs(store):
        note(f"{text} (`ckstore fsck` tells more)")
    if as_json:
        print_json([entry.as_plain() for entry in entries])
        return
    table(
        (e.id, e.run.started, e.run.status, e.run.action, time_of(e.run), e.run.component, command_of(e.run))
        for e in entries
    )
