"""Damage is named, mended from wherever a good copy is, and stock git has nothing to say afterwards."""

from __future__ import annotations

import gc
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from ckstore.errors import Conflict, NotFound
from ckstore.objects.head import LOG_REF
from ckstore.objects.loose import loose_path
from ckstore.objects.store import HISTORY_REFS, ObjectStore
from ckstore.operations.add import add
from ckstore.operations.find import find_words
from ckstore.operations.fsck import fsck, fsck_and_repair
from ckstore.operations.kinds import SHIPPED_FOLDER, ensure_kinds
from ckstore.operations.lock import make_lock
from ckstore.operations.mirror import mirror
from ckstore.operations.repair import Repair
from ckstore.operations.snapshot import snapshot
from ckstore.operations.words import Words
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import fsck as git_fsck
from tests.objects.helpers import git, packs
from tests.operations.folders import workshop, write


def flip(path: Path, *at: int) -> None:
    """Change one bit at each of these places."""
    data = bytearray(path.read_bytes())
    for place in at:
        data[place] ^= 1
    rewrite(path, bytes(data))


def rewrite(path: Path, data: bytes) -> None:
    path.unlink()  # what is mapped into this process must not shrink under it
    path.write_bytes(data)


def let_go(store: ObjectStore) -> None:
    """Libgit2 keeps what it knows of a pack as long as anybody in the process has it open."""
    store.repo.free()
    store._packs = pygit2.Odb()
    gc.collect()


def codes(store: ObjectStore) -> set[str]:
    let_go(store)
    found = {damage.code for damage in fsck(ObjectStore(store.path)).damage}
    store.reopen()
    return found


def mended(store: ObjectStore, *others: Path, back_to: str = "") -> Repair:
    """Repair, and be sure that nothing is left to complain of, for us and for git."""
    let_go(store)
    done, health = fsck_and_repair(ObjectStore(store.path), others, back_to=back_to)
    assert [damage for damage in health.damage if not damage.repaired] == []
    assert fsck(ObjectStore(store.path)).damage == ()
    store.reopen()
    if shutil.which("git"):
        assert git_fsck(store) == []
    return done


def everything(store: ObjectStore) -> dict[str, str]:
    """Release → digest computed from the stored bytes."""
    fresh = ObjectStore(store.path)
    view = fresh.view()
    return {
        f"{source.name}:{c.uid}@{version}": fresh.digests.of_tree(
            view.release(source.name, c.uid, version).tree
        )
        for source in view.sources()
        for c in view.components(source.name)
        for version in c.versions
    }


@pytest.fixture
def shop(store: ObjectStore, tmp_path: Path) -> Path:
    folder = workshop(tmp_path / "shop")
    add(store, folder)
    return folder


@pytest.fixture
def upstream(store: ObjectStore, tmp_path: Path, have_git: str) -> Upstream:
    """A mirrored repository whose pack has deltas."""
    made = Upstream(tmp_path / "up")
    lines = [f"line {n}" for n in range(3000)]
    for number in range(6):
        lines[number * 400] = f"changed {number}"
        made.commit(native("program/a", body="\n".join(lines)))
        made.commit(native("program/b", body=str(number)))
    git("gc", "-q", "--aggressive", at=made.path)
    mirror(store, made.url)
    return made


def largest(store: ObjectStore) -> Path:
    return max(packs(store), key=lambda path: path.stat().st_size)


