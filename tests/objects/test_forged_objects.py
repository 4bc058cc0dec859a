"""Bytes under an id that is not theirs are never read as if they were, wherever an index puts them."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from ckstore.errors import CorruptData
from ckstore.objects.layout import lay_out
from ckstore.objects.loose import loose_path
from ckstore.objects.packindex import index_bytes, pack_rows
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import add, make_folder, packs, release


def forge_index(store: ObjectStore, oid: str, other: str) -> None:
    """Let the index of the only pack say that ``oid`` is where ``other`` is; all checksums are right."""
    [pack] = packs(store)
    index = pack.with_suffix(".idx")
    entries = {name: (offset, crc) for offset, name, crc in pack_rows(index.read_bytes())}
    entries[oid] = entries[other]
    trailer = pack.read_bytes()[-20:]
    index.unlink()
    index.write_bytes(index_bytes(entries, trailer))


def test_an_index_that_points_to_other_bytes_is_found_out_at_reading(
    store: ObjectStore, tmp_path: Path
) -> None:
    add(store, "susan", make_folder(tmp_path / "susan", {"a": b"first", "b": b"other"}))
    first, other = (entry.oid for entry in store.read_tree(release(store, "susan").tree))
    forge_index(store, first, other)
    opened = ObjectStore(store.path)
    store.repo.free()
    del store._packs
    opened.reopen()
    with pytest.raises(CorruptData):
        opened.read_blob(first)
    assert opened.read_blob(other) == b"other"
    assert first in {damage.what for damage in check(opened).damage}


@pytest.fixture
def forged(store: ObjectStore, tmp_path: Path) -> tuple[ObjectStore, str]:
    """A store whose index says of one file that it is where another one is, and the id of the one."""
    add(store, "susan", make_folder(tmp_path / "susan", {"a": b"first", "b": b"other"}))
    first, other = (entry.oid for entry in store.read_tree(release(store, "susan").tree))
    forge_index(store, first, other)
    path = store.path
    store.repo.free()
    del store._packs
    return ObjectStore(path), first


def test_other_bytes_are_not_laid_out_and_it_is_said_whose_they_are(forged: tuple[ObjectStore, str]) -> None:
    store, first = forged
    found = release(store, "susan")
    with pytest.raises(CorruptData) as refused:
        lay_out(store, found.tree, found.digest)
    assert (refused.value.code, refused.value.details["oid"]) == ("bad-object", first)
    assert list((store.path / "trees").iterdir()) == []


def test_a_sound_loose_copy_is_laid_out_instead(forged: tuple[ObjectStore, str]) -> None:
    store, first = forged
    loose = loose_path(store.git / "objects", first)
    loose.parent.mkdir()
    loose.write_bytes(zlib.compress(b"blob 5\0first"))
    found = release(store, "susan")
    folder = lay_out(ObjectStore(store.path), found.tree, found.digest)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a": b"first", "b": b"other"}


def test_a_loose_object_with_other_bytes_is_found_out_at_reading(store: ObjectStore) -> None:
    path = loose_path(store.git / "objects", "ab" * 20)
    path.parent.mkdir()
    path.write_bytes(zlib.compress(b"blob 5\0wrong"))
    with pytest.raises(CorruptData):
        store.read("ab" * 20)
    assert "bad-loose" in {damage.code for damage in check(store).damage}
