"""``ckstore unyank``."""

from __future__ import annotations

import shlex

import click

from ckstore.cli.commands.yank import show
from ckstore.cli.common import json_option, open_store, store_option


@click.command("unyank")
@click.argument("reference", metavar="COMPONENT@VERSION")
@store_option
@json_option
def command(reference: str, store_path: str | None, as_json: bool) -> None:
    """Let a yanked release be chosen again.

    VERSION is one version, or a range for several, as for `ckstore yank`.
    """
    from ckstore.operations.yank import unyank

    said = shlex.join(["ckstore", "unyank", reference])
    show(unyank(open_store(store_path, create=False), reference, command=said), "no longer yanked", as_json)
