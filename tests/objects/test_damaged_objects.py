from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CorruptData, NotFound
from ckstore.model.records import Operation
from ckstore.objects.folders import import_folder
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, TreeEntry
from ckstore.objects.verify import Health, check
from ckstore.operations.add import add as publish_folder
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import add, fsck, git, make_folder, packs, read_everything, release

CONTENT = b"The same bytes, again and again. " * 50


def healed(health: Health) -> bool:
    """True when everything can be read; the pack with the damaged copy is named until it is mended."""
    return {damage.code for damage in health.damage} <= {"bad-pack"}


def loose(store: ObjectStore, oid: str) -> Path:
    return store.git / "objects" / oid[:2] / oid[2:]


def unpack(store: ObjectStore, tmp_path: Path) -> None:
    for number, pack in enumerate(packs(store)):
        aside = pack.rename(tmp_path / f"{number}.pack")
        pack.with_suffix(".idx").unlink()
        git("unpack-objects", "-q", at=store.git, given=aside.read_bytes())


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def rewrite(path: Path) -> None:
    """Well-formed, but another object."""
    import zlib

    path.write_bytes(zlib.compress(b"blob 5\0wrong"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "component", {"x.txt": CONTENT, "y.txt": b"other"})


def blob_of(store: ObjectStore) -> str:
    return next(e.oid for e in store.read_tree(release(store, "susan").tree) if e.name == "x.txt")


def named(health: Health, oid: str) -> bool:
    return any(damage.what == oid for damage in health.damage)


@pytest.mark.parametrize("harm", [empty, truncate, flip, rewrite])
def test_a_damaged_loose_object_is_reported_and_heals(
    store: ObjectStore, tmp_path: Path, folder: Path, have_git: str, harm: Callable[[Path], None]
) -> None:
    add(store, "susan", folder)
    oid = blob_of(store)
    unpack(store, tmp_path)
    loose(store, oid).chmod(0o644)
    harm(loose(store, oid))
    store = ObjectStore(store.path)
    with pytest.raises(CorruptData) as refused:
        store.read_blob(oid)
    assert refused.value.hints
    assert named(check(store), oid)
    add(store, "again", folder)
    assert store.read_blob(oid) == CONTENT
    assert healed(check(store))
    assert fsck(store) == []
    assert len(read_everything(store)) == 2


def damage_in_pack(store: ObjectStore, oid: str) -> None:
    """Flip a bit inside this object's bytes in whichever pack holds it."""
    for pack in packs(store):
        listed = git("verify-pack", "-v", pack, at=store.git)
        for line in listed.splitlines():
            if line.startswith(oid):
                offset, size = int(line.split()[4]), int(line.split()[3])
                pack.chmod(0o644)
                data = bytearray(pack.read_bytes())
                data[offset + size // 2] ^= 0x40
                pack.write_bytes(bytes(data))


@pytest.mark.parametrize("repacked", [False, True], ids=["our pack", "git's pack"])
def test_damage_inside_a_pack_is_reported_and_heals(
    store: ObjectStore, folder: Path, have_git: str, repacked: bool
) -> None:
    add(store, "susan", folder)
    oid = blob_of(store)
    if repacked:
        git("repack", "-adq", at=store.git)
    damage_in_pack(store, oid)
    store = ObjectStore(store.path)
    with pytest.raises(CorruptData) as refused:
        store.read_blob(oid)
    assert "fsck" in refused.value.hints[0]
    health = check(store)
    assert named(health, oid)
    assert any(damage.what == "lab:program:susan@1.0.0" for damage in health.damage)
    add(store, "again", folder)
    for opened in (store, ObjectStore(store.path)):
        assert opened.read_blob(oid) == CONTENT
        assert healed(check(opened))
    assert git("cat-file", "-p", oid, at=store.git).encode() == CONTENT


def test_a_newer_copy_wins_even_when_the_damaged_pack_comes_from_the_future(
    store: ObjectStore, folder: Path, have_git: str
) -> None:
    import os

    add(store, "susan", folder)
    oid = blob_of(store)
    git("repack", "-adq", at=store.git)
    damage_in_pack(store, oid)
    [pack] = packs(store)
    os.utime(pack, (4_000_000_000, 4_000_000_000))
    store = ObjectStore(store.path)
    add(store, "again", folder)
    assert ObjectStore(store.path).read_blob(oid) == CONTENT


def test_a_large_damaged_file_heals_too(store: ObjectStore, tmp_path: Path, have_git: str) -> None:
    import random

    folder = make_folder(tmp_path / "big", {"x.txt": random.Random(1).randbytes(5 * 1024 * 1024)})
    add(store, "susan", folder)
    oid = blob_of(store)
    damage_in_pack(store, oid)
    store = ObjectStore(store.path)
    with pytest.raises(CorruptData):
        store.read_blob(oid)
    add(store, "again", folder)
    assert store.read_blob(oid) == (folder / "x.txt").read_bytes()
    assert healed(check(store))


def test_a_missing_object_is_named(store: ObjectStore, tmp_path: Path, folder: Path, have_git: str) -> None:
    add(store, "susan", folder)
    oid = blob_of(store)
    unpack(store, tmp_path)
    loose(store, oid).unlink()
    store = ObjectStore(store.path)
    assert not store.has(oid)
    assert store.missing_objects(release(store, "susan").tree, set()) == [oid]
    with pytest.raises(NotFound):
        store.read_blob(oid)
    assert named(check(store), oid)
    add(store, "again", folder)
    assert healed(check(store))


def test_a_damaged_operation_is_named_and_the_rest_is_still_checked(
    store: ObjectStore, tmp_path: Path, folder: Path, have_git: str
) -> None:
    first = add(store, "susan", folder)
    add(store, "other", folder)
    unpack(store, tmp_path)
    loose(store, first).chmod(0o644)
    empty(loose(store, first))
    health = check(ObjectStore(store.path))
    assert [damage for damage in health.damage if first in damage.what + damage.message]
    assert health.releases == 2


@pytest.mark.parametrize("oid", ["", "zz", "z" * 40, "4b825d", "../../etc/passwd", "0" * 41])
def test_what_is_no_object_id_is_never_found(store: ObjectStore, oid: str) -> None:
    writer = store.writer()
    writer.add_tree([])
    writer.finish()
    store = ObjectStore(store.path)
    assert not store.has(oid)
    with pytest.raises((NotFound, CorruptData)):
        store.read(oid)


def test_a_blob_is_no_tree(store: ObjectStore) -> None:
    writer = store.writer()
    oid = writer.add("blob", b"text")
    writer.finish()
    with pytest.raises(CorruptData):
        store.read_tree(oid)


def test_a_tree_with_nonsense_in_it_does_not_stop_the_check(store: ObjectStore, folder: Path) -> None:
    def prepare(writer: PackWriter) -> str:
        return writer.add_tree([TreeEntry(FILE, "x", writer.add("tree", b"nonsense"))])

    add(store, "susan", folder)
    writer = store.writer()
    nonsense = writer.add("tree", b"nonsense")
    writer.finish()
    with pytest.raises(CorruptData):
        store.read_tree(nonsense)
    assert healed(check(store))


def import_only(store: ObjectStore, folder: Path) -> str:
    """An operation that changes nothing in the log."""
    operation = Operation("add", "ckstore add", "nothing new")
    return store.publish(operation, lambda w: import_folder(w, folder), lambda view, change, added: None)


def lose(store: ObjectStore, tmp_path: Path, oid: str) -> None:
    unpack(store, tmp_path)
    loose(store, oid).unlink()


def flip_loose(store: ObjectStore, tmp_path: Path, oid: str) -> None:
    unpack(store, tmp_path)
    loose(store, oid).chmod(0o644)
    flip(loose(store, oid))


@pytest.mark.parametrize(
    "harm",
    [lambda store, tmp_path, oid: damage_in_pack(store, oid), flip_loose, lose],
    ids=["in a pack", "loose", "lost"],
)
def test_an_operation_that_publishes_nothing_heals_too(
    store: ObjectStore, tmp_path: Path, folder: Path, have_git: str,
    harm: Callable[[ObjectStore, Path, str], None],
) -> None:  # fmt: skip
    head = add(store, "susan", folder)
    oid = blob_of(store)
    harm(store, tmp_path, oid)
    store = ObjectStore(store.path)
    assert named(check(store), oid)
    assert import_only(store, folder) == head
    for opened in (store, ObjectStore(store.path)):
        assert opened.read_blob(oid) == CONTENT
        assert healed(check(opened))
    assert git("cat-file", "-p", oid, at=store.git).encode() == CONTENT


def test_a_folder_that_is_added_again_heals_what_it_holds(tmp_path: Path, have_git: str) -> None:
    folder = make_folder(
        tmp_path / "words", {"component.toml": b'kind = "dataset"\nname = "words"\n', "x.txt": CONTENT}
    )
    store = ObjectStore(tmp_path / "store")
    added = publish_folder(store, folder).added[0].release
    oid = next(entry.oid for entry in store.read_tree(added.tree) if entry.name == "x.txt")
    damage_in_pack(store, oid)
    store = ObjectStore(store.path)
    assert named(check(store), oid)
    assert publish_folder(store, folder).added == []
    assert healed(check(store))
    assert ObjectStore(store.path).read_blob(oid) == CONTENT


def test_what_nothing_reaches_does_not_pile_up(store: ObjectStore, tmp_path: Path, folder: Path) -> None:
    head = add(store, "susan", folder)
    before = packs(store)
    assert import_only(store, make_folder(tmp_path / "other", {"z": b"reached by nothing"})) == head
    assert packs(store) == before


def test_damage_in_a_history_kept_beside_the_log_is_found(store: ObjectStore, tmp_path: Path) -> None:
    up = Upstream(tmp_path / "up.git")
    up.commit(native("program/a", body="old"))
    old = up.at("program/a/main.c")
    up.commit({"README": "nothing of a component"})
    readme = up.at("README")
    mirror(store, up.url)
    assert healed(check(store))
    read = ObjectStore.read

    def damaged(self: ObjectStore, oid: str) -> tuple[str, bytes]:
        return ("blob", b"other bytes") if oid == readme else read(self, oid)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ObjectStore, "read", damaged)
        assert [found.what for found in check(store).damage] == [readme]
    assert store.has(old)


def test_a_pack_with_an_index_of_another_version_is_left_as_it_is(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    add(store, "first", make_folder(tmp_path / "f", {"a.txt": b"one"}))
    (pack,) = packs(store)
    pack.with_suffix(".idx").unlink()
    git("index-pack", "--index-version=1", str(pack), at=store.git)
    for number in range(60):  # enough to be folded
        add(store, f"n{number}", make_folder(tmp_path / f"f{number}", {"a.txt": b"%d" % number}))
    assert pack.exists() and len(packs(store)) < 60
    assert healed(check(ObjectStore(store.path)))
