"""``ckstore lock``."""

from __future__ import annotations

from pathlib import Path

import click

from ckstore.cli.common import json_option, note, open_store, plural, print_json, say, store_option


@click.command("lock")
@click.argument("requirements", nargs=-1)
@click.option("--check", is_flag=True, help="Change nothing; fail if the lock is not up to date.")
@click.option(
    "--install-merge-driver",
    "install",
    is_flag=True,
    help="Let git merge locks with `ckstore merge-lock`, here.",
)
@click.option(
    "--group", metavar="NAME", default="", help="Add the requirements to this group of ckstore.toml."
)
@click.option("--project", type=click.Path(path_type=Path), help="The project's folder, instead of this one.")
@store_option
@json_option
def command(
    requirements: tuple[str, ...], check: bool, install: bool, group: str, project: Path | None,
    store_path: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Pin REQUIREMENTS, and everything that they may touch, in ckstore.lock.

    A requirement is a component (program:NAME, also with a range of versions behind @) or tags that one
    must have (dataset[image]). Without any, ckstore.toml says what is needed. Pins that are there stay as
    they are: `ckstore update` takes newer releases.

    \b
    ckstore lock program:cbench-automotive-susan
    ckstore lock "program:cbench-automotive-susan@^1.2"
    ckstore lock "dataset[image,pgm]"
    ckstore lock --group dev "dataset[image,small]"
    ckstore lock                 # bring the lock in line with ckstore.toml
    """
    from ckstore.operations.lock import check_project, lock_project
    from ckstore.operations.project import find_project

    if check and requirements:
        raise click.UsageError("--check changes nothing: it goes without requirements.")
    if group and not requirements:
        raise click.UsageError("--group says where requirements are added: it goes with requirements.")
    folder = project or find_project(Path.cwd()) or Path.cwd()
    if install:
        if check or requirements:
            raise click.UsageError("--install-merge-driver locks nothing: it goes alone.")
        _install(folder, as_json)
        return
    store = open_store(store_path)
    report = check_project(store, folder) if check else lock_project(store, folder, requirements, group=group)
    if as_json:
        print_json(report.as_plain())
        return
    for change in report.changes:
        say(f"{change.component}  {_step(change.before, change.after)}")
    for text in report.notes:
        note(text)
    pins = f"{plural(len(report.lock.pins), 'component')} from {plural(len(report.lock.sources), 'source')}"
    state = "is up to date" if not report.written else "written"
    say(f"{_short(report.path)} {state}: {pins} pinned")


def _install(folder: Path, as_json: bool) -> None:
    from ckstore.operations.lock_merge import install_driver

    done = install_driver(folder)
    if as_json:
        print_json({"changed": list(done)})
        return
    for line in done or ("git merges locks with ckstore here already",):
        say(line)


def _step(before: str, after: str) -> str:
    if not before:
        return after
    return f"{before} → {after}" if after else f"{before} → not needed any more"


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
