"""``ckstore mirror``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ckstore.cli.app import tell
from ckstore.cli.common import (
    Progress,
    json_option,
    note,
    once,
    open_store,
    plural,
    print_json,
    say,
    some,
    store_option,
    table,
)

if TYPE_CHECKING:
    from ckstore.operations.mirror import MirrorReport
    from ckstore.operations.mirror_deps import Dependencies, Unmet
    from ckstore.operations.mirror_many import Job, Outcome
    from ckstore.operations.mirror_plan import Plan

_PROBLEMS_SHOWN = 20


@click.command("mirror")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--name", default="", help="What to call the source, instead of the repository's name.")
@click.option("--update", is_flag=True, help="Bring sources up to date: those named, or all.")
@click.option("--match", multiple=True, metavar="GLOB", help="Of an owner, repositories with such a name.")
@click.option("--topic", "topics", multiple=True, metavar="TOPIC", help="Of an owner, those with this topic.")
@click.option("--forks", is_flag=True, help="Of an owner, forks as well.")
@click.option("--archived/--no-archived", default=None, help="Of an owner, archived ones (default: yes).")
@click.option("--deps", is_flag=True, help="Mirror what the repositories say that they need, too.")
@click.option(
    "--at", "place", default="", metavar="URL", help="With --deps: where those named without address are."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="How many at once.")
@click.option("--wait", type=click.FloatRange(min=0), default=900, show_default=True, metavar="SECONDS",
              help="How long to wait for a forge's limit of requests; 0: not at all.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only list what would be mirrored.")
@store_option
@json_option
def command(
    addresses: tuple[str, ...], name: str, update: bool, match: tuple[str, ...], topics: tuple[str, ...],
    forks: bool, archived: bool | None, deps: bool, place: str, jobs: int, wait: float, dry_run: bool,
    store_path: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Mirror git repositories: every component, with a release for every change in its history.

    ADDRESS is https://…, ssh://…, git://…, file://…, a local path, github:OWNER/REPOSITORY, or all
    repositories of an owner: github:OWNER, gitlab:GROUP, codeberg:OWNER. Called again, only what is new
    is fetched; an interrupted mirror continues. With --update, ADDRESS may be the name of a source.

    \b
    ckstore mirror github:ctuning/ck-env
    ckstore mirror github:ctuning --match 'ck-*' --dry-run
    ckstore mirror github:ctuning/ck-tensorflow --deps
    ckstore mirror --update
    """
    from ckstore.mirror.forges.patience import Patience
    from ckstore.operations.mirror_many import mirror_many
    from ckstore.operations.mirror_plan import plan
    from ckstore.operations.mirror_selection import Selection

    if not addresses and not update:
        raise click.UsageError("Missing ADDRESS. To bring everything up to date, say --update.")
    of_owners = {"--match": match, "--topic": topics, "--forks": forks, "--archived": archived is not None}
    _check_options(addresses, [option for option, given in of_owners.items() if given])
    if place and not deps:
        raise click.UsageError("--at goes with --deps: it says where what a repository needs is.")
    if name and update:
        raise click.UsageError("--name does not go with --update: a source keeps its name.")
    follow = _dependencies(place) if deps else None
    store = open_store(store_path, create=not update)
    with Progress() as progress:
        planned = plan(
            store, addresses, name=name, update=update,
            selection=Selection(match, topics, forks=forks, archived=archived is not False),
            patience=Patience(wait, progress),
        )  # fmt: skip
        if not dry_run:
            show = _Show(as_json, progress)
            outcomes = mirror_many(
                store, planned.jobs, at_once=jobs, follow=follow, progress=progress, done=show
            )
    if dry_run:
        if deps:
            note("what they need is not listed: it is read when they are mirrored")
        return _list(planned, as_json)
    if len(outcomes) == 1 and outcomes[0].error and not planned.failures and not planned.several:
        raise outcomes[0].error
    return _sum_up(planned, outcomes, follow.unmet if follow else [], as_json)


