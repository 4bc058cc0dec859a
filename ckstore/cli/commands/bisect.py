"""``ckstore bisect``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, note, open_store, plural, print_json, store_option

_LOCK = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("bisect", context_settings={"ignore_unknown_options": True})
@click.option("--good", required=True, type=_LOCK, metavar="LOCK", help="A lock with which it works.")
@click.option("--bad", required=True, type=_LOCK, metavar="LOCK", help="A later one with which it does not.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- [ACTION] COMPONENT [OPTIONS]]")
@store_option
@json_option
def command(good: Path, bad: Path, words: tuple[str, ...], store_path: str | None, as_json: bool) -> None:
    """Name the first release, of all sources, with which an action no longer works.

    The action is run with the good lock; it does not work where it fails, where an output or a measurement
    is gone, or where a checked output differs. Without an action, the runs that are recorded for the good
    lock are tried. For n releases between the locks it takes about log n runs.

    \b
    ckstore bisect --good old.lock --bad ckstore.lock
    ckstore bisect --good old.lock --bad ckstore.lock -- run program:cbench-automotive-susan --cmd edges
    """
    from ckstore.cli.commands.run import split_words
    from ckstore.cli.render_update import show_blamed
    from ckstore.model.locks import Lock
    from ckstore.operations.bisect import Action, bisect
    from ckstore.operations.project import find_project, read_text

    store = open_store(store_path, create=False)
    first, last = (Lock.parse(read_text(path), str(path)) for path in (good, bad))
    action = None
    if words:
        name, reference, options = split_words(words)
        action = Action(name, reference, tuple(options))
    with Progress() as progress:
        report = bisect(
            store, first, last, action, environment=os.environ, project=find_project(Path.cwd()),
            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report.as_plain())
        return
    show_blamed(report)
    skipped = f", {plural(report.skipped, 'mixture')} could not be locked" if report.skipped else ""
    note(f"{plural(report.steps, 'release')} between the locks, {plural(report.runs, 'run')}{skipped}")
