from __future__ import annotations

import contextlib
import hashlib
import random
import struct
from pathlib import Path

import pygit2
import pytest
from dulwich.object_format import SHA1
from dulwich.objects import ObjectID
from dulwich.pack import Pack, load_pack_index
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckstore.errors import CorruptData
from ckstore.objects import checkedfile, known, packs
from ckstore.objects.known import KnownObjects
from ckstore.objects.packindex import index_bytes
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import (
    EXECUTABLE,
    FILE,
    GITLINK,
    SYMLINK,
    TREE,
    TreeEntry,
    parse_tree,
    serialize_tree,
)
from tests.objects.helpers import git, litter

BLOB = hashlib.sha1(b"blob 0\0").hexdigest()
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8)
SHORT = st.text(
    "ab.-0", min_size=1, max_size=3
)  # names that are each other's beginnings, where order matters
ENTRIES = st.dictionaries(
    st.one_of(SHORT, NAMES).filter(lambda n: n not in (".", "..", ".git") and "git" not in n.lower()),
    st.tuples(
        st.sampled_from([TREE, FILE, EXECUTABLE, SYMLINK, GITLINK]),
        st.binary(min_size=20, max_size=20).filter(any),
    ),
    max_size=12,
).map(lambda found: [TreeEntry(mode, name, oid.hex()) for name, (mode, oid) in found.items()])


def tree_id(data: bytes) -> str:
    return hashlib.sha1(b"tree %d\0" % len(data) + data).hexdigest()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> pygit2.Repository:
    return pygit2.init_repository(str(tmp_path_factory.mktemp("git")), bare=True)


@given(entries=ENTRIES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_tree_bytes_have_the_id_that_libgit2_gives_them(
    repository: pygit2.Repository, entries: list[TreeEntry]
) -> None:
    pygit2.settings.enable_strict_object_creation(False)
    try:
        builder = repository.TreeBuilder()
        for entry in entries:
            builder.insert(entry.name, entry.oid, entry.mode)
        expected = str(builder.write())
    finally:
        pygit2.settings.enable_strict_object_creation(True)
    data = serialize_tree(entries)
    assert tree_id(data) == expected
    assert sorted(parse_tree(data), key=lambda e: e.name) == sorted(entries, key=lambda e: e.name)
    assert serialize_tree(parse_tree(data)) == data


def test_git_gives_names_that_are_no_utf8_the_same_tree(tmp_path: Path, have_git: str) -> None:
    git("init", "-q", "--bare", tmp_path)
    entries = [
        TreeEntry(FILE, "caf\udce9", BLOB),
        TreeEntry(TREE, "a", tree_id(b"")),
        TreeEntry(FILE, "a.c", BLOB),
    ]
    kinds = {FILE: "blob", TREE: "tree"}
    given_ = b"".join(
        f"{e.mode:06o} {kinds[e.mode]} {e.oid}\t".encode() + e.name.encode("utf-8", "surrogateescape") + b"\0"
        for e in entries
    )
    assert git("mktree", "--missing", "-z", at=tmp_path, given=given_).strip() == tree_id(
        serialize_tree(entries)
    )


@pytest.mark.parametrize(
    ("mode", "read"), [(b"100664", FILE), (b"100600", FILE), (b"100775", EXECUTABLE), (b"040000", TREE)]
)
def test_odd_modes_of_old_repositories_are_read(mode: bytes, read: int) -> None:
    assert parse_tree(mode + b" x\0" + b"1" * 20)[0].mode == read


@pytest.mark.parametrize(
    "data",
    [b"100644", b"100644 x", b"100644 x\0123", b"999 x\0" + b"1" * 20, b"010644 x\0" + b"1" * 20, b"\xff"],
)
def test_bytes_that_are_no_tree_are_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptData):
        parse_tree(data)


