"""``log``: what was published, newest first."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from ckstore.model.records import Operation
from ckstore.objects.log import LogView
from ckstore.objects.store import Commit, ObjectStore


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
    found = itertools.islice(store.operations(), limit or None)
    return [entry_at(store.view(oid), oid, commit) for oid, commit in found]


def entries_of(store: ObjectStore, operations: Iterable[str]) -> list[Entry]:
    """The operations with these ids, which may be of logs that were joined."""
    return [entry_at(store.view(oid), oid, store.read_commit(oid)) for oid in operations]


def entry_at(view: LogView, oid: str, commit: Commit) -> Entry:
    """The operation that a commit of the log is; ``view`` is what was published then."""
    operation = view.operation() or Operation("", "", commit.message.partition("\n")[0])
    return Entry(oid, operation.verb, operation.summary, operation.command, commit.author, commit.time)
