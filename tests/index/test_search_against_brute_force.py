"""Search, after a random history of publications, against a filter over all releases."""

from __future__ import annotations

import fnmatch
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from hashlib import sha1
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from semver import Version

from ckstore.index import catchup, places
from ckstore.index.schema import create
from ckstore.index.search import count, search
from ckstore.index.writer import is_prerelease
from ckstore.model.conditions import parse_condition
from ckstore.model.facts import Fact, facts_of
from ckstore.model.metadata import Need
from ckstore.model.query import Query
from ckstore.model.records import Component, Release
from ckstore.model.tags import TagQuery
from ckstore.model.versions import VersionRange, parse_version
from ckstore.objects.described import metadata_of
from tests.index.logdouble import Log, line, release

if TYPE_CHECKING:
    from ckstore.index.cells import Reader

KINDS, NAMES, TAGS = ["program", "soft"], ["a", "ab", "b-c", "[b", "é"], ["t", "u", "vw", "'"]
VERSIONS = ["0.1.0", "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0", "2.1.0-beta"]
UIDS = [f"{n:016x}" for n in range(3)]

tags = st.lists(st.sampled_from(TAGS), unique=True, max_size=3).map(tuple)
body = st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES), tags)
history = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(UIDS), st.sampled_from(VERSIONS), body,
              st.sampled_from(["", "", "d" * 40]), st.booleans(),
              st.none() | st.none() | st.lists(st.sampled_from(VERSIONS), max_size=3)),
    max_size=14,
)  # fmt: skip
CONDITIONS = [
    "soft.language=a", "*.language=*", "*.language!=a", "*.of.version>=1.2", "*.of.version<1.2.0", "*.odd",
    "!*.odd", "soft", "!soft.of", "*.many>1", "*.many=x", "*.many!=2", "kind=pro*", "*.many<=y", "none=1",
]  # fmt: skip
queries = st.builds(
    Query,
    source=st.sampled_from(["", "", "one", "t*", "*"]),
    kind=st.sampled_from(["", "", "program", "so*", "soft|program", "none"]),
    name=st.sampled_from(["", "", "a", "ab", "a*", "?", "[*", "é", UIDS[0], "*c"]),
    range=st.sampled_from(["*", "*", "^1", ">=1.0.0-rc.1", "<1", "=2.0.0"]),
    tags=st.builds(
        lambda some, other, groups: TagQuery.of(some, set(other) - set(some), groups),
        st.lists(st.sampled_from([*TAGS, "*", "v*", "?"]), max_size=2),
        st.lists(st.sampled_from([*TAGS, "unknown", "*w", "none*"]), max_size=2),
        st.lists(st.lists(st.sampled_from([*TAGS, "unknown", "v*"]), min_size=1, max_size=3), max_size=2),
    ),
    text=st.sampled_from(["", "", "a", "program", "v", "soft t", "title"]),
    all_versions=st.booleans(),
    withdrawn=st.booleans(),
    yanked=st.sampled_from([False, False, False, True]),
    where=st.lists(st.sampled_from(CONDITIONS), max_size=2).map(tuple),
    provides=st.lists(
        st.sampled_from(["env:SOFT", "env:*", "cmd:2*", "SOFT", "tag:t", "env:none"]), max_size=1
    ).map(tuple),
    sort=st.sampled_from([(), (), (), ("-name", "kind"), ("version",), ("-soft.of.version", "uid")]),
    limit=st.sampled_from([0, 0, 1, 3]),
)
Step = tuple[str, str, str, tuple[str, str, tuple[str, ...]], str, bool, list[str] | None]
Yanked = Mapping[tuple[str, str], frozenset[str]]
Found = tuple[str, str, Release]  # source, UID
State = dict[tuple[str, str], tuple[Component, dict[str, Release]]]


def newest(releases: list[Release], yanked: frozenset[str]) -> Release:
    def precedence(release: Release) -> tuple[bool, bool, Version]:
        version = release.version
        return version not in yanked, not is_prerelease(version), parse_version(version)

    return max(releases, key=precedence)


def like(pattern: str, text: str) -> bool:
    return re.fullmatch(fnmatch.translate(pattern.replace("[", "[[]")), text) is not None


def metadata(kind: str, name: str, version: str, tagged: tuple[str, ...]) -> bytes:
    """What a release says of itself; each version says something else."""
    odd = "odd = true\n" if len(tagged) % 2 else ""
    values = f'language = "{name[:1]}"\n{odd}of = {{ version = "{version}", many = [{len(tagged)}, "x"] }}\n'
    return f'kind = "{kind}"\nname = "{name}"\n[{kind}]\n{values}'.encode()


def facts_in(log: Log) -> Reader:
    view = log.view()
    return lambda source, uid, version: facts_of(metadata_of(view, view.release(source, uid, version)))


