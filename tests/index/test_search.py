from __future__ import annotations

import sqlite3

import pytest

from ckstore.errors import InvalidInput
from ckstore.index import catchup
from ckstore.index.search import count, search
from ckstore.index.suggest import knows, suggest
from ckstore.model.query import Query
from ckstore.model.tags import TagQuery
from tests.index.logdouble import Log, line, release

UID = "00000000000000aa"


@pytest.fixture
def db() -> sqlite3.Connection:
    log = Log()
    log.publish(
        line("one", release("program", "susan", "1.0.0", tags=("image",)),
             release("program", "susan", "1.1.0", tags=("image", "pgm"), title="Corner detection")),
        line("one", release("program", "sobel", tags=("image", "gray"), description="an edge filter")),
        line("one", release("dataset", "faces", tags=("image", "jpeg"))),
        line("one", release("dataset", "gone", tags=("image",)), withdrawn="d" * 40),
        line("one", release("soft", "old-name", uid=UID), release("soft", "new-name", "2.0.0", uid=UID)),
        line("two", release("program", "susan", "3.0.0", tags=("image",))),
        line("two", release("program", "[x]", tags=("50%", "a'b", 'q"q', "naïve", "日本", "a\nb\\n"))),
        line("two", release("program", "pre", "1.0.0"), release("program", "pre", "2.0.0-rc.1"),
             release("program", "pre", "1.5.0")),
    )  # fmt: skip
    return catchup._in_memory(log.view(), catchup._silent)


def found(db: sqlite3.Connection, **query: object) -> list[str]:
    if isinstance(query.get("tags"), str):
        query["tags"] = TagQuery.parse(str(query["tags"]))
    asked = Query(**query)  # type: ignore[arg-type]  # the fields of a test
    references = [hit.reference for hit in search(db, asked)]
    if not asked.limit:
        assert count(db, asked) == len(references)
    return references


def test_tags_must_all_be_there_and_refused_ones_absent(db: sqlite3.Connection) -> None:
    assert found(db, tags="image,-gray", kind="program") == [
        "one:program:susan@=1.1.0", "two:program:susan@=3.0.0"]  # fmt: skip


def test_only_the_newest_release_answers_unless_all_are_asked_for(db: sqlite3.Connection) -> None:
    assert found(db, tags="pgm") == ["one:program:susan@=1.1.0"]
    assert found(db, source="one", name="susan", all_versions=True) == [
        "one:program:susan@=1.1.0", "one:program:susan@=1.0.0"]  # fmt: skip
    assert found(db, source="one", kind="program", tags="image,-pgm,-gray") == []
    assert found(db, source="one", kind="program", tags="image,-pgm,-gray", all_versions=True) == [
        "one:program:susan@=1.0.0"]  # fmt: skip


def test_a_range_picks_the_newest_release_in_it(db: sqlite3.Connection) -> None:
    assert found(db, name="susan", range="<1.1") == ["one:program:susan@=1.0.0"]
    assert found(db, name="susan", range=">=1") == ["one:program:susan@=1.1.0", "two:program:susan@=3.0.0"]
    assert found(db, range=">=1", kind="program", limit=1) == ["one:program:sobel@=1.0.0"]
    with pytest.raises(InvalidInput, match="not a version range"):
        found(db, name="susan", range="nonsense")


def test_a_prerelease_is_not_the_newest_where_there_is_a_release(db: sqlite3.Connection) -> None:
    assert found(db, name="pre") == ["two:program:pre@=1.5.0"]
    assert found(db, name="pre", range=">=2.0.0-rc.0") == ["two:program:pre@=2.0.0-rc.1"]
    assert found(db, name="pre", all_versions=True) == [
        "two:program:pre@=2.0.0-rc.1", "two:program:pre@=1.5.0", "two:program:pre@=1.0.0"]  # fmt: skip


def test_a_former_name_finds_the_releases_made_under_it(db: sqlite3.Connection) -> None:
    assert found(db, name="old-name") == ["one:soft:old-name@=1.0.0"]
    assert found(db, name="new-name") == ["one:soft:new-name@=2.0.0"]
    assert found(db, name="new-name", range="^1") == ["one:soft:old-name@=1.0.0"]
    assert found(db, name="old-name", range="^2") == []
    assert found(db, name=UID) == ["one:soft:new-name@=2.0.0"]
    assert found(db, kind="soft", name="*") == ["one:soft:new-name@=2.0.0"]
    [old] = search(db, Query(name="old-name"))
    assert not old.newest


