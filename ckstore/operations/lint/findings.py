"""What a lint says: findings, each of a rule."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Rule:
    """``level`` is that of its findings, unless a finding has a reason to weigh less."""

    id: str
    level: Level
    about: str


RULES = {
    rule.id: rule
    for rule in (
        Rule(
            "invalid-metadata", "error", "Metadata cannot be read, or is read otherwise than it is written."
        ),
        Rule("dangling-need", "error", "A need that no release in the store has ever answered."),
        Rule("outdated-need", "warning", "A need that only older releases or withdrawn components answer."),
        Rule("runtime-need", "note", "A need that is answered only by a variation or a detected version."),
        Rule("ambiguous-need", "warning", "A need by name that several components answer."),
        Rule("same-uid", "warning", "One UID in several sources, with different interfaces."),
        Rule("same-name", "warning", "One kind and name in several sources, with different UIDs."),
        Rule(
            "rare-tag",
            "warning",
            "A tag of one component alone that looks like a misspelling of a common one.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Finding:
    """``component`` is a reference, or empty; ``file`` is relative to the root of its source, ``line`` counts
    from 1 (0: not known); ``hints`` say what could be meant or done."""

    rule: str
    level: Level
    message: str
    source: str
    component: str = ""
    file: str = ""
    line: int = 0
    hints: tuple[str, ...] = ()

    def noted(self) -> Finding:
        """The same as a note."""
        return replace(self, level="note")

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "hints": list(self.hints)}
