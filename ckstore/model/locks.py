"""``ckstore.lock``: what was resolved, as canonical TOML made for people, diffs and merges.

Blocks are sorted, keys have one order, and there is one line per requirement. There are no
timestamps, tool versions, machine facts or hashes over the whole file: each of them would make every
two branches conflict. A lock may come from anyone, so reading one trusts nothing in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ckstore.errors import InvalidInput, NotFound, Unsupported
from ckstore.model.conflicts import has_conflict
from ckstore.model.limits import MAX_LOCK_BYTES
from ckstore.model.names import is_uid, unsafe_component_name
from ckstore.model.plain import as_text
from ckstore.model.tomltext import quote, read_toml

FORMAT = 1
SWHID = "swh:1:dir:"
_HEADER = "# Written by ckstore: what was resolved. Change ckstore.toml, then run `ckstore lock`.\n"
_OID = re.compile(r"[0-9a-f]{40}")
_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """``role`` asked for ``ask`` and got the component ``got`` (``source:kind:name``)."""

    role: str
    ask: str
    got: str

    def __str__(self) -> str:
        return f"{self.role}: {self.ask} -> {self.got}"

    @classmethod
    def parse(cls, text: str) -> Edge:
        """Read ``role: ask -> got``; ValueError when it is something else."""
        head, arrow, got = text.rpartition(" -> ")  # no name contains ">"
        role, colon, ask = head.rpartition(": ")  # a role is a stranger's word
        if not arrow or not colon:
            raise ValueError(f"{text!r} is not of the form 'role: ask -> got'")
        return cls(role, ask, got)


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """One release that the lock names. ``tree`` is the git id in hex, ``digest`` is ``sha256:…``."""

    source: str
    kind: str
    name: str
    uid: str
    version: str
    tree: str
    digest: str
    commit: str = ""
    path: str = ""
    needs: tuple[Edge, ...] = ()

    @property
    def component(self) -> str:
        """``source:kind:name``."""
        return f"{self.source}:{self.kind}:{self.name}"

    @property
    def key(self) -> str:
        """``source:uid``: what stays through a rename."""
        return f"{self.source}:{self.uid}"


@dataclass(frozen=True, slots=True, order=True)
class SourcePin:
    """One source at one commit; ``rank`` is its place in the order of precedence, from 1."""

    name: str
    url: str
    commit: str
    rank: int


@dataclass(frozen=True, slots=True)
class Lock:
    """Roots are ``(ask, got)``; everything is sorted."""

    roots: tuple[tuple[str, str], ...]
    sources: tuple[SourcePin, ...]
    pins: tuple[Pin, ...]
    _by_name: Mapping[str, Pin] = field(init=False, repr=False, compare=False)
    _digest: list[str] = field(init=False, repr=False, compare=False)  # once it was asked for

    def __post_init__(self) -> None:
        object.__setattr__(self, "roots", tuple(sorted(set(self.roots))))
        object.__setattr__(self, "sources", tuple(sorted(self.sources)))
        object.__setattr__(self, "pins", tuple(sorted(self.pins)))
        object.__setattr__(self, "_by_name", {pin.component: pin for pin in self.pins})
        object.__setattr__(self, "_digest", [])

    @property
    def precedence(self) -> list[str]:
        """The names of the sources, the one that wins first."""
        return [source.name for source in sorted(self.sources, key=lambda one: (one.rank, one.name))]

    def pin(self, component: str) -> Pin:
        """The pin of ``source:kind:name``; :class:`NotFound` when the lock has none."""
        try:
            return self._by_name[component]
        except KeyError:
            raise NotFound(
                f"The lock does not pin {component}.", code="not-in-lock", hints=["run `ckstore lock`"]
            ) from None

    def got(self, component: str, role: str) -> list[Pin]:
        """The pins that answered the requirement ``role`` of a component, in the order of the lock."""
        return [self.pin(edge.got) for edge in self.pin(component).needs if edge.role == role]

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes, hex."""
        if not self._digest:
            self._digest.append(hashlib.sha256(self.emit().encode()).hexdigest())
        return self._digest[0]

    def emit(self) -> str:
        """The canonical text."""
        blocks = [_HEADER + f"lock = {FORMAT}\n"]
        blocks += [f"[[root]]\nask = {quote(ask)}\ngot = {quote(got)}\n" for ask, got in self.roots]
        blocks += [_emit_source(source) for source in self.sources]
        blocks += [_emit_pin(pin) for pin in self.pins]
        return "\n".join(blocks)

    @classmethod
    def parse(cls, text: str, where: str = "ckstore.lock", *, whole: bool = True) -> Lock:
        """Read a lock; :class:`InvalidInput` names the block and what is wrong with it.

        Unless it must be ``whole``, what it needs may have no pin, as when a merge has torn it.
        """
        try:
            table = read_toml(text, MAX_LOCK_BYTES)
        except ValueError as error:
            if has_conflict(text):
                raise _in_conflict(where) from error
            raise _bad(where, f"not valid TOML: {error}") from error
        found = table.get("lock")
        if type(found) is int and found > FORMAT:
            raise Unsupported(
                f"{where} has format {found}; this ckstore reads up to {FORMAT}.",
                code="newer-lock",
                hints=["install a newer ckstore"],
            )
        if type(found) is not int or found != FORMAT:
            raise _bad(where, "the line 'lock = 1' is missing")
        lock = cls(
            roots=tuple(
                (_text(b, "ask", where), _text(b, "got", where)) for b in _blocks(table, "root", where)
            ),
            sources=tuple(_read_source(block, where) for block in _blocks(table, "source", where)),
            pins=tuple(_read_pin(block, where) for block in _blocks(table, "pin", where)),
        )
        lock._check(where, whole)
        return lock

    def _check(self, where: str, whole: bool) -> None:
        if len(self._by_name) != len(self.pins):
            raise _bad(where, "a component is pinned twice")
        known = {source.name for source in self.sources}
        if len(known) != len(self.sources):
            raise _bad(where, "a source is pinned twice")
        for pin in self.pins:
            if pin.source not in known:
                raise _bad(where, f"{pin.component} is pinned, but its source is not")
        for wanted in [got for _, got in self.roots] + [e.got for p in self.pins for e in p.needs]:
            if whole and wanted not in self._by_name:
                raise _bad(where, f"{wanted} is needed, but has no pin")


