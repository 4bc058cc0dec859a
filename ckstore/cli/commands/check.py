"""``ckstore check``."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ckstore import __version__
from ckstore.cli.common import Progress, json_option, note, open_store, plural, print_json, say, store_option
from ckstore.errors import ActionFailed, CkstoreError

if TYPE_CHECKING:
    from ckstore.objects.store import ObjectStore
    from ckstore.operations.lint.check import CheckReport
    from ckstore.operations.lint.findings import Finding


@click.command("check")
@click.argument("target", metavar="[SOURCE|FOLDER]", required=False, default="")
@click.option("--ignore", multiple=True, metavar="RULE[=NAME]", help="Do not tell this rule, or not of NAME.")
@click.option(
    "--fail-on", type=click.Choice(["error", "warning", "note", "never"]), default="error",
    show_default=True, help="Exit with 1 when something weighs so much.",
)  # fmt: skip
@click.option("--notes", is_flag=True, help="Show notes, too.")
@click.option("--sarif", type=click.Path(path_type=Path), metavar="FILE", help="Write SARIF 2.1.0, too.")
@click.option("--alone", is_flag=True, help="Check a FOLDER by itself, without the store.")
@click.option("--source", default="", metavar="NAME", help="The source in the store that a FOLDER is of.")
@store_option
@json_option
def command(
    target: str, ignore: tuple[str, ...], fail_on: str, notes: bool, sarif: Path | None, alone: bool,
    source: str, store_path: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Check a source, a working folder, or the whole store: a lint for repositories of components.

    \b
    ckstore check ck-math                       one source against all others in the store
    ckstore check .                             a working folder, before it is pushed
    ckstore check . --alone --sarif out.sarif   in a CI job without a store
    ckstore check --ignore rare-tag --ignore "same-uid=ck-mlops:*"

    Told are needs that nothing answers, or several components by one name, metadata that is not read as
    it is written, UIDs and names that several sources have, tags that look like misspellings. Exit code 1
    when there is an error (see --fail-on), 0 otherwise.
    """
    with Progress() as progress:
        report = _check(target, ignore, alone, source, store_path, progress)
    if sarif is not None:
        _write(sarif, report)
    if as_json:
        print_json(report.as_plain())
    elif str(sarif) != "-":
        _show(report, notes)
    failed = fail_on != "never" and report.at_least(fail_on)  # type: ignore[arg-type]  # a click.Choice
    return ActionFailed.exit_code if failed else 0


def _check(
    target: str, ignore: tuple[str, ...], alone: bool, source: str, store_path: str | None, progress: Progress
) -> CheckReport:
    from ckstore.operations.lint.check import check_folder, check_store

    if not _is_folder(target, store_path):
        if alone or source:
            raise click.UsageError("--alone and --source go with a FOLDER.")
        store = open_store(store_path, create=False)
        return check_store(store, target, ignore=ignore, progress=progress)
    beside = None if alone else _store(store_path)
    return check_folder(Path(target), beside, source=source, ignore=ignore, progress=progress)


def _is_folder(target: str, store_path: str | None) -> bool:
    """A folder is meant where there is one, unless the store has a source of just that name."""
    if not target or not Path(target).is_dir():
        return False
    store = None if target.startswith((".", "/")) or target.endswith("/") else _store(store_path)
    return store is None or store.view().source(target) is None


def _store(store_path: str | None) -> ObjectStore | None:
    """The store; None where there is none, as in a fresh CI job."""
    try:
        return open_store(store_path, create=False)
    except CkstoreError as error:
        if error.code != "no-store":
            raise
        return None


def _write(file: Path, report: CheckReport) -> None:
    from ckstore.operations.lint.sarif import as_sarif

    text = json.dumps(as_sarif(report, __version__), indent=2, ensure_ascii=False) + "\n"
    if str(file) == "-":
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")


def _show(report: CheckReport, notes: bool) -> None:
    shown = report.findings if notes else report.at_least("warning")
    for source, found in itertools.groupby(shown, key=lambda finding: finding.source):
        say(source)
        for finding in found:
            for line in _lines(finding):
                say(f"  {line}")
    parts = [plural(sum(f.level == level for f in report.findings), level) for level in ("error", "warning")]
    told = f"checked {plural(report.components, 'component')}: {', '.join(parts)}"
    noted = sum(f.level == "note" for f in report.findings)
    hidden = "" if notes or not noted else " (--notes shows them)"
    say(
        f"{told}, {plural(noted, 'note')}{hidden}" + (f", {report.ignored} ignored" if report.ignored else "")
    )
    if report.alone:
        note("checked without a store: needs that others may answer are only noted")


def _lines(finding: Finding) -> list[str]:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file or "-"
    own = f"{finding.component}: " if finding.component else ""
    first = f"{place}: {finding.level}: {own}{finding.message} [{finding.rule}]"
    return [first, *(f"    hint: {hint}" for hint in finding.hints)]
