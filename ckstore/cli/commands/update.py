"""``ckstore update``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, note, open_store, plural, print_json, say, store_option


@click.command("update")
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@click.option("--precise", metavar="VERSION", help="Take the one REFERENCE to this version (or tag).")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--try", "trying", is_flag=True, help="Try recorded runs first; leave out what breaks them.")
@click.option("--project", type=click.Path(path_type=Path), help="The project's folder, instead of this one.")
@store_option
@json_option
def command(
    references: tuple[str, ...], precise: str | None, dry_run: bool, trying: bool, project: Path | None,
    store_path: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Take newer releases into ckstore.lock: of REFERENCEs (and what they need then), or of everything.

    Every change is shown with what it means and who in the lock asks for it; what stays behind its newest
    release, with the reason. With --try, what was run successfully with the present lock is run again with
    the new one; where something does not work any more, the release that broke it is found and left out.

    \b
    ckstore update --dry-run
    ckstore update program:cbench-automotive-susan
    ckstore update program:cbench-automotive-susan --precise 1.2.0
    ckstore update --try
    """
    from ckstore.cli.render_update import show_update
    from ckstore.operations.project import find_project
    from ckstore.operations.trial import Workbench
    from ckstore.operations.update import Wanted, update_project

    store = open_store(store_path)
    folder = project or find_project(Path.cwd()) or Path.cwd()
    with Progress() as progress:
        bench = Workbench(store, os.environ, folder, progress) if trying else None
        report = update_project(
            store, folder, Wanted(references, precise or ""), dry_run=dry_run, bench=bench,
            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report.as_plain())
        return
    show_update(report)
    for text in report.notes:
        note(text)
    count = report.changes.count
    if not count:
        say(f"{report.path.name} stays as it is: {plural(len(report.lock.pins), 'component')} pinned")
    elif report.written:
        say(f"{report.path.name} written: {plural(count, 'pin')} changed")
    else:
        say(f"{plural(count, 'pin')} would change; nothing was written")
