"""Adding a folder again costs a look at it, and nothing that changed is missed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ckstore.errors import CorruptData
from ckstore.objects.hashing import object_id
from ckstore.objects.packindex import find_offset
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from ckstore.operations.add import AddReport, add
from tests.objects.helpers import git, make_folder, packs, start_child

FILES = {
    "dataset/one/component.toml": b'tags = ["a"]\n',
    "dataset/one/data/x.txt": b"the bytes of x",
    "dataset/one/data/run*": b"#!/bin/sh\n",
    "dataset/one/link@": b"data/x.txt",
    "dataset/two/component.toml": b'tags = ["b"]\n',
    "dataset/two/y.txt": b"the bytes of y",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "f", FILES)


@pytest.fixture
def _old_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was written is older than the tick of a clock."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10**10)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of files that were read."""
    names: list[str] = []
    original = PackWriter.add_file

    def add_file(self: PackWriter, path: str | Path, size: int) -> str:
        names.append(Path(path).name)
        return original(self, path, size)

    monkeypatch.setattr(PackWriter, "add_file", add_file)
    yield names


def settled(store: ObjectStore, folder: Path) -> AddReport:
    add(store, folder)
    return add(store, folder)


def cache(store: ObjectStore) -> Path:
    [path] = (store.path / "cache").iterdir()
    return path


@pytest.mark.usefixtures("_old_enough")
def test_nothing_is_read_and_the_answer_is_that_of_reading(
    store: ObjectStore, folder: Path, read: list[str]
) -> None:
    first = add(store, folder)
    assert len(first.added) == 2
    read.clear()
    again = add(store, folder)
    assert read == []
    assert again == add(store, folder, rehash=True)
    assert len(read) == 5
    assert again.unchanged == ["f:dataset:one@1.0.0", "f:dataset:two@1.0.0"]
    assert again.versions == first.versions


def rewritten(folder: Path) -> None:
    """Other bytes, as many, and the old time put back."""
    path = folder / "dataset/one/data/x.txt"
    before = path.stat()
    path.write_bytes(b"the bytes of z")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchanged(folder: Path) -> None:
    path = folder / "dataset/one/data/x.txt"
    before = path.stat()
    (folder / "other").write_bytes(b"the bytes of z")
    os.utime(folder / "other", ns=(before.st_atime_ns, before.st_mtime_ns))
    (folder / "other").replace(path)


def relinked(folder: Path) -> None:
    (folder / "dataset/one/link").unlink()
    (folder / "dataset/one/link").symlink_to("data/run")


def turned_into_a_folder(folder: Path) -> None:
    (folder / "dataset/one/data/x.txt").unlink()
    make_folder(folder, {"dataset/one/data/x.txt/inner": b"1"})


CHANGES: list[Callable[[Path], object]] = [
    rewritten,
    exchanged,
    relinked,
    turned_into_a_folder,
    lambda folder: (folder / "dataset/one/data/new").write_bytes(b"new"),
    lambda folder: (folder / "dataset/one/data/x.txt").unlink(),
    lambda folder: (folder / "dataset/one/data/x.txt").rename(folder / "dataset/one/data/z.txt"),
    lambda folder: (folder / "dataset/one/data/x.txt").chmod(0o755),
]