class TestPacks:
    def test_damage_anywhere_in_a_mirrored_pack_is_named_and_fetched_again(
        self, store: ObjectStore, upstream: Upstream
    ) -> None:
        whole = everything(store)
        chance = random.Random(1)
        for _ in range(4):
            pack = largest(store)
            size = pack.stat().st_size
            flip(pack, *(chance.randrange(12, size) for _ in range(3)))
            assert "bad-pack" in codes(store)
            done = mended(store)
            assert f"{pack.stem} was mended" in done.done
            assert everything(store) == whole
            assert (store.path / "damaged" / pack.name).exists()  # kept, out of git's way

    def test_the_pack_of_an_added_folder_is_mended_from_the_folder(
        self, store: ObjectStore, shop: Path
    ) -> None:
        whole = everything(store)
        [pack] = packs(store)
        oid = str(pygit2.hash((shop / "program" / "count" / "count.py").read_bytes()))
        flip(pack, _offset(pack, oid) + 12)
        assert {"bad-pack", "bad-object"} <= codes(store)
        mended(store)
        assert everything(store) == whole

    def test_what_ships_with_ckstore_is_mended_from_the_installation(self, store: ObjectStore) -> None:
        ensure_kinds(store)
        whole = everything(store)
        [pack] = packs(store)
        oid = str(pygit2.hash((SHIPPED_FOLDER / "module" / "program" / "module.py").read_bytes()))
        flip(pack, _offset(pack, oid) + 12)
        assert {"bad-pack", "bad-object"} <= codes(store)
        mended(store)
        assert everything(store) == whole

    @pytest.mark.parametrize("how", ["flip", "truncate", "delete", "empty"])
    def test_an_index_of_a_pack_is_made_anew_from_the_pack(
        self, store: ObjectStore, upstream: Upstream, how: str
    ) -> None:
        shutil.rmtree(upstream.path)  # nothing to fetch, and no need to
        whole, index = everything(store), largest(store).with_suffix(".idx")
        good = index.read_bytes()
        harm: dict[str, Callable[[], object]] = {
            "flip": lambda: flip(index, len(good) // 2),
            "truncate": lambda: rewrite(index, good[:-700]),
            "delete": index.unlink,
            "empty": lambda: rewrite(index, b""),
        }
        harm[how]()
        assert "bad-pack" in codes(store)
        mended(store)
        assert index.read_bytes() == good
        assert everything(store) == whole

    def test_a_pack_that_is_gone_comes_back_from_another_store(
        self, store: ObjectStore, shop: Path, upstream: Upstream, tmp_path: Path
    ) -> None:
        whole = everything(store)
        shutil.copytree(store.path, tmp_path / "other", symlinks=True)
        for pack in packs(store):
            for path in pack.parent.glob(f"{pack.stem}.*"):
                path.unlink()
        assert "no-object" in codes(store)
        done = mended(store, tmp_path / "other")
        assert done.lost == set()
        assert everything(store) == whole

    def test_a_pack_of_a_mirror_that_is_gone_is_fetched_again(
        self, store: ObjectStore, upstream: Upstream
    ) -> None:
        whole, pack = everything(store), largest(store)
        for path in pack.parent.glob(f"{pack.stem}.*"):
            path.unlink()
        mended(store)
        assert everything(store) == whole

    def test_what_is_nowhere_is_told_and_nothing_else_is_lost_with_it(
        self, store: ObjectStore, shop: Path, tmp_path: Path
    ) -> None:
        add(store, write(tmp_path / "x", {"component.toml": "kind='dataset'\nname='x'\n", "a": "a" * 5000}))
        oid = str(pygit2.hash(b"a" * 5000))
        pack = next(path for path in packs(store) if _offset(path, oid))
        flip(pack, _offset(pack, oid) + 10)
        shutil.rmtree(tmp_path / "x")
        done, health = fsck_and_repair(ObjectStore(store.path))
        assert done.lost == {oid}
        assert {damage.what for damage in health.damage if damage.code == "no-object"} >= {oid}
        assert all(oid in damage.message for damage in health.damage)
        with pytest.raises(NotFound):
            fsck_and_repair(ObjectStore(store.path), [tmp_path])
        write(tmp_path / "x", {"component.toml": "kind='dataset'\nname='x'\n", "a": "a" * 5000})
        add(store, tmp_path / "x")  # the same content again heals
        assert codes(store) == set()


def _offset(pack: Path, oid: str) -> int:
    from ckstore.objects.packindex import find_offset

    return find_offset(pack.with_suffix(".idx"), bytes.fromhex(oid)) or 0


class TestLooseObjects:
    def test_a_damaged_one_is_replaced_from_laid_out_files(
        self, store: ObjectStore, shop: Path, have_git: str
    ) -> None:
        lock, _ = make_lock(store, ["program:count"])
        snapshot(store, lock)
        whole = everything(store)
        for pack in packs(store):  # everything loose
            moved = store.path / pack.name
            pack.rename(moved)
            for path in pack.parent.glob(f"{pack.stem}.*"):
                path.unlink()
            git("unpack-objects", "-q", at=store.git, given=moved.read_bytes())
            moved.unlink()
        oid = git("hash-object", shop / "program" / "count" / "count.py").strip()
        shutil.rmtree(shop)
        loose = loose_path(store.git / "objects", oid)
        loose.chmod(0o644)
        loose.write_bytes(b"")
        assert "bad-object" in codes(store)
        mended(store)
        assert everything(store) == whole


class TestRefs:
    def test_refs_of_histories_are_set_again(self, store: ObjectStore, upstream: Upstream) -> None:
        head = store.git / HISTORY_REFS / "up" / "head"
        good = head.read_bytes()
        for harm in (lambda: head.write_bytes(b""), lambda: head.write_bytes(b"x" * 41), head.unlink):
            harm()
            assert codes(store) & {"bad-ref", "history-not-held"}
            mended(store)
            assert head.read_bytes() == good

    def test_a_history_that_was_dropped_is_fetched_again(
        self, store: ObjectStore, upstream: Upstream
    ) -> None:
        (store.git / HISTORY_REFS / "up" / "head").unlink()
        git("gc", "-q", "--prune=now", at=store.git)
        assert "history-not-held" in codes(store)
        mended(store)
        assert ObjectStore(store.path).has(upstream.head)


class TestDerived:
    @pytest.mark.parametrize(
        "sql",
        [
            "DELETE FROM releases WHERE id = 1",
            "UPDATE components SET withdrawn = 1",
            "DELETE FROM newest_tags",
            "UPDATE releases SET yanked = 1",
            "UPDATE texts SET title = 'x'",
            "DELETE FROM lines",
            "INSERT INTO tags VALUES (99, 'lies', 1, 1)",
        ],
    )
    def test_an_index_that_is_not_what_the_log_says_is_named_and_built_anew(
        self, store: ObjectStore, shop: Path, sql: str
    ) -> None:
        found = find_words(store.path, Words()).hits
        connection = sqlite3.connect(store.path / "index.sqlite")
        connection.execute(sql)
        connection.commit()
        connection.close()
        assert codes(store) == {"bad-index"}
        mended(store)
        assert find_words(store.path, Words()).hits == found

    def test_an_index_that_is_no_database_is_built_anew(self, store: ObjectStore, shop: Path) -> None:
        find_words(store.path, Words())
        (store.path / "index.sqlite").write_bytes(b"no database" * 1000)
        assert codes(store) == {"bad-index"}
        mended(store)
        assert (store.path / "index.sqlite").read_bytes()[:6] == b"SQLite"

    def test_a_changed_tree_is_laid_out_anew(self, store: ObjectStore, shop: Path) -> None:
        lock, _ = make_lock(store, ["program:count"])
        root = snapshot(store, lock)
        path = (root / "shop" / "program" / "count" / "count.py").resolve()
        good = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(b"changed")
        done = mended(store)
        assert any("was laid out anew" in text for text in done.done)
        assert path.read_bytes() == good


class TestTheLogItself:
    def test_a_ref_that_names_nothing_is_never_set_back_silently(
        self, store: ObjectStore, shop: Path
    ) -> None:
        before = store.view().head
        write(shop, {"program/count/notes": "x"})
        add(store, shop)
        newest = store.view().head
        (store.git / LOG_REF).write_text("garbage\n")
        done, health = fsck_and_repair(ObjectStore(store.path))
        assert (done.back_to, done.behind) == (newest, 0)
        assert "bad-log-ref" in {damage.code for damage in health.damage}
        with pytest.raises(Conflict, match=newest[:12]):
            fsck_and_repair(ObjectStore(store.path), back_to=before)
        mended(store, back_to=newest[:12])
        assert ObjectStore(store.path).view().head == newest
        [kept] = (store.path / "damaged").glob("log-*")
        assert kept.read_text() == "garbage\n"

    def test_a_newest_operation_that_cannot_be_mended_is_given_up_only_when_asked(
        self, store: ObjectStore, shop: Path
    ) -> None:
        whole, before = everything(store), store.view().head
        first = set(packs(store))
        write(shop, {"program/count/notes": "x"})
        add(store, shop)
        newest = store.view().head
        [pack] = set(packs(store)) - first
        root = store.view().root
        for oid in (newest, root):
            flip(pack, _offset(pack, oid) + 8)
        done, health = fsck_and_repair(ObjectStore(store.path))
        assert health.damage != ()
        assert (done.back_to, ObjectStore(store.path).view(before).head) == (before, before)
        assert (store.git / LOG_REF).read_text().strip() == newest
        mended(store, back_to=before)
        assert everything(store) == whole
        add(store, shop)  # the same again
        assert len(everything(store)) == len(whole) + 1
