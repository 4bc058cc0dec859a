"""``ckstore yank``."""

from __future__ import annotations

import shlex

import click

from ckstore.cli.common import json_option, open_store, print_json, say, store_option
from ckstore.operations.yank import YankReport


@click.command("yank")
@click.argument("reference", metavar="COMPONENT@VERSION")
@click.option("--reason", default="", help="Why; shown to everybody who has it locked.")
@store_option
@json_option
def command(reference: str, reason: str, store_path: str | None, as_json: bool) -> None:
    """Keep a release for the locks that have it, and choose it for no new one.

    VERSION is one version, or a range for several: "program:x@>=1.2.0,<1.3.0". `ckstore unyank` takes
    it back.

    \b
    ckstore yank program:cbench-automotive-susan@1.2.0 --reason "corrupts its output"
    """
    from ckstore.operations.yank import yank

    said = shlex.join(["ckstore", "yank", reference, *(["--reason", reason] if reason else [])])
    report = yank(open_store(store_path, create=False), reference, reason, command=said)
    show(report, "yanked", as_json)


def show(report: YankReport, done: str, as_json: bool) -> None:
    """One line for each version."""
    if as_json:
        print_json(report.as_plain())
        return
    why = f": {report.reason}" if report.reason else ""
    for version in report.versions:
        say(f"{report.component}@{version} {done}{why}")
    for version in report.unchanged:
        say(f"{report.component}@{version} was {done} already" if done == "yanked" else
            f"{report.component}@{version} was not yanked")  # fmt: skip
