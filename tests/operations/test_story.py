"""``log REF``: the story of one component."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.mirror import mirror
from ckstore.operations.story import story
from ckstore.operations.yank import unyank, yank
from tests.mirror.upstream import Files, Upstream, native

UID = "0123456789abcdef"


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.git")


def told(store: ObjectStore, reference: str, limit: int = 0) -> list[tuple[str, str]]:
    return [(event.what, event.version) for event in story(store, reference, limit).events]


def test_tells_every_release_with_its_reason_commit_and_tags(store: ObjectStore, up: Upstream) -> None:
    first = up.commit(native("program/a", tags="one"), "begin\n\nat length")
    up.tag("v1")
    up.tag("v1-final")
    up.commit(native("program/a", tags="two"), "other tags")
    mirror(store, up.url)
    newest, oldest = story(store, "program:a").events
    assert (newest.version, newest.bump, newest.changes) == ("2.0.0", "major", ("-tag:one", "+tag:two"))
    assert (oldest.version, oldest.bump, oldest.labels) == ("1.0.0", "first", ("v1", "v1-final"))
    assert (oldest.upstream.commit, oldest.upstream.author, oldest.upstream.subject) == (
        first, "An Author", "begin",
    )  # fmt: skip
    assert newest.upstream.time - oldest.upstream.time == 60


def test_tells_of_a_rename_under_both_names(store: ObjectStore, up: Upstream) -> None:
    up.commit(native("program/old", uid=UID))
    up.commit({"program/old/": None, **native("program/new", uid=UID)})
    mirror(store, up.url)
    by_new = story(store, "program:new")
    assert by_new == story(store, "program:old") == story(store, UID)
    assert by_new.names == ("program:old", "program:new")
    assert (by_new.events[0].former_name, by_new.events[0].former_path) == ("program:old", "program/old")
    assert by_new.events[1].former_name == ""


@pytest.mark.parametrize("stops", [(), (1, 2, 3), (2,)])
def test_tells_of_withdrawals_and_returns_however_often_it_was_mirrored(
    store: ObjectStore, up: Upstream, stops: tuple[int, ...]
) -> None:
    history: list[Files] = [
        {**native("program/a"), **native("program/b")}, {"program/a/": None}, native("program/a"),
        {"program/a/": None}, native("program/a", body="y"), {"program/a/": None},
    ]  # fmt: skip
    commits = []
    for number, files in enumerate(history):
        commits.append(up.commit(files))
        if number in stops:
            mirror(store, up.url)
    mirror(store, up.url)
    whole = story(store, "program:a")
    assert [(event.what, event.version, event.upstream.commit) for event in whole.events] == [
        ("withdrawn", "1.0.1", commits[5]),
        ("release", "1.0.1", commits[4]),
        ("returned", "1.0.0", commits[4]),
        ("withdrawn", "1.0.0", commits[3]),
        ("returned", "1.0.0", commits[2]),
        ("withdrawn", "1.0.0", commits[1]),
        ("release", "1.0.0", commits[0]),
    ]
    assert whole.withdrawn == commits[5]
    assert all(event.operation for event in whole.events)


def test_names_the_operation_that_brought_each_event(store: ObjectStore, up: Upstream) -> None:
    up.commit({**native("program/a"), **native("program/b")})
    mirror(store, up.url)
    first = store.view().head
    up.commit({"program/b/": None})
    mirror(store, up.url)
    second = store.view().head
    up.commit(native("program/a", body="y"))
    mirror(store, up.url)
    whole = story(store, "program:a")
    assert [event.operation for event in whole.events] == [store.view().head, first]
    assert [entry.id for entry in whole.operations] == [store.view().head, first]
    assert [event.operation for event in story(store, "program:b").events] == [second, first]


def test_tells_of_yanks_after_what_there_was_then(store: ObjectStore, up: Upstream) -> None:
    up.commit(native("program/a"))
    up.commit(native("program/a", body="y"))
    mirror(store, up.url)
    yank(store, "program:a@1.0.0", "it lies")
    up.commit(native("program/a", body="z"))
    mirror(store, up.url)
    unyank(store, "program:a@1.0.0")
    yank(store, "program:a@=1.0.2")
    events = story(store, "program:a").events
    assert [(event.what, event.version, event.reason) for event in events] == [
        ("yanked", "1.0.2", ""), ("unyanked", "1.0.0", ""), ("release", "1.0.2", ""),
        ("yanked", "1.0.0", "it lies"), ("release", "1.0.1", ""), ("release", "1.0.0", ""),
    ]  # fmt: skip
    assert len({event.operation for event in events}) == 5


def test_a_story_can_be_told_when_all_is_yanked(store: ObjectStore, up: Upstream) -> None:
    up.commit(native("program/a"))
    mirror(store, up.url)
    yank(store, "program:a@1.0.0")
    assert told(store, "program:a") == [("yanked", "1.0.0"), ("release", "1.0.0")]


def test_tells_of_folders_too(store: ObjectStore, tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    metadata = folder / "program" / "a" / "component.toml"
    other = folder / "program" / "b" / "component.toml"
    for path in (metadata, other):
        path.parent.mkdir(parents=True)
        path.write_text("tags = ['x']\n")
    add(store, folder)
    metadata.unlink()
    add(store, folder)
    metadata.write_text("tags = ['x']\n")
    add(store, folder)
    assert told(store, "program:a") == [("returned", "1.0.0"), ("withdrawn", "1.0.0"), ("release", "1.0.0")]


def test_a_range_chooses_and_a_limit_cuts(store: ObjectStore, up: Upstream) -> None:
    for tags in ("a", "a b", "b", "b c"):
        up.commit(native("program/a", tags=tags))
    mirror(store, up.url)
    assert told(store, "program:a@^1") == [("release", "1.1.0"), ("release", "1.0.0")]
    assert told(store, "program:a", 1) == [("release", "2.1.0")]
    assert story(store, "program:a", 1).total == 4
    with pytest.raises(NotFound) as caught:
        story(store, "program:a@^7")
    assert caught.value.code == "no-version"


def test_what_is_not_there_is_told_with_what_is(store: ObjectStore, up: Upstream) -> None:
    up.commit(native("program/solver"))
    mirror(store, up.url)
    with pytest.raises(NotFound) as caught:
        story(store, "program:slover")
    assert "solver" in caught.value.hints[0]
    with pytest.raises(InvalidInput):
        story(store, "a:b:c:d")


def test_a_component_with_pre_releases_alone_has_a_story(store: ObjectStore, up: Upstream) -> None:
    up.commit(native("program/a", version="1.0.0-rc.1"))
    mirror(store, up.url)
    assert told(store, "program:a") == [("release", "1.0.0-rc.1")]
