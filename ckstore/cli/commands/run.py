"""``ckstore run``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from ckstore.actions.signature import Parameter
from ckstore.cli.common import Progress, json_option, note, open_store, print_json, store_option
from ckstore.errors import InvalidInput
from ckstore.model.locks import Lock
from ckstore.objects.store import ObjectStore
from ckstore.operations.run import RunReport

_REST = "ckstore.after_the_dashes"


class RunCommand(click.Command):
    """A command whose help also tells the options of the actions that ship with ckstore."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what comes after ``--`` for the program: click would take the mark away."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_REST] = args[end:]
        return super().parse_args(ctx, args[:end])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of `run` for programs, read from the shipped module."""
        from ckstore.operations.kinds import shipped_actions

        for name, spec in shipped_actions("program").items():
            with formatter.section(f"Options of the action {name!r} of programs"):
                formatter.write_dl([(_flag(p), p.help or " ") for p in spec.parameters])


def _flag(parameter: Parameter) -> str:
    """How an option is written: ``--repeat INTEGER``, ``--env.KEY VALUE``, ``--speed``."""
    forms = {"flag": parameter.flag, "map": f"{parameter.flag}.KEY VALUE"}
    return forms.get(parameter.type, f"{parameter.flag} {parameter.type.upper()}")


@click.command(
    "run",
    cls=RunCommand,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
    options_metavar="[OPTIONS]",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ACTION] COMPONENT [ACTION OPTIONS]")
@click.option("--keep", is_flag=True, help="Keep the workspace and say where it is.")
@click.option(
    "--relock", is_flag=True, help="Outside of a project: lock anew instead of using the kept lock."
)
@store_option
@json_option
def command(words: tuple[str, ...], keep: bool, relock: bool, store_path: str | None, as_json: bool) -> int:
    """Run an action (default: run) of COMPONENT against the snapshot that its lock names.

    In a project, its ckstore.lock is used. Elsewhere the component is locked first, and the lock kept.

    \b
    ckstore run program:cbench-automotive-susan --cmd edges --repeat 3
    ckstore run compile program:cbench-automotive-susan --flags=-O3
    ckstore compile program:cbench-automotive-susan
    """
    from ckstore.operations.run import run

    action, reference, options = split_words(words)
    options += click.get_current_context().meta[_REST]
    store = open_store(store_path)
    with Progress() as progress:
        lock, project, notes = choose_lock(store, reference, relock)
        for text in notes:
            note(text)
        report = run(
            store, lock, reference, action=action, words=options, environment=os.environ, project=project,
            keep=keep, notes=notes, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(report.as_plain())
    return finish(report, as_json)


def split_words(words: Sequence[str]) -> tuple[str, str, list[str]]:
    """(action, component, options) of ``[ACTION] COMPONENT OPTIONS…``."""
    named = next((n for n, word in enumerate(words) if ":" in word and not word.startswith("-")), None)
    if named is None:
        named = 0 if words and not words[0].startswith("-") else None
    if named is None:
        raise InvalidInput(
            "No component was named.",
            code="no-component",
            hints=["write `ckstore run program:NAME`", "`ckstore find program` lists programs"],
        )
    before = list(words[:named])
    action = before.pop(0) if before and not before[0].startswith("-") else "run"
    return action, words[named], [*before, *words[named + 1 :]]


def choose_lock(store: ObjectStore, reference: str, relock: bool) -> tuple[Lock, Path | None, list[str]]:
    """(lock, project, notes): the project's lock, else a kept one, else a new one that is kept."""
    from ckstore.operations.keep import kept_lock
    from ckstore.operations.project import find_project, read_lock
    from ckstore.operations.yank import yank_notes

    project = find_project(Path.cwd())
    if project is not None:
        lock = read_lock(project)
        if lock is None:
            raise InvalidInput(
                f"{project} has a ckstore.toml but no ckstore.lock.",
                code="not-locked",
                hints=["`ckstore lock` writes it"],
            )
        return lock, project, yank_notes(store.view(), lock.pins)
    kept = kept_lock(store, reference, relock=relock)
    return kept.lock, None, list(kept.notes)


def finish(report: RunReport, as_json: bool) -> int:
    """Show the report; gives the exit code."""
    from ckstore.cli.app import INTERRUPTED, tell
    from ckstore.cli.runs import show_report

    if not as_json:
        show_report(report)
    status = report.run.status
    if report.ok:
        return 0
    code = INTERRUPTED if status == "interrupted" else 1
    message = "The outputs are not those of the run that they were compared with."
    if status != "mismatch":
        message = report.message or f"The action {status}."
    error = {"error": f"action-{status}", "message": message, "hints": list(report.hints), "exit_code": code}
    tell(error, as_json)
    return code
