"""``ckstore import``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option


@click.command("import")
@click.argument("file", metavar="FILE")
@click.option("--lock", "lock_path", metavar="PATH", help="Write the lock that FILE holds to PATH.")
@store_option
@json_option
def command(file: str, lock_path: str | None, store_path: str | None, as_json: bool) -> None:
    """Take what `ckstore export` wrote into the store: all of it, or nothing. Needs no network.

    Every object, record and digest is checked first. FILE - is standard input. With --lock
    ckstore.lock the folder here becomes a project: `ckstore run program:NAME` uses that lock.
    """
    from ckstore.operations.import_bundle import import_bundle, write_lock

    with Progress() as progress:
        what = sys.stdin.buffer if file == "-" else Path(file)
        report = import_bundle(open_store(store_path), what, progress=progress)
    if lock_path is not None:
        write_lock(Path(lock_path), report.lock)
    if as_json:
        print_json(report.as_plain())
        return
    new = ", ".join(f"{count} of {source}" for source, count in report.new.items())
    say(f"{report.file}: {plural(report.releases, 'release')}, new here: {new or 'none'}")
    if lock_path is not None:
        say(f"its lock is {lock_path}")
    else:
        say(f"its lock is had with: ckstore import {file} --lock ckstore.lock")
