"""What ``add`` says. Both doors of ``add`` print through here, so they print the same."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN = 10
_CHANGES_SHOWN = 4
_FEW = 5


def render(
    added: Sequence[tuple[str, str, str, Sequence[str]]], unchanged: Sequence[str],
    withdrawn: Sequence[str] = (), returned: Sequence[str] = (),
) -> list[str]:  # fmt: skip
    """Lines for standard output; ``added`` holds (component, version, bump, changes)."""
    lines = [_added(*item) for item in added[:_SHOWN]]
    if len(added) > _SHOWN:
        lines.append(f"          … and {len(added) - _SHOWN} more")
    lines += [f"withdrawn {name}" for name in withdrawn]
    lines += [f"back      {name}" for name in returned]
    if len(unchanged) <= _FEW:
        lines += [f"unchanged {name}" for name in unchanged]
    if not (added or withdrawn or returned):
        lines.append(f"nothing to do: {_plural(len(unchanged), 'component')} unchanged")
    elif len(added) + len(unchanged) > 1:
        lines.append(f"{_plural(len(added), 'release')} added, {len(unchanged)} unchanged")
    return lines


def skipped(problems: Sequence[str]) -> list[str]:
    """Lines for standard error."""
    return [f"problem   {problem}" for problem in problems]


def _added(component: str, version: str, bump: str, changes: Sequence[str]) -> str:
    why = bump + (f": {', '.join(changes[:_CHANGES_SHOWN])}" if changes else "")
    return f"added     {component}@{version}  ({why})"


def _plural(count: int, one: str) -> str:
    return f"{count} {one if count == 1 else one + 's'}"
