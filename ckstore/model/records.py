"""The records that the log holds, and their canonical bytes.

Records are msgpack maps with sorted keys and a schema number, made of text, integers, lists and maps
only: no floats, no booleans, no null. The same record is the same bytes on every machine, and its
object id is taken from those bytes. Measurements travel as text.

The schema number is the lowest that can say what a record says: whoever does not know the newer one can
still read all that has nothing of it, and the same record is the same bytes, whoever wrote it. Schema 2 added
conditions and bounds to the needs of releases.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, cast

import msgpack

from ckstore.errors import CorruptData, Unsupported
from ckstore.model.metadata import Need

SCHEMA = 2  # the highest that is known
_TEXT = frozenset([str])
_NO_TEXT = re.compile("[\ud800-\udfff]")


def encode(value: object) -> bytes:
    """Canonical bytes of a plain value; raises TypeError on what records must not hold."""
    try:
        return _packed(_canonical(value))
    except (OverflowError, UnicodeEncodeError) as error:
        raise TypeError(f"a record cannot hold this: {error}") from error


def _packed(value: object) -> bytes:
    return bytes(msgpack.packb(value, use_bin_type=True))


def _in_order(value: object) -> bool:
    """True for a value, as it was unpacked, that :func:`_canonical` would not change."""
    kind = type(value)
    if kind is dict:
        table = cast(dict[object, object], value)
        keys = list(table)
        if not set(map(type, keys)) <= _TEXT or keys != sorted(keys):  # type: ignore[type-var]  # they are text
            return False
        return all(map(_in_order, table.values()))
    if kind is list:
        items = cast(list[object], value)
        return set(map(type, items)) <= _TEXT or all(map(_in_order, items))
    return kind is str or kind is int


def storable(text: str) -> str:
    """The text with every byte that is no UTF-8 (as ``surrogateescape`` has it) written ``\\xff``.

    Reversible for file names: none with a backslash is ever stored. Half a surrogate pair becomes
    ``\\ud800``.
    """
    return _NO_TEXT.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, (list, tuple)) else value


def decode(data: bytes, what: str) -> dict[str, Any]:
    """The map in ``data``; :class:`CorruptData` when it is not one, or not canonical."""
    try:
        value: dict[str, Any] = msgpack.unpackb(data, raw=False, strict_map_key=True)
        canonical = (
            isinstance(value, dict) and (_packed(value) if _in_order(value) else encode(value)) == data
        )
    except (ValueError, TypeError, RecursionError, msgpack.exceptions.UnpackException) as error:
        raise CorruptData(f"{what} is not a record: {error}.", code="bad-record") from error
    if not canonical:
        raise CorruptData(f"{what} is not a canonical record.", code="bad-record")
    if not isinstance(value.get("schema"), int):
        raise CorruptData(f"{what} has no schema number.", code="bad-record")
    if value["schema"] > SCHEMA:
        raise Unsupported(
            f"{what} was written by a newer ckstore (schema {value['schema']}).",
            code="newer-schema",
            hints=["install a newer ckstore"],
        )
    return value


def _canonical(value: object) -> object:
    kind = type(value)
    if kind is str or kind is int:
        return value
    if kind is Need:
        return _need(cast(Need, value))
    if isinstance(value, (list, tuple)):  # mostly of text, and there are many
        return [item if type(item) is str else _canonical(item) for item in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a record's keys must be text")
        return {key: _canonical(value[key]) for key in sorted(value)}
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError(f"a record cannot hold {type(value).__name__}")


def _need(need: Need) -> dict[str, str]:
    """In the order of keys; what only few needs have is left out where it is empty."""
    host = {"host": need.host} if need.host else {}
    when = {"when": need.when} if need.when else {}
    return {"ask": need.ask, **host, "role": need.role, "scope": need.scope, **when}


@functools.cache
def _names(record: type) -> frozenset[str]:
    """The fields of a record; asked for every one of them."""
    return frozenset(f.name for f in fields(record))


class _Record:
    """Encoding shared by the dataclasses below: fields by name, plus the schema number."""

    __slots__ = ()

    def encode(self) -> bytes:
        """Canonical bytes; text that is no UTF-8 (paths, command lines) is made :func:`storable`."""
        names = _names(type(self))  # type: ignore[arg-type]  # classes have a hash
        values = {"schema": self._schema(), **{name: getattr(self, name) for name in names}}
        try:
            return encode(values)
        except TypeError:  # rare, and looking for it beforehand would cost every record
            return encode(_storable(values))

    def _schema(self) -> int:
        """The lowest schema that can say this."""
        return 1

    @classmethod
    def decode(cls, data: bytes, what: str = "a record") -> Self:
        """Read bytes that :meth:`encode` gave; :class:`CorruptData` when fields are missing."""
        value = decode(data, what)
        known = _names(cls)  # type: ignore[arg-type]  # classes have a hash
        try:
            return cls(**cls._shape({k: v for k, v in value.items() if k in known}))
        except (TypeError, KeyError, ValueError) as error:
            raise CorruptData(f"{what} lacks a field: {error}.", code="bad-record") from error

    @classmethod
    def _shape(cls, value: dict[str, Any]) -> dict[str, Any]:
        return {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}


@dataclass(frozen=True, slots=True)
class Source(_Record):
    """Where components come from.

    ``head`` is the commit up to which releases are derived (40 hex digits; empty for a folder).
    ``problems`` lists entries of the head that were skipped: ``path: reason``.
    """

    name: str
    url: str
    kind: str  # "git" | "folder" | "builtin"
    head: str = ""
    branch: str = ""
    history: int = 1  # 0: objects are missing upstream, so its history is not kept, only its releases
    labels: Mapping[str, str] = field(default_factory=dict)  # repository tag → commit
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release(_Record):
    """One immutable (component, version) with its tree.

    ``tree`` is the git tree id (40 hex digits), ``digest`` the SHA-256 digest of the same files
    (``sha256:`` and 64 hex digits), ``commit`` and ``path`` say where in the source it was.
    ``changes`` are the lines of the interface difference to the release before.
    """

    uid: str
    kind: str
    name: str
    version: str
    tree: str
    digest: str
    commit: str
    path: str
    format: str
    bump: str
    changes: tuple[str, ...] = ()
    interface: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    def _schema(self) -> int:
        newer = any(need.when or need.host or need.scope == "maybe" for need in self.needs)
        return 2 if newer else 1

    @classmethod
    def _shape(cls, value: dict[str, Any]) -> dict[str, Any]:
        needs = tuple(Need(**need) for need in value.get("needs", ()))
        return {**super(Release, cls)._shape(value), "needs": needs}


@dataclass(frozen=True, slots=True)
class Component(_Record):
    """The line of releases of one component in one source.

    ``versions`` in the order of release, ``withdrawn`` is the commit that removed it (empty while it
    is there), ``labels`` maps a repository tag to the version current at it.
    """

    uid: str
    kind: str
    name: str
    names: tuple[str, ...]  # every name it ever had, oldest first, as kind:name
    versions: tuple[str, ...]
    withdrawn: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def newest(self) -> str:
        """The version released last."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Absences(_Record):
    """When a component was withdrawn, oldest first; beside its record, once there was one such time.

    ``spans``: the version that was newest then, the commit that removed it, and the commit that brought
    it back (empty: none yet).
    """

    spans: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def _shape(cls, value: dict[str, Any]) -> dict[str, Any]:
        spans = tuple((newest, gone, back) for newest, gone, back in value["spans"])
        return {**value, "spans": spans}

    def begin(self, newest: str, gone: str) -> Absences:
        """One more, without an end."""
        return Absences((*self.spans, (newest, gone, "")))

    def end(self, back: str) -> Absences:
        """The last one is over."""
        return Absences((*self.spans[:-1], (*self.spans[-1][:2], back))) if self.spans else self


