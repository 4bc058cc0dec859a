"""The conflict markers that git leaves in a text, and the whole texts between which it could not decide.

Read are the styles ``merge``, ``diff3`` and ``zdiff3``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?:[ \t][^\n]*)?\r?\n?")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # str.splitlines knows ends of lines that are none for git
_Part = Literal["common", "<<<<<<<", "|||||||", "======="]
_FOLLOWS: dict[_Part, tuple[str, ...]] = {
    "common": ("<<<<<<<",), "<<<<<<<": ("|||||||", "======="), "|||||||": ("=======",),
    "=======": (">>>>>>>",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sides:
    """The texts of both sides; ``base`` is None where the style of the markers leaves it out."""

    base: str | None
    ours: str
    theirs: str


def has_conflict(text: str) -> bool:
    """True when a line begins a conflict."""
    return text.startswith("<<<<<<<") or "\n<<<<<<<" in text


def split_conflict(text: str) -> Sides:
    """The sides of a text with conflict markers; ValueError says which marker is amiss."""
    sides: dict[str, list[str]] = {"<<<<<<<": [], "|||||||": [], "=======": []}
    part: _Part = "common"
    seen: set[str] = set()
    without_base = False
    for number, line in enumerate(_LINE.findall(text), 1):
        marker = _MARKER.fullmatch(line)
        if marker is None:
            for side in sides if part == "common" else (part,):
                sides[side].append(line)
        elif marker[1] not in _FOLLOWS[part]:
            raise ValueError(f"the conflict marker in line {number} is out of place")
        else:
            without_base |= part == "<<<<<<<" and marker[1] == "======="
            seen.add(marker[1])
            part = "common" if marker[1] == ">>>>>>>" else marker[1]  # type: ignore[assignment]  # one of _Part
    if part != "common":
        raise ValueError("a conflict has no end")
    base = None if without_base or not seen else "".join(sides["|||||||"])
    return Sides(base, "".join(sides["<<<<<<<"]), "".join(sides["======="]))
