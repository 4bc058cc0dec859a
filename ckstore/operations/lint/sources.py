"""Metadata that was left out, or read otherwise than it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ckstore.operations.lint.findings import Finding, Level

_OF_A_COMMIT = re.compile(r"@[0-9a-f]{12}$")
_TAG = "tag "  # of the repository
_LINE = re.compile(r"\bline (\d+)")


def findings_of(source: str, problems: Iterable[str], present: Iterable[str]) -> Iterator[Finding]:
    """A finding for each ``path: reason`` of a source; ``present`` are the paths of its components.

    An error where nothing at the path became a component, a warning where something did, a note about a
    former commit or a tag of the repository.
    """
    here = set(present)
    for problem in problems:
        path, _, reason = problem.partition(": ")
        line = _LINE.search(problem)
        path = re.sub(r", line .*", "", path)
        level: Level = "error"
        if _OF_A_COMMIT.search(path) or path.startswith(_TAG):
            level = "note"
        elif any(path == place or path.startswith(f"{place}/") for place in here):
            level = "warning"
        yield Finding(
            "invalid-metadata", level, problem if path.startswith(_TAG) else reason or problem, source, "",
            "" if path.startswith(_TAG) else _OF_A_COMMIT.sub("", path),
            int(line[1]) if line else 0,
        )  # fmt: skip
