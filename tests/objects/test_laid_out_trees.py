from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from ckstore.errors import CorruptData
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.folders import import_folder
from ckstore.objects.layout import Layout, build_snapshot, lay_out, remove_tree
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import EXECUTABLE, FILE, SYMLINK, TREE, TreeEntry
from ckstore.objects.verify import check
from tests.objects.helpers import add, make_folder, release, start_child

FILES = {"a.txt": b"alpha", "bin/run*": b"#!/bin/sh\n", "link@": b"bin/run", "empty": b""}


def stored(store: ObjectStore, *entries: tuple[int, str, bytes]) -> str:
    """A tree made by hand, as no file system would give it."""
    with store.writer() as writer:
        tree = writer.add_tree(
            TreeEntry(mode, name, writer.add("tree" if mode == TREE else "blob", data))
            for mode, name, data in entries
        )
        writer.finish()
    return tree


@pytest.fixture
def laid_out(store: ObjectStore, tmp_path: Path) -> Path:
    add(store, "susan", make_folder(tmp_path / "component", FILES))
    found = release(store, "susan")
    return lay_out(store, found.tree, found.digest)


def test_files_are_read_only_and_keep_their_kind_whatever_the_umask(
    store: ObjectStore, tmp_path: Path
) -> None:
    add(store, "susan", make_folder(tmp_path / "component", FILES))
    found = release(store, "susan")
    old = os.umask(0o077)
    try:
        folder = lay_out(store, found.tree, found.digest)
    finally:
        os.umask(old)
    modes = {p.name: stat.S_IMODE(p.lstat().st_mode) for p in folder.rglob("*") if not p.is_symlink()}
    assert modes == {"a.txt": 0o444, "empty": 0o444, "run": 0o555, "bin": 0o555}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    assert os.readlink(folder / "link") == "bin/run"
    assert (folder / "bin/run").read_bytes() == b"#!/bin/sh\n"


def test_a_tree_is_laid_out_once(store: ObjectStore, laid_out: Path) -> None:
    before = laid_out.stat().st_ino
    found = release(store, "susan")
    assert lay_out(store, found.tree, found.digest) == laid_out
    assert laid_out.stat().st_ino == before
    assert [path.name for path in laid_out.parent.iterdir()] == [found.tree]


def test_a_tree_whose_writer_was_killed_before_sealing_it_is_sealed_by_the_next_reader(
    store: ObjectStore, laid_out: Path
) -> None:
    shutil.rmtree(store.path / "whole")
    laid_out.chmod(0o755)
    before = laid_out.stat().st_ino
    found = release(store, "susan")
    assert lay_out(store, found.tree, found.digest).stat().st_ino == before
    assert stat.S_IMODE(laid_out.stat().st_mode) == 0o555


def test_trees_laid_out_together_leave_nothing_beside_them(store: ObjectStore, tmp_path: Path) -> None:
    names = ("susan", "sobel", "fft")
    for name in names:
        add(store, name, make_folder(tmp_path / name, {"name": name.encode()}))
    found = [release(store, name) for name in names]
    with Layout(store) as layout:
        folders = [layout.tree(each.tree, each.digest) for each in found]
        with pytest.raises(CorruptData):
            layout.tree(stored(store, (FILE, "x", b"one")), "sha256:" + "0" * 64)
    assert [(folder / "name").read_text() for folder in folders] == list(names)
    assert sorted((store.path / "trees").iterdir()) == sorted(folders)


