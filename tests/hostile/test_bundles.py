"""Rows 47 to 58 once more, as files that are imported: judged before anything of them is kept."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError
from ckstore.model.limits import MAX_OBJECT_BYTES, MAX_TREE_BYTES
from ckstore.objects.bundles import BundleReader
from ckstore.objects.head import read_head
from ckstore.objects.store import ObjectStore
from ckstore.operations.import_bundle import import_bundle
from tests.hostile.catalogue import Row, parameters
from tests.hostile.packs import BLOB, COMMIT, NAMED_DELTA, OFFSET_DELTA, TREE, Entry, copies, write_pack

Spoil = Callable[[bytes], bytes]
HEAD = b"# v2 git bundle\n%s HEAD\n\n"
ZEROS = zlib.compress(bytes(1 << 20), 9)
FIRST = Entry(COMMIT, b"tree %s\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n" % (b"1" * 40))


def holding(*entries: Entry) -> Spoil:
    """A bundle of these objects."""
    return lambda folder: HEAD % FIRST.name.encode() + write_pack(Path(folder.decode()), entries).read_bytes()


def spoiled(change: Spoil) -> Spoil:
    """A bundle of one commit whose bytes are changed."""
    return lambda folder: change(holding(FIRST)(folder))


def first(number: int) -> Spoil:
    return spoiled(lambda data: data[:number])


def count(number: int) -> Spoil:
    start = b"PACK\0\0\0\2"
    return spoiled(lambda data: data.replace(start + b"\0\0\0\1", start + struct.pack(">I", number)))


def inflating(kind: int, size: int) -> Entry:
    return Entry(kind, b"", size, packed=ZEROS)


def replaced(old: bytes, new: bytes) -> Spoil:
    return spoiled(lambda data: data.replace(old, new, 1))


BUNDLES: list[Row[Spoil]] = [
    Row((47,), "a file of 16 GiB and a byte", holding(FIRST, inflating(BLOB, MAX_OBJECT_BYTES + 1))),
    Row((47,), "a folder that inflates", holding(FIRST, inflating(TREE, MAX_TREE_BYTES + 1))),
    Row((47,), "a commit that inflates", holding(inflating(COMMIT, 1 << 40))),
    Row((48,), "a difference", holding(FIRST, Entry(NAMED_DELTA, copies(9, 9), base=FIRST.name))),
    Row((49,), "a difference from outside", holding(FIRST, Entry(OFFSET_DELTA, b"\1\1\x90\1", base=1 << 40))),
    Row((50,), "a file longer than it says", holding(FIRST, Entry(BLOB, b"longer", 3))),
    Row((50,), "a file shorter than it says", holding(FIRST, Entry(BLOB, b"short", 300))),
    Row((51,), "four billion objects", count(2**32 - 1)),
    Row((51,), "no object", count(0)),
    Row((52,), "a wrong checksum", spoiled(lambda data: data[:-1] + bytes([data[-1] ^ 1]))),
    *(Row((53,), f"only {n} bytes", first(n)) for n in (0, 1, 15, 16, 40, 62, 63, 67, 75, 80, 100)),
    Row((58,), "an object of type 5", holding(FIRST, Entry(5, b"x"))),
    Row((58,), "an object of type 0", holding(FIRST, Entry(0, b"x"))),
    Row((67,), "a ref that leaves", replaced(b" HEAD", b" refs/../../x")),
    Row((67,), "a ref with an escape", replaced(b" HEAD", b" refs/\x1b[2J")),
    Row((67,), "refs without end", replaced(b"\n\n", b"\n" + (b"1" * 40 + b" refs/x\n") * 9999 + b"\n")),
    Row((64,), "a bundle that needs other commits", replaced(b"\n\n", b"\n-" + b"1" * 40 + b"\n\n")),
    Row((62,), "a bundle of version 3", replaced(b"v2", b"v3")),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(BUNDLES))
def test_a_file_that_lies_is_not_imported(store: ObjectStore, tmp_path: Path, row: Row[Spoil]) -> None:
    data = row.given(str(tmp_path).encode())
    tracemalloc.start()
    try:
        with pytest.raises(CkstoreError) as caught:
            import_bundle(store, io.BytesIO(data))
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert caught.value.code
    assert read_head(store.path) == ""
    assert list((store.git / "objects" / "pack").iterdir()) == []


def test_what_is_not_spoiled_is_read(tmp_path: Path) -> None:
    reader = BundleReader(io.BytesIO(holding(FIRST)(str(tmp_path).encode())), "x")
    assert [packed.kind for packed in reader.objects() if list(packed.pieces)] == ["commit"]
