"""Showing runs: what a person wants to see of an execution."""

from __future__ import annotations

import statistics

import click

from ckstore.cli.common import table
from ckstore.model.plain import as_list, as_map, as_text
from ckstore.model.records import Run
from ckstore.operations.run import RunReport


def show_report(report: RunReport) -> None:
    """A short result on stdout."""
    run = report.run
    for line in as_list(run.details.get("printed")):
        click.echo(as_text(line))
    click.echo(f"{run.component}: {run.action} {_status(run)}")
    table(_facts(run), indent="  ")
    if report.comparisons:
        click.echo(f"  {_outputs(report)}")
    for name, (before, now) in report.drift.items():
        click.echo(f"  drift: {name} was {before or 'absent'}, is {now or 'absent'}")
    if report.kept:
        click.echo(f"  workspace kept: {report.kept}")
    click.echo(f"  run {report.id}")


def _status(run: Run) -> str:
    return {"ok": "ok", "mismatch": "gave other outputs than before"}.get(run.status, run.status)


def _facts(run: Run) -> list[tuple[str, str]]:
    """(what, value) rows: choices that were made, then measurements."""
    facts = [
        (name, as_text(run.details[name]))
        for name in ("command", "dataset", "dataset_file", "compiler", "flags", "repetitions")
        if as_text(run.details.get(name))
    ]
    return facts + [(name, summarize(value)) for name, value in run.measurements.items()]


def summarize(value: object) -> str:
    """One measurement: the number, or median, least and greatest of several."""
    texts = [as_text(item) for item in as_list(value)] or [as_text(value)]
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return ", ".join(texts)
    if len(numbers) == 1:
        return texts[0]
    return (
        f"{statistics.median(numbers):.6g} (median of {len(numbers)}; "
        f"{min(numbers):.6g} to {max(numbers):.6g})"
    )


def _outputs(report: RunReport) -> str:
    results = {comparison.result for comparison in report.comparisons}
    names = ", ".join(c.name for c in report.comparisons if c.result == "differs")
    if "differs" in results:
        return f"outputs differ from run {report.compared_with}: {names}"
    if results == {"first"}:
        return f"outputs recorded as reference: {', '.join(c.name for c in report.comparisons)}"
    return f"outputs equal those of run {report.compared_with}"


def time_of(run: Run) -> str:
    """The execution time for a list, or a dash."""
    measured = as_map(run.measurements)
    return summarize(measured["execution_time"]).split(" ")[0] if "execution_time" in measured else "-"
