"""``ckstore log``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
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
)  # fmt: skip
from ckstore.errors import CorruptData

if TYPE_CHECKING:
    from ckstore.objects.signing import Verdict
    from ckstore.objects.store import ObjectStore
    from ckstore.operations.log import Entry
    from ckstore.operations.story import Event, Story, Upstream

_CHANGES_SHOWN, _LABELS_SHOWN, _BAD_SHOWN = 12, 6, 5


@click.command("log")
@click.argument("reference", required=False, default="")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="How many; 0: all.",
)
@click.option("--verify", is_flag=True, help="Of operations: say who signed each, and fail for a bad one.")
@click.option(
    "--signers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --verify: the list of allowed signers, instead of the one of the store's settings.",
)
@store_option
@json_option
def command(
    reference: str, limit: int, verify: bool, signers: Path | None, store_path: str | None, as_json: bool
) -> None:
    """List what was published, newest first, or tell the story of one component.

    REFERENCE (program:NAME, a UID, program:NAME@^1.2) names a component: every release with the reason for
    its version, the upstream commit, the repository tags at it; renames, withdrawals, returns and yanks.
    """
    store = open_store(store_path, create=False)
    if reference and verify:
        raise click.UsageError("--verify is for the operations of the log, not for a component.")
    if reference:
        _tell(store, reference, limit, as_json)
        return
    from ckstore.operations.log import entries_of, log

    entries = log(store, limit)
    judged = dict(verdicts_of(store, signers)) if verify else {}
    bad = _refused(store, judged)
    shown = {entry.id for entry in entries}
    entries += entries_of(store, (oid for oid in bad if oid not in shown))
    if as_json:
        print_json([{**entry.as_plain(), **_plain(judged.get(entry.id))} for entry in entries])
    else:
        table(
            (
                entry.id[:12], _minute(entry.time), entry.who, *_signed(verify, judged.get(entry.id)),
                entry.verb, entry.summary,
            )
            for entry in entries
        )  # fmt: skip
    if bad:
        raise _bad(bad)


def verdicts_of(store: ObjectStore, signers: Path | None) -> Iterator[tuple[str, Verdict]]:
    """(id, verdict) of every operation."""
    from ckstore.operations.signatures import verdicts

    return verdicts(store, signers)


def _signed(verify: bool, verdict: Verdict | None) -> list[str]:
    if not verify or verdict is None:
        return []
    return [f"{verdict.status} {verdict.who}".rstrip()]


def _plain(verdict: Verdict | None) -> dict[str, object]:
    return {"signature": {"status": verdict.status, "who": verdict.who}} if verdict else {}


def _refused(store: ObjectStore, judged: Mapping[str, Verdict]) -> list[str]:
    from ckstore.operations.signatures import is_refused

    return [oid for oid, verdict in judged.items() if is_refused(store, verdict)]


def _bad(operations: list[str]) -> CorruptData:
    named = ", ".join(oid[:12] for oid in operations[:_BAD_SHOWN])
    more = f" and {len(operations) - _BAD_SHOWN} more" if len(operations) > _BAD_SHOWN else ""
    return CorruptData(
        f"{plural(len(operations), 'operation lacks', 'operations lack')} a valid signature: {named}{more}.",
        code="signature-bad",
        hints=["`ckstore fsck` says what else is damaged"],
        details={"operations": operations},
    )


def _tell(store: ObjectStore, reference: str, limit: int, as_json: bool) -> None:
    from ckstore.operations.story import story

    with Progress() as progress:
        told = story(store, reference, limit, progress=progress)
    if as_json:
        print_json(told.as_plain())
        return
    for line in _lines(told):
        say(line)
    if told.total > len(told.events):
        note(f"{plural(told.total - len(told.events), 'earlier event')} not shown; -n 0 shows all")


def _lines(told: Story) -> Iterator[str]:
    yield f"{told.source}:{told.kind}:{told.name}  {told.uid}" + ("  (withdrawn)" if told.withdrawn else "")
    if len(told.names) > 1:
        yield f"formerly {', '.join(dict.fromkeys(told.names[-2::-1]))}"
    operations = {entry.id: entry for entry in told.operations}
    for operation, events in itertools.groupby(told.events, key=lambda event: event.operation):
        if operation in operations:
            yield _operation(operations[operation])
        for event in events:
            yield from _event(event)


def _operation(entry: Entry) -> str:
    return f"{entry.verb} {entry.id[:12]}, {_minute(entry.time)} by {entry.who}"


def _event(event: Event) -> Iterator[str]:
    if event.what in ("yanked", "unyanked"):
        yield f"  {event.what} {event.version}" + (f": {event.reason}" if event.reason else "")
        return
    if event.what != "release":
        yield f"  {event.what}  {_upstream(event.upstream)}".rstrip()
        return
    yield f"  {event.version}  {event.bump}  {_upstream(event.upstream)}".rstrip()
    if event.former_name:
        yield f"    renamed from {event.former_name} to {event.name}"
    if event.former_path:
        yield f"    moved from {event.former_path}"
    for change in event.changes[:_CHANGES_SHOWN]:
        yield f"    {change[:1]} {change[1:]}"
    if len(event.changes) > _CHANGES_SHOWN:
        more = len(event.changes) - _CHANGES_SHOWN
        yield f"    … and {plural(more, 'change')} more (--json lists them all)"
    if event.labels:
        more = len(event.labels) - _LABELS_SHOWN
        shown = ", ".join(event.labels[:_LABELS_SHOWN])
        yield f"    tagged {shown}" + (f" and {more} more" if more > 0 else "")


def _upstream(commit: Upstream) -> str:
    if not commit.time:
        return commit.commit[:12] if len(commit.commit) == 40 else commit.commit
    who = f"{commit.author}: " if commit.author else ""
    return f"{_minute(commit.time)[:10]}  {commit.commit[:12]}  {who}{commit.subject}"


def _minute(time: int) -> str:
    """UTC; years that a calendar has no place for (any number can be in a commit) come as they are."""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return str(time)
