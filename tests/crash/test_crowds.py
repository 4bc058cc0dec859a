"""Sixteen writers, readers, a mirror, collections and git's own housekeeping in one store at once."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ckstore.errors import Unavailable
from ckstore.model.query import Query
from ckstore.objects import fold as folding
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from ckstore.operations.find import find
from ckstore.operations.gc import gc
from ckstore.operations.log import log
from ckstore.operations.mirror import mirror
from ckstore.operations.show import show
from tests.crash.scenes import World
from tests.mirror.upstream import native
from tests.objects.helpers import SOURCE, add, fsck, git, litter, make_folder, packs, start_child

WRITERS = 16
_BEATS = 0.1  # seconds between two rounds of those who come again and again: the writers are what is tested

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One where nobody is dead: a lock of git's is respected for as long as it is in earnest."""
    return World(tmp_path)


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power will be cut, so nothing is synced; packs are folded away under the readers all the time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr(folding, "_MANY", 12)


def writer(path: Path, base: Path, own: int, each: int) -> None:
    """Add ``each`` components, one operation for each, and note when each was done."""
    store, done = ObjectStore(path), []
    for number in range(each):
        name = f"c{own}-{number}"
        add(store, name, make_folder(base / name, {"x": name.encode(), "shared": b"the same everywhere"}))
        done.append(time.monotonic())
    (base / f"done{own}").write_text("\n".join(map(str, done)))


def reader(path: Path) -> Callable[[], None]:
    """Each answer is whole and not older than the one before."""
    seen: set[str] = set()

    def work() -> None:
        nonlocal seen
        operations = len(log(ObjectStore(path, create=False)))
        found = {hit.name for hit in find(path, Query(source=SOURCE)).hits}
        assert seen <= found
        assert len(log(ObjectStore(path, create=False))) >= operations >= len(seen)
        for name in sorted(found - seen)[:3]:
            assert show(ObjectStore(path, create=False), f"program:{name}").source == SOURCE
        seen = found

    return work


def until(stop: Path, work: Callable[[], object]) -> None:
    """Again and again, and once more when the writers are done."""
    rounds = 0
    while rounds == 0 or not stop.exists():
        work()
        rounds += 1
        time.sleep(_BEATS)
    work()


def crowd(world: World, each: int) -> None:
    """Everybody at once; nobody fails, nothing is lost, nobody waits much longer than the others."""
    path, stop, base = world.store, world.base / "stop", world.base / "folders"
    base.mkdir()
    ObjectStore(path)
    up = world.upstream("up")

    def mirrored() -> None:
        up.commit(native("program/a", tags="one", body=str(time.time_ns())))
        mirror(ObjectStore(path), up.url)

    def housekeeping() -> None:
        git("pack-refs", "--all", at=path / "objects.git")
        git("repack", "-adq", at=path / "objects.git")

    def collected() -> None:
        try:
            gc(ObjectStore(path), grace=1)
        except Unavailable as error:  # it waits for a moment without writers, but not for ever
            assert error.code == "store-busy"

    others: list[Callable[[], object]] = [reader(path), reader(path), mirrored, collected]
    others += [housekeeping] if shutil.which("git") else []
    beside = [start_child(partial(until, stop, work)) for work in others]
    writers = [start_child(partial(writer, path, base, own, each)) for own in range(WRITERS)]
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in writers]
    stop.touch()
    assert ended == [0] * WRITERS
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in beside] == [0] * len(beside)
    whole(ObjectStore(path, create=False), each)


def whole(store: ObjectStore, each: int) -> None:
    wanted = {f"c{own}-{number}" for own in range(WRITERS) for number in range(each)}
    assert {component.name for component in store.view().components(SOURCE)} == wanted
    assert {hit.name for hit in find(store.path, Query(source=SOURCE)).hits} == wanted
    assert check(store).damage == ()
    assert litter(store) == []
    assert len(packs(store)) < 40
    if shutil.which("git"):
        assert fsck(store) == []


def fair(base: Path) -> None:
    """When half of all is done, no writer is far behind: the lock is not left to luck."""
    done = [[float(at) for at in path.read_text().split()] for path in base.glob("done*")]
    half = sorted(at for times in done for at in times)[sum(map(len, done)) // 2]
    progress = [sum(at <= half for at in times) / len(times) for times in done]
    assert min(progress) > 0.15, progress


def test_sixteen_writers_lose_nothing(world: World) -> None:
    crowd(world, 5)


@pytest.mark.slow
def test_400_components_are_added_by_sixteen_processes(world: World) -> None:
    crowd(world, 25)


@pytest.mark.slow
@pytest.mark.soak
def test_3200_components_are_added_by_sixteen_processes(world: World) -> None:
    crowd(world, 200)
    fair(world.base / "folders")  # with fewer components the start of a process decides, not the lock
