"""``ckstore merge-lock``."""

from __future__ import annotations

from pathlib import Path

import click

from ckstore.cli.common import json_option, note, print_json, store_option
from ckstore.cli.locks import store_if_any

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("merge-lock")
@click.argument("base", type=_FILE)
@click.argument("ours", type=_FILE)
@click.argument("theirs", type=_FILE)
@click.argument("path", required=False, type=click.Path(path_type=Path), metavar="[PATH]")
@store_option
@json_option
def command(
    base: Path, ours: Path, theirs: Path, path: Path | None, store_path: str | None, as_json: bool
) -> int:  # fmt: skip
    """Merge two locks that come from BASE; the outcome takes the place of OURS.

    git calls this while it merges, once `ckstore lock --install-merge-driver` told it to. Exit code 1:
    something is left to settle, which `ckstore lock` does after the merge. PATH is what the lock is called in
    the project: its store is asked for what both sides together do not say.
    """
    from ckstore.operations.lock_merge import merge_files

    report = merge_files(base, ours, theirs, store_if_any(store_path, path.parent if path else None))
    if as_json:
        print_json(report.as_plain())
    for line in report.decided:
        note(f"both sides changed {line}")
    for line in report.left:
        note(line)
    if report.left:
        note("these do not go together: run `ckstore lock`, then `git add ckstore.lock`")
    return 1 if report.left else 0
