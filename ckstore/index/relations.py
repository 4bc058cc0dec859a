"""Who asks for what: the needs of the newest release of each component, and what it offers besides tags.

A *requirement* is stored once, however many components state it, with a *hook*: one thing that any release
must have to answer it (the longest of its tags, its name), so that the few requirements which a release may
answer are found by key. Whether it does is for :mod:`ckstore.model.answers` to say.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from ckstore.index.schema import unpack_tags
from ckstore.index.search import search
from ckstore.model.answers import Offer, admits, answers, means, read_ask
from ckstore.model.query import Hit, Query
from ckstore.model.records import Release
from ckstore.model.requirements import Requirement
from ckstore.model.wildcards import has_wildcards

_ANY = "*"
_ELSEWHERE = ("tag:", "name:")  # members of the interface that other tables hold
MAX_PROVIDED = 10_000  # entries of one component


@dataclass(frozen=True, slots=True)
class Asker:
    """A component whose newest release states a need."""

    source: str
    kind: str
    name: str
    uid: str
    version: str
    role: str
    ask: str
    scope: str

    @property
    def reference(self) -> str:
        """``source:kind:name@=version``."""
        return f"{self.source}:{self.kind}:{self.name}@={self.version}"

    @property
    def key(self) -> tuple[str, str]:
        """Source and UID: the component."""
        return self.source, self.uid


def hook_of(ask: str) -> str:
    """What a release must have to answer: ``tag:…``, ``name:…`` (also a UID), or empty: nothing certain."""
    requirement = read_ask(ask)
    if requirement is None:
        return ""
    tags = [tag for tag in requirement.tags.all_of if not has_wildcards(tag)]
    if tags:
        return f"tag:{max(tags, key=lambda tag: (len(tag), tag))}"
    return f"name:{requirement.name}" if requirement.name and not has_wildcards(requirement.name) else ""


class RelationsWriter:
    """Keeps the tables ``requirements``, ``needs`` and ``provides``, inside the caller's transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[str, int] = {}
        self._left: set[int] = set()

    def remove(self, line: int) -> None:
        """Forget what a line needs and offers."""
        rows = self._connection.execute("SELECT requirement FROM needs WHERE line = ?", (line,))
        self._left.update(row[0] for row in rows)
        self._connection.execute("DELETE FROM needs WHERE line = ?", (line,))
        self._connection.execute("DELETE FROM provides WHERE line = ?", (line,))

    def put(self, line: int, newest: Release) -> None:
        """Note what the newest release of a line needs and offers; nothing of it is there yet."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO needs (line, role, requirement, scope) VALUES (?, ?, ?, ?)",
            [(line, need.role, self._id_of(need.ask), need.scope) for need in newest.needs],
        )
        offered = sorted(entry for entry in newest.interface if not entry.startswith(_ELSEWHERE))
        self._connection.executemany(
            "INSERT OR IGNORE INTO provides (line, entry) VALUES (?, ?)",
            [(line, entry) for entry in offered[:MAX_PROVIDED]],
        )

    def finish(self) -> None:
        """Forget requirements that nobody states any more."""
        self._connection.executemany(
            "DELETE FROM requirements WHERE id = ? "
            "AND NOT EXISTS (SELECT 1 FROM needs WHERE requirement = requirements.id)",
            [(requirement,) for requirement in sorted(self._left)],
        )
        self._left.clear()
        self._known.clear()

    def _id_of(self, ask: str) -> int:
        if ask not in self._known:
            row = self._connection.execute("SELECT id FROM requirements WHERE ask = ?", (ask,)).fetchone()
            new = "INSERT INTO requirements (ask, hook) VALUES (?, ?)"
            self._known[ask] = (
                row[0] if row else self._connection.execute(new, (ask, hook_of(ask))).lastrowid or 0
            )
        return self._known[ask]


# -- reading -------------------------------------------------------------------------------------------

_COLUMNS = "SELECT s.name, l.kind, l.name, c.uid, r.version, n.role, q.ask, n.scope "
_REST = (
    " CROSS JOIN sources s ON s.id = c.source CROSS JOIN releases r ON r.id = l.newest WHERE c.withdrawn = 0"
)
_BY_REQUIREMENT = (
    f"{_COLUMNS}FROM requirements q CROSS JOIN needs n ON n.requirement = q.id "
    f"CROSS JOIN lines l ON l.id = n.line CROSS JOIN components c ON c.id = l.component{_REST}"
)
_BY_COMPONENT = (
    f"{_COLUMNS}FROM components c CROSS JOIN lines l ON l.id = c.line CROSS JOIN needs n ON n.line = l.id "
    f"CROSS JOIN requirements q ON q.id = n.requirement{_REST}"
)
_ORDER = " ORDER BY 1, 2, 3, 4, 6, 7, 8"


def asks(connection: sqlite3.Connection) -> list[str]:
    """Every requirement that a component states, withdrawn ones included."""
    return [row[0] for row in connection.execute("SELECT ask FROM requirements ORDER BY ask")]


def all_askers(connection: sqlite3.Connection, source: str = "") -> Iterator[Asker]:
    """Every need of every component that is there, or of those of one source; in their order."""
    where, values = (" AND s.name = ?", (source,)) if source else ("", ())
    return (Asker(*row) for row in connection.execute(_BY_COMPONENT + where + _ORDER, values))


def needs_of(connection: sqlite3.Connection, source: str, uid: str) -> list[Asker]:
    """What the newest release of a component needs, by role; nothing of one that is withdrawn."""
    where = " AND c.uid = ? AND s.name = ?"
    return [Asker(*row) for row in connection.execute(_BY_COMPONENT + where + _ORDER, (uid, source))]


def askers(connection: sqlite3.Connection, ask: str) -> list[Asker]:
    """The components that state exactly this requirement, and their roles; withdrawn ones do not count."""
    where = " AND q.ask = ?"
    return [Asker(*row) for row in connection.execute(_BY_REQUIREMENT + where + _ORDER, (ask,))]


def answered_by(connection: sqlite3.Connection, offer: Offer, *, any_version: bool = False) -> list[str]:
    """The requirements, of those that are stated, which this release answers.

    With ``any_version`` whatever range they state: perhaps it is another release that answers them.
    """
    hooks = ["", f"name:{offer.name}", f"name:{offer.uid}", *(f"tag:{tag}" for tag in offer.tags)]
    found: list[str] = []
    for hook in dict.fromkeys(hooks):
        for (ask,) in connection.execute("SELECT ask FROM requirements WHERE hook = ?", (hook,)):
            requirement = read_ask(ask)
            fits = means if any_version else answers
            if requirement is not None and fits(requirement, offer):
                found.append(ask)
    return sorted(found)


def asking_for(connection: sqlite3.Connection, wanted: Requirement) -> list[str]:
    """The requirements that ask for at least these tags, of one of these kinds (none named: of any)."""
    return [
        ask for ask in asks(connection)
        if (found := read_ask(ask)) is not None and found.tags
        and set(wanted.tags.all_of) <= set(found.tags.all_of)
        and set(wanted.tags.none_of) <= set(found.tags.none_of)
        and set(wanted.tags.any_of) <= set(found.tags.any_of)
        and (not wanted.kinds or not found.kinds or set(wanted.kinds) & set(found.kinds))
    ]  # fmt: skip


def answering(connection: sqlite3.Connection, requirement: Requirement) -> list[Hit]:
    """The components that answer a requirement as they are now, each with the release that does.

    That is the newest one; where the requirement states a range, the best release in it, whatever the
    component was called then. Withdrawn
    components and yanked releases answer nothing here, nor do names that a component had formerly.
    """
    query = Query(
        source=requirement.source, kind="|".join(requirement.kinds), name=requirement.name,
        range=requirement.range, tags=requirement.tags,
    )  # fmt: skip
    current = requirement.range == _ANY
    return [
        hit for hit in search(connection, query)
        if not hit.withdrawn and not hit.yanked and (hit.newest or not current)
        and admits(requirement.range, hit.version)
    ]  # fmt: skip


def offer_of(hit: Hit) -> Offer:
    """What of a release a requirement can ask for."""
    return Offer(hit.source, hit.kind, hit.name, hit.uid, hit.version, frozenset(hit.tags))


def offering(connection: sqlite3.Connection, prefix: str) -> Iterator[tuple[str, str, str]]:
    """(source, UID, entry) of the entries that begin so, for components that are not withdrawn."""
    rows: Iterator[tuple[str, str, str]] = connection.execute(
        "SELECT s.name, c.uid, p.entry FROM provides p CROSS JOIN lines l ON l.id = p.line "
        "CROSS JOIN components c ON c.id = l.component CROSS JOIN sources s ON s.id = c.source "
        "WHERE p.entry >= ? AND p.entry < ? AND c.withdrawn = 0",
        (prefix, f"{prefix}\U0010ffff"),
    )
    return rows


def newest_offer(connection: sqlite3.Connection, source: str, uid: str) -> Offer | None:
    """The newest release of a component as an offer; None when the index has no such component."""
    row = connection.execute(
        "SELECT l.kind, l.name, r.version, r.tags FROM components c CROSS JOIN sources s ON s.id = c.source "
        "CROSS JOIN lines l ON l.id = c.line CROSS JOIN releases r ON r.id = l.newest "
        "WHERE c.uid = ? AND s.name = ?",
        (uid, source),
    ).fetchone()
    if row is None:
        return None
    kind, name, version, tags = row
    return Offer(source, kind, name, uid, version, frozenset(unpack_tags(tags)))
