"""``ckstore show``."""

from __future__ import annotations

from json import dumps
from pathlib import Path

import click

from ckstore.cli.common import declare, note, open_store, plural, print_json, say, table
from ckstore.cli.options import SHOW_OPTIONS
from ckstore.cli.output import emit
from ckstore.cli.render_show import render
from ckstore.errors import NotFound
from ckstore.model.plain import as_list, as_map, as_text
from ckstore.objects.store import ObjectStore
from ckstore.operations.runs import RunEntry, find_run


def show_command(reference: str, metadata: bool, outputs: str, store: str, json: bool) -> None:
    """Show a component (program:NAME, a UID), or a run (the beginning of its id, `last`).

    Of a component: its versions and why each has its number, where it comes from, what it needs and how
    to run it. Of a run: what was done, on what, with which result.
    """
    opened = open_store(store, create=False)
    entry = _as_run(opened, reference)
    if entry is not None:
        _show_run(opened, entry, Path(outputs) if outputs else None, json)
        return
    from ckstore.operations.show import show

    view = show(opened, reference)
    if json:
        print_json(view.as_plain())
        return
    emit(render(view, [(need.role, need.told) for need in view.needs], len(view.versions)))
    if metadata:
        say(dumps(view.metadata, indent=2, ensure_ascii=False, default=str))


command = click.Command(
    "show",
    callback=show_command,
    help=show_command.__doc__,
    params=[click.Argument(["reference"]), *map(declare, SHOW_OPTIONS)],
)


def _as_run(store: ObjectStore, reference: str) -> RunEntry | None:
    if ":" in reference:
        return None
    try:
        return find_run(store, reference)
    except NotFound:
        return None


def _show_lines(title: str, lines: object) -> None:
    if as_list(lines):
        say(f"  {title}")
        for line in as_list(lines):
            say(f"    {as_text(line)}")


def _show_run(store: ObjectStore, entry: RunEntry, outputs: Path | None, as_json: bool) -> None:
    from ckstore.cli.runs import measurement_rows, tools_of
    from ckstore.operations.outputs import flatten, write_outputs

    if outputs is not None:
        written = write_outputs(store, entry.run.outputs, outputs)
        note(f"wrote {plural(len(written), 'file')} to {outputs}")
    if as_json:
        print_json(entry.as_plain())
        return
    run = entry.run
    say(f"run {entry.id}: {run.action} {run.component}: {run.status}")
    rows = [
        ("started", run.started),
        ("options", " ".join(as_text(word) for word in as_list(run.inputs.get("words")))),
        ("replay of", run.replay_of),
        ("lock", run.lock),
        ("message", as_text(run.details.get("message"))),
    ]
    rows += tools_of(run)
    table([(what, value) for what, value in rows if value], indent="  ")
    for title, values in (("host", run.host), ("environment", run.environment)):
        if values:
            say(f"  {title}")
            table(sorted(values.items()), indent="    ")
    if run.measurements:
        say("  measured")
        table(measurement_rows(run.measurements), indent="    ")
    chosen = {name: as_text(value) for name, value in as_map(run.details).items() if as_text(value)}
    chosen.pop("message", None)
    if chosen:
        say("  details")
        table(sorted(chosen.items()), indent="    ")
    _show_lines("built with", run.details.get("compile_commands"))
    _show_lines("the compiler said", run.details.get("compiler_output"))
    _show_lines("last lines", run.details.get("last_lines"))
    files = flatten(store.read_tree, run.outputs)
    if files:
        say(f"  files: {', '.join(sorted(files))}  (--outputs FOLDER writes them)")
