from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError, CorruptData, InvalidInput, Unsupported
from ckstore.objects.bundles import BundleReader, Limits, Written, write_bundle
from ckstore.objects.entries import object_header
from ckstore.objects.hashing import object_id
from tests.objects.helpers import git

BLOB = b"a file\n"
TREE = b"100644 name\0" + bytes.fromhex(object_id("blob", BLOB))
COMMIT = f"tree {object_id('tree', TREE)}\nauthor A <a> 0 +0000\ncommitter A <a> 0 +0000\n\nx\n".encode()
OBJECTS = [("commit", COMMIT), ("tree", TREE), ("blob", BLOB)]
REFS = {"refs/heads/lock": object_id("commit", COMMIT), "HEAD": object_id("commit", COMMIT)}
HEAD = b"".join([b"# v2 git bundle\n", *(f"{oid} {name}\n".encode() for name, oid in REFS.items()), b"\n"])


def written(objects: list[tuple[str, bytes]]) -> list[Written]:
    return [(kind, len(data), [data]) for kind, data in objects]


def bundle() -> bytes:
    out = io.BytesIO()
    assert write_bundle(out, REFS, written(OBJECTS), len(OBJECTS)) == len(out.getvalue())
    return out.getvalue()


def read(data: bytes, limits: Limits | None = None) -> list[tuple[str, bytes]]:
    reader = BundleReader(io.BytesIO(data), "x.bundle", limits)
    assert reader.refs == REFS
    return [(packed.kind, b"".join(packed.pieces)) for packed in reader.objects()]


def pack(*entries: bytes, count: int | None = None, version: int = 2) -> bytes:
    """A pack of raw entries with a right checksum, behind the usual refs."""
    body = struct.pack(">4sII", b"PACK", version, len(entries) if count is None else count)
    body += b"".join(entries)
    return HEAD + body + hashlib.sha1(body).digest()


def entry(data: bytes, *, size: int | None = None, kind: str = "blob") -> bytes:
    return object_header(kind, len(data) if size is None else size) + zlib.compress(data)


def typed(code: int) -> bytes:
    return bytes([code << 4 | 3]) + zlib.compress(b"abc")


class TestWhatIsWritten:
    def test_is_read_back(self) -> None:
        assert read(bundle()) == OBJECTS

    def test_stock_git_verifies_and_clones(self, tmp_path: Path, have_git: str) -> None:
        (tmp_path / "x.bundle").write_bytes(bundle())
        said = git("clone", "x.bundle", "clone", at=tmp_path)
        assert "warning" not in said
        assert (tmp_path / "clone" / "name").read_bytes() == BLOB
        assert "complete history" in git("bundle", "verify", "../x.bundle", at=tmp_path / "clone")
        git("fsck", "--full", "--strict", at=tmp_path / "clone")

    def test_large_files_are_passed_on_in_pieces(self) -> None:
        data = bytes(range(256)) * 8192
        out = io.BytesIO()
        write_bundle(out, REFS, written([("blob", data)]), 1)
        reader = BundleReader(io.BytesIO(out.getvalue()), "x")
        [pieces] = [list(packed.pieces) for packed in reader.objects()]
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) <= 256 * 1024

    def test_what_the_caller_leaves_unread_is_checked_all_the_same(self) -> None:
        reader = BundleReader(io.BytesIO(bundle()), "x")
        assert [packed.kind for packed in reader.objects()] == ["commit", "tree", "blob"]
        broken = bytearray(bundle())
        broken[-30] ^= 1
        with pytest.raises(CorruptData):
            list(BundleReader(io.BytesIO(bytes(broken)), "x").objects())


class TestWhatIsRefused:
    def test_a_file_cut_anywhere(self) -> None:
        whole = bundle()
        for size in range(len(whole)):
            with pytest.raises((CorruptData, InvalidInput)):
                read(whole[:size])

    def test_a_file_with_any_bit_of_its_pack_flipped(self) -> None:
        whole = bundle()
        for at in range(len(HEAD), len(whole)):
            changed = bytearray(whole)
            changed[at] ^= 1 << at % 8
            with pytest.raises(CkstoreError):
                read(bytes(changed))

    @pytest.mark.parametrize(
        ("name", "make", "error", "word"),
        [
            ("other files", lambda: b"PK\3\4 some archive", InvalidInput, "no file of `ckstore export`"),
            ("nothing", lambda: b"", InvalidInput, "no file of"),
            ("version 3", lambda: b"# v3 git bundle\n" + bundle()[16:], Unsupported, "another version"),
            (
                "prerequisites", lambda: HEAD[:16] + b"-" + b"0" * 40 + b" x\n" + HEAD[16:],
                Unsupported, "objects that it does not hold",
            ),
            ("refs", lambda: HEAD[:16] + b"zz refs/heads/x\n\n", CorruptData, "refs is malformed"),
            ("no pack", lambda: HEAD + b"NOTAPACK0000" * 3, CorruptData, "no pack"),
            ("pack version 3", lambda: pack(typed(3), version=3), CorruptData, "no pack"),
            ("an empty pack", lambda: pack(), Unsupported, "0 objects"),
            ("a count too high", lambda: pack(typed(3), count=2), CorruptData, "damaged"),
            ("a count too low", lambda: pack(typed(3), typed(3), count=1), CorruptData, "checksum"),
            ("a count beyond reason", lambda: pack(typed(3), count=2**32 - 1), Unsupported, "at most"),
            ("offset deltas", lambda: pack(typed(6)), Unsupported, "deltas"),
            ("ref deltas", lambda: pack(typed(7)), Unsupported, "deltas"),
            ("tags", lambda: pack(typed(4)), CorruptData, "type 4"),
            ("type 5", lambda: pack(typed(5)), CorruptData, "type 5"),
            ("type 0", lambda: pack(typed(0)), CorruptData, "type 0"),
            ("more than declared", lambda: pack(entry(b"abcd", size=3)), CorruptData, "larger than it says"),
            ("less than declared", lambda: pack(entry(b"ab", size=3)), CorruptData, "smaller than it says"),
            ("a bomb", lambda: pack(entry(bytes(50_000_000), size=3)), CorruptData, "larger than it says"),
            ("a size beyond limits", lambda: pack(entry(b"x", size=2**40)), Unsupported, "at most"),
            ("a size of endless bytes", lambda: pack(b"\xb1" + b"\xff" * 20), CorruptData, "size of object"),
            ("a huge tree", lambda: pack(entry(b"x", size=2**26, kind="tree")), Unsupported, "a tree of"),
            ("no stream", lambda: pack(b"\x33not zlib"), CorruptData, "inflated"),
            ("something behind the end", lambda: bundle() + b"x", CorruptData, "follows its end"),
            ("a wrong checksum", lambda: bundle()[:-20] + bytes(20), CorruptData, "checksum"),
        ],
        ids=lambda value: value if isinstance(value, str) and " " in value else None,
    )  # fmt: skip
    def test_with_a_clear_sentence(
        self, name: str, make: Callable[[], bytes], error: type[CkstoreError], word: str
    ) -> None:
        with pytest.raises(error, match=word) as caught:
            read(make())
        assert caught.value.hints

    def test_more_than_all_objects_may_have_together(self) -> None:
        with pytest.raises(Unsupported, match="more than 10 bytes"):
            read(bundle(), Limits(total=10))
