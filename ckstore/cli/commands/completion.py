"""``ckstore completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ckstore.cli import app as door


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
def command(shell: str) -> None:
    """Print the completion script of SHELL: bash, zsh or fish.

    \b
    ckstore completion bash > ~/.local/share/bash-completion/completions/ckstore
    """
    kind = get_completion_class(shell)
    assert kind is not None, "the choices above are the shells that click knows"
    click.echo(kind(door.app, {}, "ckstore", "_CKSTORE_COMPLETE").source())
