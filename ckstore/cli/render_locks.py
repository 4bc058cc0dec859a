"""How differences of locks look, at a prompt and in a review."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ckstore.cli.common import say, table

if TYPE_CHECKING:
    from ckstore.operations.lock_diff import LockDiff, Moved

_MEMBERS = 6  # of an interface in one line


def show_lock_diff(diff: LockDiff) -> None:
    """The difference on standard output; whatever may break others comes with its reason."""
    for change in diff.changed:
        say(told(change))
    table([(f"+ {one.component}@={one.version}", one.asked) for one in diff.added])
    table([(f"- {one.component}@={one.version}", one.asked) for one in diff.removed])
    for answer in diff.answered:
        say(f"{answer.asker}  {answer.ask}  {_all(answer.before)} → {_all(answer.after)}")
    for line in (*(f"you ask: {root}" for root in diff.roots), *diff.sources):
        say(line)
    say(_summary(diff))


def told(change: Moved) -> str:
    """One line: from which version to which, and what that means."""
    return f"{_name(change)}  {change.before} → {change.after}  ({_how(change)})"


def _how(change: Moved) -> str:
    members = [*(f"-{m}" for m in change.removed), *(f"+{m}" for m in change.added)]
    more = [f"and {len(members) - _MEMBERS} more"] if len(members) > _MEMBERS else []
    if not change.known:
        return f"{change.step}; not in this store: what that changes is not known"
    said = " ".join([*members[:_MEMBERS], *more]) or "the interface is the same"
    return f"{change.step}: {said}"


def _name(change: Moved) -> str:
    return f"{change.former} → {change.component}" if change.former else change.component


def _all(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _summary(diff: LockDiff) -> str:
    if diff.same:
        return "the locks are the same"
    return f"{len(diff.changed)} changed, {len(diff.added)} added, {len(diff.removed)} removed"


def markdown(diff: LockDiff) -> Iterator[str]:
    """The same as lines of Markdown."""
    yield f"**ckstore.lock**: {_summary(diff)}"
    if diff.changed:
        yield from _rows(
            ("component", "from", "to", "step", "interface"),
            [(_name(c), c.before, c.after, c.step, _interface(c)) for c in diff.changed],
        )
    for title, listed in (("added", diff.added), ("removed", diff.removed)):
        if listed:
            rows = [(one.component, one.version, one.asked) for one in listed]
            yield from _rows((title, "version", "asked for by"), rows)
    if diff.answered:
        yield from _rows(
            ("component", "asks for", "got", "gets"),
            [(a.asker, a.ask, _all(a.before), _all(a.after)) for a in diff.answered],
        )
    if diff.roots or diff.sources:
        yield ""
        yield from (
            f"- {_cell(line)}" for line in (*(f"asked: {root}" for root in diff.roots), *diff.sources)
        )


def _interface(change: Moved) -> str:
    if not change.known:
        return "not known here"
    members = [*(f"-{m}" for m in change.removed), *(f"+{m}" for m in change.added)]
    return " ".join(members) or "the same"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield ""
    for row in (head, ["---"] * len(head)):
        yield f"| {' | '.join(row)} |"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    """Text that is shown as it is: a name from elsewhere is no markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~])", r"\\\1", " ".join(text.split()))
