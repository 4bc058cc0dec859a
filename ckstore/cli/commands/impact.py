"""``ckstore impact``."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import click

from ckstore.cli.common import (
    Progress,
    json_option,
    note,
    open_store,
    plural,
    print_json,
    say,
    store_option,
    table,
)
from ckstore.errors import ActionFailed

if TYPE_CHECKING:
    from ckstore.operations.impact import Concerned, Fate, Impact

_MEMBERS_SHOWN, _BY_SHOWN = 60, 3
_TITLES: dict[Fate, str] = {
    "lost": "lost: nothing else in the store answers these needs",
    "served": "served by others",
    "kept": "kept: the range of these needs admits the old release, which stays in the store",
}


@click.command("impact")
@click.argument("first", metavar="FIRST")
@click.argument("second", metavar="[SECOND]", required=False, default="")
@store_option
@json_option
def command(first: str, second: str, store_path: str | None, as_json: bool) -> int:
    """Show who would no longer find what they need if FIRST became SECOND.

    \b
    ckstore impact soft:NAME                    the newest release, and the one before it
    ckstore impact soft:NAME@1.0.0 @2.0.0       two releases; also repository tags, and commits
    ckstore impact soft:OLD-NAME                what the rename did
    ckstore impact soft:NAME soft:OTHER         if another component took its place
    ckstore impact soft:NAME -                  if it were withdrawn

    The difference of the interfaces comes first, then every need, in any source, that FIRST answers and
    SECOND does not. Exit code 1 when a need is lost: nothing else in the store answers it; otherwise 0.
    """
    from ckstore.operations.impact import impact

    with Progress() as progress:
        report = impact(open_store(store_path, create=False), first, second, progress=progress)
    if as_json:
        print_json(report.as_plain())
    else:
        _show(report)
    return ActionFailed.exit_code if report.of("lost") else 0


def _show(report: Impact) -> None:
    say(f"{report.old.reference} → {report.new.reference if report.new else 'withdrawn'}")
    if report.new is not None:
        members = [f"- {m}" for m in report.removed] + [f"+ {m}" for m in report.added]
        for member in members[:_MEMBERS_SHOWN]:
            say(f"  {member}")
        if len(members) > _MEMBERS_SHOWN:
            say(f"  … and {plural(len(members) - _MEMBERS_SHOWN, 'more', 'more')} (--json lists them all)")
    for fate, title in _TITLES.items():
        found = report.of(fate)
        if found:
            say(title)
        for source, those in itertools.groupby(found, key=lambda one: one.source):
            say(f"  {source}")
            table([_row(one) for one in those], indent="    ")
    say(_counts(report))
    if report.of("lost"):
        note(f"locks that have {report.old.reference} keep it; new ones find it by its name and version")


def _row(one: Concerned) -> tuple[str, str, str]:
    more = f" and {len(one.by) - _BY_SHOWN} more" if len(one.by) > _BY_SHOWN else ""
    by = f": {', '.join(one.by[:_BY_SHOWN])}{more}" if one.by else ""
    lacks = f"  (lacks {', '.join(one.missing)})" if one.fate == "lost" and one.missing else ""
    return f"{one.kind}:{one.name}@={one.version}", one.role, f"{one.ask}{lacks}{by}"


def _counts(report: Impact) -> str:
    lost = report.of("lost")
    if not report.concerned:
        return "nobody in the store is concerned"
    losing, sources = {one.component for one in lost}, {one.source for one in lost}
    parts = []
    if lost:
        parts.append(
            f"{plural(len(losing), 'component')} of {plural(len(sources), 'source')} "
            f"{'loses' if len(losing) == 1 else 'lose'} {plural(len(lost), 'need')}"
        )
    fates: tuple[tuple[Fate, str], ...] = (("served", "served by others"), ("kept", "kept"))
    for fate, words in fates:
        if number := len(report.of(fate)):
            parts.append(f"{plural(number, 'need')} {'is' if number == 1 else 'are'} {words}")
    return ", ".join(parts)
