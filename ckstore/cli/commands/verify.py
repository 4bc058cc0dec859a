"""``ckstore verify``."""

from __future__ import annotations

from pathlib import Path

import click

from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option
from ckstore.errors import CorruptData


@click.command("verify")
@click.argument("lock", required=False, type=click.Path(path_type=Path), metavar="[LOCK]")
@store_option
@json_option
def command(lock: Path | None, store_path: str | None, as_json: bool) -> int:
    """Check that everything a lock names is in the store, and reads as the lock says, to the byte.

    LOCK is a ckstore.lock, by default that of the project here. Where its snapshot is laid out, that is
    read as well. Nothing is resolved, and no network is needed.
    """
    from ckstore.operations.export_lock import find_lock
    from ckstore.operations.verify_lock import verify_lock

    found = find_lock(lock)
    with Progress() as progress:
        report = verify_lock(open_store(store_path, create=False), found, progress)
    if as_json:
        print_json(report.as_plain())
        return CorruptData.exit_code if report.problems else 0
    for problem in report.problems:
        say(problem.message)
        for hint in problem.hints:
            say(f"  hint: {hint}")
    what = "and their snapshot" if report.snapshot else "(no snapshot is laid out)"
    if report.problems:
        say(f"{len(report.problems)} of {plural(report.pins, 'component')} are not what the lock says")
        return CorruptData.exit_code
    say(f"{plural(report.pins, 'component')} {what}: all as the lock says")
    return 0
