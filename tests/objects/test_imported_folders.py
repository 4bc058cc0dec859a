from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, Unavailable
from ckstore.objects.checkedfile import CheckedFile
from ckstore.objects.folders import Staged, import_folder
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import EXECUTABLE, FILE, SYMLINK, TREE
from tests.objects.helpers import litter, make_folder

POSIX = pytest.mark.skipif(os.name == "nt", reason="the file system has no such thing")

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # as git says


@pytest.fixture
def writer(store: ObjectStore) -> Iterator[PackWriter]:
    with store.writer() as writer:
        yield writer


def names(store: ObjectStore, folder: Path) -> dict[str, int]:
    """Name → mode of a folder's entries, as imported."""
    with store.writer() as writer:
        tree, _ = import_folder(writer, folder)
        return {entry.name: entry.mode for entry in Staged(store, writer).read_tree(tree)}


@POSIX
def test_symlinks_are_kept_and_never_followed(store: ObjectStore, writer: PackWriter, tmp_path: Path) -> None:
    make_folder(tmp_path / "outside", {"secret": b"do not read"})
    folder = make_folder(
        tmp_path / "f",
        {"file@": b"../outside/secret", "folder@": b"../outside", "loop@": b".", "gone@": b"./x/"},
    )
    tree, count = import_folder(writer, folder)
    staged = Staged(store, writer)
    found = {e.name: (e.mode, staged.read_blob(e.oid)) for e in staged.read_tree(tree)}
    assert found == {
        "file": (SYMLINK, b"../outside/secret"), "folder": (SYMLINK, b"../outside"),
        "gone": (SYMLINK, b"./x/"), "loop": (SYMLINK, b"."),
    }  # fmt: skip
    assert count == 4


@POSIX
def test_executable_bits_are_kept(store: ObjectStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", {"run*": b"", "data": b""})
    (folder / "group").write_bytes(b"")
    (folder / "group").chmod(0o654)
    assert names(store, folder) == {"run": EXECUTABLE, "data": FILE, "group": FILE}


def test_empty_folders_and_what_version_control_keeps_are_left_out(
    store: ObjectStore, tmp_path: Path
) -> None:
    folder = make_folder(
        tmp_path / "f", {".git/config": b"", "__pycache__/x.pyc": b"", "x/y": b"", ".cm/meta.json": b"{}"}
    )
    (folder / "empty/below").mkdir(parents=True)
    assert names(store, folder) == {"x": TREE, ".cm": TREE}


def test_a_folder_without_files_is_the_empty_tree(
    store: ObjectStore, writer: PackWriter, tmp_path: Path
) -> None:
    (tmp_path / "f/a/b").mkdir(parents=True)
    assert import_folder(writer, tmp_path / "f") == (EMPTY_TREE, 0)


def test_ignored_paths_are_left_out_with_all_below(
    store: ObjectStore, writer: PackWriter, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "f", {"tmp/x": b"", "keep": b""})
    tree, count = import_folder(writer, folder, ignored=lambda path: path == str(folder / "tmp"))
    assert count == 1
    assert [e.name for e in Staged(store, writer).read_tree(tree)] == ["keep"]


@POSIX
def test_a_pipe_is_refused_and_not_waited_for(store: ObjectStore, writer: PackWriter, tmp_path: Path) -> None:
    os.mkfifo(make_folder(tmp_path / "f", {}) / "pipe")
    with pytest.raises(InvalidInput) as refused:
        names(store, tmp_path / "f")
    assert refused.value.code == "special-file"
    with pytest.raises(Unavailable):
        writer.add_file(tmp_path / "f" / "pipe", 0)


@POSIX
@pytest.mark.parametrize("name", ["a\nb", "back\\slash", "GIT~1", ".GIT", "a\u202eb"])
def test_names_that_cannot_live_elsewhere_are_refused(store: ObjectStore, tmp_path: Path, name: str) -> None:
    folder = make_folder(tmp_path / "f", {name: b""})
    with pytest.raises(InvalidInput) as refused:
        names(store, folder)
    assert refused.value.code == "unsafe-path"
    assert "\n" not in refused.value.message


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_names_that_are_not_utf8_are_kept(store: ObjectStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f", {})
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")).write_bytes(b"")
    assert names(store, folder) == {"caf\udce9": FILE}


@pytest.mark.parametrize(
    ("before", "size"),
    [(b"12345", 4), (b"12345", 6), (b"", 1), (b"1" * 5_000_000, 4_999_999), (b"1" * 100, 5_000_000)],
)
def test_a_file_that_changes_while_it_is_read_is_refused(
    store: ObjectStore, writer: PackWriter, tmp_path: Path, before: bytes, size: int
) -> None:
    (tmp_path / "x").write_bytes(before)
    with pytest.raises(Unavailable) as refused:
        writer.add_file(tmp_path / "x", size)
    assert refused.value.code == "file-changed"
    writer.discard()
    assert litter(store) == []


def test_a_file_that_grows_for_ever_is_not_read_for_ever(
    tmp_path: Path,
) -> None:
    class Growing:
        def read(self, size: int) -> bytes:
            return b"x" * size

        def fileno(self) -> int:
            raise AssertionError("never asked")

    status = os.stat(make_folder(tmp_path, {"x": b"1" * 100}) / "x")
    with pytest.raises(Unavailable):
        list(CheckedFile(Growing(), Path("x"), status).pieces())  # type: ignore[arg-type]  # a double of a file


@POSIX
def test_a_file_that_became_a_link_is_not_followed(
    store: ObjectStore, writer: PackWriter, tmp_path: Path
) -> None:
    make_folder(tmp_path, {"secret": b"12345", "x@": b"secret"})
    with pytest.raises(OSError):
        writer.add_file(tmp_path / "x", 5)


@POSIX
def test_what_cannot_be_read_is_said_with_its_name(
    store: ObjectStore, writer: PackWriter, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match=r"gone cannot be read: No such file"):
        import_folder(writer, tmp_path / "gone")


def test_folders_nested_without_end_cannot_be_added(store: ObjectStore, tmp_path: Path) -> None:
    make_folder(tmp_path / "f" / "/".join("d" * 200), {"x": b""})
    with pytest.raises(InvalidInput) as refused:
        names(store, tmp_path / "f")
    assert refused.value.code == "too-deep"


def test_progress_is_told_in_lines_of_text(store: ObjectStore, writer: PackWriter, tmp_path: Path) -> None:
    lines: list[str] = []
    folder = make_folder(tmp_path / "f", {f"{n}": b"" for n in range(1001)})
    import_folder(writer, folder, progress=lines.append)
    assert lines == ["f: 500 files", "f: 1000 files"]
