"""``ckstore sources``."""

from __future__ import annotations

import click

from ckstore.cli.common import (
    json_option,
    once,
    open_store,
    plural,
    print_json,
    say,
    some,
    store_option,
    table,
)

_PROBLEMS_SHOWN = 10


@click.command("sources")
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@store_option
@json_option
def command(names: tuple[str, ...], store_path: str | None, as_json: bool) -> None:
    """List the sources in the store, or those named, with the problems of each."""
    from ckstore.operations.sources import sources

    entries = sources(open_store(store_path, create=False), names)
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
        problems = [f"problem in {entry.source.name}: {text}" for text in once(entry.source.problems)]
        most = len(problems) if names else _PROBLEMS_SHOWN
        for line in some(problems, most, f"ckstore sources {entry.source.name}"):
            say(f"  {line}")
        for text in entry.yanked:
            say(f"  yanked in {entry.source.name}: {text}")
