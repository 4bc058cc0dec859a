"""``needs`` and ``needed-by`` across sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.relations import Relations, needed_by, needs
from ckstore.operations.strong import strong_components
from tests.operations.folders import component


def put(
    store: ObjectStore, folder: Path, kind: str, name: str, tags: str = "", *, source: str = "", **asks: str
) -> None:
    lines = "\n".join(f'{role} = "{ask}"' for role, ask in asks.items())
    component(folder / name, kind, name, tags=tags, body=f"[needs]\n{lines}\n")
    add(store, folder / name, source=source)


@pytest.fixture
def ring(store: ObjectStore, tmp_path: Path) -> ObjectStore:
    """app → any of two libraries; one of them → tool → app again; nothing has what app's `extra` asks for."""
    put(store, tmp_path, "program", "app", lib="soft[lib]", extra="soft[nowhere]", data="dataset:input@^1")
    put(store, tmp_path, "soft", "one", "lib", source="libs", tool="program:tool")
    put(store, tmp_path, "soft", "two", "lib", source="libs", data="local:dataset:input")
    put(store, tmp_path, "program", "tool", app="local:program:app")
    put(store, tmp_path, "dataset", "input")
    return store


def lines(report: Relations) -> list[str]:
    return [
        f"{r.depth} {r.asker.name} {r.role} {r.answer.name if r.answer else '-'} {r.mark}".rstrip()
        for r in report.relations
    ]


def test_direct_needs_say_what_answers_each_of_them(ring: ObjectStore) -> None:
    report = needs(ring, "program:app")
    assert lines(report) == [
        "1 app data input limit",
        "1 app extra -",
        "1 app lib one limit",
        "1 app lib two limit",
    ]
    assert (report.requirements, report.unmet, report.sources) == (3, 1, ("libs", "local"))


def test_all_needs_are_followed_once_and_cycles_are_marked(ring: ObjectStore) -> None:
    report = needs(ring, "program:app", depth=0)
    assert lines(report) == [
        "1 app data input", "1 app extra -", "1 app lib one", "1 app lib two",
        "2 one tool tool", "2 two data input above", "3 tool app app cycle",
    ]  # fmt: skip
    assert [node.name for node in report.components] == ["one", "two", "input", "tool"]
    assert report.cycles == 1
    assert lines(needs(ring, "program:app", depth=2)) == [
        line + (" limit" if line == "2 one tool tool" else "") for line in lines(report)[:-1]]  # fmt: skip


def test_who_needs_a_component_is_found_by_name_and_by_tags_in_every_source(ring: ObjectStore) -> None:
    found = {(r.asker.reference, r.role, r.ask) for r in needed_by(ring, "dataset:input").relations}
    assert found == {
        ("local:program:app@=1.0.0", "data", "dataset:input@^1"),
        ("libs:soft:two@=1.0.0", "data", "local:dataset:input"),
    }
    assert [r.asker.name for r in needed_by(ring, "soft:one").relations] == ["app"]
    assert lines(needed_by(ring, "soft:one", depth=0)) == [
        "1 app lib one", "2 tool app app", "3 one tool tool cycle"]  # fmt: skip


def test_a_release_is_needed_by_those_whose_range_admits_it(ring: ObjectStore, tmp_path: Path) -> None:
    component(tmp_path / "input", "dataset", "input", head='version = "2.0.0"')
    add(ring, tmp_path / "input")
    assert [r.asker.name for r in needed_by(ring, "dataset:input@=2.0.0").relations] == ["two"]
    assert [r.asker.name for r in needed_by(ring, "dataset:input@=1.0.0").relations] == ["two", "app"]
    assert [r.asker.name for r in needed_by(ring, "dataset:input").relations] == ["two", "app"]
    [data] = [r for r in needs(ring, "program:app").relations if r.role == "data"]
    assert data.answer and data.answer.version == "1.0.0"


def test_tags_are_asked_for_by_those_who_want_at_least_these(ring: ObjectStore) -> None:
    report = needed_by(ring, "soft[lib]", depth=0)
    assert report.root.reference == "soft[lib]"
    assert lines(report)[0] == "1 app lib soft[lib]"
    assert [node.name for node in report.components] == ["one", "app", "tool"]
    assert needed_by(ring, "dataset[lib]").relations == ()
    with pytest.raises(InvalidInput):
        needed_by(ring, "soft[lib]@^1")
    with pytest.raises(NotFound):
        needs(ring, "program:nobody")


def test_an_older_release_needs_what_it_needed_then(ring: ObjectStore, tmp_path: Path) -> None:
    put(ring, tmp_path, "program", "app", other="soft:two")
    assert [r.role for r in needs(ring, "program:app@=1.0.0").relations] == ["data", "extra", "lib", "lib"]
    assert [r.role for r in needs(ring, "program:app").relations] == ["other"]


def test_nodes_that_reach_each_other_are_one_component_however_long_the_way() -> None:
    chain = [(n, n + 1) for n in range(5000)]
    assert len(set(strong_components(chain).values())) == 5001
    assert len(set(strong_components([*chain, (5000, 0)]).values())) == 1
    pair = strong_components([("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "c"), ("x", "x")])
    assert pair["a"] == pair["b"] != pair["c"] == pair["d"]
