"""File names and command lines are bytes; records hold text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ckstore.model.records import Operation, Release, storable
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.layout import lay_out
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from ckstore.operations.add import add

RAW = os.fsdecode(b"\xff")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "f"
    folder.mkdir()
    try:
        for name in (b"caf\xe9", b"\xff"):
            (folder / os.fsdecode(name)).write_bytes(name)
    except (OSError, UnicodeError):
        pytest.skip("the file system has text for names")
    return folder


def test_a_dataset_with_such_a_file_is_added_laid_out_and_verified(store: ObjectStore, folder: Path) -> None:
    command = f"ckstore add {RAW}"
    released = add(store, folder, kind="dataset", command=command).added[0].release
    stored = store.view().release("local", released.uid, released.version)
    assert {"file:caf\\xe9", "file:\\xff"} <= set(stored.interface)
    laid_out = lay_out(store, stored.tree, stored.digest)
    assert (laid_out / RAW).read_bytes() == b"\xff"
    assert digest_of_folder(laid_out) == stored.digest
    operation = store.view().operation()
    assert operation is not None
    assert operation.command == "ckstore add \\xff"
    assert check(store).damage == ()
    assert add(store, folder, kind="dataset").added == []


def test_such_a_file_that_goes_is_a_loss_for_others(store: ObjectStore, folder: Path) -> None:
    add(store, folder, kind="dataset")
    (folder / RAW).rename(folder / "y")
    release = add(store, folder, kind="dataset").added[0].release
    assert release.changes == ("-file:\\xff", "+file:y")
    assert release.bump == "major"


def test_text_of_any_sort_can_be_in_a_record() -> None:
    half, byte = "\ud800", "\udcff"
    operation = Operation("add", byte, half)
    assert Operation.decode(operation.encode()) == Operation("add", "\\xff", "\\ud800")
    release = Release(
        "u", "k", "n", "1.0.0", "t", "d", "", f"a/{byte}", "ck", "first", (byte,), tags=("é", byte)
    )
    decoded = Release.decode(release.encode())
    assert (decoded.path, decoded.changes, decoded.tags) == ("a/\\xff", ("\\xff",), ("é", "\\xff"))


def test_text_stays_what_it_is() -> None:
    for text in ("", "plain", "caf\u00e9 \U0001f600", "back\\xslash"):
        assert storable(text) == text
