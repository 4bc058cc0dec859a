from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ckstore.errors import Conflict, CorruptData, Unavailable
from ckstore.objects import head as heads
from ckstore.objects.head import LOG_REF, move_head, read_head
from ckstore.objects.store import ObjectStore
from tests.objects.helpers import add, git, make_folder

OLD, NEW = "1" * 40, "2" * 40


def test_the_head_is_empty_where_there_is_no_store_and_no_log(tmp_path: Path) -> None:
    assert read_head(tmp_path / "none") == ""
    assert read_head(ObjectStore(tmp_path / "s").path) == ""


def test_loose_and_packed_refs_are_read_and_the_loose_one_wins(store: ObjectStore) -> None:
    (store.git / "packed-refs").write_text(
        f"# pack-refs with: peeled\n{'3' * 40} {LOG_REF}x\n{OLD} {LOG_REF}\n^{NEW}\n"
    )
    assert read_head(store.path) == OLD
    move_head(store.path, OLD, NEW)
    assert read_head(store.path) == NEW


def test_the_head_is_found_after_git_packed_the_refs(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    head = add(store, "x", make_folder(tmp_path / "a", {"x": b"1"}))
    git("pack-refs", "--all", at=store.git)
    assert not (store.git / LOG_REF).exists()
    assert read_head(store.path) == head
    assert add(store, "y", tmp_path / "a") == read_head(store.path)


def test_reading_the_head_imports_neither_pygit2_nor_anything_else_heavy() -> None:
    code = (
        "import sys; from ckstore.objects.head import read_head\n"
        "from pathlib import Path; read_head(Path('x'))\n"
        "print(sorted({'pygit2', 'msgpack', 'dulwich', 'filelock', 'cffi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("content", [b"", b"\n", b"garbage\n", b"\xff" * 40, b"ABCDEF" * 7, b"1" * 39])
def test_a_damaged_ref_is_corrupt_data_and_not_an_empty_log(store: ObjectStore, content: bytes) -> None:
    move_head(store.path, "", OLD)
    (store.git / LOG_REF).write_bytes(content)
    with pytest.raises(CorruptData) as refused:
        read_head(store.path)
    assert refused.value.code == "bad-log-ref"


def test_the_hint_for_a_damaged_ref_finds_the_lost_head(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    first = add(store, "x", make_folder(tmp_path / "a", {"x": b"1"}))
    head = add(store, "y", make_folder(tmp_path / "b", {"x": b"2"}))
    (store.git / LOG_REF).unlink()
    assert (store.git / "HEAD").read_text("ascii").strip() == first
    assert f"dangling commit {head}" in git("fsck", at=store.git)


def test_a_head_moved_by_another_is_a_conflict(store: ObjectStore) -> None:
    move_head(store.path, "", OLD)
    with pytest.raises(Conflict) as refused:
        move_head(store.path, "", NEW)
    assert refused.value.code == "log-moved"
    assert read_head(store.path) == OLD
    assert not (store.git / f"{LOG_REF}.lock").exists()


class TestALockThatIsThere:
    def lock(self, store: ObjectStore, content: str = "") -> Path:
        lock = store.git / f"{LOG_REF}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(content)
        return lock

    def test_is_ours_at_once_when_it_holds_a_commit_id(
        self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heads, "_STALE_SECONDS", 1000.0)
        monkeypatch.setattr(heads, "_FOREIGN_LOCK_SECONDS", 0.0)
        self.lock(store, NEW + "\n")
        move_head(store.path, "", OLD)
        assert read_head(store.path) == OLD

    def test_is_stale_when_the_same_file_stays(
        self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heads, "_STALE_SECONDS", 0.05)
        self.lock(store)
        move_head(store.path, "", OLD)
        assert read_head(store.path) == OLD

    def test_is_waited_for_while_git_holds_it(self, store: ObjectStore) -> None:
        lock = self.lock(store)
        threading.Timer(0.1, lock.unlink).start()
        move_head(store.path, "", OLD)
        assert read_head(store.path) == OLD

    def test_makes_the_store_unavailable_when_it_stays_foreign(
        self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heads, "_FOREIGN_LOCK_SECONDS", 0.05)
        lock = self.lock(store)
        with pytest.raises(Unavailable) as refused:
            move_head(store.path, "", OLD)
        assert refused.value.code == "log-locked"
        assert str(lock) in refused.value.hints[0]
        assert lock.exists()
        assert read_head(store.path) == ""

    def test_is_taken_over_whatever_the_clock_says(
        self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(heads, "_STALE_SECONDS", 0.05)
        monkeypatch.setattr(time, "time", lambda: 0.0)
        self.lock(store)
        move_head(store.path, "", OLD)
        assert read_head(store.path) == OLD
