"""Reading what ``show`` tells of a component besides what a search needs: the table ``cards``.

A card is about the newest release of the current line. One that needs a record that cannot be read is
missing.
"""

from __future__ import annotations

from ckstore.index.schema import unpack_tags

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

VERSIONS, CHANGES, COMMIT_DIGITS = 12, 6, 12  # how many versions, changes of each and digits are shown
_READ = (
    "SELECT s.url, x.description, d.card FROM components c CROSS JOIN sources s ON s.id = c.source "
    "CROSS JOIN cards d ON d.component = c.id CROSS JOIN texts x ON x.rowid = c.id "
    "WHERE s.name = ? AND c.uid = ?"
)


class Line:
    """A version as it is shown: ``changes`` has one more than are shown, where there are more."""

    __slots__ = ("bump", "changes", "commit", "labels", "version", "yank_reason", "yanked")

    def __init__(
        self, version: str, commit: str, bump: str, labels: Sequence[str], changes: Sequence[str],
        yanked: bool, yank_reason: str,
    ) -> None:  # fmt: skip
        self.version, self.commit, self.bump = version, commit, bump
        self.labels, self.changes = labels, changes
        self.yanked, self.yank_reason = yanked, yank_reason


class Card:
    """``names`` are all it ever had, ``needs`` (role, what is asked), ``versions`` how many there are."""

    __slots__ = (
        "actions", "commands", "commit", "description", "lines", "names", "needs", "path", "url", "versions",
        "withdrawn",
    )  # fmt: skip

    def __init__(self, url: str, description: str, packed: str) -> None:
        self.url, self.description = url, description
        head, *lines = map(unpack_tags, unpack_tags(packed))
        self.commit, self.path, self.withdrawn, count, names, commands, actions, needs = head
        self.names, self.commands, self.actions = map(unpack_tags, (names, commands, actions))
        pairs = iter(unpack_tags(needs))
        self.needs = list(zip(pairs, pairs, strict=True))
        self.versions = int(count)
        self.lines = [_line(*line) for line in lines]


def read_card(connection: sqlite3.Connection, source: str, uid: str) -> Card | None:
    """The card of a component, where there is one."""
    row = connection.execute(_READ, (source, uid)).fetchone()
    return Card(*row) if row else None


def _line(
    version: str, _: str, commit: str, bump: str, changes: str, yanked: str, reason: str, labels: str
) -> Line:
    return Line(version, commit, bump, unpack_tags(labels), unpack_tags(changes), bool(yanked), reason)
