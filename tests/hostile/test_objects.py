"""Rows 47 to 66: packs, loose objects and repositories whose bytes are not what they say."""

from __future__ import annotations

import hashlib
import resource
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CorruptData
from ckstore.mirror.inspection import PackIndex, inspect, inspect_pack
from ckstore.model.limits import (
    MAX_DELTA_BYTES,
    MAX_DELTA_CHAIN,
    MAX_METADATA_BYTES,
    MAX_OBJECT_BYTES,
    MAX_TREE_BYTES,
)
from ckstore.objects.loose import read_loose
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.hostile.catalogue import Row, parameters, stands_for
from tests.hostile.hands import FILE, FOLDER, LINK, Hands
from tests.hostile.packs import (
    BLOB,
    NAMED_DELTA,
    OFFSET_DELTA,
    TREE,
    Entry,
    copies,
    index,
    object_id,
    write_pack,
)
from tests.mirror.upstream import Upstream, lines
from tests.objects.helpers import in_child

URL = "https://example.org/a/bad"
FAKE = "f" * 40
BASE = bytes(64 * 1024)
BUDGET = 256 * 1024 * 1024  # bytes of memory that any of this may take


def blob(entry: Entry, mode: int = FILE) -> Callable[[Hands], str]:
    """A component with one file (or link) that is this entry."""
    return lambda hands: hands.component((mode, b"file", hands.lay(entry)))


def delta(stream: bytes, base: str = "") -> Callable[[Hands], str]:
    """A component with one file that is a difference from another object."""

    def make(hands: Hands) -> str:
        held = base or hands.put(BLOB, BASE)
        return hands.component((FILE, b"file", hands.lay(Entry(NAMED_DELTA, stream, base=held, oid=FAKE))))

    return make


def chain(hands: Hands) -> str:
    """More differences upon each other than any git makes."""
    last = hands.put(BLOB, b"x" * 70)
    for number in range(MAX_DELTA_CHAIN + 2):
        entry = Entry(NAMED_DELTA, b"\x46\x46\x90\x46", base=last, oid=f"{number:040x}")
        hands.entries.append(entry)
        last = entry.name
    return hands.component((FILE, b"file", last))


def circle(hands: Hands) -> str:
    hands.entries += [Entry(NAMED_DELTA, b"\1\1\x90\1", base="e" * 40, oid=FAKE),
                      Entry(NAMED_DELTA, b"\1\1\x90\1", base=FAKE, oid="e" * 40)]  # fmt: skip
    return hands.component((FILE, b"file", FAKE))


def outside(hands: Hands) -> str:
    return hands.component(
        (FILE, b"file", hands.lay(Entry(OFFSET_DELTA, b"\1\1\x90\1", base=1 << 40, oid=FAKE)))
    )


def huge_tree(hands: Hands) -> str:
    """A million entries, 35 MB, in 100 kB."""
    oid = bytes.fromhex(hands.put(BLOB, b"x"))
    data = b"".join(b"100644 f%06d\0" % n + oid for n in range(1_000_000))
    return hands.component((FOLDER, b"many", hands.put(TREE, data)))


def folder(entry: Entry) -> Callable[[Hands], str]:
    """A component with one folder that is this entry."""
    return lambda hands: hands.component((FOLDER, b"sub", hands.lay(entry)))


def folder_of(mode_and_name: bytes) -> Callable[[Hands], str]:
    """A component with a folder that holds one raw entry."""

    def make(hands: Hands) -> str:
        oid = bytes.fromhex(hands.put(BLOB, b"x"))
        return hands.component((FOLDER, b"sub", hands.put(TREE, mode_and_name + b"\0" + oid)))

    return make


def folder_by_difference(hands: Hands) -> str:
    entry = Entry(NAMED_DELTA, copies(len(BASE), 200), base=hands.put(TREE, BASE), oid=FAKE)
    return hands.component((FOLDER, b"sub", hands.lay(entry)))


