"""``ckstore push``."""

from __future__ import annotations

import click

from ckstore.cli.commands.pull import show
from ckstore.cli.common import Progress, json_option, open_store, print_json, say, store_option


@click.command("push")
@click.argument("other", metavar="STORE")
@store_option
@json_option
def command(other: str, store_path: str | None, as_json: bool) -> None:
    """Let STORE have everything that this store has: a pull first, then its log moves forward.

    STORE is the folder of another store (an empty folder becomes one) or a git address that you may write
    to, such as a bare repository on any host: the log is its refs/ckstore/log. Nothing is ever forced. What
    the pull brings comes into this store, as by `ckstore pull`.

    \b
    ckstore push /media/backup/store
    ckstore push git@example.org:lab/store.git
    """
    from ckstore.operations.exchange import push

    with Progress() as progress:
        report = push(open_store(store_path, create=False), other, progress=progress)
    if as_json:
        print_json(report.as_plain())
        return
    if report.pulled.how != "unchanged":
        show(report.pulled)
    say(f"{report.store} has it all" if report.moved else f"{report.store} had it all already")