def _check_options(addresses: Sequence[str], chosen: Sequence[str]) -> None:
    """Options that choose among an owner's repositories need an owner."""
    from ckstore.mirror.short import read_short

    shorts = [read_short(address) for address in addresses]
    if chosen and not any(short is not None and short.may_be_group for short in shorts):
        raise click.UsageError(
            f"{' and '.join(chosen)} {'goes' if len(chosen) == 1 else 'go'} with an owner's repositories,"
            " such as github:OWNER; no owner is named."
        )


def _dependencies(place: str) -> Dependencies:
    from ckstore.operations.mirror_deps import USUAL_PLACE, Dependencies  # readers are slow to import

    return Dependencies(place or USUAL_PLACE)


class _Show:
    """Prints what came of each as soon as it is known."""

    def __init__(self, as_json: bool, progress: Progress) -> None:
        self._as_json, self._progress = as_json, progress

    def __call__(self, outcome: Outcome) -> None:
        if not self._as_json and outcome.report is not None:
            self._progress.clear()
            _show(outcome.report)


def _sum_up(plan: Plan, outcomes: Sequence[Outcome], unmet: Sequence[Unmet], as_json: bool) -> int:
    failed = [*plan.failures, *(outcome for outcome in outcomes if outcome.error and not outcome.empty)]
    if as_json:
        told = [outcome.as_plain() for outcome in (*outcomes, *plan.failures)]
        print_json([*told, *(need.as_plain() for need in unmet), *plan.gone_as_plain()])
    else:
        for source in plan.gone:
            say(f"{source.name}: its repository is gone from {source.url}; everything mirrored stays")
        empty = [f"{outcome.source} is empty" for outcome in outcomes if outcome.empty]
        for text in (*plan.notes, *empty, *(need.message for need in unmet)):
            note(text)
        for outcome in failed:
            assert outcome.error is not None
            where = outcome.source or outcome.job.address
            tell({**outcome.error.as_plain(), "message": f"{where}: {outcome.error.message}"}, as_json=False)
        done = sum(outcome.report is not None for outcome in outcomes)
        if failed and done:
            note(f"{len(failed)} failed, {done} done")
    first = next((outcome.error for outcome in failed if outcome.error), None)
    return first.exit_code if first else 0


def _list(plan: Plan, as_json: bool) -> int:
    if as_json:
        print_json([*(_job(plan, job) for job in plan.jobs), *plan.gone_as_plain()])
    else:
        table((job.address, _state(plan, job)) for job in plan.jobs)
        for source in plan.gone:
            say(f"{source.name}: its repository is gone from {source.url}")
        for text in plan.notes:
            note(text)
    for outcome in plan.failures:
        assert outcome.error is not None
        tell(outcome.error.as_plain(), as_json)
    return next((outcome.error.exit_code for outcome in plan.failures if outcome.error), 0)


def _job(plan: Plan, job: Job) -> dict[str, object]:
    return {"source": plan.source_of(job), "url": job.address, "moved_from": job.moved_from}


def _state(plan: Plan, job: Job) -> str:
    source = plan.source_of(job)
    if job.moved_from:
        return f"continues {source}, which was at {job.moved_from}"
    return f"continues {source}" if source else "new"


def _show(report: MirrorReport) -> None:
    if report.unchanged:
        say(f"{report.source}: nothing new since {report.head[:12]}")
    else:
        has = f"{plural(report.total, 'component')} at {report.head[:12]}"
        say(f"{report.source}: {has}, {report.in_numbers()}")
    for text in report.notes:
        say(f"  note: {text}")
    problems = [f"problem: {text}" for text in once(report.problems)] if not report.unchanged else []
    for line in some(problems, _PROBLEMS_SHOWN, f"ckstore sources {report.source}"):
        say(f"  {line}")
