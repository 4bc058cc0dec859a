"""How updates and searches for what broke look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ckstore.cli.common import plural, say
from ckstore.operations.bisect import BisectReport
from ckstore.operations.moves import Behind, Move
from ckstore.operations.steps import Step
from ckstore.operations.update import UpdateReport

_SHOWN = 4


def show_update(report: UpdateReport) -> None:
    """Changes, what stays behind and why, trials, what broke."""
    for move in report.moves:
        _show_move(move)
    for one in report.held:
        _show_held(one)
    for blamed in report.blamed:
        show_blamed(blamed)
        say("  so it stays out")
    if report.trials:
        works = sum(1 for trial in report.trials if trial.works)
        say(f"{plural(works, 'recorded run')} of {len(report.trials)} tried: as before")


def _show_move(move: Move) -> None:
    before = f"{move.former or ''}{' ' if move.former else ''}{move.before}"
    step = f"{before} → {move.after}" if move.before and move.after else f"+ {move.after}"
    if not move.after:
        step = f"- {move.before}"
    say(f"{move.component}  {step}{_meaning(move.bump, move.removed, move.added)}")
    if move.used_by:
        say(f"  for {_some(move.used_by, '; ')}")


def _show_held(one: Behind) -> None:
    named = f" as {one.newest_name}" if one.newest_name else ""
    meaning = _meaning(one.bump, one.removed, one.added)
    say(f"{one.component}  held back at {one.version}, newest is {one.newest}{named}{meaning}")
    for reason in one.reasons[:_SHOWN]:
        say(f"  {reason}")


def _meaning(bump: str, removed: Sequence[str], added: Sequence[str]) -> str:
    changes = [*(f"-{name}" for name in removed), *(f"+{name}" for name in added)]
    if not bump:
        return ""
    return f"  ({bump}: {_some(changes, ' ')})" if changes else f"  ({bump})"


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
