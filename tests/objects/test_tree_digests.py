from __future__ import annotations

import os
from pathlib import Path

import pytest

from ckstore.errors import CorruptData
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.folders import import_folder
from ckstore.objects.layout import lay_out
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry
from tests.objects.helpers import make_folder

FILES = {
    "a.txt": b"alpha",
    "bin/run*": b"#!/bin/sh\n",
    "bin/empty": b"",
    "link@": b"./a.txt",
    "z@": b"no//where/",
}


def store_tree(store: ObjectStore) -> str:
    """A tree with one entry of every kind, two folders deep."""
    writer = store.writer()
    below = writer.add_tree([TreeEntry(EXECUTABLE, "run", writer.add("blob", b"#!/bin/sh\n"))])
    tree = writer.add_tree([
        TreeEntry(TREE, "bin", below), TreeEntry(FILE, "a.txt", writer.add("blob", b"alpha")),
        TreeEntry(SYMLINK, "link", writer.add("blob", b"./a.txt")), TreeEntry(GITLINK, "module", "7" * 40),
    ])  # fmt: skip
    writer.finish()
    return tree


def test_the_digest_of_known_content_is_frozen(store: ObjectStore) -> None:
    tree = store_tree(store)
    assert tree == "a5372be182913605d0d506ba12783d5feea59763"
    assert (
        store.digests.of_tree(tree)
        == "sha256:365cedab690503eaa886fc2e4948af34875c0a64d226da7b37a9f7b3914f706e"
    )


def test_the_digest_of_an_empty_folder_is_frozen(tmp_path: Path) -> None:
    assert (
        digest_of_folder(tmp_path)
        == "sha256:3ee7bc69f30534f5a499d4f5ffda28d6b38aeafb5879edbbe69f0e137871e5ab"
    )


def test_a_tree_and_the_folder_laid_out_from_it_have_one_digest(store: ObjectStore) -> None:
    tree = store_tree(store)
    digest = store.digests.of_tree(tree)
    folder = lay_out(store, tree, digest)
    assert digest_of_folder(folder) == digest
    assert (folder / "link").readlink() == Path("a.txt")
    assert os.readlink(folder / "link") == "./a.txt"
    assert (folder / "module" / ".gitlink").read_text() == "7" * 40 + "\n"


def test_a_folder_and_the_tree_imported_from_it_have_one_digest(store: ObjectStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", FILES)
    writer = store.writer()
    tree, _ = import_folder(writer, folder)
    writer.finish()
    assert store.digests.of_tree(tree) == digest_of_folder(folder)


def test_importing_what_was_laid_out_gives_the_same_tree(store: ObjectStore) -> None:
    tree = store_tree(store)
    folder = lay_out(store, tree, store.digests.of_tree(tree))
    with store.writer() as writer:
        assert import_folder(writer, folder) == (tree, 4)


@pytest.mark.parametrize(
    "change",
    [
        lambda at: (at / "a.txt").write_bytes(b"alphb"),
        lambda at: (at / "bin/empty").write_bytes(b"\0"),
        lambda at: (at / "bin/run").chmod(0o644),
        lambda at: (at / "a.txt").chmod(0o755),
        lambda at: (at / "a.txt").rename(at / "b.txt"),
        lambda at: (at / "bin").rename(at / "bim"),
        lambda at: (at / "a.txt").rename(at / "bin/a.txt"),
        lambda at: ((at / "link").unlink(), (at / "link").symlink_to("a.txt")),
        lambda at: ((at / "link").unlink(), (at / "link").write_bytes(b"./a.txt")),
        lambda at: (at / "bin/empty").unlink(),
        lambda at: (at / "more").mkdir(),
    ],
)  # fmt: skip
def test_every_change_changes_the_digest(tmp_path: Path, change: object) -> None:
    assert callable(change)
    folder = make_folder(tmp_path / "f", FILES)
    before = digest_of_folder(folder)
    change(folder)
    assert digest_of_folder(folder) != before


def test_any_flipped_bit_changes_the_digest(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", {"x": bytes(4)})
    found = {digest_of_folder(folder)}
    for bit in range(32):
        (folder / "x").write_bytes((1 << bit).to_bytes(4, "big"))
        found.add(digest_of_folder(folder))
    assert len(found) == 33


def test_times_and_other_permissions_do_not_count(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", FILES)
    before = digest_of_folder(folder)
    (folder / "a.txt").chmod(0o600)
    os.utime(folder / "a.txt", (0, 0))
    assert digest_of_folder(folder) == before


def test_a_folder_is_a_submodule_only_when_its_note_holds_a_commit(tmp_path: Path) -> None:
    notes = [b"7" * 40 + b"\n", b"7" * 40, b"7" * 39 + b"\n", b"x" * 40 + b"\n", b"7" * 40 + b"\nx"]
    folders = [make_folder(tmp_path / str(n), {"m/.gitlink": note}) for n, note in enumerate(notes)]
    assert len({digest_of_folder(folder) for folder in folders}) == len(notes)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorruptData):
        digest_of_folder(tmp_path)


def test_folders_nested_without_end_are_refused(store: ObjectStore) -> None:
    writer = store.writer()
    tree = writer.add_tree([TreeEntry(FILE, "x", writer.add("blob", b"deep"))])
    for _ in range(3000):
        tree = writer.add_tree([TreeEntry(TREE, "d", tree)])
    writer.finish()
    for attempt in (
        lambda: store.digests.of_tree(tree),
        lambda: store.missing_objects(tree, set()),
        lambda: lay_out(store, tree, "sha256:" + "0" * 64),
    ):
        with pytest.raises(CorruptData) as refused:
            attempt()
        assert refused.value.code == "too-deep"
