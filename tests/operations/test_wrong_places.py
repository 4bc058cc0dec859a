"""What stands in the wrong place in a store, or is missing, is told and mended; nothing is lost by it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.cli.app import run_command_line
from ckstore.errors import CorruptData
from ckstore.objects.head import LOG_REF, read_head
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.fsck import fsck
from ckstore.operations.gc import gc
from tests.operations.folders import workshop

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def head(store: ObjectStore, tmp_path: Path) -> str:
    """Of a store with one operation."""
    add(store, workshop(tmp_path / "shop"))
    gc(store)
    return read_head(store.path)


def _file(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    path.write_bytes(b"x\n")


def _folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    (path / "below").mkdir(parents=True)


def _gone(path: Path) -> None:
    path.unlink()


def _garbage(path: Path) -> None:
    path.write_bytes(b"\xff\0[[garbage")


def _object_folder(git: Path) -> None:
    (git / "objects" / "ab" / ("c" * 38)).mkdir(parents=True)


WRONG: dict[str, Callable[[Path], None]] = {
    **{
        f"file {name}": lambda store, name=name: _file(store / name)  # type: ignore[misc]  # of a loop
        for name in ("locks", "gc", "trees", "snapshots", "damaged", "incoming", "cache", "whole", "work")
    },
    **{
        f"folder {name}": lambda store, name=name: _folder(store / name)  # type: ignore[misc]  # as above
        for name in (
            "index.sqlite", "locks/log.lock", "locks/use.lock", "gc/unreached", "objects.git/HEAD",
            "objects.git/config", "objects.git/packed-refs", f"objects.git/{LOG_REF}.lock",
            "objects.git/objects/info/alternates",
        )
    },
    "no HEAD": lambda store: _gone(store / "objects.git" / "HEAD"),
    "no config": lambda store: _gone(store / "objects.git" / "config"),
    "bad HEAD": lambda store: _garbage(store / "objects.git" / "HEAD"),
    "bad config": lambda store: _garbage(store / "objects.git" / "config"),
    "bad alternates": lambda store: _garbage(store / "objects.git" / "objects" / "info" / "alternates"),
    "file for loose objects": lambda store: _file(store / "objects.git" / "objects" / "ab"),
    "folder for a loose object": lambda store: _object_folder(store / "objects.git"),
    "bad ref": lambda store: _garbage(store / "objects.git" / "refs" / "heads" / "x"),
    "bad name of a ref": lambda store: _file(store / "objects.git" / "refs" / "heads" / "a b~"),
    "dangling ref": lambda store: os.symlink("/nowhere", store / "objects.git" / "refs" / "heads" / "x"),
}  # fmt: skip


@pytest.fixture
def check(store: ObjectStore, capsys: pytest.CaptureFixture[str]) -> Check:
    """``ckstore fsck`` with more words → (exit code, what it said)."""

    def run(*more: str) -> tuple[int, str]:
        code = run_command_line(["fsck", *more, "--store", str(store.path)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_told_and_mended(
    store: ObjectStore, head: str, wrong: str, check: Check, tmp_path: Path
) -> None:
    WRONG[wrong](store.path)
    assert check()[0] != 0
    code, said = check("--repair")
    assert "mended  " in said, said
    assert code == 0, said
    fresh = ObjectStore(store.path)
    assert fsck(fresh).damage == ()
    assert read_head(store.path) == head
    gc(fresh, grace=0)
    add(fresh, workshop(tmp_path / "another"))


def test_a_log_that_is_lost_with_what_is_around_it_stays_lost_until_asked(
    store: ObjectStore, head: str, check: Check
) -> None:
    shutil.rmtree(store.git / "refs")
    (store.git / "HEAD").unlink()
    code, said = check("--repair")
    assert code != 0
    assert "bad-log-ref" in said
    assert check("--repair", "--back-to", head[:12])[0] == 0
    assert read_head(store.path) == head


def test_no_new_store_is_begun_upon_the_remains_of_one(store: ObjectStore, head: str) -> None:
    (store.path / "index.sqlite").touch()
    for gone in (store.git / "objects", store.git):
        shutil.rmtree(gone)
        for create in (True, False):
            with pytest.raises(CorruptData) as refused:
                ObjectStore(store.path, create=create)
            assert refused.value.code == "bad-store"


def test_what_git_left_in_another_repository_comes_back(
    store: ObjectStore, head: str, check: Check, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "objects"
    shutil.copytree(store.git / "objects", elsewhere)
    for path in (store.git / "objects" / "pack").iterdir():
        path.unlink()
    (store.git / "objects" / "info" / "alternates").write_text(f"{elsewhere}\n/nowhere\n")
    shutil.copy(store.git / "HEAD", elsewhere.parent)
    shutil.copytree(store.git / "refs", elsewhere.parent / "refs")
    code, said = check("--repair")
    assert code == 0, said
    shutil.rmtree(elsewhere.parent)
    assert fsck(ObjectStore(store.path)).damage == ()


def test_a_store_with_a_lost_log_is_not_served(
    store: ObjectStore, head: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (store.git / LOG_REF).unlink()
    code = run_command_line(["serve", "--git", "--port", "0", "--store", str(store.path)])
    assert code == CorruptData.exit_code
    assert "log ref" in capsys.readouterr().err