ZEROS = zlib.compress(bytes(1 << 20), 9)
ONE_MORE, TREE_AND_MORE = MAX_OBJECT_BYTES + 1, MAX_TREE_BYTES + 1
REFUSED: list[Row[Callable[[Hands], str]]] = [
    Row((47,), "a file of 16 GiB and a byte", blob(Entry(BLOB, b"", ONE_MORE, oid=FAKE, packed=ZEROS)),
        f"is a blob of {ONE_MORE} bytes"),
    Row((47,), "a folder that inflates", folder(Entry(TREE, b"", TREE_AND_MORE, oid=FAKE, packed=ZEROS)),
        f"is a tree of {TREE_AND_MORE} bytes"),
    Row((36, 47), "a link that inflates", blob(Entry(BLOB, bytes(1 << 20)), LINK), "empty or overlong"),
    Row((47, 80), "metadata that inflates", lambda hands: hands.tree(
        (FILE, b"component.toml", hands.put(BLOB, b"#" * (MAX_METADATA_BYTES + 1)))),
        f"{MAX_METADATA_BYTES + 1} bytes, more than"),
    Row((30,), "a million files in one folder", huge_tree, "is a tree of"),
    Row((48,), "a difference of 600 MiB", delta(copies(len(BASE), 9600)), f"more than {MAX_DELTA_BYTES}"),
    Row((48,), "a folder from a difference", folder_by_difference, "is a tree of 13107200"),
    Row((48,), "an endless chain", chain, f"upon more than {MAX_DELTA_CHAIN} others"),
    Row((49,), "a missing base", delta(b"\1\1\x90\1", "e" * 40), "its base is not in the pack"),
    Row((49,), "bases in a circle", circle, "it is built upon itself"),
    Row((49,), "a base before the pack", outside, "its base is not in the pack"),
    Row((50,), "a file longer than it says", blob(Entry(BLOB, b"longer", 3, oid=FAKE)), "damaged"),
    Row((50,), "a file shorter than it says", blob(Entry(BLOB, b"short", 300, oid=FAKE)), "damaged"),
    Row((50,), "a large file shorter than it says",
        blob(Entry(BLOB, bytes(5 << 20), 6 << 20, oid=FAKE)), "damaged"),
    Row((50,), "a difference that lies about its base", delta(b"\x05\3\x90\3"), "damaged"),
    Row((55,), "a file under the id of another",
        blob(Entry(BLOB, b"evil", oid=object_id("blob", b"good"))), "damaged"),
    Row((58,), "an object of type 5", blob(Entry(5, b"x", oid=FAKE)), "its type 5 is unknown"),
    Row((58,), "an object of type 0", blob(Entry(0, b"x", oid=FAKE)), "its type 0 is unknown"),
    Row((61,), "a file where a folder should be", folder(Entry(BLOB, b"x")), "is a blob, not a tree"),
    Row((15,), "an entry without a name", folder_of(b"100644 "), "empty name"),
    Row((19,), "a NUL inside a name", folder_of(b"100644 a\0b"), "damaged"),
    Row((43,), "a mode that is no number", folder_of(b"rwxrwx a"), "damaged"),
    Row((43,), "a mode that git does not know", folder_of(b"20666 a"), "damaged"),
    Row((43,), "an entry without a mode", folder_of(b" a"), "damaged"),
]  # fmt: skip


