"""``ckstore add``: the full door; the quick one (``ckstore.cli.quick_add``) answers when nothing changed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from ckstore.cli.common import Progress, declare, note, open_store, print_json, say
from ckstore.cli.options import ADD_OPTIONS, split_tags
from ckstore.cli.render_add import render, skipped


def add(
    path: Path,
    kind: str,
    name: str,
    version: str,
    tags: str,
    source: str,
    rehash: bool,
    store: str,
    json: bool,
) -> None:
    """Publish the folder PATH: one component, or a whole repository of them.

    A component is a folder with a component.toml (or the .cm folder of Collective Knowledge). Any other
    folder becomes one with --kind.
    """
    from ckstore.operations.add import add as publish

    opened = open_store(store)
    with Progress() as progress:
        report = publish(
            opened, path, kind=kind, name=name, version=version, source=source, tags=split_tags(tags),
            command=shlex.join(["ckstore", *sys.argv[1:]]), rehash=rehash, progress=progress,
        )  # fmt: skip
    if json:
        print_json(report.as_plain())
        return
    added = [
        (item.component, item.release.version, item.release.bump, item.release.changes)
        for item in report.added
    ]
    for line in render(added, report.unchanged, report.withdrawn, report.returned):
        say(line)
    for line in skipped(report.problems):
        note(line)


command = click.Command(
    "add",
    callback=add,
    help=add.__doc__,
    params=[click.Argument(["path"], type=click.Path(path_type=Path)), *map(declare, ADD_OPTIONS)],
)