def test_a_former_name_that_another_component_took_means_that_one() -> None:
    log = Log()
    log.publish(
        line("one", release("soft", "a", "1.0.0", uid=UID), release("soft", "b", "2.0.0", uid=UID)),
        line("one", release("soft", "a", "7.0.0")),
    )
    db = catchup._in_memory(log.view(), catchup._silent)
    assert found(db, name="a") == ["one:soft:a@=7.0.0"]


def test_a_withdrawn_component_is_found_when_asked_for_or_named_exactly(db: sqlite3.Connection) -> None:
    assert found(db, kind="dataset") == ["one:dataset:faces@=1.0.0"]
    assert len(found(db, kind="dataset", withdrawn=True)) == 2
    assert found(db, name="gon*") == []
    [gone] = search(db, Query(name="gone"))
    assert gone.withdrawn


def test_wildcards_stand_for_names_kinds_and_sources_and_brackets_for_themselves(
    db: sqlite3.Connection,
) -> None:
    assert found(db, name="s*n") == ["one:program:susan@=1.1.0", "two:program:susan@=3.0.0"]
    assert found(db, name="?obel", kind="prog*") == ["one:program:sobel@=1.0.0"]
    assert found(db, name="[x*") == ["two:program:[x]@=1.0.0"]
    assert found(db, source="t*", name="*") == [
        "two:program:[x]@=1.0.0", "two:program:pre@=1.5.0", "two:program:susan@=3.0.0"]  # fmt: skip
    assert found(db, source="two", kind="soft|dataset") == []
    assert len(found(db, kind="soft|dataset")) == 2


def test_text_is_looked_for_in_names_titles_descriptions_and_tags(db: sqlite3.Connection) -> None:
    assert found(db, text="corner DET") == ["one:program:susan@=1.1.0"]
    assert found(db, text="edge") == ["one:program:sobel@=1.0.0"]
    assert found(db, text="old-na") == ["one:soft:new-name@=2.0.0"]
    assert found(db, text="naive") == found(db, text="日") == ["two:program:[x]@=1.0.0"]
    assert (
        found(db, text="image", tags="jpeg") == found(db, text="jpeg image") == ["one:dataset:faces@=1.0.0"]
    )
    assert found(db, text="image", name="faces") == ["one:dataset:faces@=1.0.0"]


@pytest.mark.parametrize("tag", ["50%", "a'b", 'q"q', "naïve", "日本", "a\nb\\n"])
def test_any_text_can_be_a_tag(db: sqlite3.Connection, tag: str) -> None:
    [hit] = search(db, Query(tags=TagQuery.of([tag])))
    assert hit.name == "[x]"
    assert "a\nb\\n" in hit.tags


HOSTILE = [
    '"', "'; DROP TABLE lines; --", "a*b", "NEAR(", "-", "*", "^x", "a AND", "\0", "title : x",
    "\udcff", "\ud800", "(", "+++", "{a b}:c", "%", "_",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_an_operator(db: sqlite3.Connection, text: str) -> None:
    for query in (Query(text=text), Query(name=text), Query(source=text), Query(kind=text),
                  Query(tags=TagQuery.of([text])), Query(tags=TagQuery.of([], [text]))):  # fmt: skip
        list(search(db, query))
    assert len(found(db)) == 7


def test_a_limit_cuts_the_hits_and_not_their_count(db: sqlite3.Connection) -> None:
    assert len(found(db, limit=2)) == 2
    assert count(db, Query(limit=2)) == 7


def test_near_misses_are_suggested_for_every_sort_of_word(db: sqlite3.Connection) -> None:
    assert suggest(db, "susna", "name") == ["susan"]
    assert suggest(db, "zusan", "name") == ["susan"]
    assert suggest(db, "programm", "kind") == ["program"]
    assert suggest(db, "jepg", "tag") == ["jpeg"]
    assert suggest(db, "tow", "source") == ["two"]
    assert suggest(db, "(;'", "name") == []
    assert knows(db, "program", "kind")
    assert not knows(db, "programs", "kind")
