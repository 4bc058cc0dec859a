"""What a command leaves is all reached: `git fsck --full` is silent, nothing even dangles."""

from __future__ import annotations

import pytest

from tests.crash import scenes
from tests.crash.scenes import Scene, World
from tests.objects.helpers import git


@pytest.mark.parametrize(
    "scene",
    [
        scenes.CREATE, scenes.ADD, scenes.MIRROR, scenes.MIRROR_LIBRARY, scenes.MIRROR_UPDATE,
        scenes.MIRROR_REWRITTEN, scenes.FOLD, scenes.LOCK, scenes.RUN, scenes.YANK, scenes.UNDO,
        scenes.IMPORT, scenes.PULL, scenes.JOIN,
    ],
    ids=str,
)  # fmt: skip
def test_git_fsck_is_silent_after_every_command(
    world: World, scene: Scene, have_git: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.prepare(world)
    with monkeypatch.context() as patched:
        if scene.without_git:
            patched.setenv("PATH", world.path_without_git())
        world.do(scene.command)
    assert git("fsck", "--full", "--strict", at=world.store / "objects.git") == ""
