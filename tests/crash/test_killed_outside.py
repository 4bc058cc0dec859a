"""Killed by the kernel at a system call: what C code writes (libgit2, the git program, SQLite), as well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import pytest

from ckstore.errors import Unavailable
from tests.crash import scenes
from tests.crash.aftermath import inspect
from tests.crash.children import in_fork
from tests.crash.scenes import Scene, World
from tests.crash.syscalls import DRIVER, ROOT, strace

WRITES = "pwrite64,rename,renameat,link,linkat,ftruncate,fsync,fdatasync,unlink,mkdir"
_KILLED = 128 + 9
# strace counts the calls of each process on its own: of git, and of whatever it starts, as of ckstore
AT = (1, 3, 6, 10, 16, 24, 40)


def killed_at(world: World, scene: Scene, number: int) -> int:
    """Run the command; each of its processes dies before its system call of this number that writes."""
    command = [
        strace(), "-f", "-qq", "-o", os.devnull, "-e", f"trace={WRITES}",
        "-e", f"inject={WRITES}:signal=KILL:when={number}",
        sys.executable, "-c", DRIVER, json.dumps([world.line(scene.command)]),
    ]  # fmt: skip
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    if scene.without_git:
        settings["PATH"] = world.path_without_git()
    done = subprocess.run(command, capture_output=True, text=True, cwd=world.here, env=settings, check=False)
    if done.returncode == 0:  # the driver tells the command's own code
        assert f"mark end {Unavailable.exit_code}\n" in done.stderr or "mark end 0\n" in done.stderr
        assert "Traceback" not in done.stderr
    else:
        assert abs(done.returncode) in (_KILLED, 9), done.stderr
    return done.returncode


@pytest.mark.slow
@pytest.mark.parametrize("scene", [scenes.MIRROR, scenes.MIRROR_LIBRARY, scenes.FIND], ids=str)
def test_a_command_killed_in_a_system_call_leaves_a_whole_store(world: World, scene: Scene) -> None:
    scene.prepare(world)
    before = world.lay_aside("before")
    known = in_fork(world.state)
    world.put_back(before)
    in_fork(partial(world.do, scene.command))
    told = in_fork(world.state)
    killed = 0
    for number in AT:
        world.put_back(before)
        print(f"killed at system call {number}")
        if killed_at(world, scene, number) == 0 and number > AT[len(AT) // 2]:
            break  # it was over before
        killed += 1
        in_fork(partial(inspect, world, scene, known, told, ask_git=number == AT[2]))
    assert killed > 1
