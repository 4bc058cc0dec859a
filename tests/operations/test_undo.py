from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ckstore.api import Store
from ckstore.errors import CkstoreError, Conflict, InvalidInput, NotFound
from ckstore.index import catchup
from ckstore.objects.store import HISTORY_REFS, ObjectStore
from ckstore.objects.verify import check
from ckstore.operations.add import add
from ckstore.operations.exchange import pull
from ckstore.operations.find import find_words
from ckstore.operations.kinds import ensure_kinds
from ckstore.operations.lock import make_lock
from ckstore.operations.log import log
from ckstore.operations.mirror import mirror
from ckstore.operations.snapshot import check_pins
from ckstore.operations.undo import undo
from ckstore.operations.words import Words
from ckstore.operations.yank import yank
from tests.mirror.upstream import Upstream, all_bytes, native
from tests.operations.folders import component, entry, workshop, write


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return workshop(tmp_path / "shop")


def found(store: ObjectStore) -> list[str]:
    hits = find_words(store.path, Words(all_versions=True)).hits
    return [f"{hit.name}@{hit.version}" for hit in hits if hit.source != "ckstore"]


def published(store: ObjectStore) -> object:
    """All that the log holds, but for what the newest operation says of itself and what was taken back."""
    view = store.view()
    return [view.find((name,)) for name in ("sources", "runs", "references")]


class TestTakingBack:
    def test_the_newest_operation_goes_and_everything_is_as_it_was(
        self, store: ObjectStore, shop: Path
    ) -> None:
        add(store, shop)
        before, names = published(store), found(store)
        write(shop, {"program/count/notes": "x"})
        component(shop / "dataset" / "extra", "dataset", "extra", files={"a": "b"})
        add(store, shop)
        assert found(store) != names
        report = undo(store)
        assert report.removed == ("shop:dataset:extra@1.0.0", "shop:program:count@1.0.1")
        assert report.verb == "add" and report.operation == store.view().head
        assert (published(store), found(store)) == (before, names)
        assert log(store)[0].verb == "undo"
        assert check(store).damage == ()

    def test_a_lock_of_what_was_taken_back_says_so_and_what_brings_it_back(
        self, store: ObjectStore, shop: Path, tmp_path: Path
    ) -> None:
        add(store, shop)
        lock = make_lock(store, ["program:count"])[0]
        added = next(entry.id for entry in log(store) if entry.summary.startswith("shop"))
        report = undo(store, added)
        assert "also those of runs" in report.notes[0]
        add(store, component(tmp_path / "extra", "dataset", "extra", files={"a": "b"}))
        with pytest.raises(NotFound, match="was taken back here") as refused:
            check_pins(store, lock)
        assert refused.value.code == "release-not-here"
        assert refused.value.hints[0] == f"`ckstore undo {report.operation[:12]}` brings it back"
        assert refused.value.details == {"operation": report.operation}
        pull(ObjectStore(tmp_path / "other"), str(store.path))
        undo(store, report.operation)
        check_pins(store, lock)

    def test_undoing_the_undo_brings_it_back_and_so_on(self, store: ObjectStore, shop: Path) -> None:
        add(store, shop)
        whole, names = store.view().find(("sources",)), found(store)
        for _ in range(2):
            undo(store)
            assert (published(store), found(store)) == ([None, None, None], [])
            report = undo(store)
            assert (report.verb, report.removed) == ("undo", ())
            assert "shop:program:count@1.0.0" in report.restored
            assert (store.view().find(("sources",)), found(store)) == (whole, names)
        assert store.view().find(("retired",)) is None
        assert check(store).damage == ()

    def test_an_earlier_operation_goes_when_nothing_was_built_on_it(
        self, store: ObjectStore, shop: Path, tmp_path: Path
    ) -> None:
        add(store, shop)
        first = log(store)[0].id
        add(store, component(tmp_path / "other" / "x", "dataset", "x", files={"a": "b"}), source="shop")
        report = undo(store, first[:7])
        assert report.undone == first
        assert found(store) == ["x@1.0.0"]
        assert store.view().source("shop") is not None  # x needs it
        assert any("the source shop stays" in note for note in report.notes)
        assert check(store).damage == ()

    def test_a_dry_run_says_the_same_and_publishes_nothing(self, store: ObjectStore, shop: Path) -> None:
        add(store, shop)
        head = store.view().head
        dry = undo(store, dry_run=True)
        assert (store.view().head, dry.operation) == (head, "")
        real = undo(store)
        assert (dry.removed, dry.restored, dry.notes) == (real.removed, real.restored, real.notes)

    def test_a_yank_is_taken_back_as_well(self, store: ObjectStore, shop: Path) -> None:
        add(store, shop)
        yank(store, "program:count@1.0.0", "why")
        report = undo(store)
        assert report.removed == ("shop:program:count@1.0.0 (yank)",)
        assert not any(hit.yanked for hit in find_words(store.path, Words(all_versions=True)).hits)

    def test_a_run_goes_with_the_reference_that_it_set(self, store: ObjectStore, shop: Path) -> None:
        add(store, shop)
        door = Store(store.path)
        first, second = door.run("program:count"), door.run("program:count")
        assert second.compared_with == first.id
        report = door.undo(log(store)[1].id)
        assert report.removed == (f"run {first.id}",)
        assert [entry.id for entry in door.runs()] == [second.id]
        third = door.run("program:count")
        assert third.compared_with == "" and third.ok
        assert check(store).damage == ()


