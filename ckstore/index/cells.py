"""What a row says under a name: a field of it, or a key of the metadata."""

from __future__ import annotations

from ckstore.index.schema import unpack_tags
from ckstore.index.tagterms import like
from ckstore.model.conditions import Condition
from ckstore.model.wildcards import has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from ckstore.index.rows import Raw

    Facts = Sequence[tuple[str, str]]
    Reader = Callable[[str, str, str], Facts]  # source, UID, version → facts of that release

FIELDS = (
    "source", "kind", "name", "uid", "version", "tree", "digest", "tags", "title", "newest", "withdrawn",
    "yanked",
)  # fmt: skip
_TAGS, _FIRST_FLAG, _NEWEST, _LINE = 7, 9, 9, 14


class NoReader(Exception):
    """The metadata of an older release is asked for, and nothing here can read it."""


class Cells:
    """Reads rows; ``read`` gives the metadata of releases that the index does not describe."""

    def __init__(self, connection: sqlite3.Connection, read: Reader | None = None) -> None:
        self._connection = connection
        self._read = read
        self._keys: dict[str, Condition] = {}

    def values(self, raw: Raw, name: str) -> list[str]:
        """The values of a row under a name, each once: many tags, one version, any number for a key."""
        if name == "reference":
            return [f"{raw[0]}:{raw[1]}:{raw[2]}@={raw[4]}"]
        if name in FIELDS:
            place = FIELDS.index(name)
            if place == _TAGS:
                return list(unpack_tags(raw[7]))
            value = raw[place]
            return [("true" if value else "false") if place >= _FIRST_FLAG else str(value)]
        if name not in self._keys:
            self._keys[name] = Condition(name, "=", "*")
        if raw[_NEWEST]:
            return self._indexed(raw[14], self._keys[name])
        wanted = self._keys[name]
        return list(dict.fromkeys(value for key, value in self.facts(raw) if wanted.is_about(key)))

    def _indexed(self, line: int, wanted: Condition) -> list[str]:
        """The values of a key, by the same order of keys and values as in :meth:`facts`."""
        if has_wildcards(wanted.key):
            values: list[str | float] = []

            def bind(value: str | float) -> str:
                values.append(value)
                return "?"

            where = like(bind, "k.path", wanted.key)
            facts = "SELECT f.value FROM facts f CROSS JOIN keys k ON k.id = f.key WHERE f.line = ?"
            found = self._connection.execute(f"{facts} AND {where} ORDER BY k.path, f.value", (line, *values))
        else:
            key = "SELECT id FROM keys WHERE path = ?"
            sql = f"SELECT value FROM facts WHERE line = ? AND key = ({key}) ORDER BY value"  # noqa: S608 - bound
            found = self._connection.execute(sql, (line, wanted.key))
        return list(dict.fromkeys(row[0] for row in found))

    def facts(self, raw: Raw) -> Facts:
        """The metadata of a release as (key, value) pairs, in their order of key and value."""
        if raw[_NEWEST]:
            return self._connection.execute(
                "SELECT k.path, f.value FROM facts f CROSS JOIN keys k ON k.id = f.key WHERE f.line = ? "
                "ORDER BY k.path, f.value",
                (raw[_LINE],),
            ).fetchall()
        if self._read is None:
            raise NoReader
        return sorted(self._read(raw[0], raw[3], raw[4]))
