"""A store is a plain git repository: what git does to those does no harm to this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import add, fsck, git, make_folder, read_everything

pytestmark = pytest.mark.usefixtures("have_git")


@pytest.fixture
def filled(store: ObjectStore, tmp_path: Path) -> ObjectStore:
    files = {
        "x.c": b"int x;",
        "run.sh*": b"#!",
        "up@": b"../y",
        "caf\udce9".encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"): b"?",
    }
    for name in ("one", "two"):
        for version in ("1.0.0", "1.0.1", "2.0.0"):
            add(
                store, name, make_folder(tmp_path / name / version, {**files, "v": version.encode()}), version
            )
    return store


def test_a_strict_fsck_is_clean(filled: ObjectStore) -> None:
    assert fsck(filled) == []


@pytest.mark.parametrize(
    "chores",
    [
        [("gc", "--prune=now", "-q")],
        [("gc", "--aggressive", "--prune=now", "-q")],
        [("repack", "-adq"), ("prune", "--expire=now")],
        [("pack-refs", "--all"), ("repack", "-Adq"), ("prune-packed", "-q"), ("gc", "--auto", "-q")],
        [("unpack",)],
    ],
    ids=lambda chores: chores[0][0],
)
def test_housekeeping_leaves_every_release_intact(
    filled: ObjectStore, tmp_path: Path, chores: list[tuple[str, ...]]
) -> None:
    before = read_everything(filled)
    assert len(before) == 6
    for chore in chores:
        if chore == ("unpack",):
            unpack(filled, tmp_path)
        else:
            git(*chore, at=filled.git)
    assert read_everything(filled) == before
    assert check(filled).damage == ()
    add(filled, "three", make_folder(tmp_path / "three", {"new": b"1"}))
    assert len(read_everything(filled)) == 7
    assert fsck(filled) == []


def unpack(store: ObjectStore, tmp_path: Path) -> None:
    """Turn every pack into loose objects."""
    for number, pack in enumerate((store.git / "objects/pack").glob("*.pack")):
        aside = pack.rename(tmp_path / f"{number}.pack")
        pack.with_suffix(".idx").unlink()
        git("unpack-objects", "-q", at=store.git, given=aside.read_bytes())


def test_a_store_that_is_open_sees_what_git_repacked(filled: ObjectStore) -> None:
    git("gc", "--prune=now", "-q", at=filled.git)
    assert len(list(filled.view().components("lab"))) == 2
    assert check(filled).damage == ()


def test_a_mirror_clone_is_the_same_store(filled: ObjectStore, tmp_path: Path) -> None:
    git("clone", "-q", "--mirror", filled.git, tmp_path / "copy" / "objects.git")
    copy = ObjectStore(tmp_path / "copy", create=False)
    assert read_everything(copy) == read_everything(filled)
    assert check(copy).damage == ()


def test_a_plain_clone_works_and_can_fetch_the_log(filled: ObjectStore, tmp_path: Path) -> None:
    git("clone", "-q", filled.git, tmp_path / "clone")
    git("fetch", "-q", "origin", "refs/ckstore/log", at=tmp_path / "clone")
    assert "one 1.0.0" in git("log", "FETCH_HEAD", at=tmp_path / "clone")


def test_git_reads_the_files_of_a_release(filled: ObjectStore) -> None:
    listed = git("ls-tree", "-r", "refs/ckstore/log", at=filled.git)
    assert "100755 blob" in listed
    assert "120000 blob" in listed
    assert listed.count("/2.0.0/tree/x.c") == 2
