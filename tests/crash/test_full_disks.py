"""A disk that is full or fails at any moment of a command: said clearly, nothing half-made, nothing lost."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ckstore.cli.main import main
from ckstore.errors import Unavailable
from tests.crash import scenes
from tests.crash.aftermath import inspect
from tests.crash.children import in_fork
from tests.crash.scenes import Scene, World
from tests.crash.seam import changes_of, refuse_at

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are followed through /proc")
CODES = {"store-not-writable", "disk-full", "file-not-writable", "history-not-kept", "no-workspace"}
ERRORS = {"full": errno.ENOSPC, "failing": errno.EIO}
PAGE = 4096
ROOM = 512 * 1024 * 1024
FEW, MORE, ALL = 2, 5, 10_000  # moments of each command


def attempt(world: World, scene: Scene, before: Callable[[], object], *, tidy: bool = True) -> None:
    """Run the command on a disk that ``before`` makes refuse.

    Raises AssertionError unless it was done or refused in words of ours, with nothing left lying about
    (``tidy``; a disk that fails may refuse to remove things, too: then it is for whoever comes next).
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(world.here):
        before()
        code = main([*world.line(scene.command), "--json"])
    assert code in (0, Unavailable.exit_code), f"exit {code}:\n{out.getvalue()}\n{err.getvalue()}"
    if code:
        error = json.loads(err.getvalue().splitlines()[-1])
        assert error["error"] in CODES, error
        assert error["hints"], error
    left = [path for path in scenes.litter(world.place) if "/incoming/" not in path]  # see quarantine.py
    assert left == [] or not tidy, left


def sampled(count: int, most: int) -> list[int]:
    """At most so many numbers from 0 to ``count``, evenly spread."""
    every = max(1.0, count / most)
    return sorted({int(n * every) for n in range(int(count / every))})


def refused_everywhere(world: World, scene: Scene, error: int, most: int) -> None:
    """The disk refuses at each change of the command, or at ``most`` of them, each time in the same world."""
    scene.prepare(world)
    before = world.lay_aside("before")
    known = in_fork(world.state)
    world.put_back(before)
    changes = in_fork(partial(changes_of, world.place, partial(world.do, scene.command)))
    told = in_fork(world.state)
    for at in sampled(len(changes), most):
        world.put_back(before)
        print(f"{os.strerror(error)} from change {at + 1} of {len(changes)} on: {changes[at]}")
        refusing = partial(refuse_at, at + 1, world.place, error)
        in_fork(partial(attempt, world, scene, refusing, tidy=error == errno.ENOSPC))
        in_fork(partial(inspect, world, scene, known, told, ask_git=False))


WRITING = [
    scenes.ADD, scenes.MIRROR, scenes.MIRROR_LIBRARY, scenes.RUN, scenes.FIND, scenes.GC, scenes.IMPORT,
    scenes.PULL, scenes.EXPORT, scenes.UNDO,
]  # fmt: skip


@pytest.mark.parametrize("scene", [scenes.ADD, scenes.FIND, scenes.GC, scenes.IMPORT], ids=str)
def test_a_full_disk_is_said_and_heals(world: World, scene: Scene) -> None:
    refused_everywhere(world, scene, errno.ENOSPC, MORE)


@pytest.mark.slow
@pytest.mark.parametrize("error", ERRORS.values(), ids=list(ERRORS))
@pytest.mark.parametrize("scene", WRITING, ids=str)
def test_a_disk_that_refuses_anything_is_said_and_heals(world: World, scene: Scene, error: int) -> None:
    refused_everywhere(world, scene, error, FEW)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("error", ERRORS.values(), ids=list(ERRORS))
@pytest.mark.parametrize("scene", WRITING, ids=str)
def test_it_is_so_at_every_change(world: World, scene: Scene, error: int) -> None:
    refused_everywhere(world, scene, error, ALL)


class SmallWorld(World):
    """A world whose place is a disk of its own, with as much room as is wanted."""

    @property
    def disk(self) -> Path:
        """Where it is mounted."""
        return self.base / "disk"

    @property
    def place(self) -> Path:
        return self.disk / "place"

    def leave_room(self, size: int) -> None:
        """So many bytes are free from now on."""
        free = os.statvfs(self.disk)
        used = (free.f_blocks - free.f_bfree) * free.f_frsize
        subprocess.run(["mount", "-o", f"remount,size={max(used + size, PAGE)}", self.disk], check=True)


@pytest.fixture
def small(world: World) -> Iterator[SmallWorld]:
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    made = SmallWorld(world.base)
    made.disk.mkdir()
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", made.disk], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield made
    subprocess.run(["umount", "-l", made.disk], check=True)  # lazily: packs are still mapped into memory


def room_needed(world: SmallWorld, work: Callable[[], object]) -> int:
    """How many pages ``work`` takes at least; in between it may take more."""
    before = os.statvfs(world.disk).f_bfree
    work()
    return before - os.statvfs(world.disk).f_bfree


def squeezed(world: SmallWorld, scene: Scene, most: int) -> None:
    """The command with each number of free pages that is too few, or ``most`` of them."""
    world.leave_room(ROOM)
    scene.prepare(world)
    before = world.lay_aside("before")
    known = in_fork(world.state)
    world.put_back(before)
    pages = room_needed(world, lambda: in_fork(partial(world.do, scene.command)))
    told = in_fork(world.state)
    for free in sampled(max(pages, 0) + 8, most):
        world.put_back(before)
        print(f"{free} pages are free of the {pages} that {scene} takes")
        world.leave_room(free * PAGE)
        in_fork(partial(attempt, world, scene, lambda: None))
        world.leave_room(ROOM)
        in_fork(partial(inspect, world, scene, known, told, ask_git=False))


@pytest.mark.parametrize("scene", [scenes.MIRROR, scenes.RUN], ids=str)
def test_a_disk_without_room_is_said_and_heals(small: SmallWorld, scene: Scene) -> None:
    squeezed(small, scene, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("scene", WRITING, ids=str)
def test_it_is_so_for_every_command_that_writes(small: SmallWorld, scene: Scene) -> None:
    squeezed(small, scene, MORE)


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("scene", WRITING, ids=str)
def test_it_is_so_with_any_number_of_pages(small: SmallWorld, scene: Scene) -> None:
    squeezed(small, scene, ALL)
