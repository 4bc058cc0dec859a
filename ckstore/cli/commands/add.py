"""``ckstore add``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, note, open_store, plural, print_json, say, store_option

_SHOWN = 10


@click.command("add")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--kind", default="", help="The kind, where the metadata does not say it: program, dataset …")
@click.option("--name", default="", help="The name, where the metadata does not say it.")
@click.option("--version", "version", default="", help="The semantic version of this release.")
@click.option("--tags", default="", help="More tags, with commas between them.")
@click.option("--source", default="", help="The source to add to, instead of the folder's own or `local`.")
@store_option
@json_option
def command(
    path: Path,
    kind: str,
    name: str,
    version: str,
    tags: str,
    source: str,
    store_path: str | None,
    as_json: bool,
) -> None:
    """Publish the folder PATH: one component, or a whole repository of them.

    A component is a folder with a component.toml (or the .cm folder of Collective Knowledge). Any other
    folder becomes one with --kind.
    """
    from ckstore.operations.add import add

    store = open_store(store_path)
    with Progress() as progress:
        report = add(
            store, path, kind=kind, name=name, version=version, source=source,
            tags=[tag.strip() for tag in tags.split(",") if tag.strip()],
            command=shlex.join(["ckstore", *sys.argv[1:]]), progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report.as_plain())
        return
    for item in report.added[:_SHOWN]:
        why = item.release.bump + (f": {', '.join(item.release.changes[:4])}" if item.release.changes else "")
        say(f"added     {item.component}@{item.release.version}  ({why})")
    if len(report.added) > _SHOWN:
        say(f"          … and {len(report.added) - _SHOWN} more")
    for name in report.withdrawn:
        say(f"withdrawn {name}")
    for name in report.returned:
        say(f"back      {name}")
    if len(report.unchanged) <= 5:
        for name in report.unchanged:
            say(f"unchanged {name}")
    for problem in report.problems:
        note(f"skipped   {problem}")
    if not (report.added or report.withdrawn or report.returned):
        say(f"nothing to do: {plural(len(report.unchanged), 'component')} unchanged")
    elif len(report.added) + len(report.unchanged) > 1:
        say(f"{plural(len(report.added), 'release')} added, {len(report.unchanged)} unchanged")
