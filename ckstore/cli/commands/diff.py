"""``ckstore diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ckstore.cli.common import Progress, json_option, open_store, plural, print_json, say, store_option, table
from ckstore.cli.locks import store_if_any
from ckstore.cli.runs import with_unit

if TYPE_CHECKING:
    from ckstore.operations.diff import Changed, DiffReport, FileDiff

_VALUE_SHOWN, _METADATA_SHOWN, _MEMBERS_SHOWN = 60, 40, 60
_MEANINGS = {
    "major": "major: what others may depend on has left",
    "minor": "minor: something joined, nothing left",
    "patch": "patch: the interface is the same",
    "none": "no difference",
}


@click.command("diff")
@click.argument("first", metavar="FIRST")
@click.argument("second", metavar="[SECOND]", required=False, default="")
@click.option("-p", "--patch", is_flag=True, help="The text difference of the files, too.")
@click.option("--markdown", is_flag=True, help="Of two locks: as Markdown, for a review.")
@store_option
@json_option
def command(
    first: str, second: str, patch: bool, markdown: bool, store_path: str | None, as_json: bool
) -> None:
    """Show what changed between two releases (interface, then metadata, then files), or between two locks.

    \b
    ckstore diff program:NAME                   the newest release and the one before it
    ckstore diff program:NAME@2.0.0             this release and the one before it
    ckstore diff program:NAME@1.0.0 @2.0.0      two releases
    ckstore diff program:NAME@v1.3 @v2.0        what was current at two tags of the repository
    ckstore diff program:ONE program:OTHER      the newest releases of two components
    ckstore diff old/ckstore.lock ckstore.lock  two locks; without the second, the project's
    """
    if _is_lock(first):
        if patch or (second and not _is_lock(second)):
            raise click.UsageError("A lock is compared with a lock, without --patch.")
        _diff_locks(Path(first), Path(second) if second else None, markdown, store_path, as_json)
        return
    if markdown:
        raise click.UsageError("--markdown is for two locks.")
    from ckstore.operations.diff import diff

    with Progress() as progress:
        report = diff(open_store(store_path, create=False), first, second, patch=patch, progress=progress)
    if as_json:
        print_json(report.as_plain())
        return
    _show(report)
    if report.patch:
        say("")
        say(report.patch.removesuffix("\n"))


def _is_lock(word: str) -> bool:
    """A file of locks: no reference has a slash, and hardly one the ending."""
    return ("/" in word or word.endswith(".lock")) and Path(word).is_file()


def _diff_locks(
    first: Path, second: Path | None, markdown: bool, store_path: str | None, as_json: bool
) -> None:  # fmt: skip
    from ckstore.cli import render_locks
    from ckstore.operations.export_lock import find_lock
    from ckstore.operations.lock_diff import diff_locks

    report = diff_locks(store_if_any(store_path), find_lock(first), find_lock(second))
    if as_json:
        print_json(report.as_plain())
    elif markdown:
        for line in render_locks.markdown(report):
            say(line)
    else:
        render_locks.show_lock_diff(report)


def _show(report: DiffReport) -> None:
    say(f"{report.old.reference} → {report.new.reference}")
    say(_MEANINGS[report.meaning])
    _members("-", report.removed)
    _members("+", report.added)
    if report.metadata:
        say("metadata")
        table([_metadata_row(change) for change in report.metadata[:_METADATA_SHOWN]], indent="  ")
        _more(len(report.metadata) - _METADATA_SHOWN)
    if report.files:
        say("files")
        table([_file_row(file) for file in report.files], indent="  ")


def _members(sign: str, members: tuple[str, ...]) -> None:
    for member in members[:_MEMBERS_SHOWN]:
        say(f"  {sign} {member}")
    _more(len(members) - _MEMBERS_SHOWN)


def _more(count: int) -> None:
    if count > 0:
        say(f"  … and {plural(count, 'more', 'more')} (--json lists them all)")


def _metadata_row(change: Changed) -> tuple[str, str]:
    if not change.old:
        return change.key, f"added {_short(change.new)}"
    if not change.new:
        return change.key, f"removed {_short(change.old)}"
    return change.key, f"{_short(change.old)} → {_short(change.new)}"


def _short(text: str) -> str:
    return text if len(text) <= _VALUE_SHOWN else f"{text[: _VALUE_SHOWN - 1]}…"


def _file_row(file: FileDiff) -> tuple[str, str, str]:
    path = f"{file.former_path} → {file.path}" if file.former_path else file.path
    sizes = [with_unit("size", size) for size in (file.old_size, file.new_size) if size >= 0]
    modes = f"  {file.old_mode} → {file.new_mode}" if _mode_matters(file) else ""
    same = file.old_size == file.new_size
    return file.what, path, (sizes[0] if same and sizes else " → ".join(sizes)) + modes


def _mode_matters(file: FileDiff) -> bool:
    return bool(file.old_mode and file.new_mode) and file.old_mode != file.new_mode
