"""Locks on named files of the store: one holder, also when the file goes while somebody waits for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from ckstore.objects import exclusive as locks
from ckstore.objects import sharing
from ckstore.objects.exclusive import exclusive
from ckstore.objects.sharing import alone, shared
from ckstore.objects.store import ObjectStore

fcntl = pytest.importorskip("fcntl", reason="the system has no flock")


def remove_once_locked(path: Path, monkeypatch: pytest.MonkeyPatch, module: object) -> list[int]:
    """The first lock that is got is that of a file which its former holder removed; the calls are noted."""
    calls: list[int] = []

    def flock(descriptor: int, how: int) -> None:
        fcntl.flock(descriptor, how)
        calls.append(how)
        if len(calls) == 1:
            path.unlink()

    names = ("LOCK_EX", "LOCK_SH", "LOCK_NB", "LOCK_UN")
    fake = SimpleNamespace(flock=flock, **{name: getattr(fcntl, name) for name in names})
    monkeypatch.setattr(module, "fcntl", fake)
    return calls


def test_one_holder_at_a_time(store: ObjectStore) -> None:
    with store.lock("log"), pytest.raises(TimeoutError), store.lock("log", seconds=0):
        pass
    with store.lock("log", seconds=0):
        pass


def test_every_lock_of_the_store_is_of_one_kind(store: ObjectStore) -> None:
    path = store.path / "locks" / "log.lock"
    path.parent.mkdir(exist_ok=True)
    with exclusive(path), pytest.raises(TimeoutError), store.lock("log", seconds=0):
        pass
    assert path.exists()  # others may be waiting for it


@pytest.mark.parametrize("seconds", [None, 5.0])
def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float | None
) -> None:
    path = tmp_path / "x.lock"
    calls = remove_once_locked(path, monkeypatch, locks)
    with exclusive(path, seconds):
        assert len(calls) == 2
        with pytest.raises(TimeoutError), exclusive(path, 0):
            pass


@pytest.mark.parametrize("together", [False, True])
def test_so_it_is_with_the_lock_that_all_share(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    path = store.path / "locks" / "use.lock"
    calls = remove_once_locked(path, monkeypatch, sharing)
    with shared(store.path) if together else alone(store.path, 0):
        assert len(calls) == 2
        with path.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_without_flock_the_lock_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "fcntl", None)
    path = tmp_path / "x.lock"
    with exclusive(path), pytest.raises(TimeoutError), exclusive(path, 0):
        pass
    with exclusive(path, 0):
        pass


def test_who_waits_for_a_collection_says_so(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with alone(store.path, 0) as sure:
        assert sure
        with pytest.raises(KeyboardInterrupt), shared(store.path, lambda line: stop(told, line)):
            pass
    assert told == ["waiting for a collection or a repair of this store to end"]
    with shared(store.path, told.append):
        assert len(told) == 1


def stop(told: list[str], line: str) -> None:
    told.append(line)
    raise KeyboardInterrupt
