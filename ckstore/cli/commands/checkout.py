"""``ckstore checkout``."""

from __future__ import annotations

from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option
from ckstore.cli.locks import lock_option


@click.command("checkout")
@click.argument("path", type=click.Path(path_type=Path), metavar="FOLDER")
@lock_option
@store_option
@json_option
def command(path: Path, lock_path: Path | None, store_path: str | None, as_json: bool) -> None:
    """Lay out all that a lock names as source/kind/name in FOLDER, writable, to read and to work on.

    What runs is what the lock names, not what is changed there: `ckstore add FOLDER/SOURCE/KIND/NAME` makes a
    release of a changed component.
    """
    from ckstore.operations.export_lock import find_lock
    from ckstore.operations.vendor import checkout

    lock = find_lock(lock_path)
    with Progress() as progress:
        report = checkout(open_store(store_path, create=False), lock, path, progress=progress)
    if as_json:
        print_json(report.as_plain())
        return
    say(f"{path}: {plural(report.files, 'file')} of {plural(report.components, 'component')}")
