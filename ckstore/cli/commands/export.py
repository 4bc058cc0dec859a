"""``ckstore export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ckstore.cli.common import Progress, json_option, note, open_store, plural, print_json, say, store_option

if TYPE_CHECKING:
    from ckstore.model.locks import Lock

FORMATS = ("bundle", "json", "cyclonedx", "sources")


@click.command("export")
@click.argument("words", nargs=-1, required=True, metavar="[LOCK] FILE")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="bundle",
    help="What to write: everything, or the lock alone, as JSON, CycloneDX or a script for git.",
)
@store_option
@json_option
def command(words: tuple[str, ...], form: str, store_path: str | None, as_json: bool) -> None:
    """Write a lock with everything that it names as one file, for a machine without network.

    LOCK is a ckstore.lock, by default that of the project here; FILE is written whole or not at all, - is
    standard output. `ckstore import` reads it anywhere, and it is a git bundle: `git clone FILE` works.

    \b
    ckstore export paper.bundle
    ckstore export other/ckstore.lock paper.bundle
    ckstore export --format sources get.sh     git fetches it all: sh get.sh, without ckstore
    ckstore export --format cyclonedx -        a bill of materials, with ckstore[sbom]
    """
    from ckstore.operations.export_lock import export_lock, find_lock

    if len(words) > 2:
        raise click.UsageError("export takes a lock and a file.")
    lock = find_lock(Path(words[0]) if len(words) == 2 else None)
    if form != "bundle":
        _write(form, lock, words[-1], as_json)
        return
    store = open_store(store_path, create=False)
    target = sys.stdout.buffer if words[-1] == "-" else Path(words[-1])
    with Progress() as progress:
        report = export_lock(store, lock, target, progress)
    told = (
        f"{report.file}: {plural(report.releases, 'release')} in {plural(report.objects, 'object')}, "
        f"{report.size} bytes, every digest verified"
    )
    if words[-1] == "-":
        note(told)
    elif as_json:
        print_json(report.as_plain())
    else:
        say(told)
        say(f"take it to another machine: ckstore import {report.file}, or git clone {report.file}")


def _write(form: str, lock: Lock, target: str, as_json: bool) -> None:
    from ckstore.operations.lock_formats import written_lock

    text = written_lock(lock, form)
    if target == "-":
        sys.stdout.buffer.write(text.encode())
        return
    from ckstore.operations.project import write_whole

    write_whole(Path(target), text)
    if as_json:
        print_json({"file": target, "format": form, "lock": lock.digest, "releases": len(lock.pins)})
    else:
        say(f"{target}: {plural(len(lock.pins), 'release')}, as {form}")
