"""``ckstore serve``."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from ckstore.cli.common import json_option, note, open_store, print_json, say, store_option

_PORT = 8417


@click.command("serve")
@click.option("--git", "as_git", is_flag=True, help="As a git remote, too.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."
)
@click.option("--writable", is_flag=True, help="Take pushes of other stores, too.")
@click.option("--verbose", "-v", is_flag=True, help="Tell every request.")
@store_option
@json_option
def command(
    as_git: bool, host: str, port: int, writable: bool, verbose: bool, store_path: str | None, as_json: bool
) -> None:
    """Serve the store until Ctrl-C: queries at /find?q=…, answered as by `ckstore find --json`.

    With --git, `git clone`, `git fetch` and `ckstore pull` take from it as well.

    Only this machine can reach it, unless --host says otherwise. Whoever can reach it can read it all and,
    with --writable, add to it, yank releases and take them back; no release gets other files, no run goes.
    """
    from ckstore.web.git_server import git_server

    if writable and not as_git:
        raise click.UsageError("--writable is for git remotes: say --git, too.")
    store = open_store(store_path, create=writable)
    store.view()  # else a lost log would be served as an empty one
    told: Callable[[str], None] = note if verbose else _quiet
    with git_server(store, host, port, as_git=as_git, writable=writable, told=told) as server:
        try:
            _announce(server.url if as_git else "", server.find_url, str(store.path), writable, as_json)
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            note("stopped")


def _announce(url: str, find: str, store: str, writable: bool, as_json: bool) -> None:
    """``url`` is the address to clone, empty when there is none."""
    if as_json:
        print_json({"url": url or find, "find": find, "store": store, "writable": writable})
    else:
        if url:
            say(
                f"serving {store} at {url} ({'others may push' if writable else 'read-only'}); Ctrl-C ends it"
            )
        say(f"answering queries on {store} at {find}?q=…" + ("" if url else "; Ctrl-C ends it"))
    sys.stdout.flush()


def _quiet(_: str) -> None:
    pass
