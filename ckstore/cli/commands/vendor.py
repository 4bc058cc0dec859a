"""``ckstore vendor``."""

from __future__ import annotations

from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option
from ckstore.cli.locks import lock_option


@click.command("vendor")
@click.argument("path", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--replace", is_flag=True, help="Replace what was vendored there before.")
@lock_option
@store_option
@json_option
def command(path: Path, replace: bool, lock_path: Path | None, store_path: str | None, as_json: bool) -> None:
    """Lay out all that a lock names in FOLDER as plain files, to be kept or committed.

    Beside source/kind/name there are the lock, and SHA256SUMS, which `sha256sum -c` checks. The folder
    appears whole or not at all.
    """
    from ckstore.operations.export_lock import find_lock
    from ckstore.operations.vendor import vendor

    lock = find_lock(lock_path)
    with Progress() as progress:
        report = vendor(open_store(store_path, create=False), lock, path, replace=replace, progress=progress)
    if as_json:
        print_json(report.as_plain())
        return
    files, components = plural(report.files, "file"), plural(report.components, "component")
    say(f"{path}: {files} of {components}, every digest verified")
