"""How updates and searches for what broke look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ckstore.cli.common import plural, say
from ckstore.cli.render_locks import told
from ckstore.operations.bisect import BisectReport
from ckstore.operations.outdated import Outdated
from ckstore.operations.steps import Step
from ckstore.operations.update import UpdateReport

_SHOWN = 4


def show_update(report: UpdateReport) -> None:
    """Changes, what stays behind and why, trials, what broke."""
    for change in report.changes.changed:
        say(told(change))
        _show_users(report.users[change.component])
    for one in report.changes.added:
        say(f"+ {one.component}@={one.version}")
        _show_users(report.users[one.component])
    for one in report.changes.removed:
        say(f"- {one.component}@={one.version}")
    for late in report.held:
        _show_held(late)
    for blamed in report.blamed:
        show_blamed(blamed)
        say("  so it stays out")
    if report.trials:
        works = sum(1 for trial in report.trials if trial.works)
        say(f"{plural(works, 'recorded run')} of {len(report.trials)} tried: as before")


def _show_users(users: Sequence[str]) -> None:
    if users:
        say(f"  for {_some(users, '; ')}")


def _show_held(one: Outdated) -> None:
    named = f" as {one.newest_name}" if one.newest_name else ""
    members = [*(f"-{name}" for name in one.removed), *(f"+{name}" for name in one.added)]
    meaning = f": {_some(members, ' ')}" if members else ""
    say(f"{one.component}  held back at {one.pinned}, newest is {one.newest}{named}  ({one.step}{meaning})")
    for reason in one.held[:_SHOWN]:
        say(f"  {reason}")


def show_blamed(report: BisectReport) -> None:
    """What does not work, and since which release."""
    say(f"{report.trial.told}: {report.trial.why.rstrip('.')}")
    if len(report.culprits) > 1:
        say(f"  since one of {plural(len(report.culprits), 'release')}; they cannot be told apart:")
    for step in report.culprits:
        say(f"  {'' if len(report.culprits) > 1 else 'since '}{_told(step)}")


def _told(step: Step) -> str:
    commit = f", commit {step.commit[:12]}" if step.commit else ""
    changes = f": {_some(step.changes, ' ')}" if step.changes else ""
    bump = f"  ({step.bump}{changes})" if step.bump else ""
    return f"{step.told}{bump}{commit}"


def _some(names: Sequence[str], between: str) -> str:
    more = f"{between}{len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return between.join(names[:_SHOWN]) + more
