"""From records of the log to rows of the index."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from functools import cmp_to_key

from ckstore.errors import CkstoreError
from ckstore.index.cardwriter import CardWriter
from ckstore.index.facts import FactWriter, searched_text
from ckstore.index.places import Places
from ckstore.index.relations import RelationsWriter
from ckstore.index.schema import pack_tags, unpack_tags
from ckstore.model.facts import Fact, facts_of
from ckstore.model.records import Component, Release, Yank
from ckstore.model.versions import parse_version
from ckstore.objects.described import metadata_of
from ckstore.objects.log import LogView

_BUFFERED = 100_000  # postings are sorted before they are written: pages are then filled one after another


def precedence(versions: Iterable[str]) -> list[str]:
    """Versions by rising precedence; those of equal precedence (build metadata) in the order given."""
    compare = cmp_to_key(lambda a, b: int(parse_version(a).compare(parse_version(b))))
    return sorted(versions, key=compare)


def is_prerelease(version: str) -> bool:
    """True for ``2.0.0-rc.1``."""
    return "-" in version.partition("+")[0]


class IndexWriter:
    """Brings components into the index, inside the caller's transaction; :meth:`finish` ends it."""

    def __init__(self, connection: sqlite3.Connection, view: LogView) -> None:
        self._connection = connection
        self._view = view
        self._sources: dict[str, int] = dict(connection.execute("SELECT name, id FROM sources").fetchall())
        self._tags: dict[str, int] = {}
        self._relations = RelationsWriter(connection)
        self._places = Places(connection, self._ids_of)
        self._all: list[tuple[int, int]] = []
        self._total_counts: Counter[int] = Counter()
        self._facts = FactWriter(connection)
        self._cards = CardWriter(connection, view)

    def update(self, source: str, uid: str) -> None:
        """Make the rows of one component what the log says now.

        A record that cannot be read or understood costs this component, never the index: it is left out,
        noted in the table ``skipped``, and tried again at the next catch-up.
        """
        try:
            component = self._view.component(source, uid)
            again = bool(self._view.retired(source, uid))  # released anew, and perhaps under another name
            releases = self._unknown_releases(source, component, again) if component else {}
            ranked = precedence(component.versions) if component else []
            yanked = self._view.yanks(source, uid) if component else {}
        except CkstoreError as error:
            reason = f"{source}:{uid} is not in the index: {error.message}"
            self._execute("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", source, uid, reason)
            component, releases, ranked, again, yanked = None, {}, [], False, {}
        else:
            self._execute("DELETE FROM skipped WHERE source = ? AND uid = ?", source, uid)
        identity = self._component(source, uid)
        self._remove_newest(identity)
        self._remove_releases(identity, keep=frozenset(() if again else ranked))
        if component is None or not ranked:
            self._remove(identity)
        else:
            self._write(identity, source, component, ranked, releases, yanked)

    def finish(self) -> None:
        """Write what is buffered, and the counts."""
        self._flush()
        self._facts.finish()
        self._relations.finish()
        self._places.finish()
        touched = sorted(self._total_counts)
        self._connection.executemany(
            "UPDATE tags SET total = total + ? WHERE id = ?",
            [(self._total_counts[tag], tag) for tag in touched],
        )
        self._connection.executemany(
            "DELETE FROM tags WHERE id = ? AND total = 0", [(tag,) for tag in touched]
        )
        self._connection.execute(
            "DELETE FROM sources WHERE NOT EXISTS (SELECT 1 FROM components WHERE source = sources.id)"
        )
        self._cards.finish()

    # -- reading -------------------------------------------------------------------------------------

    def _unknown_releases(self, source: str, component: Component, again: bool) -> dict[str, Release]:
        """The releases that the index does not hold yet; others are not read.

        What the index has of a release never changes: a pull may replace its record by one that says the
        same of the files, and something else only of the commit and of the release before it.
        """
        known = (
            set()
            if again
            else {
                row[0]
                for row in self._connection.execute(
                    "SELECT r.version FROM sources s JOIN components c ON c.source = s.id AND c.uid = ? "
                    "JOIN releases r ON r.component = c.id WHERE s.name = ?",
                    (component.uid, source),
                )
            }
        )
        unknown = dict.fromkeys(version for version in component.versions if version not in known)
        return {version: self._view.release(source, component.uid, version) for version in unknown}

    # -- writing -------------------------------------------------------------------------------------

    def _execute(self, sql: str, *values: str | int) -> int:
        return self._connection.execute(sql, values).lastrowid or 0

    def _component(self, source: str, uid: str) -> int:
        place = self._sources.get(source)
        if place is None:
            place = self._sources[source] = self._execute(
                "INSERT INTO sources (name, url) VALUES (?, '')", source
            )
        row = self._connection.execute(
            "SELECT id FROM components WHERE source = ? AND uid = ?", (place, uid)
        ).fetchone()
        new = "INSERT INTO components (source, uid, line, withdrawn) VALUES (?, ?, 0, 0)"
        return row[0] if row else self._execute(new, place, uid)

    def _remove(self, component: int) -> None:
        self._execute("DELETE FROM lines WHERE component = ?", component)
        self._execute("DELETE FROM components WHERE id = ?", component)
        self._cards.remove(component)

    def _remove_newest(self, component: int) -> None:
        row = self._connection.execute(
            "SELECT line FROM components WHERE id = ? AND line <> 0", (component,)
        ).fetchone()
        if row:
            self._places.leave(row[0])
            self._facts.remove(row[0])
            self._relations.remove(row[0])
        self._execute("DELETE FROM texts WHERE rowid = ?", component)

    def _remove_releases(self, component: int, keep: frozenset[str]) -> None:
        """Releases are only ever added, so this finds work after an undo alone."""
        rows = self._connection.execute(
            "SELECT id, version, tags FROM releases WHERE component = ?", (component,)
        ).fetchall()
        for release, version, tags in rows:
            if version not in keep:
                for tag in self._ids_of(unpack_tags(tags)):
                    self._execute("DELETE FROM release_tags WHERE tag = ? AND release = ?", tag, release)
                    self._total_counts[tag] -= 1
                self._execute("UPDATE lines SET newest = 0 WHERE newest = ?", release)
                self._execute("DELETE FROM releases WHERE id = ?", release)

    def _write(
        self, component: int, source: str, record: Component, ranked: list[str], new: dict[str, Release],
        yanked: Mapping[str, Yank],
    ) -> None:  # fmt: skip
        lines = {
            (kind, name): identity
            for identity, kind, name in self._connection.execute(
                "SELECT id, kind, name FROM lines WHERE component = ?", (component,)
            )
        }
        ranks = {version: rank for rank, version in enumerate(ranked)}
        for version, release in new.items():
            line = self._line(lines, component, release.kind, release.name)
            self._insert(component, line, ranks[version], version, release)
        self._rank(component, ranks)
        self._mark(component, yanked)
        current, version = self._point(
            component, record, self._line(lines, component, record.kind, record.name)
        )
        newest = new.get(version) or self._reread(source, record.uid, version)
        facts = facts_of(metadata_of(self._view, newest)) if newest else ()
        self._facts.write(current, facts)
        self._write_text(component, record, newest, facts)
        if newest is not None:
            self._relations.put(current, newest)
        self._cards.write(
            component, source, record, newest, ranked, yanked,
            lambda version: new.get(version) or self._reread(source, record.uid, version),
        )  # fmt: skip

    def _reread(self, source: str, uid: str, version: str) -> Release | None:
        try:
            return self._view.release(source, uid, version)
        except CkstoreError:  # it was whole when its row was made: only its texts and needs are missed
            return None

    def _line(self, lines: dict[tuple[str, str], int], component: int, kind: str, name: str) -> int:
        if (kind, name) not in lines:
            lines[kind, name] = self._execute(
                "INSERT INTO lines (component, kind, name, current, newest, place) VALUES (?, ?, ?, 0, 0, 0)",
                component, kind, name,
            )  # fmt: skip
        return lines[kind, name]

    def _insert(self, component: int, line: int, rank: int, version: str, release: Release) -> None:
        tags = tuple(dict.fromkeys(release.tags))
        identity = self._execute(
            "INSERT INTO releases (component, line, version, rank, tree, digest, title, tags, yanked) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            component, line, version, rank, release.tree, release.digest, release.title, pack_tags(tags),
        )  # fmt: skip
        for tag in self._ids_of(tags):
            self._all.append((tag, identity))
            self._total_counts[tag] += 1
        if len(self._all) >= _BUFFERED:
            self._flush()

    def _rank(self, component: int, ranks: dict[str, int]) -> None:
        """A version that comes between two others moves those above it."""
        held = self._connection.execute(
            "SELECT version, rank, id FROM releases WHERE component = ?", (component,)
        ).fetchall()
        moved = [(ranks[version], identity) for version, rank, identity in held if ranks[version] != rank]
        self._connection.executemany("UPDATE releases SET rank = ? WHERE id = ?", moved)

    def _mark(self, component: int, yanked: Container[str]) -> None:
        held = self._connection.execute(
            "SELECT version, yanked, id FROM releases WHERE component = ?", (component,)
        ).fetchall()
        changed = [(int(version in yanked), own) for version, was, own in held if was != (version in yanked)]
        self._connection.executemany("UPDATE releases SET yanked = ? WHERE id = ?", changed)

    def _point(self, component: int, record: Component, line: int) -> tuple[int, str]:
        """Set what is newest, in each line and for the component; gives the current line, its newest version.

        Newest is the highest precedence that is neither yanked nor a pre-release, or that is not yanked, or
        the highest of all, among the releases under the name that the component has now.
        """
        best: dict[int, tuple[bool, bool, int, int, str]] = {}
        for identity, own, version, rank, yanked in self._connection.execute(
            "SELECT id, line, version, rank, yanked FROM releases WHERE component = ?", (component,)
        ):
            candidate = (not yanked, not is_prerelease(version), rank, identity, version)
            best[own] = max(best.get(own, candidate), candidate)
        current = line if line in best else max(best, key=lambda own: best[own])
        update = "UPDATE lines SET current = ?, newest = ? WHERE id = ?"
        for own, (_, _, _, newest, _) in best.items():
            self._execute(update, int(own == current), newest, own)
        self._execute("DELETE FROM lines WHERE component = ? AND newest = 0", component)
        self._execute(
            "UPDATE components SET line = ?, withdrawn = ? WHERE id = ?",
            current, int(bool(record.withdrawn)), component,
        )  # fmt: skip
        self._places.enter(current)
        return current, best[current][4]

    def _write_text(
        self, component: int, record: Component, newest: Release | None, facts: Iterable[Fact]
    ) -> None:
        names = " ".join(dict.fromkeys([f"{record.kind}:{record.name}", *record.names]))
        texts = (newest.title, newest.description, " ".join(newest.tags)) if newest else ("", "", "")
        self._execute(
            "INSERT INTO texts (rowid, names, title, description, tags, metadata) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            component, names, *texts, searched_text(facts),
        )  # fmt: skip

    def _ids_of(self, tags: Iterable[str]) -> list[int]:
        return [self._tags.get(tag) or self._id_of(tag) for tag in tags]

    def _id_of(self, tag: str) -> int:
        row = self._connection.execute("SELECT id FROM tags WHERE tag = ?", (tag,)).fetchone()
        new = "INSERT INTO tags (tag, newest, total) VALUES (?, 0, 0)"
        self._tags[tag] = row[0] if row else self._execute(new, tag)
        return self._tags[tag]

    def _flush(self) -> None:
        self._connection.executemany("INSERT INTO release_tags VALUES (?, ?)", sorted(self._all))
        self._all.clear()
