"""Reading the objects of a history, quickly and no less carefully."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.borrowing import BorrowingStore
from ckstore.mirror.readers.nested import nested_repositories
from ckstore.mirror.trees import RawTrees, Trees
from ckstore.objects.store import ObjectStore


class _Packs:
    """A folder of packs that holds these objects, true or not."""

    def __init__(self, held: dict[str, tuple[int, bytes]]) -> None:
        self.held = held
        self.asked: list[str] = []

    def read(self, oid: str) -> tuple[int, bytes]:
        self.asked.append(oid)
        return self.held[oid]


def _id(kind: bytes, data: bytes) -> str:
    return hashlib.sha1(b"%s %d\0%s" % (kind, len(data), data), usedforsecurity=False).hexdigest()


@pytest.fixture
def borrowing(tmp_path: Path) -> BorrowingStore:
    return BorrowingStore(ObjectStore(tmp_path / "store").path, [])


def _with_packs(borrowing: BorrowingStore, held: dict[str, tuple[int, bytes]]) -> _Packs:
    packs = _Packs(held)
    borrowing._packs_of = [packs]  # type: ignore[list-item]  # of pygit2's backends only read() is used
    return packs


def test_an_object_is_read_again_from_its_pack(borrowing: BorrowingStore) -> None:
    oid = _id(b"blob", b"here")
    _with_packs(borrowing, {oid: (3, b"here")})
    assert borrowing.reread(oid) == ("blob", b"here")


@pytest.mark.parametrize("told", [(3, b"else"), (2, b"here")])
def test_bytes_that_are_not_what_the_id_promises_are_not_believed(
    borrowing: BorrowingStore, told: tuple[int, bytes]
) -> None:
    oid = _id(b"blob", b"here")
    _with_packs(borrowing, {oid: told})
    with pytest.raises(NotFound, match="is missing"):
        borrowing.reread(oid)


def test_what_is_beyond_a_limit_is_not_read_again(borrowing: BorrowingStore) -> None:
    oid = _id(b"blob", b"here")
    packs = _with_packs(borrowing, {oid: (3, b"here")})
    borrowing.refused[oid] = "it is too large"
    with pytest.raises(CorruptData, match="it is too large"):
        borrowing.reread(oid)
    assert packs.asked == []


def test_what_nobody_checked_is_read_with_all_checks(borrowing: BorrowingStore) -> None:
    oid = _id(b"blob", b"here")
    packs = _with_packs(borrowing, {oid: (3, b"here")})
    borrowing.checked = False
    with pytest.raises(NotFound):  # libgit2 has it not: only the double does
        borrowing.reread(oid)
    assert packs.asked == []


class _Raw:
    """Trees by id, as bytes."""

    def __init__(self, *trees: tuple[bytes, bytes, str]) -> None:
        data = b"".join(b"%s %s\0" % (mode, name) + bytes.fromhex(oid) for mode, name, oid in trees)
        self.trees = {"1" * 40: data, "2" * 40: b"100644 .ckr.json\0" + b"\3" * 20}

    def read(self, oid: str) -> tuple[str, bytes]:
        return "tree", self.trees[oid]


def _trees(*entries: tuple[bytes, bytes, str]) -> RawTrees:
    return RawTrees(None, _Raw(*entries).read)  # type: ignore[arg-type]  # objects are read through `read` alone


_FOUR, _TWO = "4" * 40, "2" * 40


def test_the_folders_of_a_tree_are_those_that_its_entries_tell() -> None:
    trees = _trees((b"100664", b"a", _FOUR), (b"40000", b"b", _TWO), (b"120000", b"c", _FOUR),
                   (b"040000", b"d", _TWO), (b"160000", b"e", _FOUR))  # fmt: skip
    assert [entry.name for entry in trees.folders("1" * 40)] == ["b", "d"]
    assert trees.folders("1" * 40) == Trees.folders(trees, "1" * 40)


def test_an_unknown_mode_spoils_a_tree_for_both_ways_of_reading() -> None:
    trees = _trees((b"70000", b"a", _FOUR), (b"40000", b"b", _TWO))
    with pytest.raises(CorruptData, match="damaged"):
        trees.folders("1" * 40)
    with pytest.raises(CorruptData, match=f"The tree {'1' * 40} is damaged"):
        trees.read_tree("1" * 40)


def test_a_repository_within_a_repository_is_told_where_it_lies_first() -> None:
    trees = _trees((b"40000", b"b", _TWO), (b"40000", b"d", _TWO))
    assert list(nested_repositories(trees, "1" * 40)) == [
        "b: not read: a repository of its own (.ckr.json) within this one"
    ]