@pytest.mark.usefixtures("_old_enough")
@pytest.mark.parametrize(
    "change",
    CHANGES,
    ids=[
        "rewritten",
        "exchanged",
        "relinked",
        "a folder now",
        "new file",
        "file less",
        "renamed",
        "executable",
    ],
)
def test_every_change_is_noticed(
    store: ObjectStore, folder: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    settled(store, folder)
    change(folder)
    report = add(store, folder)
    [found] = report.added
    assert report.unchanged == ["f:dataset:two@1.0.0"]
    fresh = add(ObjectStore(tmp_path / "other"), folder)
    assert found.release.tree in {item.release.tree for item in fresh.added}
    assert found.release.digest in {item.release.digest for item in fresh.added}


@pytest.mark.usefixtures("_old_enough")
def test_only_what_changed_is_read(store: ObjectStore, folder: Path, read: list[str]) -> None:
    settled(store, folder)
    (folder / "dataset/one/data/x.txt").write_bytes(b"longer than before")
    read.clear()
    assert len(add(store, folder).added) == 1
    assert read == ["x.txt"]


@pytest.mark.usefixtures("_old_enough")
def test_what_others_publish_meanwhile_does_not_matter(
    store: ObjectStore, folder: Path, tmp_path: Path, read: list[str]
) -> None:
    settled(store, folder)
    add(store, make_folder(tmp_path / "g", FILES))
    read.clear()
    assert add(store, folder).added == []
    assert read == []


def test_a_file_that_is_as_young_as_the_look_at_it_is_read_again(
    store: ObjectStore, folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that stands still: its next tick may bring other bytes with the same time."""
    start = time.time_ns() - 10**12
    monkeypatch.setattr(time, "time_ns", lambda: start)
    settled(store, folder)
    read.clear()
    add(store, folder)
    assert len(read) == 5


@pytest.mark.usefixtures("_old_enough")
@pytest.mark.parametrize("back", [False, True], ids=["its time tells", "its time was put back"])
def test_a_damaged_pack_heals_though_the_files_did_not_change(
    store: ObjectStore, folder: Path, back: bool
) -> None:
    settled(store, folder)
    [pack] = packs(store)
    before = pack.stat()
    offset = find_offset(pack.with_suffix(".idx"), bytes.fromhex(object_id("blob", b"the bytes of x")))
    assert offset is not None
    pack.chmod(0o644)
    with pack.open("r+b") as file:
        file.seek(offset + 4)
        file.write(b"\xff\xff\xff")
    with pytest.raises(CorruptData):
        ObjectStore(store.path).read_blob(object_id("blob", b"the bytes of x"))
    if back:
        os.utime(pack, ns=(before.st_atime_ns, before.st_mtime_ns))
    store = ObjectStore(store.path)
    add(store, folder)
    assert ObjectStore(store.path).read_blob(object_id("blob", b"the bytes of x")) == b"the bytes of x"
    damage = check(ObjectStore(store.path)).damage
    assert [item.code for item in damage] == ["bad-pack"]  # shadowed now, and said to be so


@pytest.mark.usefixtures("_old_enough")
def test_what_fsck_finds_damaged_is_not_believed_any_more(
    store: ObjectStore, folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(store, folder)
    original = ObjectStore.read

    def failing(self: ObjectStore, oid: str) -> tuple[str, bytes]:
        kind, data = original(self, oid)
        return kind, data if data != b"the bytes of x" else b"the bytes of ?"

    with monkeypatch.context() as disk:
        disk.setattr(ObjectStore, "read", failing)
        assert check(store).damage
    assert not list((store.path / "cache").iterdir())
    read.clear()
    add(store, folder)
    assert len(read) == 5


HARM: list[Callable[[bytes], bytes]] = [
    lambda data: b"",
    lambda data: data[: len(data) // 2],
    lambda data: data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
    lambda data: b"ckstore stat cache 2\n" + data[21:],
    lambda data: b"ckstore stat cache 1\nx y\n",
    lambda data: b"ckstore stat cache 1\n0\n",
]


@pytest.mark.usefixtures("_old_enough")
@pytest.mark.parametrize(
    "harm", HARM, ids=["empty", "cut", "flipped", "of another format", "nonsense", "no sections"]
)
def test_a_damaged_cache_is_no_cache(
    store: ObjectStore, folder: Path, read: list[str], harm: Callable[[bytes], bytes]
) -> None:
    expected = settled(store, folder)
    cache(store).write_bytes(harm(cache(store).read_bytes()))
    read.clear()
    assert add(store, folder) == expected
    assert len(read) == 5
    read.clear()
    assert add(store, folder) == expected
    assert read == []


@pytest.mark.usefixtures("_old_enough")
def test_where_no_cache_can_be_written_everything_is_read(
    store: ObjectStore, folder: Path, read: list[str]
) -> None:
    (store.path / "cache").write_bytes(b"in the way")
    expected = settled(store, folder)
    read.clear()
    assert add(store, folder) == expected
    assert len(read) == 5


@pytest.mark.usefixtures("_old_enough")
def test_other_options_are_another_question(store: ObjectStore, tmp_path: Path) -> None:
    plain = make_folder(tmp_path / "p", {"x.txt": b"x"})
    for name in ("one", "two"):
        assert [item.component for item in add(store, plain, kind="dataset", name=name).added] == [
            f"local:dataset:{name}"
        ]
        assert add(store, plain, kind="dataset", name=name).unchanged == [f"local:dataset:{name}@1.0.0"]


@pytest.mark.usefixtures("_old_enough")
def test_a_rule_of_git_outside_of_the_folder_is_noticed(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    folder = make_folder(tmp_path / "w" / "f", FILES)
    git("init", "-q", tmp_path / "w")
    settled(store, folder)
    (tmp_path / "w" / ".git" / "info" / "exclude").write_text("y.txt\n")
    [changed] = add(store, folder).added
    assert changed.component == "f:dataset:two"
    settled(store, folder)
    (tmp_path / "w" / ".gitignore").write_text("x.txt\n")
    [changed] = add(store, folder).added
    assert changed.component == "f:dataset:one"


@pytest.mark.usefixtures("_old_enough")
def test_a_folder_of_which_something_must_be_left_out_is_read_every_time(
    store: ObjectStore, folder: Path, read: list[str]
) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(folder / "dataset" / "two" / "pipe")
    settled(store, folder)
    read.clear()
    report = add(store, folder)
    assert report.problems and read


@pytest.mark.usefixtures("_old_enough")
def test_many_at_once_leave_one_whole_cache(store: ObjectStore, folder: Path, read: list[str]) -> None:
    children = [start_child(lambda: settled(ObjectStore(store.path), folder)) for _ in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    add(store, folder)
    read.clear()
    assert len(add(store, folder).unchanged) == 2
    assert read == []
    assert cache(store).name.startswith("add-")


@pytest.mark.usefixtures("_old_enough")
def test_what_belongs_to_no_component_leaves_nothing_behind_and_is_read_again(
    store: ObjectStore, tmp_path: Path, read: list[str], have_git: str
) -> None:
    """Files and folders around the components, also files that are the same as some of theirs."""
    folder = make_folder(
        tmp_path / "f", {**FILES, "README": b"about all", "copy": FILES["dataset/two/y.txt"]}
    )
    add(store, folder)
    assert git("fsck", "--full", "--strict", at=store.git) == ""
    read.clear()
    report = add(store, folder)
    assert (len(report.unchanged), read) == (2, [])
    make_folder(folder, {"dataset/one/data/x.txt": b"other bytes"})
    assert len(add(store, folder).added) == 1
    assert read == ["README", "x.txt"]
    assert git("fsck", "--full", "--strict", at=store.git) == ""
    assert check(store).damage == ()


def test_a_component_that_is_refused_leaves_nothing_behind(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    folder = make_folder(tmp_path / "f", {**FILES, "dataset/a/component.toml": b"", "dataset/a/z": b"lost"})
    (folder / "dataset" / "a" / "zz\n").write_text("no name of a file")
    assert len(add(store, folder).problems) == 1
    assert git("fsck", "--full", "--strict", at=store.git) == ""
