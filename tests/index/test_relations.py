"""Who asks for what, after a random history, against a look at every need of every component."""

from __future__ import annotations

import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from ckstore.index import catchup
from ckstore.index.relations import all_askers, answered_by, answering, askers, asking_for, hook_of, needs_of
from ckstore.model.answers import Offer, admits, answers, read_ask
from ckstore.model.metadata import Need
from ckstore.model.records import Component, Release
from ckstore.model.requirements import Requirement
from tests.index.logdouble import Log, line, release
from tests.index.test_search_against_brute_force import (
    KINDS,
    NAMES,
    TAGS,
    UIDS,
    VERSIONS,
    State,
    Step,
    Yanked,
    history,
    newest,
    play,
)

offers = st.builds(
    Offer, st.sampled_from(["one", "two"]), st.sampled_from(KINDS), st.sampled_from(NAMES),
    st.sampled_from(UIDS), st.sampled_from(VERSIONS),
    st.lists(st.sampled_from(TAGS), max_size=3).map(frozenset),
)  # fmt: skip
asked = st.sampled_from(
    ["soft|program[t]", "soft[t,u]", "*[!t]", "program[t,!u]@^1", "program:a", "one:program:a", "a@<2",
     "*:a*", "soft:ab@>=1", UIDS[0], f"two:soft:{UIDS[1]}", "so*:?"]
)  # fmt: skip


def now(state: State, yanks: Yanked) -> list[tuple[str, Component, Release]]:
    """What is there: every component with its newest release, under its name of today."""
    found = []
    for (source, uid), (held, releases) in state.items():
        own = [r for r in releases.values() if (r.kind, r.name) == (held.kind, held.name)]
        if not held.withdrawn:
            found.append((source, held, newest(own, yanks.get((source, uid), frozenset()))))
    return found


def needs_then(state: State, yanks: Yanked) -> list[tuple[str, str, Need]]:
    return sorted(
        ((source, held.uid, need) for source, held, last in now(state, yanks) for need in last.needs), key=str
    )


@settings(max_examples=150, deadline=None)
@given(history, offers)
def test_a_release_is_matched_with_every_need_that_it_answers(steps: list[Step], offer: Offer) -> None:
    log, state, db = play(steps)
    stated = needs_then(state, log.yanked[log.head])
    rows = [(a.source, a.uid, a.role, a.ask, a.scope) for a in all_askers(db)]
    assert sorted(rows) == sorted((source, uid, n.role, n.ask, n.scope) for source, uid, n in stated)
    for source, uid, _ in stated[:2]:
        assert [(a.role, a.ask) for a in needs_of(db, source, uid)] == sorted(
            (need.role, need.ask) for where, who, need in stated if (where, who) == (source, uid)
        )
    found = [asker.key for ask in answered_by(db, offer) for asker in askers(db, ask)]
    wanted = [(source, uid) for source, uid, need in stated if answers(Requirement.parse(need.ask), offer)]
    assert sorted(found) == sorted(wanted)
    db.close()


@settings(max_examples=150, deadline=None)
@given(history, asked)
def test_what_answers_a_requirement_is_what_is_there_and_fits(steps: list[Step], ask: str) -> None:
    log, state, db = play(steps)
    requirement, yanks = Requirement.parse(ask), log.yanked[log.head]
    wanted = set()
    for source, held, last in now(state, yanks):
        yanked = yanks.get((source, held.uid), frozenset())
        releases = [last] if requirement.range == "*" else state[source, held.uid][1].values()
        fits = (r for r in releases if r.version not in yanked and admits(requirement.range, r.version))
        called = held if not requirement.tags else None  # by the name that the component has now
        if any(answers(Requirement.parse(ask.partition("@")[0]), _offer(source, r, called)) for r in fits):
            wanted.add((source, held.uid))
    assert {(hit.source, hit.uid) for hit in answering(db, requirement)} >= wanted
    if requirement.range == "*":
        assert {(hit.source, hit.uid) for hit in answering(db, requirement)} == wanted
    db.close()


def _offer(source: str, found: Release, called: Component | None = None) -> Offer:
    kind, name = (called.kind, called.name) if called else (found.kind, found.name)
    return Offer(source, kind, name, found.uid, found.version.partition("-")[0], frozenset(found.tags))


def built(*needs: Need, **more: object) -> sqlite3.Connection:
    log = Log()
    log.publish(line("one", release("program", "p", "1.0.0", needs=needs, **more)))
    return catchup._in_memory(log.view(), catchup._silent)


def test_who_asks_for_tags_asks_for_at_least_these() -> None:
    db = built(
        Need("c", "soft|package[compiler,lang-c]", "any"), Need("d", "soft[lang-c]", "any"),
        Need("e", "dataset[compiler]", "every"), Need("n", "soft:compiler"), Need("x", "no [requirement"),
    )  # fmt: skip
    assert asking_for(db, Requirement.parse("soft[compiler]")) == ["soft|package[compiler,lang-c]"]
    assert asking_for(db, Requirement.parse("*[compiler]")) == [
        "dataset[compiler]", "soft|package[compiler,lang-c]"]  # fmt: skip
    assert asking_for(db, Requirement.parse("*[!compiler]")) == []
    assert read_ask("no [requirement") is None


def test_what_a_component_offers_is_there_without_names_and_tags_and_bounded() -> None:
    db = built(interface=("tag:x", "name:p", "env:A", *(f"file:{n:06}" for n in range(12_000))))
    rows = [row[0] for row in db.execute("SELECT entry FROM provides ORDER BY entry")]
    assert rows[0] == "env:A" and len(rows) == 10_000 and rows[-1].startswith("file:")


def test_a_hook_is_something_that_every_answer_has() -> None:
    asks = ["soft[a,compiler,zz]", "program:susan@^1", UIDS[1], "program:sus*", "*[!gray]", "[["]
    assert [hook_of(ask) for ask in asks] == [
        "tag:compiler", "name:susan", f"name:{UIDS[1]}", "", "", ""]  # fmt: skip
