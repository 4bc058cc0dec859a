"""A log that was lost is never taken for one that never was: nobody begins another, nothing is collected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CorruptData, Unavailable, Unsupported
from ckstore.model import records
from ckstore.objects.head import LOG_REF, read_head
from ckstore.objects.reach import refs
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.exchange import pull
from ckstore.operations.find import find_words
from ckstore.operations.fsck import fsck, fsck_and_repair
from ckstore.operations.gc import gc
from ckstore.operations.log import log
from ckstore.operations.mirror import mirror
from ckstore.operations.undo import undo
from ckstore.operations.words import Words
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import git
from tests.operations.folders import workshop, write


@pytest.fixture
def shop(store: ObjectStore, tmp_path: Path) -> Path:
    """A store with a log of two operations."""
    folder = workshop(tmp_path / "shop")
    add(store, folder)
    write(folder, {"program/count/notes": "x"})
    add(store, folder)
    return folder


def _pack_refs(store: ObjectStore) -> Path:
    head = read_head(store.path)
    path = store.git / "packed-refs"
    path.write_text(f"# pack-refs with: peeled fully-peeled sorted \n{head} {LOG_REF}\n")
    (store.git / LOG_REF).unlink()
    assert read_head(store.path) == head
    return path


def _delete_loose(store: ObjectStore) -> None:
    (store.git / LOG_REF).unlink()


def _delete_packed(store: ObjectStore) -> None:
    _pack_refs(store).unlink()


def _empty_packed(store: ObjectStore) -> None:
    _pack_refs(store).write_bytes(b"")


def _cut_packed(store: ObjectStore) -> None:
    path = _pack_refs(store)
    path.write_bytes(path.read_bytes()[:-5])


def _flip_packed(store: ObjectStore) -> None:
    path = _pack_refs(store)
    path.write_bytes(path.read_bytes().replace(b"refs/ckstore", b"refs/cksto2e"))


def _garble_packed(store: ObjectStore) -> None:
    path = _pack_refs(store)
    path.write_bytes(path.read_bytes().replace(b" refs/ckstore", b"\0refs/ckstore"))
    (store.git / "HEAD").write_text("ref: refs/heads/main\n")


def _delete_both(store: ObjectStore) -> None:
    (store.git / LOG_REF).unlink()
    (store.git / "HEAD").unlink()


def _folder(store: ObjectStore) -> None:
    (store.git / LOG_REF).unlink()
    (store.git / LOG_REF / "below").mkdir(parents=True)


def _at(store: ObjectStore, oid: str) -> None:
    (store.git / LOG_REF).write_text(f"{oid}\n")


def _at_blob(store: ObjectStore) -> None:
    entry = store.view().find(("operation",))
    assert entry is not None
    _at(store, entry.oid)


def _at_tree(store: ObjectStore) -> None:
    _at(store, store.view().root)


def _at_another_commit(store: ObjectStore) -> None:
    with store.writer() as writer:
        source = store.view().find(("sources",))
        assert source is not None
        by = "a <a@a> 1 +0000"
        oid = writer.add("commit", f"tree {source.oid}\nauthor {by}\ncommitter {by}\n\nx\n".encode())
        writer.finish()
    store.reopen()
    _at(store, oid)


def _at_nothing(store: ObjectStore) -> None:
    _at(store, "1" * 40)


LOSSES = [
    _delete_loose, _delete_packed, _empty_packed, _cut_packed, _flip_packed, _garble_packed, _folder,
    _at_blob, _at_tree, _at_another_commit,
]  # fmt: skip


@pytest.mark.parametrize("lose", [*LOSSES, _delete_both, _at_nothing])
def test_readers_and_writers_refuse(
    store: ObjectStore, shop: Path, lose: Callable[[ObjectStore], None]
) -> None:
    lose(store)
    for work in (
        lambda: add(store, shop),
        lambda: find_words(store.path, Words()),
        lambda: store.view(),
        lambda: log(store),
        lambda: undo(store),
    ):
        with pytest.raises(CorruptData) as refused:
            work()
        assert refused.value.code == "bad-log-ref"


@pytest.mark.parametrize("lose", LOSSES)
def test_it_is_told_nothing_is_collected_and_repair_goes_back_to_the_newest_operation(
    store: ObjectStore, shop: Path, lose: Callable[[ObjectStore], None]
) -> None:
    head, hits = read_head(store.path), find_words(store.path, Words()).hits
    lose(store)
    told = [damage.code for damage in fsck(store).damage]
    assert told.count("bad-log-ref") == 1
    assert "bad-release" not in told
    with pytest.raises(Unavailable) as refused:
        gc(store, grace=0)
    assert refused.value.code == "gc-refused"
    done, _ = fsck_and_repair(ObjectStore(store.path))
    assert (done.back_to, done.behind) == (head, 0)
    fsck_and_repair(ObjectStore(store.path), back_to=head[:12])
    assert ObjectStore(store.path).view().head == head
    assert find_words(store.path, Words()).hits == hits


def test_collection_refuses_a_store_with_operations_and_no_log_whatever_head_says(
    store: ObjectStore, shop: Path, have_git: str
) -> None:
    (store.git / "HEAD").write_text("ref: refs/heads/main\n")
    (store.git / LOG_REF).unlink()
    for place in ("packs", "loose files"):
        with pytest.raises(Unavailable, match="may have been lost") as refused:
            gc(store, grace=0)
        assert refused.value.code == "gc-refused", place
        for pack in (store.git / "objects" / "pack").glob("pack-*.pack"):
            data = pack.read_bytes()
            for path in pack.parent.glob(f"{pack.stem}.*"):
                path.unlink()
            git("unpack-objects", "-q", at=store.git, given=data)
        store.reopen()


def test_what_a_log_was_at_before_a_repair_is_not_collected(store: ObjectStore, shop: Path) -> None:
    newest = read_head(store.path)
    former = store.read_commit(newest).parents[0]
    (store.path / "damaged").mkdir()
    (store.path / "damaged" / "log-1").write_text(f"{newest}\n")
    (store.git / LOG_REF).write_text(f"{former}\n")
    gc(store, grace=0)
    assert store.has(newest)
    (store.path / "damaged" / "log-1").unlink()
    gc(store, grace=0)
    assert not store.has(newest)


def test_a_new_store_is_empty_and_whole(store: ObjectStore, tmp_path: Path) -> None:
    assert read_head(store.path) == ""
    assert fsck(store).damage == ()
    gc(store, grace=0)
    assert add(store, workshop(tmp_path / "shop")) is not None


def test_a_store_whose_head_was_never_set_learns_it_with_the_next_operation(
    store: ObjectStore, shop: Path
) -> None:
    (store.git / "HEAD").write_text("ref: refs/heads/main\n")
    write(shop, {"program/count/notes": "y"})
    add(store, shop)
    (store.git / LOG_REF).unlink()
    with pytest.raises(CorruptData):
        read_head(store.path)


@pytest.fixture
def packed(store: ObjectStore, tmp_path: Path, have_git: str) -> Path:
    """The ``packed-refs`` of a store with a mirrored source."""
    made = Upstream(tmp_path / "up")
    made.commit(native("program/a"))
    mirror(store, made.url)
    git("pack-refs", "--all", at=store.git)
    return store.git / "packed-refs"


@pytest.mark.parametrize("lost", [b"refs/ckstore/log", b"refs/ckstore/mirrors"])
def test_damaged_packed_refs_are_told_and_set_again(store: ObjectStore, packed: Path, lost: bytes) -> None:
    before, whole = sorted(refs(store)), packed.read_bytes()
    damaged = whole.replace(b" " + lost, b"\0" + lost)
    packed.unlink()
    packed.write_bytes(damaged)
    store = ObjectStore(store.path)
    assert "bad-packed-refs" in {damage.code for damage in fsck(store).damage}
    with pytest.raises(Unavailable) as refused:
        gc(store, grace=0)
    assert refused.value.code == "gc-refused"
    done, _ = fsck_and_repair(ObjectStore(store.path))
    if done.back_to:
        fsck_and_repair(ObjectStore(store.path), back_to=done.back_to)
    fresh = ObjectStore(store.path)
    assert sorted(refs(fresh)) == before
    assert fsck(fresh).damage == ()
    [kept] = (store.path / "damaged").glob("packed-refs-*")
    assert kept.read_bytes() == damaged


def test_a_log_lost_with_packed_refs_stays_lost_until_asked(store: ObjectStore, packed: Path) -> None:
    (store.git / "HEAD").write_text("ref: refs/heads/main\n")
    damaged = packed.read_bytes().replace(b" refs/ckstore/log", b"\0refs/ckstore/log")
    packed.unlink()
    packed.write_bytes(damaged)
    _, health = fsck_and_repair(ObjectStore(store.path))
    assert "bad-log-ref" in {damage.code for damage in health.damage}


@pytest.fixture
def newer(store: ObjectStore, shop: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The head of a log whose last operation a newer ckstore wrote."""
    write(shop, {"program/count/notes": "z"})
    with monkeypatch.context() as patch:
        patch.setattr(records._Record, "_schema", lambda _: records.SCHEMA + 1)
        add(store, shop)
    return read_head(store.path)


@pytest.mark.parametrize("lost", [False, True], ids=["log", "lost log"])
def test_what_a_newer_ckstore_wrote_is_not_touched(
    store: ObjectStore, shop: Path, newer: str, tmp_path: Path, lost: bool
) -> None:
    works: list[Callable[[], object]] = [
        lambda: fsck_and_repair(store),
        lambda: fsck_and_repair(store, back_to="1"),
    ]
    if lost:
        (store.git / LOG_REF).unlink()
    else:
        works += [
            lambda: gc(store, grace=0), lambda: gc(store, grace=0, dry_run=True), lambda: fsck(store),
            lambda: add(store, shop), lambda: find_words(store.path, Words()), lambda: undo(store),
            lambda: log(store), lambda: pull(ObjectStore(tmp_path / "other"), str(store.path)),
        ]  # fmt: skip
    for number, work in enumerate(works):
        with pytest.raises(Unsupported) as refused:
            work()
        assert (number, refused.value.exit_code) == (number, 14)
    assert store.has(newer)
    assert lost or read_head(store.path) == newer
