"""What differs between two trees, file by file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.errors import CorruptData
from ckstore.objects.compare import compare_trees
from ckstore.objects.trees import EXECUTABLE, FILE, GITLINK, SYMLINK, TREE, TreeEntry

Files = dict[str, tuple[int, str]]  # path → (mode, content)


class Trees:
    """Trees in memory; the id of a file is its content."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[TreeEntry, ...]] = {}

    def read_tree(self, oid: str) -> tuple[TreeEntry, ...]:
        return self.known[oid]

    def write(self, files: Files) -> str:
        entries = [TreeEntry(mode, name, text) for name, (mode, text) in files.items() if "/" not in name]
        for folder in {path.partition("/")[0] for path in files if "/" in path}:
            below = {p.partition("/")[2]: v for p, v in files.items() if p.startswith(f"{folder}/")}
            entries.append(TreeEntry(TREE, folder, self.write(below)))
        found = tuple(sorted(entries, key=lambda entry: entry.name))
        self.known[repr(found)] = found
        return repr(found)


def changes(old: Files, new: Files) -> list[tuple[str, str, str]]:
    trees = Trees()
    found = compare_trees(trees, trees.write(old), trees.write(new))
    return [(change.what, change.path, change.former_path) for change in found]


def test_each_kind_of_change_is_told() -> None:
    old = {"same": (FILE, "s"), "text": (FILE, "1"), "run": (FILE, "r"), "old": (FILE, "o")}
    new = {"same": (FILE, "s"), "text": (FILE, "2"), "run": (EXECUTABLE, "r"), "new": (FILE, "o")}
    old |= {"gone": (FILE, "g")}
    new |= {"come": (FILE, "c")}
    assert changes(old, new) == [
        ("added", "come", ""), ("removed", "gone", ""), ("renamed", "new", "old"), ("mode", "run", ""),
        ("changed", "text", ""),
    ]  # fmt: skip


def test_a_renamed_folder_is_files_renamed_each_under_its_own_name() -> None:
    old = {"a/x": (FILE, "same"), "a/y": (FILE, "same"), "a/z": (FILE, "other")}
    new = {path.replace("a/", "deep/b/"): entry for path, entry in old.items()}
    assert changes(old, new) == [("renamed", f"deep/b/{n}", f"a/{n}") for n in "xyz"]


def test_a_file_that_becomes_a_folder_a_link_or_a_submodule() -> None:
    old = {"a": (FILE, "1"), "b": (FILE, "2"), "c": (FILE, "3")}
    new = {"a/a": (FILE, "9"), "b": (SYMLINK, "2"), "c": (GITLINK, "4")}
    assert changes(old, new) == [
        ("removed", "a", ""), ("added", "a/a", ""), ("changed", "b", ""), ("changed", "c", ""),
    ]  # fmt: skip


def test_empty_files_are_no_sign_of_a_rename() -> None:
    empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert changes({"a": (FILE, empty)}, {"b": (FILE, empty)}) == [("removed", "a", ""), ("added", "b", "")]


def test_nothing_at_all_is_a_side_too() -> None:
    trees = Trees()
    tree = trees.write({"a/b": (FILE, "1")})
    assert [change.what for change in compare_trees(trees, "", tree)] == ["added"]
    assert [change.what for change in compare_trees(trees, tree, "")] == ["removed"]
    assert compare_trees(trees, tree, tree) == []


def test_folders_without_end_are_refused() -> None:
    trees = Trees()
    trees.known = {"old": (TreeEntry(TREE, "d", "new"),), "new": (TreeEntry(TREE, "d", "old"),)}
    with pytest.raises(CorruptData, match="nested deeper"):
        compare_trees(trees, "old", "new")


_paths = st.sampled_from(["a", "b", "c/d", "c/e/f", "g/h"])
_entries = st.tuples(st.sampled_from([FILE, EXECUTABLE, SYMLINK]), st.sampled_from("123"))
_files = st.dictionaries(_paths, _entries)


@given(_files, _files)
def test_the_changes_lead_from_one_to_the_other(old: Files, new: Files) -> None:
    trees = Trees()
    files = dict(old)
    found = compare_trees(trees, trees.write(old), trees.write(new))
    for change in found:
        if change.old is not None:
            del files[change.former_path or change.path]
    for change in found:
        if change.new is not None:
            files[change.path] = (change.new.mode, change.new.oid)
    assert files == new
