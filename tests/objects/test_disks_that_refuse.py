"""Full disks and read-only ones: said clearly, nothing half-made, and all is well afterwards."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.errors import Unavailable
from ckstore.model.records import Operation
from ckstore.objects.head import read_head
from ckstore.objects.layout import lay_out
from ckstore.objects.log import LogEdit
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, TreeEntry
from ckstore.objects.verify import check
from ckstore.operations.gc import gc
from tests.objects.helpers import add, in_child, litter, make_folder, packs, read_everything, release


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    # lazily: packs are still mapped into memory
    subprocess.run(["umount", "-l", place], check=True)


def random_bytes(count: int) -> bytes:
    import random

    return random.Random(count).randbytes(count)


@pytest.mark.parametrize("size", [3_000_000, 6_000_000], ids=["at once", "streamed"])
def test_a_full_disk_is_said_and_nothing_is_half_made(tiny_disk: Path, tmp_path: Path, size: int) -> None:
    store = ObjectStore(tiny_disk / "store")
    head = add(store, "small", make_folder(tmp_path / "small", {"x": b"1"}))
    with pytest.raises(Unavailable) as refused:
        add(store, "big", make_folder(tmp_path / "big", {"x": random_bytes(size)}))
    assert refused.value.code == "store-not-writable"
    assert "No space left" in refused.value.message
    assert read_head(store.path) == head
    assert litter(store) == []
    add(store, "other", make_folder(tmp_path / "other", {"x": b"2"}))
    assert set(read_everything(store)) == {"small@1.0.0", "other@1.0.0"}
    assert check(store).damage == ()


def test_a_tree_that_does_not_fit_leaves_nothing(tiny_disk: Path, tmp_path: Path) -> None:
    store = ObjectStore(tiny_disk / "store")
    add(store, "zeros", make_folder(tmp_path / "zeros", {"x": bytes(4_000_000)}))
    found = release(store, "zeros")
    with pytest.raises(Unavailable):
        lay_out(store, found.tree, found.digest)
    assert list((store.path / "trees").iterdir()) == []


def test_a_collection_makes_room_on_a_full_disk(tiny_disk: Path, tmp_path: Path) -> None:
    store = ObjectStore(tiny_disk / "store")
    add(store, "susan", make_folder(tmp_path / "susan", {"x": random_bytes(300_000)}))

    def prepare(writer: PackWriter) -> str:
        writer.add("blob", random_bytes(200_000))
        return writer.add("blob", random_bytes(100_000))

    def edit(view: object, change: LogEdit, oid: str) -> None:
        change.put(("references", oid[:2], oid), TreeEntry(FILE, oid, oid))

    store.publish(Operation("add", "", ""), prepare, edit)
    tree = lay_out(store, release(store, "susan").tree, release(store, "susan").digest)
    with pytest.raises(OSError, match="No space left"):
        (tiny_disk / "ballast").write_bytes(random_bytes(3_000_000))
    dry, real = gc(store, dry_run=True, grace=0), gc(store, grace=0)
    assert [garbage.what for garbage in real.removed] == ["objects", "tree"]
    assert (real.removed, real.notes) == (dry.removed, dry.notes) and real.size > 500_000
    assert not tree.exists()
    assert check(store).damage == ()


def test_a_disk_remounted_read_only_is_read_and_not_written(tiny_disk: Path, tmp_path: Path) -> None:
    store = ObjectStore(tiny_disk / "store")
    add(store, "susan", make_folder(tmp_path / "a", {"x": b"1"}))
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    opened = ObjectStore(store.path)
    assert set(read_everything(opened)) == {"susan@1.0.0"}
    assert check(opened).damage == ()
    found = release(opened, "susan")
    for attempt in (
        lambda: add(opened, "other", tmp_path / "a"),
        lambda: lay_out(opened, found.tree, found.digest),
        lambda: ObjectStore(tiny_disk / "another"),
        lambda: opened.lock("x"),
    ):
        with pytest.raises(Unavailable) as refused:
            attempt()
        assert refused.value.code == "store-not-writable"
        assert refused.value.hints


def test_a_changed_tree_on_a_read_only_disk_is_not_said_to_be_deleted(
    tiny_disk: Path, tmp_path: Path
) -> None:
    store = ObjectStore(tiny_disk / "store")
    add(store, "susan", make_folder(tmp_path / "a", {"x": b"1"}))
    tree = lay_out(store, release(store, "susan").tree, release(store, "susan").digest)
    (tree / "x").chmod(0o644)
    (tree / "x").write_bytes(b"changed")
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    [damage] = check(ObjectStore(store.path)).damage
    assert (damage.code, damage.repaired, tree.exists()) == ("changed-tree", False, True)
    assert "could not be deleted" in damage.message
    subprocess.run(["mount", "-o", "remount,rw", tiny_disk], check=True)
    [damage] = check(ObjectStore(store.path)).damage
    assert (damage.repaired, tree.exists()) == (True, False)


def test_a_limit_on_file_sizes_is_a_full_disk(store: ObjectStore, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    make_folder(tmp_path / "big", {"x": random_bytes(300_000)})

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        with pytest.raises(Unavailable) as refused:
            add(ObjectStore(store.path), "big", tmp_path / "big")
        assert refused.value.code == "store-not-writable"

    assert in_child(work) == 0
    assert packs(store) == []
    assert litter(store) == []
    add(store, "big", tmp_path / "big")
    assert check(store).damage == ()


@pytest.mark.parametrize("call", ["fsync", "replace", "rename", "mkdir"])
def test_an_error_of_the_system_at_any_call_is_said_and_heals(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    add(store, "first", make_folder(tmp_path / "first", {"x": b"1"}))
    make_folder(tmp_path / "c", {"x": b"2"})
    real = getattr(os, call)
    for fail_at in range(1, 20):
        calls = 0

        def failing(*arguments: object, fail_at: int = fail_at, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls == fail_at:
                raise OSError(errno.EIO, "Input/output error")
            return real(*arguments, **named)

        with monkeypatch.context() as patched:
            patched.setattr(os, call, failing)
            try:
                add(store, "c", tmp_path / "c")
            except Unavailable as error:
                assert error.code == "store-not-writable"
        assert litter(store) == []
        assert "first@1.0.0" in read_everything(store)
        if calls < fail_at:
            break
    assert set(read_everything(store)) == {"first@1.0.0", "c@1.0.0"}
    assert check(store).damage == ()
