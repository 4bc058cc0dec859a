"""``ckstore sources``."""

from __future__ import annotations

import click

from ckstore.cli.common import json_option, open_store, plural, print_json, say, store_option, table


@click.command("sources")
@store_option
@json_option
def command(store_path: str | None, as_json: bool) -> None:
    """List the sources in the store, with the problems of each."""
    from ckstore.operations.sources import sources

    entries = sources(open_store(store_path, create=False))
    if as_json:
        print_json([entry.as_plain() for entry in entries])
        return
    table(
        (
            entry.source.name,
            plural(entry.components, "component"),
            entry.source.head[:12] or "-",
            entry.source.url,
        )
        for entry in entries
    )
    for entry in entries:
        for problem in entry.source.problems:
            say(f"  problem in {entry.source.name}: {problem}")
        for text in entry.yanked:
            say(f"  yanked in {entry.source.name}: {text}")
