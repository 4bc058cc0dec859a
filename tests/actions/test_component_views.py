"""A component as an action sees it: its files and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.actions.component import load_component
from ckstore.errors import NotFound, Unsupported
from tests.actions.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_only_the_metadata_of_its_own_format_is_not_among_the_files(world: World) -> None:
    ours = {"component.toml": "", "meta.json": "{}", "_cm.yaml": "x: y", "a.txt": ""}
    world.add("dataset", "ours", ours)
    world.add_ck("dataset", "theirs", {}, {"meta.yaml": "a: b", ".cm/info.json": "{}", "sub/b.txt": ""})
    world.add("dataset", "script", {"_cm.yaml": "tags: [x]", "_cm.json": "{}", "c.txt": ""})
    found = {name: load_component(world.snapshot, world.lock(), name) for name in world.metadata}
    assert {name: list(view.files()) for name, view in found.items()} == {
        "ours:dataset:ours": ["_cm.yaml", "a.txt", "meta.json"],
        "theirs:dataset:theirs": ["meta.yaml", "sub/b.txt"],
        "ours:dataset:script": ["c.txt"],
    }
    assert [view.format for view in found.values()] == ["ckstore", "ck", "cm"]


def test_one_that_inherits_is_refused_instead_of_half_used(world: World) -> None:
    name = world.add_ck("program", "heir", {"_base_entry": "program:base"})
    with pytest.raises(Unsupported, match="inherits from 'program:base'") as caught:
        load_component(world.snapshot, world.lock(), name)
    assert caught.value.code == "inherits"


def test_one_that_the_snapshot_lacks_is_not_found(world: World) -> None:
    name = world.add("dataset", "ours", {"component.toml": ""})
    lock = world.lock()
    with pytest.raises(NotFound, match="no folder"):
        load_component(world.folder / "elsewhere", lock, name)
