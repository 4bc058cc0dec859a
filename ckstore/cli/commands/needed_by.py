"""``ckstore needed-by``."""

from __future__ import annotations

import click

from ckstore.cli.common import Progress, json_option, open_store, print_json, store_option
from ckstore.cli.render_relations import depth_options, show, steps


@click.command("needed-by")
@click.argument("reference")
@depth_options
@store_option
@json_option
def command(
    reference: str, everything: bool, depth: int | None, store_path: str | None, as_json: bool
) -> None:  # fmt: skip
    """Show who needs a component, a release, or anything with some tags.

    \b
    ckstore needed-by soft:NAME               whoever needs this component, in any source
    ckstore needed-by soft:NAME@1.0.0         whose needs this release answers
    ckstore needed-by "soft[compiler]"        who asks for at least these tags
    ckstore needed-by soft:NAME --all         and who needs these, and so on
    """
    from ckstore.operations.relations import needed_by

    far = steps(everything, depth)
    with Progress() as progress:
        report = needed_by(open_store(store_path, create=False), reference, depth=far, progress=progress)
    if as_json:
        print_json(report.as_plain())
    else:
        show(report, tree=far != 1)
