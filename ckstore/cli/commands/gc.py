"""``ckstore gc``."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby

import click

from ckstore.cli.common import (
    Progress,
    json_option,
    note,
    open_store,
    plural,
    print_json,
    say,
    store_option,
    table,
)
from ckstore.operations.gc import GRACE_DAYS, GcReport

_NAMES = {
    "objects": "unreached objects", "tree": "laid-out trees", "snapshot": "snapshots",
    "damaged": "damaged objects set aside", "quarantine": "abandoned mirrors",
    "workspace": "kept workspaces", "index": "old indexes",
}  # fmt: skip


@click.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed, and how much that is.")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=GRACE_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Leave alone what was needed or used within this time.",
)
@click.option("--verbose", "-v", is_flag=True, help="Name every item.")
@store_option
@json_option
def command(dry_run: bool, grace: float, verbose: bool, store_path: str | None, as_json: bool) -> None:
    """Remove what nothing published, locked or recorded needs any more.

    Objects that nothing reaches are noted first, and go when a later collection finds them unreached for the
    whole time of grace. Everything that was ever published stays; what is derived is made anew when needed.
    """
    from ckstore.operations.gc import gc

    with Progress() as progress:
        report = gc(open_store(store_path, create=False), dry_run=dry_run, grace=grace, progress=progress)
    if as_json:
        print_json(report.as_plain())
        return
    _show(report, verbose)


def _show(report: GcReport, verbose: bool) -> None:
    for what, items in groupby(sorted(report.removed, key=lambda g: g.what), key=lambda g: g.what):
        listed = list(items)
        count = sum(item.count for item in listed) if what == "objects" else len(listed)
        say(f"{_NAMES[what]}: {count}, {bytes_in_words(sum(item.size for item in listed))}")
        if verbose:
            table([(item.name, bytes_in_words(item.size)) for item in listed], indent="  ")
    say(f"{bytes_in_words(report.size)} {'would be' if report.dry_run else 'were'} freed")
    if report.waiting:
        day = datetime.fromtimestamp(report.until, UTC).strftime("%Y-%m-%d %H:%M")
        note(
            f"{plural(report.waiting, 'more object')} ({bytes_in_words(report.waiting_size)}) "
            f"{'is' if report.waiting == 1 else 'are'} unreached: a collection from {day} UTC removes them"
        )
    for text in report.notes:
        note(text)


def bytes_in_words(size: int) -> str:
    """``12.3 MiB``."""
    number, unit = float(size), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{size} bytes" if unit == "bytes" else f"{number:.1f} {unit}"