def has_text(query: Query, component: Component, release: Release, facts: Sequence[Fact]) -> bool:
    values = [value for _, value in facts]
    text = " ".join([component.kind, component.name, *component.names, release.title, *release.tags, *values])
    words = re.findall(r"\w+", text.lower().replace("é", "e"))
    *whole, last = query.text.split() or [""]
    return all(word in words for word in whole) and any(word.startswith(last) for word in words)


def provides(entry: str, interface: Sequence[str]) -> bool:
    return any(like(entry if ":" in entry else f"*:{entry}", member) for member in interface)


def sort_value(key: str, release: Release, ranks: dict[str, int], facts: Sequence[Fact]) -> object:
    if key == "version":
        return ranks[release.version]
    if "." in key:
        return ranks[release.version] if any(name == key for name, _ in facts) else None
    return getattr(release, key)


def by_key(hits: list[Found], key: str, ranks: dict[str, int], read: Reader) -> list[Found]:
    rank: dict[int, Any] = {
        id(hit): sort_value(key.lstrip("-"), hit[2], ranks, read(hit[0], hit[1], hit[2].version))
        for hit in hits
    }
    there = [hit for hit in hits if rank[id(hit)] is not None]
    there.sort(key=lambda hit: rank[id(hit)], reverse=key[0] == "-")
    return [*there, *(hit for hit in hits if rank[id(hit)] is None)]


def expected(state: State, query: Query, yanks: Yanked, read: Reader) -> list[str]:
    hits: list[Found] = []
    exact = bool(query.name) and not set("*?") & set(query.name)
    taken = {(source, held.kind, held.name) for (source, _), (held, _) in state.items()}
    for (source, uid), (held, by_version) in state.items():
        releases, yanked = list(by_version.values()), yanks.get((source, uid), frozenset())
        current = [r for r in releases if (r.kind, r.name) == (held.kind, held.name)]
        kind, name = held.kind, held.name
        if exact and query.name not in (uid, name):
            old = [r for r in releases if r.name == query.name]
            former = {r.kind for r in old if (source, r.kind, r.name) not in taken}
            groups = [(k, [r for r in releases if (r.kind, r.name) == (k, query.name)]) for k in former]
        else:
            groups = [(kind, releases)]
            if query.name and not exact and not like(query.name, name):
                continue
        for group_kind, group in groups:
            if query.kind and not any(like(k, group_kind) for k in query.kind.split("|")):
                continue
            if query.source and not like(query.source, source):
                continue
            if held.withdrawn and not query.withdrawn and not exact:
                continue
            best = newest(current, yanked)
            if query.text and not has_text(query, held, best, read(source, uid, best.version)):
                continue
            if not all(provides(entry, best.interface) for entry in query.provides if entry != "tag:t"):
                continue
            if query.range == "*" and not query.all_versions and not query.yanked:
                group = [newest(group if group is not releases else current, yanked)]
            admitted = VersionRange.parse(query.range)
            fits = [r for r in group if query.tags.matches(r.tags)]
            fits = [r for r in fits if "t" in r.tags or "tag:t" not in query.provides]
            if query.yanked:
                fits = [r for r in fits if r.version in yanked]
            elif not query.all_versions and not exact:
                fits = [r for r in fits if r.version not in yanked]
            if query.range != "*":
                fits = [r for r in fits if admitted.admits(parse_version(r.version))]
                if not query.all_versions and fits:
                    fits = [max(fits, key=lambda r: (r.version not in yanked, parse_version(r.version)))]
            where = [parse_condition(text) for text in query.where]
            fits = [r for r in fits if all(c.holds(read(source, uid, r.version)) for c in where)]
            hits += [(source, uid, r) for r in fits]
    ranks = {version: rank for rank, version in enumerate(sorted(VERSIONS, key=parse_version))}
    hits.sort(key=lambda h: (h[0], h[2].kind, h[2].name, h[1], -ranks[h[2].version]))
    for key in reversed(query.sort):
        hits = by_key(hits, key, ranks, read)
    return [f"{source}:{r.kind}:{r.name}:{uid}@={r.version}" for source, uid, r in hits]


def needs_by(version: str, tagged: tuple[str, ...]) -> tuple[Need, ...]:
    """Made-up needs: by tags, by name, by UID, with ranges and wildcards."""
    by_tags = [Need(f"tag {tag}", f"{'|'.join(KINDS)}[{tag},!{TAGS[-1]}x]", "any") for tag in tagged]
    return (*by_tags, Need("own", f"program:a@>={version}"), Need("all", "soft:*"), Need("uid", UIDS[0]))


# Places: new lines are never a reason to number all, and there is hardly any room.
CROWDED: dict[str, Any] = {"_MANY": 0, "_GAP": 4, "_STEP": 2, "_ROOM": 2, "_NEIGHBOURS": 1}