class TestWhatStandsInTheWay:
    def test_a_later_release_of_the_same_component_is_named_with_its_operation(
        self, store: ObjectStore, shop: Path
    ) -> None:
        add(store, shop)
        first = log(store)[0].id
        write(shop, {"program/count/notes": "x"})
        add(store, shop)
        later, head = log(store)[0].id, store.view().head
        with pytest.raises(Conflict) as caught:
            undo(store, first)
        assert caught.value.code == "undo-blocked"
        assert "shop:program:count changed since" in caught.value.message
        assert caught.value.details["operations"] == [later]
        assert store.view().head == head

    def test_a_release_that_was_yanked_since_is_not_torn_apart(self, store: ObjectStore, shop: Path) -> None:
        add(store, shop)
        first = log(store)[0].id
        yank(store, "program:count@1.0.0", "why")
        with pytest.raises(Conflict, match=r"shop:program:count@1\.0\.0 changed"):
            undo(store, first)
        undo(store)
        undo(store, first)
        assert found(store) == []

    def test_what_was_taken_back_already_is_told(self, store: ObjectStore, shop: Path) -> None:
        add(store, shop)
        first = log(store)[0].id
        undo(store)
        with pytest.raises(Conflict) as caught:
            undo(store, first)
        assert caught.value.code == "already-undone"

    def test_no_operation_an_unknown_one_and_an_unclear_one_are_refused(
        self, store: ObjectStore, shop: Path
    ) -> None:
        def code(wanted: str = "") -> str:
            with pytest.raises(CkstoreError) as caught:
                undo(store, wanted)
            return caught.value.code

        assert code() == "no-operation"
        ensure_kinds(store)
        assert code() == "no-operation"  # what ships with ckstore is nobody's last step
        with pytest.raises(InvalidInput, match="ships with ckstore"):
            undo(store, log(store)[0].id)
        for number in range(20):
            write(shop, {"program/count/notes": str(number)})
            add(store, shop)
        ids = [entry.id for entry in log(store)]
        digit = next(oid[0] for oid in ids if sum(other[0] == oid[0] for other in ids) > 1)
        assert code(digit) == "ambiguous"
        assert code("zz") == "no-operation"
        with pytest.raises(NotFound):
            undo(store, "0" * 40)


class TestVersionsStayWhatTheyWere:
    def test_other_files_never_come_under_a_version_that_was_taken_back(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = component(tmp_path / "x", "dataset", "x", files={"a": "b"})
        add(store, folder, version="1.2.0")
        released = found(store)
        undo(store)
        write(folder, {"a": "changed"})
        with pytest.raises(Conflict) as caught:
            add(store, folder, version="1.2.0")
        assert caught.value.code == "release-exists"
        write(folder, {"a": "b"})
        add(store, folder, version="1.2.0")
        assert found(store) == released

    def test_a_derived_version_goes_past_those_that_meant_other_files(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        folder = component(tmp_path / "x", "dataset", "x", files={"a": "1"})
        for text in "12":
            write(folder, {"a": text})
            add(store, folder)
            undo(store)
        write(folder, {"a": "3"})
        add(store, folder)
        assert found(store) == ["x@1.0.2"]
        write(folder, {"a": "4"})
        add(store, folder)
        assert found(store) == ["x@1.0.3", "x@1.0.2"]

    def test_the_index_learns_of_a_release_that_came_back_under_another_name(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        uid = "0123456789abcdef"
        entry(tmp_path / "repo", "dataset", "x", uid, files={"a": "1"})
        add(store, tmp_path / "repo")
        assert found(store) == ["x@1.0.0"]
        undo(store)
        shutil.rmtree(tmp_path / "repo")
        entry(tmp_path / "repo", "dataset", "y", uid, files={"a": "1"})
        add(store, tmp_path / "repo")
        assert found(store) == ["y@1.0.0"]
        built = catchup._in_memory(store.view(), catchup._silent)
        assert built.execute("SELECT name FROM lines").fetchall() == [("y",)]
        built.close()


class TestMirrors:
    def test_the_next_mirror_derives_the_very_same_releases_again(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        upstream = Upstream(tmp_path / "up")
        upstream.commit(native("program/a", body="x"))
        mirror(store, upstream.url)
        first = all_bytes(store, "up")
        upstream.commit(native("program/a", body="y"))
        mirror(store, upstream.url)
        whole = all_bytes(store, "up")
        undo(store)
        assert all_bytes(store, "up") == first
        assert mirror(store, upstream.url).releases == 1
        assert all_bytes(store, "up") == whole
        undo(store)
        undo(store)
        assert all_bytes(store, "up") == whole
        assert check(store).damage == ()

    def test_the_history_of_a_mirror_that_was_taken_back_is_still_held(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        upstream = Upstream(tmp_path / "up")
        upstream.commit(native("program/a", body="x"))
        mirror(store, upstream.url)
        undo(store)
        assert store.view().sources() == []
        assert [ref for ref in store.repo.references if ref.startswith(HISTORY_REFS)]
        shutil.rmtree(upstream.path)
        undo(store)
        assert store.has(store.view().sources()[0].head)
        assert check(store).damage == ()


def test_stock_git_has_nothing_to_say(store: ObjectStore, shop: Path, have_git: str) -> None:
    add(store, shop)
    undo(store)
    undo(store)
    subprocess.run([have_git, "-C", str(store.git), "fsck", "--full", "--strict"], check=True)


def test_what_was_pulled_is_not_taken_back_for_others_would_lose_it(
    store: ObjectStore, shop: Path, tmp_path: Path
) -> None:
    there = ObjectStore(tmp_path / "there")
    add(there, shop)
    component(tmp_path / "own" / "dataset" / "ours", "dataset", "ours", files={"a": "b"})
    add(store, tmp_path / "own")
    pull(store, str(there.path))
    before = found(store)
    with pytest.raises(InvalidInput) as refused:
        undo(store)
    assert refused.value.code == "undo-pull"
    assert found(store) == before
