"""A large file is streamed into the pack before it is known; what was known is taken out again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import add, fsck, git, litter, make_folder, packs, read_everything, release

LARGE = random.Random(7).randbytes(5 * 1024 * 1024)


@pytest.fixture
def folder(store: ObjectStore, tmp_path: Path) -> Path:
    """A published folder; its large file comes first."""
    folder = make_folder(tmp_path / "f", {"a.bin": LARGE, "b.txt": b"one"})
    add(store, "f", folder)
    return folder


def test_a_pack_that_begins_with_a_known_large_file_is_whole(
    store: ObjectStore, folder: Path, have_git: str
) -> None:
    before = packs(store)
    make_folder(folder, {"b.txt": b"two"})
    add(store, "f", folder, "1.0.1")
    [new] = [pack for pack in packs(store) if pack not in before]
    assert new.stat().st_size < 100_000
    git("index-pack", "-o", folder.with_name("new.idx"), new)
    git("verify-pack", new.with_suffix(".idx"))
    assert set(read_everything(store)) == {"f@1.0.0", "f@1.0.1"}
    assert check(ObjectStore(store.path)).damage == ()
    assert fsck(store) == []
    blobs = {entry.name: entry.oid for entry in store.read_tree(release(store, "f", "1.0.1").tree)}
    assert store.read_blob(blobs["b.txt"]) == b"two"
    assert store.read_blob(blobs["a.bin"]) == LARGE


def test_several_known_large_files_before_the_first_new_one_leave_a_whole_pack(
    store: ObjectStore, folder: Path
) -> None:
    make_folder(folder, {"a2.bin": LARGE, "a3.bin": LARGE, "z.bin": LARGE[::-1], "zz.bin": LARGE})
    add(store, "f", folder, "1.1.0")
    assert len(read_everything(store)) == 2
    assert check(ObjectStore(store.path)).damage == ()


def test_a_known_large_file_alone_leaves_nothing(store: ObjectStore, folder: Path) -> None:
    before = packs(store)
    with store.writer() as writer:
        writer.add_file(folder / "a.bin", len(LARGE))
        assert writer.finish() == ""
    head = store.view().head
    assert add(store, "f", folder) == head
    assert packs(store) == before
    assert litter(store) == []
