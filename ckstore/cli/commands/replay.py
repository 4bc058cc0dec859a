"""``ckstore replay``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, open_store, print_json, store_option


@click.command("replay")
@click.argument("run")
@click.option("--keep", is_flag=True, help="Keep the workspace and say where it is.")
@store_option
@json_option
def command(run: str, keep: bool, store_path: str | None, as_json: bool) -> int:
    """Run RUN again, from the very same bytes, and say what differs.

    RUN is the beginning of a run's id, or `last`.
    """
    from ckstore.cli.commands.run import finish
    from ckstore.operations.project import find_project
    from ckstore.operations.runs import replay

    store = open_store(store_path, create=False)
    with Progress() as progress:
        report = replay(
            store, run, environment=os.environ, project=find_project(Path.cwd()), keep=keep, progress=progress
        )
    if as_json:
        print_json(report.as_plain())
    return finish(report, as_json)
