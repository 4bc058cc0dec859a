"""Whatever of the writes of a command survives a power cut, the store is whole and nothing told is lost."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ckstore.mirror import quarantine
from ckstore.objects import whole
from tests.crash import scenes
from tests.crash.children import in_fork
from tests.crash.powercut import PowerCuts
from tests.crash.scenes import Scene, World, trace_scene
from tests.crash.syscalls import Event

MOST_STATES = 12
_TOLD_SEEDS = 4


def trace(world: World, scene: Scene) -> tuple[Path, list[Event]]:
    """(the place as the command found it, what the command changed)."""
    scene.prepare(world)
    before = world.lay_aside("before")
    return before, trace_scene(world, scene)


def cuts(events: list[Event], states: int) -> Iterator[tuple[int, str, int]]:
    """(moment, what survives, seed): spread evenly over the moments; many states of the last one."""
    told = len(events)
    yield from ((told, "least", 0), (told, "names", 0))
    yield from ((told, "mixed", seed) for seed in range(_TOLD_SEEDS))
    every = max(1.0, 3 * told / states)
    for number in range(int(told / every)):
        moment = int(number * every)
        yield from ((moment, how, moment) for how in ("least", "names", "mixed"))


def fingerprint(place: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(place.rglob("*")):
        bytes_of = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found.update(f"{path.relative_to(place)}\0{len(bytes_of)}\0".encode() + bytes_of)
    return found.hexdigest()


def survive(world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch, states: int) -> None:
    before, events = trace(world, scene)
    told = in_fork(world.state)
    done = world.base / "done"
    world.place.rename(done)
    world.put_back(before)
    known = in_fork(world.state)
    world.clear()
    done.rename(world.place)
    model = PowerCuts(before, world.place, events)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # of no use to what is thrown away
    if scene.without_git:
        monkeypatch.setenv("PATH", world.path_without_git())
    seen: set[str] = set()
    for moment, how, seed in cuts(events, states):
        world.clear()
        model.leave(moment, world.place, how, seed)
        print(f"after {moment} of {len(events)} events: {how} {seed}")
        mark = fingerprint(world.place)
        if mark not in seen:
            seen.add(mark)
            for module in (whole, quarantine):
                monkeypatch.setattr(module, "boot_id", lambda: "a later start")
            ended = moment == len(events)
            in_fork(partial(inspect, world, scene, known, told, ended=ended))
    assert len(seen) > 4


def inspect(world: World, scene: Scene, known: scenes.State, told: scenes.State, *, ended: bool) -> None:
    if not ended and world.store.exists() and (world.store / "objects.git").exists():
        state = world.state()
        assert scenes.same(state, known) or scenes.same(state, told)
    if ended:
        assert scenes.same(world.state(), told)
    if (world.store / "objects.git").exists() and not scene.damaged:
        assert scenes.damage(world.store) == []
    world.do(scene.command, 0, scene.when_done)
    assert scenes.same(world.state(), told)
    assert scenes.damage(world.store) == []
    # One of the two names of a pack may survive; it might as well be the only copy of something, and stays.
    # The lock of a ref may come back that was already gone; whoever sets the ref next removes it.
    kept = {*scenes.half_packs(world.place), *(x for x in scenes.litter(world.place) if "/mirrors/" in x)}
    assert set(scenes.litter(world.place)) <= kept
    assert scenes.git_errors(world.store) == []


@pytest.mark.parametrize("scene", [scenes.CREATE, scenes.ADD, scenes.MIRROR, scenes.IMPORT], ids=str)
def test_what_a_power_cut_leaves_is_whole_and_what_was_told_is_there(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(world, scene, monkeypatch, MOST_STATES)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("scene", [scenes.CREATE, scenes.ADD, scenes.MIRROR, scenes.MIRROR_LIBRARY], ids=str)
def test_it_is_so_at_many_moments(world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    survive(world, scene, monkeypatch, 20 * MOST_STATES)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scene",
    [
        scenes.MIRROR_LIBRARY, scenes.MIRROR_UPDATE, scenes.MIRROR_REWRITTEN, scenes.HEAL, scenes.FOLD,
        scenes.FIND, scenes.LOCK, scenes.RUN, scenes.YANK, scenes.GC,
    ],
    ids=str,
)  # fmt: skip
def test_it_is_so_for_every_command_that_writes(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    survive(world, scene, monkeypatch, 12)
