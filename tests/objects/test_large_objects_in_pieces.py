"""Large blobs are read in pieces from packs and loose files, and every byte of them is checked."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CorruptData, NotFound, Unsupported
from ckstore.mirror.borrowing import BorrowingStore
from ckstore.objects import deflate, stream
from ckstore.objects.packindex import find_offset
from ckstore.objects.store import ObjectStore
from tests.objects.helpers import git, packs

RANDOM = random.Random(3).randbytes(3 * 1024 * 1024)
WORDS = b"".join(b"line %d\n" % number for number in range(400_000))
CONTENTS = [b"", b"x", RANDOM, WORDS, bytes(5 * 1024 * 1024)]


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything with the quick library, and as on a platform without it."""
    if request.param == "zlib":
        monkeypatch.setattr(deflate, "isal_zlib", None)
    else:
        pytest.importorskip("isal", reason="there is no isal for this platform")
    return str(request.param)


def written(store: ObjectStore, *contents: bytes) -> list[str]:
    with store.writer() as writer:
        oids = [writer.add("blob", data) for data in contents]
        writer.finish()
    return oids


def unpacked(store: ObjectStore, tmp_path: Path) -> None:
    for number, pack in enumerate(packs(store)):
        aside = pack.rename(tmp_path / f"{number}.pack")
        pack.with_suffix(".idx").unlink()
        git("unpack-objects", "-q", at=store.git, given=aside.read_bytes())


def harmed(store: ObjectStore, change: Callable[[bytearray], None]) -> None:
    [pack] = packs(store)
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    change(data)
    pack.write_bytes(bytes(data))


def test_packed_blobs_come_whole_and_in_small_pieces(store: ObjectStore) -> None:
    for oid, data in zip(written(store, *CONTENTS), CONTENTS, strict=True):
        pieces = list(store.stream_blob(oid))
        assert b"".join(pieces) == data
        assert max(map(len, pieces), default=0) <= 1024 * 1024
        assert store.size_of(oid) == len(data)


def test_loose_blobs_do_too(store: ObjectStore, tmp_path: Path, have_git: str) -> None:
    oids = written(store, *CONTENTS)
    unpacked(store, tmp_path)
    store = ObjectStore(store.path)
    for oid, data in zip(oids, CONTENTS, strict=True):
        assert b"".join(store.stream_blob(oid)) == data
        assert store.size_of(oid) == len(data)


def as_deltas(store: ObjectStore, tmp_path: Path, oids: list[str]) -> ObjectStore:
    """The store with one pack, where git made deltas of whatever it could."""
    listed = "".join(f"{oid} f\n" for oid in oids).encode()
    git("pack-objects", "-q", "--no-reuse-object", tmp_path / "pack", at=store.git, given=listed)
    for pack in packs(store):
        pack.unlink()
        pack.with_suffix(".idx").unlink()
    for path in tmp_path.glob("pack-*"):
        path.rename(store.git / "objects" / "pack" / path.name)
    assert "chain length = 1" in git("verify-pack", "-v", *packs(store))
    return ObjectStore(store.path)


def test_what_git_packed_with_deltas_is_read_as_well(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    contents = [WORDS, WORDS[:-1], b"begin" + WORDS]
    oids = written(store, *contents)
    store = as_deltas(store, tmp_path, oids)
    for oid, data in zip(oids, contents, strict=True):
        assert b"".join(store.stream_blob(oid)) == data
        assert store.size_of(oid) == len(data)


def test_a_delta_beyond_the_limit_is_refused_with_its_size(
    store: ObjectStore, tmp_path: Path, have_git: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = as_deltas(store, tmp_path, oids := written(store, WORDS, WORDS[:-1]))
    monkeypatch.setattr(stream, "MOST_OF_A_DELTA", 1000)
    refused = []
    for oid in oids:
        try:
            assert b"".join(store.stream_blob(oid)).startswith(WORDS[:-1])
        except Unsupported as error:
            refused.append((error.code, f"{store.size_of(oid)} bytes" in error.message))
    assert refused == [("delta-too-large", True)]


def test_memory_stays_small_whatever_the_size(store: ObjectStore) -> None:
    [oid] = written(store, bytes(64 * 1024 * 1024))
    tracemalloc.start()
    try:
        assert sum(map(len, store.stream_blob(oid))) == 64 * 1024 * 1024
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [RANDOM, WORDS], ids=["random", "words"])
def test_a_flipped_bit_is_told_at_the_latest_at_the_end(store: ObjectStore, content: bytes) -> None:
    [oid] = written(store, content)

    def flip(data: bytearray) -> None:
        data[len(data) // 2] ^= 0x10

    harmed(store, flip)
    with pytest.raises(CorruptData) as told:
        list(ObjectStore(store.path).stream_blob(oid))
    assert told.value.code == "bad-object"


def test_an_entry_that_inflates_to_more_than_it_says_is_cut_there(store: ObjectStore) -> None:
    [oid] = written(store, bytes(1000))

    def replace_stream(data: bytearray) -> None:
        bomb = zlib.compress(bytes(50 * 1024 * 1024))
        data[14:] = bomb  # 12 bytes of pack header, 2 of the entry

    harmed(store, replace_stream)
    given = 0
    with pytest.raises(CorruptData):
        for piece in ObjectStore(store.path).stream_blob(oid):
            given += len(piece)
    assert given <= 1000


def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    for oid in ("0" * 40, "", "zz", "../../etc/passwd"):
        with pytest.raises(NotFound):
            store.size_of(oid)
        with pytest.raises(NotFound):
            list(store.stream_blob(oid))


def test_a_tree_is_no_blob(store: ObjectStore) -> None:
    with store.writer() as writer:
        tree = writer.add_tree([])
        writer.finish()
    with pytest.raises(CorruptData):
        list(store.stream_blob(tree))


def test_a_quarantine_streams_what_it_borrows(store: ObjectStore, tmp_path: Path) -> None:
    [oid] = written(store, WORDS)
    borrowing = BorrowingStore(ObjectStore(tmp_path / "incoming").path, [store.git / "objects"])
    assert b"".join(borrowing.stream_blob(oid)) == WORDS
    assert borrowing.size_of(oid) == len(WORDS)


def test_offsets_beyond_two_gibibytes_are_found(tmp_path: Path) -> None:
    import struct

    ids = sorted(random.Random(n).randbytes(20) for n in range(50))
    offsets = [12 + n if n % 2 else 2**31 | n // 2 for n in range(50)]
    large = [2**33 + n for n in range(25)]
    fanout = [sum(oid[0] <= first for oid in ids) for first in range(256)]
    index = tmp_path / "pack-1.idx"
    index.write_bytes(
        b"\xfftOc" + struct.pack(">I256I", 2, *fanout) + b"".join(ids) + bytes(4 * 50)
        + struct.pack(">50I", *offsets) + struct.pack(">25Q", *large)
    )  # fmt: skip
    found = [find_offset(index, oid) for oid in ids]
    assert found == [12 + n if n % 2 else 2**33 + n // 2 for n in range(50)]
    assert find_offset(index, bytes(20)) is None
    assert find_offset(index, b"\xff" * 20) is None
