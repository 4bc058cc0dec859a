"""What must hold after a command was interrupted or refused, at whatever moment."""

from __future__ import annotations

from tests.crash import scenes
from tests.crash.scenes import Scene, State, World


def inspect(world: World, scene: Scene, known: State, told: State, *, ask_git: bool) -> None:
    """Whole before anything is done, and after the command was repeated."""
    there, done = (world.store / "objects.git").exists(), False
    if there:
        state = world.state()
        done = known != told and scenes.same(state, told)
        assert done or scenes.same(state, known)
        assert scene.damaged or scenes.damage(world.store) == []
    if ask_git and there and not scene.damaged:
        assert scenes.git_errors(world.store) == []
    world.do(scene.command, scene.when_done if done else 0)
    assert scenes.same(world.state(), told)
    assert scenes.damage(world.store) == []
    left = scenes.litter(world.place)
    assert left == [], left
    if ask_git:
        assert scenes.git_errors(world.store) == []
