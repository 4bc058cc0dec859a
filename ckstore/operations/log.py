"""``log``: what was published, newest first."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ckstore.objects.store import ObjectStore


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation. ``time`` in seconds since 1970."""

    id: str
    verb: str
    summary: str
    command: str
    who: str
    time: int

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "id": self.id, "verb": self.verb, "summary": self.summary, "command": self.command,
            "who": self.who, "time": self.time,
        }  # fmt: skip


def log(store: ObjectStore, limit: int = 0) -> list[Entry]:
    """The newest ``limit`` operations (0: all), newest first."""
    entries = []
    for oid, commit in itertools.islice(store.operations(), limit or None):
        operation = store.view(oid).operation()
        if operation is not None:
            entries.append(
                Entry(oid, operation.verb, operation.summary, operation.command, commit.author, commit.time)
            )
    return entries
