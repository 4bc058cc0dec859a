"""``ckstore tree``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ckstore.cli.common import json_option, plural, print_json, say
from ckstore.cli.locks import lock_option

if TYPE_CHECKING:
    from ckstore.operations.lock_tree import Branch, LockTree

_MARKS = {"": "", "above": "  (listed above)", "cycle": "  (cycle)"}


@click.command("tree")
@click.argument("references", nargs=-1)
@click.option("--invert", "-i", is_flag=True, help="Below each component, who asked for it.")
@lock_option
@json_option
def command(references: tuple[str, ...], invert: bool, lock_path: Path | None, as_json: bool) -> None:
    """Show what a lock holds, below whatever asked for it.

    \b
    ckstore tree                       the lock of the project, from what you asked for
    ckstore tree program:NAME          what this component needs
    ckstore tree -i soft:NAME          who needs it
    """
    from ckstore.operations.export_lock import find_lock
    from ckstore.operations.lock_tree import lock_tree

    tree = lock_tree(find_lock(lock_path), references, invert=invert)
    if as_json:
        print_json(tree.as_plain())
        return
    for line in _lines(tree):
        say(line)
    say(f"{plural(len(tree.lock.pins), 'component')} from {plural(len(tree.lock.sources), 'source')}")


def _lines(tree: LockTree) -> Iterator[str]:
    for branch, bars in zip(tree.branches, _bars(tree.branches), strict=True):
        yield f"{bars}{_text(branch, tree.inverted)}{_MARKS[branch.mark]}"


def _text(branch: Branch, inverted: bool) -> str:
    asked = branch.asked
    if branch.pin is None:
        return f"you asked for {asked.ask}" if asked else ""
    how = f"  {asked.role}: {asked.ask}" if asked else ""
    return f"{branch.pin.component}@={branch.pin.version}{how}"


def _bars(branches: tuple[Branch, ...]) -> list[str]:
    """The lines that lead to each branch; from the last one up, as each must know what follows it."""
    found: list[str] = []
    follows: set[int] = set()  # depths at which another branch of the same one comes below
    for branch in reversed(branches):
        follows = {depth for depth in follows if depth <= branch.depth}
        if not branch.depth:
            found.append("")
            continue
        above = "".join("│  " if depth in follows else "   " for depth in range(1, branch.depth))
        found.append(f"{above}{'├─' if branch.depth in follows else '└─'} ")
        follows.add(branch.depth)
    return found[::-1]