def peak() -> int:
    """Bytes of memory that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("row", parameters(REFUSED))
def test_the_component_is_refused_and_the_rest_is_mirrored(
    tmp_path: Path, row: Row[Callable[[Hands], str]]
) -> None:
    hands = Hands()
    hands.repository(row.given(hands))

    def work() -> None:
        store = ObjectStore(tmp_path / "store")
        before = peak()
        report = mirror(store, URL, engine=hands)
        assert peak() - before < BUDGET, peak()
        told = [line for line in report.problems if line.startswith("program/bad")]
        assert told, report.problems
        assert row.says in told[0], told
        assert list(lines(store, "bad")) == ["program:good"]
        assert not store.has(FAKE) or "is not read" not in told[0]  # then tools would not have let it in

    assert in_child(work) == 0


@stands_for(47)
def test_a_large_file_is_mirrored_in_bounded_memory(tmp_path: Path) -> None:
    """300 MiB from 300 kB: no bomb, as it is within the limits; it passes in pieces."""
    hands = Hands()
    size = 300 << 20
    packer, sha = zlib.compressobj(9), hashlib.sha1(b"blob %d\0" % size)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    for _ in range(300):
        sha.update(bytes(1 << 20))
    hands.repository(blob(Entry(BLOB, b"", size, oid=sha.hexdigest(), packed=packed))(hands))

    def work() -> None:
        before = peak()
        store = ObjectStore(tmp_path / "store")
        assert mirror(store, URL, engine=hands).problems == ()
        assert set(lines(store, "bad")) == {"program:bad", "program:good"}
        assert peak() - before < 64 << 20, peak() - before

    assert in_child(work) == 0


@stands_for(48)
def test_a_hundred_thousand_differences_upon_each_other_are_looked_at_once(tmp_path: Path) -> None:
    entries = [Entry(BLOB, b"x" * 70)]
    packed = zlib.compress(b"\x46\x46\x90\x46")
    step = len(Entry(OFFSET_DELTA, b"", 4, base=20, packed=packed).encode())
    back = len(entries[0].encode())
    for number in range(100_000):
        entries.append(Entry(OFFSET_DELTA, b"", 4, base=back, oid=f"{number:040x}", packed=packed))
        back = step
    refused = inspect_pack(path := write_pack(tmp_path, entries), PackIndex(path.with_suffix(".idx")))
    assert len(refused) == 100_000 - MAX_DELTA_CHAIN
    assert f"{MAX_DELTA_CHAIN - 1:040x}" not in refused


def old_index(data: bytes) -> bytes:
    """The same index as git wrote it before 2008."""
    count = struct.unpack_from(">I", data, 8 + 255 * 4)[0]
    ids, offsets = 8 + 1024, 8 + 1024 + 24 * count
    rows = [(data[ids + 20 * n : ids + 20 * n + 20], 0, struct.unpack_from(">I", data, offsets + 4 * n)[0])
            for n in range(count)]  # fmt: skip
    return index(rows, data[-40:-20], version=1)


def moved(data: bytes) -> bytes:
    """The last offset lies behind the end."""
    return data[:-44] + struct.pack(">I", 0x7FFFFFF0) + data[-40:]


def far(data: bytes) -> bytes:
    """The last offset is said to be in a table that is not there."""
    return data[:-44] + struct.pack(">I", 0x80000001) + data[-40:]


INDEXES: list[Row[Callable[[bytes], bytes]]] = [
    Row((54,), "an index from before 2008", old_index),
    Row((54,), "an index that points behind the end", moved, "outside of the pack"),
    Row((54,), "an index that points into no table", far, "an offset lies outside", "bad-pack-index"),
    Row((54,), "an index that counts too many", lambda data: data[:1028] + b"\0\1\0\0" + data[1032:],
        "its counts are wrong", "bad-pack-index"),
    Row((54,), "an index whose counts go down", lambda data: data[:8] + b"\0\0\0\xff" + data[12:],
        "its counts are wrong", "bad-pack-index"),
    Row((54,), "half an index", lambda data: data[:600], "it ends too early", "bad-pack-index"),
    Row((54,), "an empty index", lambda data: b"", "it ends too early", "bad-pack-index"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(INDEXES))
def test_an_index_is_not_believed(tmp_path: Path, row: Row[Callable[[bytes], bytes]]) -> None:
    pack = write_pack(tmp_path, [Entry(BLOB, b"one"), Entry(BLOB, b"two")])
    path = pack.with_suffix(".idx")
    path.write_bytes(row.given(path.read_bytes()))
    if row.code:
        with pytest.raises(CorruptData, match=row.says) as caught:
            inspect(tmp_path)
        assert caught.value.code == row.code
    else:
        assert [row.says in reason for reason in inspect(tmp_path).values()] == ([True] if row.says else [])


def loose(text: bytes) -> bytes:
    return zlib.compress(text)


GOOD = object_id("blob", b"good")
LOOSE: list[Row[bytes]] = [
    Row((56,), "another content under this id", loose(b"blob 4\0evil"), "another id", "bad-object"),
    Row((57,), "an empty file", b"", "no header", "bad-object"),
    Row((57,), "a file that ends in the middle", loose(b"blob 4\0good")[:-6], "instead of", "bad-object"),
    Row((50,), "less than it says", loose(b"blob 5\0good"), "4 bytes instead of 5", "bad-object"),
    Row((50,), "more than it says", loose(b"blob 3\0good"), "4 bytes instead of 3", "bad-object"),
    Row((50,), "no size", loose(b"blob \0good"), "no header", "bad-object"),
    Row((50,), "a size without end", loose(b"blob %s\0good" % (b"9" * 50)), "no header", "bad-object"),
    Row((50,), "a size below zero", loose(b"blob -4\0good"), "no header", "bad-object"),
    Row((58,), "an unknown type", loose(b"blub 4\0good"), "is unknown", "bad-object"),
    Row((47,), "a file that inflates", loose(b"blob %d\0" % ONE_MORE), "more than", "object-refused"),
    Row((47,), "a folder that inflates", loose(b"tree %d\0" % TREE_AND_MORE), "more than", "object-refused"),
    Row((59,), "a commit that inflates", loose(b"commit 9999999\0"), "more than", "object-refused"),
    Row((47,), "64 MiB behind a small object",
        loose(b"blob 4\0good" + bytes(1 << 26)), "instead of 4", "bad-object"),
    Row((56,), "a file that is not compressed", b"blob 4\0good", "damaged", "bad-object"),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(LOOSE))
def test_a_loose_object_is_not_believed(tmp_path: Path, row: Row[bytes]) -> None:
    path = tmp_path / GOOD[:2] / GOOD[2:]
    path.parent.mkdir()
    path.write_bytes(row.given)
    before = peak()
    with pytest.raises(CorruptData, match=row.says) as caught:
        read_loose(tmp_path, GOOD)
    assert caught.value.code == row.code
    assert peak() - before < 32 << 20


@stands_for(55)
def test_two_contents_with_one_id_are_told_and_neither_is_replaced(
    store: ObjectStore,
) -> None:
    """No two contents with one id as git objects are known; tests/objects forces such ids everywhere else."""
    up = Upstream(store.git)
    oid = up.blob(b"good")
    assert store._presence(oid, "blob", b"good") == "intact"
    with pytest.raises(CorruptData, match="Two different objects") as caught:
        store._presence(oid, "blob", b"evil")
    assert caught.value.code == "sha1-collision"
    assert store.read_blob(oid) == b"good"
