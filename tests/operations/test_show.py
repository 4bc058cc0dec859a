from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckstore.errors import Conflict, InvalidInput, NotFound
from ckstore.model.metadata import Need
from ckstore.model.records import Component
from ckstore.model.requirements import Requirement
from ckstore.objects.store import ObjectStore
from ckstore.operations.lookup import lookup
from ckstore.operations.show import show
from ckstore.operations.story import story
from tests.index.logdouble import line, release
from tests.operations.stores import publish

UID = "00000000000000aa"


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    old = release("program", "sosan", "1.0.0", uid=UID)
    new = release(
        "program", "susan", "2.0.0", uid=UID, bump="major", changes=("-name:sosan", "+name:susan"),
        interface=("name:susan", "cmd:edges", "cmd:corners", "tag:image"), tags=("image",), title="Corners",
        needs=(Need("compiler", "soft[compiler]", "any"),),
    )  # fmt: skip
    newest = release("program", "susan", "2.0.1", uid=UID, bump="patch", interface=("cmd:edges",))
    component = Component(
        UID, "program", "susan", ("program:sosan", "program:susan"), ("1.0.0", "2.0.0", "2.0.1"),
        labels={"v7": "2.0.0"},
    )  # fmt: skip
    return publish(
        tmp_path,
        ("one", component, [old, new, newest]),
        line("one", release("dataset", "twice")),
        line("two", release("dataset", "twice", "3.0.0")),
        line("two", release("soft", "moved", "1.0.0"), withdrawn="d" * 40),
        line("one", release("soft", "moved", "1.0.0")),
    )


def test_a_component_is_shown_with_its_versions_and_why_they_are_what_they_are(store: ObjectStore) -> None:
    view = show(store, "program:susan@=2.0.0")
    assert (view.source, view.version, view.title) == ("one", "2.0.0", "Corners")
    assert [(v.version, v.bump, v.labels) for v in view.versions] == [
        ("2.0.1", "patch", ()), ("2.0.0", "major", ("v7",)), ("1.0.0", "first", ())]  # fmt: skip
    assert view.versions[1].changes == ("-name:sosan", "+name:susan")
    assert view.commands == ("corners", "edges")
    assert view.run == "ckstore run program:susan@=2.0.0"
    assert view.needs == (Need("compiler", "soft[compiler]", "any"),)
    assert view.url == "https://example.org/one"
    assert view.swhid == f"swh:1:dir:{view.tree}"
    assert view.metadata["program"] == {"language": "c"}
    assert json.loads(json.dumps(view.as_plain()))["reference"] == "one:program:susan@=2.0.0"


def test_a_bare_name_a_uid_and_a_former_name_are_references(store: ObjectStore) -> None:
    assert show(store, "susan").version == show(store, UID).version == "2.0.1"
    assert show(store, "susan").run == "ckstore run program:susan"
    assert show(store, "program:sosan").version == "1.0.0"
    assert show(store, "*[image]@=2.0.0").name == "susan"


def test_what_is_called_so_now_goes_before_what_once_was(tmp_path: Path) -> None:
    component = Component(UID, "program", "now", ("program:name", "program:now"), ("1.0.0", "2.0.0"))
    renamed = [release("program", "name", uid=UID), release("program", "now", "2.0.0", uid=UID)]
    store = publish(tmp_path, ("one", component, renamed), line("two", release("program", "name", "3.0.0")))
    for name in ("program:name", "name"):
        view = show(store, name)
        assert (view.source, view.version, view.called_now) == ("two", "3.0.0", "")
        assert (story(store, name).source, lookup(store, Requirement.parse(name))[0]) == ("two", "two")
    assert show(store, "one:program:name").called_now == "program:now"
    assert story(store, "one:program:name").name == "now"


def test_the_same_name_in_two_sources_is_ambiguous_and_both_ways_out_are_named(store: ObjectStore) -> None:
    with pytest.raises(Conflict) as raised:
        show(store, "dataset:twice")
    assert raised.value.code == "ambiguous"
    assert "one:dataset:twice@1.0.0" in raised.value.message
    assert "two:dataset:twice@3.0.0" in raised.value.message
    assert "one:dataset:twice" in raised.value.hints[0]
    assert "[sources] in ckstore.toml" in raised.value.hints[1]
    assert show(store, "two:dataset:twice").version == "3.0.0"
    assert show(store, "dataset:twice", ["none", "two", "one"]).version == "3.0.0"
    with pytest.raises(Conflict):
        lookup(store, Requirement.parse("dataset:twice"), ["none"])


def test_a_component_that_moved_to_another_source_is_not_ambiguous(store: ObjectStore) -> None:
    assert lookup(store, Requirement.parse("soft:moved"))[0] == "one"
    assert lookup(store, Requirement.parse("two:soft:moved"))[1].withdrawn


def test_what_is_not_there_is_said_with_near_misses_or_the_versions_there_are(store: ObjectStore) -> None:
    with pytest.raises(NotFound) as raised:
        show(store, "program:susann")
    assert (raised.value.code, raised.value.hints[0]) == (
        "no-component", "no name 'susann': did you mean susan, sosan?")  # fmt: skip
    with pytest.raises(NotFound, match=r"No version of program:susan is in \^7\.") as raised:
        show(store, "program:susan@^7")
    assert raised.value.hints == ("there are 2.0.1, 2.0.0, 1.0.0",)
    with pytest.raises(InvalidInput):
        show(store, "a:b:c:d")
