"""Garbage collection: what nothing reaches goes after its time of grace, everything else stays readable."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import struct
import time
from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, Unavailable
from ckstore.model.records import Operation
from ckstore.objects import head as heads
from ckstore.objects import sharing
from ckstore.objects import store as stores
from ckstore.objects.layout import lay_out
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.loose import loose_path
from ckstore.objects.packindex import IDS, index_bytes, pack_rows
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, TreeEntry
from ckstore.objects.verify import check
from ckstore.operations.gc import GcReport, gc
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import (
    add,
    fsck,
    git,
    in_child,
    litter,
    make_folder,
    packs,
    read_everything,
    release,
    start_child,
)
from tests.objects.test_killed_writers import killed_everywhere

BIG = os.urandom(50_000)


@pytest.fixture
def filled(store: ObjectStore, tmp_path: Path) -> ObjectStore:
    """A store with one release."""
    add(store, "susan", make_folder(tmp_path / "susan", {"a": b"1", "bin/b*": b"2"}))
    return store


def leave_garbage(store: ObjectStore, data: bytes = BIG) -> str:
    """An operation that dies between its pack and the log; gives the id of its file."""
    made: list[str] = []

    def prepare(writer: PackWriter) -> None:
        made.append(writer.add("blob", data))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    def edit(view: object, change: LogEdit, _: None) -> None:
        change.put_reference("ab" * 20, made[0][:16])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stores, "move_head", dies)
        with pytest.raises(KeyboardInterrupt):
            store.publish(Operation("add", "", ""), prepare, edit)
    store.reopen()
    assert store.has(made[0])
    return made[0]


def publish_with_spare(store: ObjectStore) -> str:
    """An operation whose pack has an object that nothing reaches; gives its id."""
    spare: list[str] = []

    def prepare(writer: PackWriter) -> None:
        spare.append(writer.add("blob", BIG * 2))

    def edit(view: object, change: LogEdit, _: None) -> None:
        change.put_reference("cd" * 20, "kept")

    store.publish(Operation("add", "", ""), prepare, edit)
    return spare[0]


def ids(pack: Path) -> set[str]:
    return {oid for _, oid, _ in pack_rows(pack.with_suffix(".idx").read_bytes())}


def with_far_offsets(index: bytes) -> bytes:
    """The same index, with all offsets but the first where those beyond 2 GiB are: any may be there."""
    (count,) = struct.unpack_from(">I", index, IDS - 4)
    begin, end = IDS + 24 * count, IDS + 28 * count
    assert end == len(index) - 40
    offsets = struct.unpack(f">{count}I", index[begin:end])
    far = [offset for offset in offsets if offset > 12]
    numbers = [2**31 | far.index(offset) if offset in far else offset for offset in offsets]
    body = index[:begin] + struct.pack(f">{count}I{len(far)}Q", *numbers, *far) + index[-40:-20]
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def write_index(pack: Path, data: bytes) -> None:
    index = pack.with_suffix(".idx")
    index.unlink()
    index.write_bytes(data)


def in_days(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    now = time.time() + days * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: now)


def named(report: GcReport) -> list[tuple[str, int, int]]:
    return [(garbage.what, garbage.count, garbage.size) for garbage in report.removed]


class TestObjects:
    def test_what_a_failed_operation_left_goes_and_a_dry_run_says_so_before(
        self, filled: ObjectStore, have_git: str
    ) -> None:
        everything = read_everything(filled)
        oid = leave_garbage(filled)
        before = sum(path.stat().st_size for path in (filled.git / "objects").rglob("*") if path.is_file())
        dry = gc(filled, dry_run=True, grace=0)
        assert filled.has(oid)
        real = gc(filled, grace=0)
        assert named(dry) == named(real)
        assert (dry.dry_run, real.dry_run) == (True, False)
        after = sum(path.stat().st_size for path in (filled.git / "objects").rglob("*") if path.is_file())
        assert 50_000 < real.size <= before - after + 2000  # a new pack has a header and an index as well
        assert not filled.has(oid)
        assert read_everything(filled) == everything
        assert check(filled).damage == ()
        assert fsck(filled) == []
        assert gc(filled, grace=0).removed == ()

    def test_objects_wait_from_the_first_collection_that_finds_them(
        self, filled: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gc(filled, grace=0)
        oid = leave_garbage(filled)
        first = gc(filled)
        assert (first.removed, first.waiting > 0, first.waiting_size > 50_000) == ((), True, True)
        assert 13 < (first.until - time.time()) / 86400 <= 14
        in_days(monkeypatch, 13)
        assert (gc(filled).removed, filled.has(oid)) == ((), True)
        in_days(monkeypatch, 14.1)
        assert gc(filled, dry_run=True).size > 50_000
        assert gc(filled).size > 50_000
        assert not filled.has(oid)

    def test_what_is_published_in_the_meantime_begins_anew(
        self, filled: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        oid = leave_garbage(filled)
        gc(filled)
        add(filled, "late", make_folder(tmp_path / "late", {"big": BIG}))
        in_days(monkeypatch, 30)
        gc(filled)
        assert filled.read_blob(oid) == BIG
        assert check(filled).damage == ()
        marks = (filled.path / "gc" / "unreached").read_text()
        assert oid not in marks

    @pytest.mark.parametrize("far", [False, True], ids=["near", "far"])
    def test_a_pack_is_written_anew_with_what_is_needed_of_it(self, filled: ObjectStore, far: bool) -> None:
        spare = publish_with_spare(filled)
        if far:
            for pack in packs(filled):
                write_index(pack, with_far_offsets(pack.with_suffix(".idx").read_bytes()))
            filled.reopen()
        number = len(packs(filled))
        report = gc(filled, grace=0)
        assert any(garbage.name.startswith("part of pack-") for garbage in report.removed)
        assert 100_000 < report.size < 101_000
        assert (filled.has(spare), len(packs(filled))) == (False, number)
        assert filled.view().reference("cd" * 20) == "kept"
        assert check(filled).damage == ()

    def test_a_pack_of_which_little_would_go_is_left_alone_and_a_dry_run_says_the_same(
        self, filled: ObjectStore
    ) -> None:
        for spare, needed in ((b"83 bytes", b"1"), (BIG * 2, BIG * 40)):  # too few bytes; too small a part

            def prepare(writer: PackWriter, spare: bytes = spare, needed: bytes = needed) -> str:
                writer.add("blob", spare)
                return writer.add("blob", needed)

            def edit(view: object, change: LogEdit, oid: str) -> None:
                change.put(("references", oid[:2], oid), TreeEntry(FILE, oid, oid))

            filled.publish(Operation("add", "", ""), prepare, edit)
        before = packs(filled)
        dry, real = gc(filled, dry_run=True, grace=0), gc(filled, grace=0)
        assert (real.removed, packs(filled)) == ((), before)
        assert dry.notes == real.notes
        assert "too few to write their packs anew" in real.notes[0]

    def test_what_cannot_be_written_anew_does_not_keep_the_rest_from_going(
        self, filled: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everything = read_everything(filled)
        for text in ("one", "two"):

            def prepare(writer: PackWriter, text: str = text) -> None:
                writer.add("blob", text.encode() + BIG * 2)

            def edit(view: object, change: LogEdit, _: None, text: str = text) -> None:
                change.put_reference("cd" * 20, text)

            filled.publish(Operation("add", "", ""), prepare, edit)
        path = lay_out(filled, release(filled, "susan").tree, release(filled, "susan").digest)
        copy, calls = PackWriter.copy, 0

        def fails_once(*arguments: object) -> bool:
            nonlocal calls
            calls += 1
            if calls == 1:
                raise OSError(errno.EIO, "Input/output error")
            return copy(*arguments)  # type: ignore[arg-type]  # passed on

        monkeypatch.setattr(PackWriter, "copy", fails_once)
        report = gc(filled, grace=0)
        assert sorted(garbage.what for garbage in report.removed) == ["objects", "tree"]
        assert [note.endswith("Input/output error") for note in report.notes] == [True]
        assert not path.exists()
        assert read_everything(filled) == everything
        assert check(filled).damage == ()
        assert [garbage.what for garbage in gc(filled, grace=0).removed] == ["objects"]

    def test_a_damaged_pack_is_left_as_it_is_and_that_is_said(self, filled: ObjectStore) -> None:
        spare = publish_with_spare(filled)
        pack = next(pack for pack in packs(filled) if spare in ids(pack))
        entries = {
            oid: (offset, crc if oid == spare else crc ^ 1)
            for offset, oid, crc in pack_rows(pack.with_suffix(".idx").read_bytes())
        }
        write_index(pack, index_bytes(entries, pack.read_bytes()[-20:]))
        filled.reopen()
        report = gc(filled, grace=0)
        assert report.removed == ()
        assert report.notes == (f"{pack.name} is damaged and was left as it is: `ckstore fsck --repair`",)
        assert filled.has(spare)

    def test_loose_objects_go_as_well(self, filled: ObjectStore, have_git: str) -> None:
        oid = git("hash-object", "-w", "--stdin", at=filled.git, given=b"loose").strip()
        assert gc(filled, grace=0).size > 0
        assert not loose_path(filled.git / "objects", oid).exists()

    def test_refs_and_former_refs_of_others_are_respected(self, filled: ObjectStore, have_git: str) -> None:
        tree = git("write-tree", at=filled.git).strip()
        former, now = (git("commit-tree", "-m", text, tree, at=filled.git).strip() for text in "ab")
        for commit in (former, now):
            git("update-ref", "--create-reflog", "refs/heads/mine", commit, at=filled.git)
        git("tag", "-a", "-m", "t", "mine", now, at=filled.git)
        gc(filled, grace=0)
        assert all(filled.has(oid) for oid in (former, now, tree))
        assert fsck(filled) == []

    def test_a_damaged_store_loses_nothing_more(self, filled: ObjectStore, tmp_path: Path) -> None:
        garbage = leave_garbage(filled)
        add(filled, "other", make_folder(tmp_path / "other", {"x": b"1"}))
        tree = filled.view().root
        for pack in packs(filled):
            data = bytearray(pack.read_bytes())
            if pack.with_suffix(".idx").read_bytes().find(bytes.fromhex(tree)) > 0:
                data[20:-20] = bytes(len(data) - 40)
                pack.chmod(0o644)
                pack.write_bytes(data)
        filled.reopen()
        with pytest.raises(Unavailable) as caught:
            gc(filled, grace=0)
        assert caught.value.code == "gc-refused"
        assert filled.has(garbage)

    def test_a_negative_time_of_grace_is_refused(self, filled: ObjectStore) -> None:
        with pytest.raises(InvalidInput):
            gc(filled, grace=-1)

    def test_packs_of_a_mirror_go_whole_or_stay(
        self, store: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        upstream = Upstream(tmp_path / "up")
        lines = [f"line {n}" for n in range(2000)]
        for number in range(4):
            lines[number * 400] = f"changed {number}"
            upstream.commit(native("program/a", body="\n".join(lines)))
        git("gc", "-q", "--aggressive", at=upstream.path)
        mirror(store, upstream.url)
        assert gc(store, grace=0, dry_run=True).notes == ()
        upstream.commit({"README": "x"})
        mirror(store, upstream.url)
        tip = str(store.repo.references["refs/ckstore/mirrors/up/head"].target)
        gc(store, grace=0)
        assert check(store).damage == ()
        assert fsck(store) == []
        assert store.has(tip)


class TestAtTheSameTime:
    def test_a_collection_waits_for_writers_and_says_when_they_take_too_long(
        self, filled: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ckstore.operations import gc as operation

        monkeypatch.setattr(operation, "_WAIT_SECONDS", 0.2)
        with sharing.shared(filled.path):
            with pytest.raises(Unavailable) as caught:
                gc(filled, grace=0)
            assert caught.value.code == "store-busy"
            gc(filled, grace=0, dry_run=True)
        gc(filled, grace=0)

    def test_an_object_that_a_writer_relies_on_is_not_taken_from_under_it(
        self, filled: ObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ckstore.operations import gc as operation

        oid = leave_garbage(filled)

        def collect() -> None:
            monkeypatch.setattr(operation, "_WAIT_SECONDS", 0.1)
            gc(ObjectStore(filled.path), grace=0)

        def prepare(writer: PackWriter) -> None:
            assert writer.add("blob", BIG) == oid
            assert oid not in writer  # it is in the store
            assert in_child(collect) == 1  # busy

        def edit(view: LogView, change: LogEdit, _: None) -> None:
            change.put(("references", "ef", "ef" * 20), TreeEntry(FILE, "ef" * 20, oid))

        filled.publish(Operation("add", "", ""), prepare, edit)
        gc(filled, grace=0)
        assert filled.read_blob(oid) == BIG

    def test_publishing_and_collecting_without_pause_loses_nothing(
        self, filled: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        folders = [make_folder(tmp_path / f"f{n}", {"same": BIG, "own": str(n).encode()}) for n in range(12)]

        def publish(part: int) -> None:
            store = ObjectStore(filled.path)
            for number in range(part, len(folders), 2):
                add(store, f"c{number}", folders[number])

        def collect() -> None:
            store = ObjectStore(filled.path)
            for _ in range(10):
                leave_garbage(store)  # what the writers add as well: they may find it there, and rely on it
                gc(store, grace=0)

        children = [start_child(lambda part=part: publish(part)) for part in range(2)]  # type: ignore[misc]  # bound now
        children.append(start_child(collect))
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
        store = ObjectStore(filled.path)
        assert len(read_everything(store)) == 13
        assert check(store).damage == ()
        assert fsck(store) == []

    def test_a_collection_killed_at_any_step_leaves_a_whole_store(
        self, filled: ObjectStore, have_git: str
    ) -> None:
        leave_garbage(filled)
        everything = read_everything(filled)
        lay_out(filled, release(filled, "susan").tree, release(filled, "susan").digest)

        def inspect(store: ObjectStore, step: int) -> None:
            assert read_everything(store) == everything
            assert [damage for damage in check(store).damage if not damage.repaired] == []
            if step % 4 == 0:
                assert fsck(store) == []

        def collect(store: ObjectStore) -> None:
            gc(store, grace=0)

        assert killed_everywhere(filled.path, collect, inspect) > 10


class TestForeignHousekeeping:
    def test_git_does_not_take_new_objects_away_before_the_log_moved(
        self, filled: ObjectStore, tmp_path: Path, have_git: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        move = heads.move_head

        def after_housekeeping(*arguments: str) -> None:
            git("repack", "-a", "-d", "-q", at=filled.git)
            git("prune", "--expire=now", at=filled.git)
            move(*arguments)  # type: ignore[arg-type]  # passed on

        monkeypatch.setattr(stores, "move_head", after_housekeeping)
        add(filled, "late", make_folder(tmp_path / "late", {"x": b"late"}))
        assert set(read_everything(filled)) == {"susan@1.0.0", "late@1.0.0"}
        assert list((filled.git / "objects" / "pack").glob("*.keep")) == []

    def test_git_does_not_take_away_what_is_being_written(
        self, filled: ObjectStore, tmp_path: Path, have_git: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_folder(tmp_path / "late", {"x": b"late"})
        publish, calls = PackWriter._publish, 0

        def after_housekeeping(*arguments: object) -> None:
            nonlocal calls
            calls += 1
            git("gc", "-q", "--prune=now", at=filled.git)
            git("prune", "--expire=now", at=filled.git)
            publish(*arguments)  # type: ignore[arg-type]  # passed on

        monkeypatch.setattr(PackWriter, "_publish", after_housekeeping)
        add(filled, "late", tmp_path / "late")
        assert calls == 1
        assert set(read_everything(filled)) == {"susan@1.0.0", "late@1.0.0"}
        assert litter(filled) == []

    def test_a_keep_file_of_a_killed_process_goes_and_that_of_a_person_stays(
        self, filled: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mine = packs(filled)[0].with_suffix(".keep")
        mine.write_text("because")

        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def killed() -> None:
            monkeypatch.setattr(stores, "move_head", die)
            add(ObjectStore(filled.path), "late", make_folder(tmp_path / "late", {"x": b"late"}))

        assert in_child(killed) == -signal.SIGKILL
        assert len(list(mine.parent.glob("*.keep"))) == 2
        add(filled, "next", make_folder(tmp_path / "next", {"x": b"next"}))
        assert list(mine.parent.glob("*.keep")) == [mine]


class TestWhatIsLaidOut:
    def test_a_tree_that_was_not_used_for_the_time_of_grace_goes(self, filled: ObjectStore) -> None:
        susan = release(filled, "susan")
        path = lay_out(filled, susan.tree, susan.digest)
        assert not any(garbage.what == "tree" for garbage in gc(filled).removed)
        dry = gc(filled, dry_run=True, grace=0)
        real = gc(filled, grace=0)
        assert named(dry) == named(real)
        assert ("tree", 2, 2) in named(real)
        assert not path.exists()
        assert lay_out(filled, susan.tree, susan.digest).is_dir()

    def test_old_indexes_abandoned_mirrors_and_what_was_set_aside_go(self, filled: ObjectStore) -> None:
        for name in ("index-1.sqlite", "index-1.sqlite-wal", "index.sqlite.new77", "index.sqlite"):
            (filled.path / name).write_bytes(b"x" * 10)
        make_folder(filled.path / "incoming" / "gone", {"objects.git/x": b"12345"})
        root = filled.view().root
        make_folder(filled.path / "damaged", {root: b"123", "0" * 40: b"only copy"})
        make_folder(filled.path / "work" / "kept-1", {"out": b"1"})
        report = gc(filled, grace=0)
        gone = {(garbage.what, garbage.name) for garbage in report.removed if garbage.what != "objects"}
        assert gone == {
            ("index", "index-1.sqlite"), ("index", "index-1.sqlite-wal"), ("index", "index.sqlite.new77"),
            ("quarantine", "gone"), ("damaged", root), ("workspace", "kept-1"),
        }  # fmt: skip
        assert (filled.path / "index.sqlite").exists()
        assert (filled.path / "damaged" / ("0" * 40)).exists()  # nothing replaces it yet

    def test_a_mirror_under_way_is_left_alone(self, filled: ObjectStore) -> None:
        make_folder(filled.path / "incoming" / "busy", {"x": b"1"})
        with filled.lock("mirror-busy"):
            assert not any(garbage.what == "quarantine" for garbage in gc(filled, grace=0).removed)
        shutil.rmtree(filled.path / "incoming")
