"""``ckstore needs``."""

from __future__ import annotations

import click

from ckstore.cli.common import Progress, json_option, open_store, print_json, store_option
from ckstore.cli.render_relations import depth_options, show, steps


@click.command("needs")
@click.argument("reference")
@depth_options
@store_option
@json_option
def command(
    reference: str, everything: bool, depth: int | None, store_path: str | None, as_json: bool
) -> None:  # fmt: skip
    """Show what a component needs, and what answers each need.

    REFERENCE is program:NAME, a UID or program:NAME@VERSION. Needs are met by name or by tags, across all
    sources; a lock chooses among what qualifies.

    \b
    ckstore needs program:NAME
    ckstore needs program:NAME --all          what these need, and so on, as a tree
    ckstore needs program:NAME@1.0.0 --json
    """
    from ckstore.operations.relations import needs

    far = steps(everything, depth)
    with Progress() as progress:
        report = needs(open_store(store_path, create=False), reference, depth=far, progress=progress)
    if as_json:
        print_json(report.as_plain())
    else:
        show(report, tree=far != 1)