@dataclass(frozen=True, slots=True)
class Yank(_Record):
    """A release that nobody should newly use; it lies beside the release, whose own record never changes.

    ``reason`` is for people and may be empty; ``who`` yanked it, ``since`` when (RFC 3339, UTC).
    """

    reason: str
    who: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Retired(_Record):
    """What remains of a release that was taken back: its version never comes to mean other files."""

    digest: str
    tree: str


@dataclass(frozen=True, slots=True)
class Operation(_Record):
    """One entry of the log: ``verb`` (add, mirror, record …), what it was asked, what it published."""

    verb: str
    command: str
    summary: str


@dataclass(frozen=True, slots=True)
class Run(_Record):
    """One execution. ``id`` is not stored: it is the SHA-256 of the record's bytes, shortened.

    ``measurements`` holds per-repetition values as text, ``outputs`` the git tree of the files kept,
    ``host`` what was found on the machine, ``check`` the outcome of comparing outputs.
    """

    action: str
    component: str  # requirement that names the exact release: source:kind:name@=version
    uid: str
    lock: str  # SHA-256 of the lock's bytes, hex
    started: str  # RFC 3339, UTC
    status: str  # "ok" | "failed" | "timeout" | "interrupted" | "mismatch"
    exit_code: int
    inputs: Mapping[str, Any] = field(default_factory=dict)
    host: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    measurements: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    outputs: str = ""
    key: str = ""  # runs with equal keys must give equal outputs: digest of program, command, dataset
    replay_of: str = ""
