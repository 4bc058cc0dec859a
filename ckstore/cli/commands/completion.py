"""``ckstore completion``."""

from __future__ import annotations

import click

from ckstore.cli.shells import SCRIPTS


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)), metavar="SHELL")
def command(shell: str) -> None:
    """Print the completion script of SHELL: bash, zsh or fish.

    \b
    ckstore completion bash > ~/.local/share/bash-completion/completions/ckstore
    ckstore completion zsh > ~/.zfunc/_ckstore
    ckstore completion fish > ~/.config/fish/completions/ckstore.fish
    """
    click.echo(SCRIPTS[shell], nl=False)
