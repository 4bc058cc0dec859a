from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.index.catchup import catch_up
from ckstore.index.schema import head_of, pack_tags, unpack_tags
from ckstore.index.search import search
from ckstore.model.query import Query
from tests.index.logdouble import Log, line, release


def references(store: Path, log: Log) -> tuple[list[str], tuple[str, ...]]:
    connection, notes = catch_up(store, log.view())
    hits = [hit.reference for hit in search(connection, Query(all_versions=True))]
    assert head_of(connection) == log.head
    connection.close()
    return hits, notes


def test_a_record_that_cannot_be_read_costs_only_its_component_until_it_heals(tmp_path: Path) -> None:
    log = Log()
    bad = release("program", "bad")
    log.publish(line("one", release("program", "good")), line("one", bad))
    log.damaged.add(("one", bad.uid))
    hits, notes = references(tmp_path, log)
    assert hits == ["one:program:good@=1.0.0"]
    assert notes == (f"one:{bad.uid} is not in the index: The object is damaged.",)
    assert references(tmp_path, log) == (hits, notes)
    log.damaged.clear()
    log.publish()
    assert references(tmp_path, log) == (["one:program:bad@=1.0.0", *hits], ())


def test_a_release_that_is_indexed_is_not_read_again(tmp_path: Path) -> None:
    log = Log()
    releases = [release("program", "p", f"1.{n}.0") for n in range(20)]
    log.publish(line("one", *releases))
    references(tmp_path, log)
    read = log.releases_read
    log.publish(line("one", *releases, release("program", "p", "2.0.0")))
    assert len(references(tmp_path, log)[0]) == 21
    assert log.releases_read == read + 1


def test_a_failure_on_the_way_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    log = Log()
    log.publish(line("one", release("program", "p")))
    before = references(tmp_path, log)[0]
    log.publish(*(line("one", release("program", f"p{n}")) for n in range(600)))

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        catch_up(tmp_path, log.view(), stop)
    connection, _ = catch_up(tmp_path, log.view("1"))
    assert [hit.reference for hit in search(connection, Query())] == before
    connection.close()
    assert len(references(tmp_path, log)[0]) == 601


@pytest.mark.parametrize("tags", [(), ("a",), ("a", "b c"), ("\\", "\\n", "\n", "\\\\n", "a\0b")])
def test_tags_survive_packing(tags: tuple[str, ...]) -> None:
    assert unpack_tags(pack_tags(tags)) == tags
