"""Tags of a search as conditions in SQL: single ones, groups, patterns, and what is refused."""

# ruff: noqa: S608 -- only names of tables, columns and placeholders are put together; every value is bound
from __future__ import annotations

from ckstore.model.wildcards import WILDCARDS, has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    Bind = Callable[[str | float], str]
    Held = tuple[int, ...] | tuple[str, ...]
_HIGHEST = "\U0010ffff"
_LOOKED_UP = 16  # ids that are quicker to look up for each candidate than all their postings are to read


class TagTerms:
    """What the tags of a search are in an index: ``single`` the wanted ids, the rarest first.

    ``groups`` and ``refused`` are sets of ids, each as a list or, where patterns mean too many, as the
    patterns themselves. ``hopeless``: something wanted is on no release.
    """

    def __init__(
        self, connection: sqlite3.Connection, all_of: Iterable[str], any_of: Iterable[tuple[str, ...]],
        none_of: tuple[str, ...], *, newest: bool,
    ) -> None:  # fmt: skip
        """``newest``: tags count that a newest release has, not those of any release."""
        self._connection, self._column = connection, "newest" if newest else "total"
        wanted = list(all_of)
        groups = [*any_of, *((tag,) for tag in wanted if has_wildcards(tag))]
        single = [self._one(tag) for tag in wanted if not has_wildcards(tag)]
        self.hopeless = not all(single)
        self.single = [identity for _, identity in sorted(row for row in single if row)]
        self.groups = [] if self.hopeless else [self._set(group) for group in groups]
        self.hopeless = self.hopeless or not all(self.groups)
        self.refused = [] if self.hopeless else [held for held in [self._set(none_of)] if held]

    def __bool__(self) -> bool:
        return bool(self.single or self.groups)

    def _one(self, tag: str) -> tuple[int, int] | None:
        """(how many have it, its id), None when none has it."""
        row: tuple[int, int] | None = self._connection.execute(
            f"SELECT {self._column}, id FROM tags WHERE tag = ?", (tag,)
        ).fetchone()
        return row if row and row[0] else None

    def _set(self, tags: tuple[str, ...]) -> Held:
        """The ids of all that these tags and patterns mean; the tags themselves when there are too many."""
        found: dict[int, None] = {}
        for tag in tags:
            values: list[str] = []

            def bind(value: str | float, values: list[str] = values) -> str:
                values.append(str(value))
                return "?"

            sql = f"SELECT id FROM tags WHERE {like(bind, 'tag', tag)} AND {self._column} > 0 LIMIT ?"
            found.update(dict.fromkeys(row[0] for row in self._connection.execute(sql, (*values, 1000))))
        return tuple(found) if len(found) <= _LOOKED_UP else tags


def like(bind: Bind, column: str, pattern: str) -> str:
    """Equality, or for a pattern GLOB within the range of its fixed beginning, which an index can serve."""
    if not has_wildcards(pattern):
        return f"{column} = {bind(pattern)}"
    prefix = pattern[: next(place for place, c in enumerate(pattern) if c in WILDCARDS)]
    condition = f"{column} GLOB {bind(pattern.replace('[', '[[]'))}"
    if prefix:
        condition += f" AND {column} BETWEEN {bind(prefix)} AND {bind(prefix + _HIGHEST)}"
    return f"({condition})"


def ids(bind: Bind, held: Held) -> str:
    """What a set of :class:`TagTerms` means, for ``IN (…)``."""
    if isinstance(held[0], int):
        return ", ".join(str(int(identity)) for identity in held)
    alternatives = " OR ".join(like(bind, "tag", str(tag)) for tag in held)
    return f"SELECT id FROM tags WHERE {alternatives}"


def among(bind: Bind, held: Held, table: str, column: str, own: str) -> str:
    """The condition that the release or line ``own`` has one tag of a set."""
    found = ids(bind, held)
    if isinstance(held[0], int):
        return f"EXISTS (SELECT 1 FROM {table} WHERE tag IN ({found}) AND {column} = {own})"
    return f"{own} IN (SELECT {column} FROM {table} WHERE tag IN ({found}))"
