"""Indexes of packs, read as gitformat-pack(5) has them, also of packs beyond 2 GiB."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ckstore.objects.packindex import find_offset, index_bytes, pack_rows

NEAR, FAR, LAST = "11" * 20, "22" * 20, "33" * 20
ENTRIES = {LAST: (2**31 - 1, 7), FAR: (5 * 2**32 + 3, 8), NEAR: (2**31, 9)}


def test_offsets_beyond_two_gigabytes_come_from_the_table_of_their_own(tmp_path: Path) -> None:
    data = index_bytes(ENTRIES, bytes(20))
    assert pack_rows(data) == sorted((offset, oid, crc) for oid, (offset, crc) in ENTRIES.items())
    index = tmp_path / "x.idx"
    index.write_bytes(data)
    for oid, (offset, _) in ENTRIES.items():
        assert find_offset(index, bytes.fromhex(oid)) == offset


def test_an_offset_outside_of_that_table_is_damage() -> None:
    data = index_bytes(ENTRIES, bytes(20))
    with pytest.raises(struct.error):
        pack_rows(data[:-48] + data[-40:])  # one row is gone, the checksums are not taken for one
    assert pack_rows(b"PACK" + data) == []