def test_links_are_made_last_so_that_no_name_leads_through_one(store: ObjectStore, tmp_path: Path) -> None:
    outside = make_folder(tmp_path / "outside", {"kept": b""})
    below = stored(store, (FILE, "evil", b"written through a link"))
    with store.writer() as writer:
        link = TreeEntry(SYMLINK, "d", writer.add("blob", os.fsencode(outside)))
        tree = writer.add_tree([link, TreeEntry(TREE, "d", below)])
        writer.finish()
    with pytest.raises((CorruptData, OSError)) as refused:
        lay_out(store, tree, store.digests.of_tree(tree))
    assert isinstance(refused.value, CorruptData)
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert list((store.path / "trees").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["..", ".", ".git", ".GIT", "git~1", ".git ", "a/b", "../x", "/tmp/x", "a\\b", "a\nb"]
)
@pytest.mark.parametrize("mode", [FILE, TREE, SYMLINK])
def test_a_hostile_name_is_refused_and_nothing_is_left(
    store: ObjectStore, tmp_path: Path, name: str, mode: int
) -> None:
    tree = stored(store, (FILE, "fine", b"fine"), (mode, name, b"" if mode == TREE else b"evil"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CorruptData) as refused:
        lay_out(store, tree, store.digests.of_tree(tree))
    assert refused.value.code == "unsafe-path"
    (store.path / "trees").rmdir()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("target", [b"", b"a\0b", b"x" * 5000])
def test_a_symlink_that_cannot_be_is_corrupt_data(store: ObjectStore, target: bytes) -> None:
    tree = stored(store, (SYMLINK, "link", target))
    with pytest.raises(CorruptData) as refused:
        lay_out(store, tree, store.digests.of_tree(tree))
    assert refused.value.code == "bad-symlink"


def test_a_name_that_comes_twice_is_corrupt_data(store: ObjectStore) -> None:
    tree = stored(store, (FILE, "x", b"one"), (EXECUTABLE, "x", b"two"))
    with pytest.raises(CorruptData) as refused:
        lay_out(store, tree, store.digests.of_tree(tree))
    assert refused.value.code == "name-twice"


def test_a_wrong_digest_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    add(store, "susan", make_folder(tmp_path / "component", FILES))
    with pytest.raises(CorruptData) as refused:
        lay_out(store, release(store, "susan").tree, "sha256:" + "0" * 64)
    assert refused.value.code == "digest-mismatch"
    assert refused.value.hints
    assert list((store.path / "trees").iterdir()) == []


def test_a_missing_file_leaves_nothing(store: ObjectStore) -> None:
    with store.writer() as writer:
        tree = writer.add_tree([TreeEntry(FILE, "x", "1" * 40)])
        writer.finish()
    with pytest.raises(Exception, match="is not in the store"):
        lay_out(store, tree, "sha256:" + "0" * 64)
    assert list((store.path / "trees").iterdir()) == []


def test_two_processes_may_lay_out_the_same_tree_at_once(store: ObjectStore, tmp_path: Path) -> None:
    files = {f"{n}": b"%d" % n for n in range(100)}
    add(store, "susan", make_folder(tmp_path / "component", files))
    found = release(store, "susan")

    def work() -> None:
        for _ in range(10):
            folder = lay_out(ObjectStore(store.path), found.tree, found.digest)
            assert len(list(folder.iterdir())) == 100

    children = [start_child(work) for _ in range(3)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert [path.name for path in (store.path / "trees").iterdir()] == [found.tree]


@pytest.mark.parametrize("change", ["content", "mode", "more", "less", "pipe"])
def test_a_changed_tree_is_found_removed_and_laid_out_anew(
    store: ObjectStore, laid_out: Path, change: str
) -> None:
    assert check(store).damage == ()
    (laid_out).chmod(0o755)
    (laid_out / "a.txt").chmod(0o755 if change == "mode" else 0o644)
    if change == "content":
        (laid_out / "a.txt").write_bytes(b"alphA")
    elif change == "more":
        (laid_out / "more").write_bytes(b"")
    elif change == "less":
        (laid_out / "empty").unlink()
    elif change == "pipe":
        os.mkfifo(laid_out / "pipe")
    [damage] = check(store).damage
    assert (damage.code, damage.what, damage.repaired) == ("changed-tree", str(laid_out), True)
    assert not laid_out.exists()
    found = release(store, "susan")
    assert digest_of_folder(lay_out(store, found.tree, found.digest)) == found.digest
    assert check(store).damage == ()


def test_what_a_killed_layout_left_is_removed_by_a_check_when_it_is_old(
    store: ObjectStore, laid_out: Path
) -> None:
    old, young = laid_out.parent / "tmp-old", laid_out.parent / "tmp-young"
    for path in (old, young):
        make_folder(path / "below", {"x": b""})
        (path / "below").chmod(0o555)
    for path in (old / "below" / "x", old / "below", old):
        os.utime(path, (1, 1))
    pack = store.git / "objects/pack/tmp_pack_old"
    pack.write_bytes(b"half")
    os.utime(pack, (1, 1))
    assert {damage.what for damage in check(store).damage} == {str(old), str(pack)}
    assert [path.exists() for path in (old, young, pack)] == [False, True, False]


def test_a_tree_can_be_removed_though_it_is_read_only(laid_out: Path) -> None:
    remove_tree(laid_out)
    assert not laid_out.exists()


class TestASnapshot:
    def test_shows_each_component_under_its_name(self, tmp_path: Path, laid_out: Path) -> None:
        folder = build_snapshot(tmp_path / "snapshots" / "s", [("lab:program:susan", laid_out)])
        assert (folder / "lab/program/susan/bin/run").read_bytes() == b"#!/bin/sh\n"

    def test_is_built_once(self, tmp_path: Path, laid_out: Path) -> None:
        folder = build_snapshot(tmp_path / "s", [("lab:program:susan", laid_out)])
        made = folder.stat().st_ino
        assert build_snapshot(tmp_path / "s", [("lab:program:susan", laid_out)]) == folder
        assert folder.stat().st_ino == made
        assert [path.name for path in folder.iterdir()] == ["lab"]

    def test_appears_whole_or_not_at_all(self, tmp_path: Path, laid_out: Path) -> None:
        def trees() -> object:
            yield "lab:program:susan", laid_out
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build_snapshot(tmp_path / "s" / "x", trees())  # type: ignore[arg-type]  # a generator that dies
        assert list((tmp_path / "s").iterdir()) == []


def test_what_was_imported_comes_out_again(store: ObjectStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "component", {**FILES, "caf\udce9/\u00fc": b"?", "big": b"x" * 5_000_000})
    with store.writer() as writer:
        tree, _ = import_folder(writer, folder)
        writer.finish()
    digest = digest_of_folder(folder)
    assert digest_of_folder(lay_out(store, tree, digest)) == digest
