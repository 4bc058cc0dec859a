"""Showing runs: what a person wants to see of an execution."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

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
    return facts + measurement_rows(run.measurements)


def measurement_rows(measurements: Mapping[str, object]) -> list[tuple[str, str]]:
    """(name, value with its unit) of measurements; of several values the median, least and greatest."""
    return [(name, summarize(name, value)) for name, value in measurements.items()]


def summarize(name: str, value: object) -> str:
    """One measurement for a person."""
    texts = [as_text(item) for item in as_list(value)] or [as_text(value)]
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return ", ".join(texts)
    middle = with_unit(name, statistics.median(numbers))
    if len(numbers) == 1:
        return middle
    least, greatest = with_unit(name, min(numbers)), with_unit(name, max(numbers))
    return f"{middle}  (median of {len(numbers)}: {least} to {greatest})"


def with_unit(name: str, number: float) -> str:
    """Seconds and bytes (told by the name of the measurement) in a readable size."""
    if "time" in name:
        scale, unit = (1, "s") if number >= 1 else (1e3, "ms") if number >= 1e-3 else (1e6, "µs")
        return f"{number * scale:.4g} {unit}"
    if name.endswith(("bytes", "size")):
        scale, unit = (2**20, "MiB") if number >= 2**20 else (2**10, "KiB") if number >= 2**10 else (1, "B")
        return f"{number / scale:.4g} {unit}"
    return f"{number:.6g}"


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
    name = next((n for n in ("execution_time", "compile_time") if n in measured), "")
    return summarize(name, measured[name]).partition("  ")[0] if name else "-"
