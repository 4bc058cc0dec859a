"""``ckstore pull``."""

from __future__ import annotations

import click

from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option
from ckstore.operations.exchange import PullReport


@click.command("pull")
@click.argument("other", metavar="STORE")
@store_option
@json_option
def command(other: str, store_path: str | None, as_json: bool) -> None:
    """Take over what STORE published and this store lacks; no release that is here is changed.

    What was yanked or taken back there is so here, too; runs are never taken away, and which folder of this
    machine a source is stays as it is.

    STORE is the folder of another store, or a git address: a served store, a repository that was pushed to.
    Everything is checked before anything is published; contradictions are named, and nothing is taken then.

    \b
    ckstore pull /media/backup/store
    ckstore pull http://127.0.0.1:8417/store
    """
    from ckstore.operations.exchange import pull

    with Progress() as progress:
        report = pull(open_store(store_path), other, progress=progress)
    if as_json:
        print_json(report.as_plain())
    else:
        show(report)


def show(report: PullReport) -> None:
    """What a pull did, in a few lines."""
    if report.how == "unchanged":
        say(f"nothing new from {report.store}")
    else:
        new = [f"{plural(count, 'release')} of {source}" for source, count in report.releases.items()]
        new += [plural(report.runs, "run")] if report.runs else []
        way = "the log here is theirs now" if report.how == "followed" else "joined in one operation"
        say(f"from {report.store}: {', '.join(new) or 'no releases'}; {way}")
    for note in report.notes:
        say(f"  note: {note}")