def play(steps: list[Step], crowded: bool = False) -> tuple[Log, State, sqlite3.Connection]:
    """Publish step by step; catch up after those that say so, so that increments are tested, too."""
    log = Log()
    log.publish()
    db = sqlite3.connect(":memory:", isolation_level=None)
    create(db)
    reached = ""
    for source, uid, version, (kind, name, tagged), withdrawn, now, yanked in steps:
        held = log.states[log.head].get((source, uid), (None, {}))[1]
        others = [r for r in held.values() if r.version != version]
        said = metadata(kind, name, version, tagged)
        tree = sha1(said, usedforsecurity=False).hexdigest()
        log.metadata[tree] = said
        last = held.get(version) or release(
            kind, name, version, tree=tree, uid=uid, tags=tagged, title="a title",
            needs=needs_by(version, tagged),
            interface=(f"name:{name}", f"env:{kind.upper()}", f"cmd:{version}"),
        )  # fmt: skip
        log.publish(line(source, *others, last, withdrawn=withdrawn))
        if yanked is not None:
            log.yank(source, uid, *yanked)
        if now:
            with patch.multiple(places, **CROWDED) if crowded else nullcontext():
                catchup._write(db, log.view(), log.view().changed_since(reached), catchup._silent)
            reached = log.head
    catchup._write(db, log.view(), log.view().changed_since(reached), catchup._silent)
    return log, log.states[log.head], db


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history, st.lists(queries, min_size=3, max_size=6), st.booleans())
def test_search_gives_what_a_filter_over_all_releases_gives(
    steps: list[Step], asked: list[Query], crowded: bool
) -> None:
    log, state, db = play(steps, crowded)
    for query in asked:
        hits = list(search(db, query, facts_in(log)))
        wanted = expected(state, query, log.yanked[log.head], facts_in(log))
        shown = [f"{h.source}:{h.kind}:{h.name}:{h.uid}@={h.version}" for h in hits]
        assert shown == (wanted[: query.limit] if query.limit else wanted), query
        assert count(db, query, facts_in(log)) == len(wanted)
    db.close()


@settings(max_examples=100, deadline=None)
@given(history, st.booleans())
def test_an_index_kept_up_to_date_equals_one_built_at_once(steps: list[Step], crowded: bool) -> None:
    log, _, db = play(steps, crowded)
    fresh = catchup._in_memory(log.view(), catchup._silent)
    assert dump(db) == dump(fresh)
    db.close()
    fresh.close()


def dump(db: sqlite3.Connection) -> list[list[tuple[object, ...]]]:
    """Everything, with names in the place of row numbers."""
    return [
        db.execute(sql).fetchall()
        for sql in (
            "SELECT s.name, c.uid, c.withdrawn, l.kind, l.name FROM components c "
            "JOIN sources s ON s.id = c.source JOIN lines l ON l.id = c.line ORDER BY 1, 2",
            "SELECT c.uid, s.name, l.kind, l.name, l.current, r.version FROM lines l JOIN components c "
            "ON c.id = l.component JOIN sources s ON s.id = c.source JOIN releases r ON r.id = l.newest "
            "ORDER BY 1, 2, 3, 4",
            "SELECT tag, newest, total, (SELECT count(*) FROM newest_tags n WHERE n.tag = tags.id), "
            "(SELECT count(*) FROM release_tags n WHERE n.tag = tags.id) FROM tags ORDER BY tag",
            "SELECT c.uid, r.version, r.rank, r.tags, r.title, r.yanked FROM releases r JOIN components c "
            "ON c.id = r.component ORDER BY 1, 2, 3, 4, 5, 6",
            "SELECT count(*), count(DISTINCT id), count(DISTINCT nullif(place, 0)) FROM lines",
            "SELECT e.answer, l.name FROM entries e JOIN lines l ON l.id = e.line AND l.place = e.place "
            "ORDER BY e.place",
            "SELECT e.answer, t.tag FROM newest_tags n JOIN tags t ON t.id = n.tag "
            "JOIN entries e ON e.place = n.place ORDER BY n.place, t.tag",
            "SELECT names, title, description, tags, metadata FROM texts ORDER BY 1, 2, 4",
            "SELECT k.path, f.value, f.number, c.uid, s.name FROM keys k LEFT JOIN facts f ON f.key = k.id "
            "LEFT JOIN lines l ON l.id = f.line LEFT JOIN components c ON c.id = l.component "
            "LEFT JOIN sources s ON s.id = c.source ORDER BY 1, 2, 4, 5",
            "SELECT c.uid, s.name, l.kind, l.name, n.role, q.ask, n.scope FROM needs n JOIN requirements q "
            "ON q.id = n.requirement JOIN lines l ON l.id = n.line JOIN components c ON c.id = l.component "
            "JOIN sources s ON s.id = c.source ORDER BY 1, 2, 3, 4, 5, 6",
            "SELECT ask, hook, (SELECT count(*) FROM needs) FROM requirements ORDER BY 1",
            "SELECT p.entry, l.kind, l.name FROM provides p JOIN lines l ON l.id = p.line ORDER BY 1, 2, 3",
        )
    ]
