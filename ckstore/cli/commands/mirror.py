"""``ckstore mirror``."""

from __future__ import annotations

import click

from ckstore.cli.app import tell
from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option
from ckstore.errors import CkstoreError
from ckstore.operations.mirror import MirrorReport


@click.command("mirror")
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--name", default="", help="What to call the source, instead of the repository's name.")
@store_option
@json_option
def command(urls: tuple[str, ...], name: str, store_path: str | None, as_json: bool) -> int:
    """Mirror git repositories: every component, with a release for every change in its history.

    URL is https://…, ssh://…, git://…, file://…, github:OWNER/REPOSITORY or a local path. Called again,
    only what is new is fetched; an interrupted mirror continues.
    """
    from ckstore.operations.mirror import mirror

    if name and len(urls) > 1:
        raise click.UsageError("--name goes with a single URL.")
    store = open_store(store_path)
    reports: list[MirrorReport] = []
    failures: list[tuple[str, CkstoreError]] = []
    for url in urls:
        try:
            with Progress() as progress:
                report = mirror(store, url, name=name, progress=progress)
        except CkstoreError as error:
            if len(urls) == 1:
                raise
            failures.append((url, error))  # one failure does not stop the others
            continue
        reports.append(report)
        if not as_json:
            _show(report)
    if as_json:
        print_json(
            [report.as_plain() for report in reports] + [failure.as_plain() for _, failure in failures]
        )
    for url, failure in failures if not as_json else ():
        tell({**failure.as_plain(), "message": f"{url}: {failure.message}"}, as_json=False)
    return failures[0][1].exit_code if failures else 0


def _show(report: MirrorReport) -> None:
    if report.unchanged:
        say(f"{report.source}: nothing new since {report.head[:12]}")
    else:
        say(
            f"{report.source}: {plural(report.total, 'component')} at {report.head[:12]}, "
            f"{plural(report.releases, 'new release')} ({report.new} new, {report.changed} changed, "
            f"{report.withdrawn} withdrawn)"
        )
    for text in report.notes:
        say(f"  note: {text}")
    for problem in report.problems if not report.unchanged else ():
        say(f"  skipped: {problem}")
