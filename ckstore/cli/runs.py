"""Showing runs: what a person wants to see of an execution."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from ckstore.cli.common import say, table
from ckstore.model.plain import as_list, as_map, as_text, as_texts
from ckstore.model.records import Run
from ckstore.operations.run import RunReport

_STATUS = {"mismatch": "gave other outputs than before", "timeout": "timed out"}


def show_report(report: RunReport) -> None:
    """A short result on stdout; `ckstore show RUN` and ``--json`` tell everything."""
    run = report.run
    say(f"{run.component}: {run.action} {_STATUS.get(run.status, run.status)}")
    told = run.action not in ("run", "compile")  # an action that answers a question says the answer
    rows = [("", report.message)] if told else []
    rows += [("command", command_of(run)), *tools_of(run), *_measured(run.measurements)]
    rows += [("outputs", _outputs(report)), ("run", report.id), ("workspace", report.kept)]
    rows += [
        ("drift", f"{name} was {before or 'absent'}, is {now or 'absent'}")
        for name, (before, now) in report.drift.items()
    ]
    table([(what, value) for what, value in rows if value], indent="  ")


def command_of(run: Run) -> str:
    """``edges on image-pgm-0001/data.pgm``, as far as there is a command and a dataset."""
    dataset = as_text(run.details.get("dataset")).rpartition(":")[2]
    parts = [part for part in (dataset, as_text(run.details.get("dataset_file"))) if part]
    command = as_text(run.details.get("command"))
    return f"{command} on {'/'.join(parts)}" if command and parts else command


def tools_of(run: Run) -> list[tuple[str, str]]:
    """(role, path and version) of the software that was found for a run."""
    found = {role: as_map(tool) for role, tool in as_map(run.details.get("tools")).items()}
    return [
        (role, f"{as_text(tool.get('path'))} {as_text(tool.get('version'))}") for role, tool in found.items()
    ]


def _measured(measurements: Mapping[str, object]) -> list[tuple[str, str]]:
    """Time and memory; of an action that measures something else, all of it."""
    known = {"execution_time": "time", "compile_time": "time", "max_rss_bytes": "memory"}
    if set(as_texts(measurements.get("execution_time"))) <= {"0", "0.0", "0.000000"}:
        known["wall_time"] = known.pop("execution_time")  # the program's own clock is too coarse
    short = [(known[name], summarize(name, value)) for name, value in measurements.items() if name in known]
    return short or measurement_rows(measurements)


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
    return f"{middle}  (median of {len(numbers)}; {least} to {greatest})"


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
    if not results:
        return ""
    if "differs" in results:
        names = ", ".join(c.name for c in report.comparisons if c.result == "differs")
        return f"differ from those of run {report.compared_with}: {names}"
    if results == {"first"}:
        return f"recorded as the reference: {', '.join(c.name for c in report.comparisons)}"
    return f"equal to those of run {report.compared_with}"


def time_of(run: Run) -> str:
    """The execution time for a list, or a dash."""
    measured = as_map(run.measurements)
    name = next((n for n in ("execution_time", "compile_time") if n in measured), "")
    return summarize(name, measured[name]).partition("  ")[0] if name else "-"