class TestAPack:
    def fill(self, store: ObjectStore, tmp_path: Path) -> tuple[Path, dict[str, bytes]]:
        big = tmp_path / "big"
        big.write_bytes(bytes(range(256)) * (5 * 4096))  # 5 MiB: streamed
        writer = store.writer()
        found = {writer.add("blob", data): data for data in (b"", b"x", b"y" * 100_000)}
        found[writer.add_file(big, big.stat().st_size)] = big.read_bytes()
        tree = writer.add_tree([TreeEntry(FILE, f"f{n}", oid) for n, oid in enumerate(found)])
        found[tree] = writer.read(tree)
        assert all(writer.read(oid) == data for oid, data in found.items())
        name = writer.finish()
        return store.git / "objects" / "pack" / f"{name}.pack", found

    def test_is_read_by_libgit2_and_by_dulwich_and_by_git(
        self, store: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        path, objects = self.fill(store, tmp_path)
        assert {oid: pygit2.Repository(str(store.git)).odb.read(oid)[1] for oid in objects} == objects
        with Pack(str(path.with_suffix("")), object_format=SHA1) as pack:
            pack.check()
            assert {oid: pack[ObjectID(oid.encode())].as_raw_string() for oid in objects} == objects
        git("index-pack", "--strict", "-o", tmp_path / "again.idx", path)
        assert (tmp_path / "again.idx").read_bytes() == path.with_suffix(".idx").read_bytes()
        git("verify-pack", path)

    @pytest.mark.parametrize("gone", [{0}, {4}, {1, 3}, {0, 1, 2, 3}, {2, 3, 4}, {0, 1, 2, 3, 4}, set()])
    def test_holds_only_what_is_kept_of_what_was_added(
        self, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, gone: set[int], have_git: str
    ) -> None:
        monkeypatch.setattr(packs, "_CHUNK", 1000)  # parts move in several pieces, over each other
        data = [b"", random.Random(1).randbytes(5000), b"x" * 9, random.Random(2).randbytes(3000), b"last"]
        with store.writer() as writer:
            oids = [writer.add("blob", each) for each in data]
            kept = {oid for number, oid in enumerate(oids) if number not in gone}
            assert writer.keep_only(kept | {"1" * 40}) == set(oids) - kept
            assert [oid in writer for oid in oids] == [oid in kept for oid in oids]
            after = writer.add("blob", b"after it")
            again = [writer.add("blob", data[number]) for number in gone if number == 1]
            name = writer.finish()
        git("verify-pack", store.git / "objects" / "pack" / f"{name}.pack")
        fresh = ObjectStore(store.path)
        assert fresh.read_blob(after) == b"after it"
        for number, oid in enumerate(oids):
            assert fresh.has(oid) == (oid in kept or oid in again)
            assert not fresh.has(oid) or fresh.read_blob(oid) == data[number]

    def test_gives_large_files_the_id_that_small_ones_get(self, store: ObjectStore, tmp_path: Path) -> None:
        _, objects = self.fill(store, tmp_path)
        assert all(
            oid == hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            for oid, data in objects.items()
            if len(data) > 1000
        )

    def test_stores_a_large_file_that_is_there_no_second_time(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        _, objects = self.fill(store, tmp_path)
        writer = store.writer()
        new = writer.add("blob", b"new")
        assert writer.add_file(tmp_path / "big", (tmp_path / "big").stat().st_size) in objects
        newer = writer.add("blob", b"newer")
        pack = store.git / "objects" / "pack" / f"{writer.finish()}.pack"
        assert pack.stat().st_size < 200
        assert [store.read_blob(oid) for oid in (new, newer)] == [b"new", b"newer"]
        with Pack(str(pack.with_suffix("")), object_format=SHA1) as read:
            read.check()

    def test_stays_whole_when_a_file_in_it_changed_meanwhile(
        self, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(packs, "LARGE", 10)
        (tmp_path / "f").write_bytes(b"0123456789abc")
        monkeypatch.setattr(checkedfile, "differ", lambda before, after: True)
        writer = store.writer()
        first = writer.add("blob", b"first")
        with pytest.raises(Exception, match="changed while it was read"):
            writer.add_file(tmp_path / "f", 13)
        last = writer.add("blob", b"last")
        writer.finish()
        assert [store.read_blob(first), store.read_blob(last)] == [b"first", b"last"]

    def test_without_objects_is_not_written(self, store: ObjectStore) -> None:
        writer = store.writer()
        assert writer.finish() == ""
        assert litter(store) == []
        assert list((store.git / "objects/pack").iterdir()) == []

    def test_is_not_seen_before_it_is_finished(self, store: ObjectStore) -> None:
        writer = store.writer()
        oid = writer.add("blob", b"x")
        assert not store.has(oid)
        writer.discard()
        assert not store.has(oid)
        assert litter(store) == []


def test_the_index_of_a_pack_beyond_two_gigabytes_is_right(tmp_path: Path) -> None:
    places = {hashlib.sha1(b"%d" % n).hexdigest(): (12 + n * 2**29, n) for n in range(40)}
    data = index_bytes(places, b"t" * 20)
    (tmp_path / "x.idx").write_bytes(data)
    with contextlib.closing(load_pack_index(tmp_path / "x.idx", SHA1)) as index:
        assert {bytes(oid).hex(): (offset, crc) for oid, offset, crc in index.iterentries()} == places
    fanout = struct.unpack_from(">256I", data, 8)
    assert list(fanout) == [sum(int(oid[:2], 16) <= first for oid in places) for first in range(256)]


@pytest.mark.parametrize("whole", [4 * 1024 * 1024, 0], ids=["as a set", "by bisection"])
def test_what_is_not_in_any_index_is_known_to_be_absent(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    monkeypatch.setattr(known, "_SMALL", whole)
    writer = store.writer()
    there = [writer.add("blob", b"%d" % n) for n in range(300)]
    writer.finish()
    loose = str(store.repo.create_blob(b"loose"))
    found = KnownObjects(store.git / "objects")
    absent = [hashlib.sha1(b"?%d" % n).hexdigest() for n in range(300)]
    assert all(found.may_have(oid) for oid in [*there, loose])
    assert not any(found.may_have(oid) for oid in [*absent, "0" * 40, "f" * 40])


@pytest.mark.parametrize("data", [b"", b"\xfftOc\0\0\0\2", b"\xfftOc\0\0\0\1" + bytes(2000)])
def test_an_index_that_is_none_knows_nothing(store: ObjectStore, data: bytes) -> None:
    (store.git / "objects/pack/pack-1.idx").write_bytes(data)
    found = KnownObjects(store.git / "objects")
    assert not found.may_have("0" * 40)