def _emit_source(source: SourcePin) -> str:
    return (
        f"[[source]]\nname = {quote(source.name)}\nurl = {quote(source.url)}\n"
        f"commit = {quote(source.commit)}\nrank = {source.rank}\n"
    )


def _emit_pin(pin: Pin) -> str:
    lines = [
        "[[pin]]", f"component = {quote(pin.component)}", f"version = {quote(pin.version)}",
        f"uid = {quote(pin.uid)}", f"commit = {quote(pin.commit)}", f"path = {quote(pin.path)}",
        f"tree = {quote(SWHID + pin.tree)}", f"digest = {quote(pin.digest)}",
    ]  # fmt: skip
    if pin.needs:
        lines += ["needs = [", *(f"  {quote(str(edge))}," for edge in sorted(set(pin.needs))), "]"]
    return "\n".join(lines) + "\n"


def _in_conflict(where: str) -> InvalidInput:
    return InvalidInput(
        f"{where} has the conflict markers of a merge.",
        code="lock-in-conflict",
        hints=[
            "`ckstore lock` keeps what both sides changed and writes it anew",
            "`ckstore lock --install-merge-driver` lets git do so by itself",
        ],
    )


def _bad(where: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"{where}: {what}.",
        code="bad-lock",
        hints=["take the file back from version control, or write it anew with `ckstore lock`"],
    )


def _blocks(table: Mapping[str, object], name: str, where: str) -> Iterable[Mapping[str, object]]:
    blocks = table.get(name, [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise _bad(where, f"[[{name}]] must be a list of blocks")
    return blocks


def _text(block: Mapping[str, object], key: str, where: str) -> str:
    value = block.get(key)
    if not isinstance(value, str):
        raise _bad(where, f"{key!r} is missing in {as_text(block.get('component')) or 'a block'}")
    return value


def _read_source(block: Mapping[str, object], where: str) -> SourcePin:
    name, commit, rank = _text(block, "name", where), _text(block, "commit", where), block.get("rank")
    if unsafe_component_name(name) or (commit and not _OID.fullmatch(commit)):
        raise _bad(where, f"the source {name!r} has a wrong name or commit")
    if not isinstance(rank, int):
        raise _bad(where, f"the source {name!r} has no rank")
    return SourcePin(name, _text(block, "url", where), commit, rank)


def _read_pin(block: Mapping[str, object], where: str) -> Pin:
    component = _text(block, "component", where)
    parts = component.split(":")
    if len(parts) != 3 or any(unsafe_component_name(part) for part in parts):
        raise _bad(where, f"{component!r} is not of the form source:kind:name")
    tree = _text(block, "tree", where).removeprefix(SWHID)
    digest, uid = _text(block, "digest", where), _text(block, "uid", where)
    if not (_OID.fullmatch(tree) and _DIGEST.fullmatch(digest) and is_uid(uid)):
        raise _bad(where, f"{component} has a malformed tree, digest or uid")
    version, commit, path = (_text(block, key, where) for key in ("version", "commit", "path"))
    if not _VERSION.fullmatch(version) or (commit and not _OID.fullmatch(commit)):
        raise _bad(where, f"{component} has a malformed version or commit")
    if path.startswith("/") or ".." in path.split("/"):
        raise _bad(where, f"the path of {component} leaves its source")
    source, kind, name = parts
    return Pin(
        source, kind, name, uid=uid, version=version, tree=tree, digest=digest, commit=commit, path=path,
        needs=_read_edges(block, component, where),
    )  # fmt: skip


def _read_edges(block: Mapping[str, object], component: str, where: str) -> tuple[Edge, ...]:
    needs = block.get("needs", [])
    if not isinstance(needs, list):
        raise _bad(where, f"the needs of {component} must be a list")
    try:
        return tuple(sorted(Edge.parse(as_text(line)) for line in needs))
    except ValueError as error:
        raise _bad(where, f"{component}: {error}") from error
