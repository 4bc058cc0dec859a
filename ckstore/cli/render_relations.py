"""How ``needs`` and ``needed-by`` look: a table of what is near, a tree of what is farther."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ckstore.cli.common import plural, say, table

if TYPE_CHECKING:
    from ckstore.operations.relations import Node, Relation, Relations

_ANSWERS_SHOWN = 3
_NOTHING = "nothing in the store"
_MARKS = {"above": "  (listed elsewhere)", "cycle": "  (cycle)", "limit": "", "": ""}
F = TypeVar("F", bound=Callable[..., Any])
Key = tuple[str, str]


def depth_options(function: F) -> F:
    """``--all`` and ``--depth N``."""
    function = click.option(
        "--depth", type=click.IntRange(1), default=None, metavar="N", help="At most N steps far."
    )(function)
    return click.option("--all", "-a", "everything", is_flag=True, help="To the end, as a tree.")(function)


def steps(everything: bool, depth: int | None) -> int:
    """How far to go: 1 unless said otherwise, 0 to the end."""
    return depth or (0 if everything else 1)


def show(report: Relations, *, tree: bool) -> None:
    """The relations on standard output, with the counts at the end."""
    say(f"{report.root.reference} {'needs' if report.direction == 'needs' else 'is needed by'}")
    if tree:
        for line in _Tree(report).lines():
            say(line)
    elif report.direction == "needs":
        table(list(_near_needs(report)), indent="  ")
    else:
        table([(r.asker.reference, r.role, r.ask) for r in report.relations], indent="  ")
    say(_counts(report))


def _counts(report: Relations) -> str:
    parts = [plural(report.requirements, "requirement")]
    if report.direction == "needs":
        parts.append(f"{report.unmet} unmet")
    parts.append(f"{plural(len(report.components), 'component')} of {plural(len(report.sources), 'source')}")
    if report.cycles:
        parts.append(plural(report.cycles, "cycle"))
    return ", ".join(parts)


def _near_needs(report: Relations) -> Iterator[tuple[str, str, str]]:
    answers: dict[tuple[str, str], list[str]] = {}
    for relation in report.relations:
        found = answers.setdefault((relation.role, relation.ask), [])
        found += [relation.answer.reference] if relation.answer else []
    for (role, ask), references in answers.items():
        more = len(references) - _ANSWERS_SHOWN
        shown = ", ".join(references[:_ANSWERS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        yield role, ask, shown or _NOTHING


@dataclass(frozen=True, slots=True)
class _Item:
    """One line of a tree, and how to get those below it."""

    text: str
    below: Callable[[], list[_Item]] = list


class _Tree:
    """A tree with a stack of its own: a chain of needs may be longer than Python's."""

    def __init__(self, report: Relations) -> None:
        self._report = report
        self._near: dict[Key, list[Relation]] = {}
        for relation in report.relations:
            near = relation.asker if report.direction == "needs" else relation.answer
            if near is not None:
                self._near.setdefault(near.key, []).append(relation)

    def lines(self) -> Iterator[str]:
        """One line a need, one a component that answers it or asks for it."""
        work = [("", self._below(self._report.root))]
        while work:
            prefix, items = work[-1]
            if not items:
                work.pop()
                continue
            item = items.pop(0)
            yield f"{prefix}{'├─' if items else '└─'} {item.text}"
            work.append((f"{prefix}{'│  ' if items else '   '}", item.below()))

    def _below(self, node: Node) -> list[_Item]:
        relations = self._near.get(node.key, [])
        if self._report.direction == "needed-by":
            return [self._item(r, r.asker, f"  {r.role}: {r.ask}") for r in relations]
        asked: dict[str, list[Relation]] = {}
        for relation in relations:
            asked.setdefault(f"{relation.role}: {relation.ask}", []).append(relation)
        return [_Item(text, partial(self._answers, found)) for text, found in asked.items()]

    def _answers(self, found: list[Relation]) -> list[_Item]:
        """Those that stand elsewhere are only counted: common needs have dozens of answers."""
        above = sum(r.mark == "above" for r in found)
        rest = [
            self._item(r, r.answer) if r.answer else _Item(_NOTHING)
            for r in found if r.mark != "above" or above == 1
        ]  # fmt: skip
        return [*rest, _Item(f"{above}{' more' if rest else ''}, listed elsewhere")] if above > 1 else rest

    def _item(self, relation: Relation, node: Node, more: str = "") -> _Item:
        text = f"{node.reference}{more}{_MARKS[relation.mark]}"
        return _Item(text) if relation.mark else _Item(text, partial(self._below, node))
