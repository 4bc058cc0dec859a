from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckstore.errors import CkstoreError, Conflict, CorruptData, InvalidInput, NotFound, Unsupported
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.stock_git import StockGit
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.records import Component, Operation, Release, Run, Source
from ckstore.objects.digests import Digests
from ckstore.objects.head import LOG_REF, move_head, read_head
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE, TREE, TreeEntry
from ckstore.objects.verify import check
from ckstore.operations.add import add as add_folder
from ckstore.operations.exchange import pull, push
from ckstore.operations.export_lock import export_lock
from ckstore.operations.import_bundle import import_bundle
from ckstore.operations.lock import make_lock
from ckstore.operations.mirror import mirror
from ckstore.operations.received import Received
from ckstore.operations.run import run
from ckstore.operations.underived import underived
from ckstore.operations.undo import undo
from ckstore.operations.yank import unyank, yank
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import add, fsck, git, litter, make_folder, packs
from tests.operations.folders import component, workshop

Put = Callable[[LogEdit, PackWriter], None]


@pytest.fixture
def other(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "other", who="Another")


def sources(store: ObjectStore) -> object:
    return ObjectStore(store.path).view().find(("sources",))


def release(store: ObjectStore, folder: Path, name: str, text: str = "", version: str = "1.0.0") -> str:
    """Publish one file as a release of a program of the source ``lab``."""
    shutil.rmtree(folder, ignore_errors=True)
    return add(store, name, make_folder(folder, {"file": (text or name).encode()}), version)


def forge(store: ObjectStore, put: Put) -> None:
    """Publish an operation that no honest ckstore would."""
    writers: list[PackWriter] = []

    def edit(view: LogView, change: LogEdit, _: None) -> None:
        put(change, writers[0])

    store.publish(Operation("add", "", ""), lambda writer: writers.append(writer), edit)


class TestAPull:
    def test_into_a_store_whose_log_is_a_part_of_the_other_one_follows_it(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        for name in "ab":
            release(store, tmp_path / "x", name)
            report = pull(other, str(store.path))
            assert report.how == "followed"
            assert report.releases == {"lab": 1}
            assert read_head(other.path) == read_head(store.path)
        assert pull(other, str(store.path)).how == "unchanged"
        assert check(ObjectStore(other.path)).damage == ()

    def test_of_a_repository_that_is_no_store_is_refused(
        self, store: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        up = Upstream(tmp_path / "up.git")
        for engine in (LibraryGit(), StockGit(have_git)):
            assert pull(store, up.url, engine=engine).how == "unchanged"  # it may become one
        up.commit(native("program/p"))
        for engine in (LibraryGit(), StockGit(have_git)):
            with pytest.raises(NotFound) as refused:
                pull(store, up.url, engine=engine)
            assert (refused.value.code, refused.value.exit_code) == ("not-a-store", 10)
            assert f"ckstore mirror {up.url}" in refused.value.hints[0]
        up.repo.references.create(LOG_REF, up.head)
        with pytest.raises(NotFound, match=r"no log of ckstore"):
            pull(store, up.url)
        assert read_head(store.path) == ""

    def test_joins_what_both_published_by_one_operation(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        release(store, tmp_path / "x", "a")
        release(other, tmp_path / "x", "b")
        heads = (read_head(other.path), read_head(store.path))
        report = pull(other, str(store.path))
        assert report.how == "joined"
        assert other.read_commit(report.head).parents == heads
        operation = other.view().operation()
        assert operation is not None
        assert (operation.verb, "1 of lab" in operation.summary) == ("pull", True)
        assert {c.name for c in other.view().components("lab")} == {"a", "b"}
        assert check(other).damage == ()
        assert fsck(other) == []
        assert pull(store, str(other.path)).head == report.head

    def test_keeps_lines_that_grew_on_both_sides_in_the_order_of_versions(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        release(store, tmp_path / "x", "a", "one", "1.0.0")
        pull(other, str(store.path))
        release(store, tmp_path / "x", "a", "three", "1.2.0")
        release(other, tmp_path / "x", "a", "two", "1.1.0")
        pull(other, str(store.path))
        [line] = other.view().components("lab")
        assert line.versions == ("1.0.0", "1.1.0", "1.2.0")

    def test_brings_runs_and_what_they_are_compared_with(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        add_folder(store, workshop(tmp_path / "shop"))
        lock = make_lock(store, ["program:count"])[0]
        words = ["--dataset", "short"]
        first = run(store, lock, "program:count", words=words, environment=os.environ)
        assert pull(other, str(store.path)).runs == 1
        again = run(ObjectStore(other.path), lock, "program:count", words=words, environment=os.environ)
        assert again.compared_with == first.id

    def test_brings_yanks_and_what_was_taken_back(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        add_folder(store, component(tmp_path / "one", "program", "one"), source="lab")
        pull(other, str(store.path))
        yank(store, "program:one@=1.0.0", "broken")
        add_folder(store, component(tmp_path / "two", "program", "two"), source="lab")
        undo(store)
        component(tmp_path / "three", "program", "three")
        add_folder(other, tmp_path / "three", source="lab")
        assert pull(other, str(store.path)).how == "joined"
        names = {c.name: c for c in other.view().components("lab")}
        assert set(names) == {"one", "three"}
        assert other.view().yanks("lab", names["one"].uid)["1.0.0"].reason == "broken"

    def test_of_other_files_under_one_version_is_a_conflict_that_names_both_and_leaves_nothing(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        release(store, tmp_path / "x", "a", "mine")
        release(other, tmp_path / "x", "a", "yours")
        before = (read_head(other.path), packs(other))
        with pytest.raises(Conflict) as caught:
            pull(other, str(store.path))
        digests = {r.digest for s in (store, other) for r in [_only_release(s)]}
        assert {caught.value.details["here"], caught.value.details["there"]} == digests
        assert all(digest in caught.value.message for digest in digests)
        assert (read_head(other.path), packs(other)) == before
        assert litter(other) == []
        assert list((other.path / "incoming").iterdir()) == []

    def test_of_another_source_of_the_same_name_says_how_to_choose(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        for number, target in enumerate((store, other)):
            upstream = Upstream(tmp_path / f"up{number}.git")
            upstream.commit(native("program/p"))
            mirror(target, upstream.url, name="lib")
        with pytest.raises(Conflict, match="lib is") as caught:
            pull(other, str(store.path))
        assert any("--name" in hint for hint in caught.value.hints)

    def test_with_the_library_is_the_same_as_with_stock_git(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        release(store, tmp_path / "x", "a")
        release(other, tmp_path / "x", "b")
        pull(other, str(store.path), engine=LibraryGit())
        assert {c.name for c in other.view().components("lab")} == {"a", "b"}

    @pytest.mark.parametrize("where", ["nowhere", "file:///nowhere/at/all"])
    def test_from_nowhere_is_said_so(self, store: ObjectStore, where: str) -> None:
        with pytest.raises((NotFound, InvalidInput)):
            pull(store, where)

    def test_from_itself_is_refused(self, store: ObjectStore) -> None:
        with pytest.raises(InvalidInput, match="itself"):
            pull(store, str(store.path))


class TestWhatWasTakenBack:
    """On one side, while the other one went on from it."""

    @pytest.fixture
    def pair(self, store: ObjectStore, other: ObjectStore, tmp_path: Path) -> tuple[ObjectStore, ObjectStore]:
        add_folder(store, component(tmp_path / "one", "program", "one"), source="lab")
        pull(other, str(store.path))
        return store, other

    def test_leaves_the_source_of_what_was_added_there_meanwhile(
        self, pair: tuple[ObjectStore, ObjectStore], tmp_path: Path
    ) -> None:
        here, there = pair
        undo(here)
        add_folder(there, component(tmp_path / "two", "program", "two"), source="lab")
        pull(here, str(there.path))
        assert [source.name for source in here.view().sources()] == ["lab"]
        assert {c.name for c in here.view().components("lab")} == {"two"}
        pull(ObjectStore(tmp_path / "third"), str(here.path))
        assert check(here).damage == ()

    def test_goes_with_a_yank_that_was_put_on_it_there(self, pair: tuple[ObjectStore, ObjectStore]) -> None:
        here, there = pair
        undo(here)
        yank(there, "program:one@=1.0.0", "broken")
        pull(here, str(there.path))
        assert list(here.view().components("lab")) == []
        assert any("taken back" in note for note in pull(there, str(here.path)).notes)
        assert sources(here) == sources(there)
        assert check(there).damage == ()

    @pytest.mark.parametrize("diverged", [False, True])
    @pytest.mark.parametrize("again", [False, True])
    def test_never_becomes_other_files_nor_is_forgotten(
        self, pair: tuple[ObjectStore, ObjectStore], tmp_path: Path, diverged: bool, again: bool
    ) -> None:
        here, there = pair
        undo(here)
        pull(there, str(here.path))
        forge(there, lambda change, writer: change.remove(("retired",)))
        if again:
            add_folder(there, component(tmp_path / "one", "program", "one", files={"x": "y"}), source="lab")
        if diverged:
            add_folder(here, component(tmp_path / "two", "program", "two"), source="other")
        if not again:  # what was only forgotten is remembered by joining
            pull(here, str(there.path))
            assert here.view().find(("retired", "lab")) is not None
            return
        with pytest.raises(Conflict, match=r"taken back here|is released here") as caught:
            pull(here, str(there.path))
        assert caught.value.code in ("release-lost", "release-differs")

    def test_and_brought_back_there_is_back(self, pair: tuple[ObjectStore, ObjectStore]) -> None:
        here, there = pair
        undo(here)
        pull(there, str(here.path))
        undo(there)
        assert pull(here, str(there.path)).how == "followed"
        assert {c.name for c in here.view().components("lab")} == {"one"}

    def test_is_damage_where_a_source_lost_its_record(self, pair: tuple[ObjectStore, ObjectStore]) -> None:
        here, _ = pair
        forge(here, lambda change, writer: change.remove(("sources", "lab", "source")))
        assert [damage.what for damage in check(here).damage] == ["lab"]


def moved_source(change: LogEdit, view: LogView) -> None:
    change.put_source(Source("up", "https://elsewhere.example/repo", "git"))


def other_words(change: LogEdit, view: LogView) -> None:
    [line] = view.components("lab")
    made = replace(view.release("lab", line.uid, line.newest), tags=("forged",))
    path = ("sources", "lab", "components", line.uid[:2], line.uid, line.newest, "record")
    change.put(path, TreeEntry(FILE, "record", change.writer.add("blob", made.encode())))


class TestAnotherStore:
    @pytest.mark.parametrize("diverged", [False, True])
    @pytest.mark.parametrize(
        ("put", "code"),
        [(moved_source, "source-differs"), (other_words, "release-lost")],
    )
    def test_cannot_move_a_source_nor_reword_a_release(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, diverged: bool, code: str,
        put: Callable[[LogEdit, LogView], None],
    ) -> None:  # fmt: skip
        release(store, tmp_path / "x", "a")
        forge(store, lambda change, writer: change.put_source(Source("up", "https://a.example/repo", "git")))
        pull(other, str(store.path))
        forge(store, lambda change, writer: put(change, store.view()))
        if diverged:
            release(other, tmp_path / "x", "b")
        before = read_head(other.path)
        with pytest.raises(Conflict) as caught:
            pull(other, str(store.path))
        assert (caught.value.code, read_head(other.path)) == (code, before)
        assert caught.value.hints

    @pytest.mark.parametrize("diverged", [False, True])
    def test_does_not_take_away_a_run_which_comes_back_to_it(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, diverged: bool
    ) -> None:
        first = a_run(store, "2024-01-01")
        pull(other, str(store.path))
        undo(store)
        a_run(store, "2024-01-02")
        if diverged:
            release(other, tmp_path / "x", "b")
        assert pull(other, str(store.path)).how == "joined"
        assert pull(store, str(other.path)).how == "followed"
        for target in (store, other):
            assert len(list(target.view().runs())) == 2
            assert target.view().reference("abcd") == first

    def test_that_follows_a_repository_to_its_new_address_is_followed_once_it_was_here(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        def put(target: ObjectStore, url: str) -> None:
            forge(target, lambda change, writer: change.put_source(Source("up", url, "git")))

        put(store, "https://a.example/old")
        pull(other, str(store.path))
        put(store, "https://a.example/new")
        with pytest.raises(Conflict, match="up is") as caught:
            pull(other, str(store.path))
        assert any("ckstore mirror https://a.example/old" in hint for hint in caught.value.hints)
        release(other, tmp_path / "x", "b")
        assert pull(store, str(other.path)).how == "joined"
        moved = store.view().source("up")
        assert moved is not None and moved.url == "https://a.example/new"

    def test_that_says_other_things_of_the_same_files_is_a_conflict(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        for target, tag in ((store, "red"), (other, "blue")):
            add_folder(target, component(tmp_path / tag / "one", "program", "one", tags=tag), source="lab")
        with pytest.raises(Conflict, match="released here"):
            pull(other, str(store.path))

    def test_does_not_say_which_folder_of_this_machine_a_source_is(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        for number, target in enumerate((store, other)):
            shop = component(tmp_path / str(number) / "shop" / f"c{number}", "program", f"c{number}")
            add_folder(target, shop.parent)
            named = target.view().source("shop")
            assert named is not None and named.url
        pull(other, str(store.path))
        both = other.view().source("shop")
        assert both is not None and both.url == str(tmp_path / "1" / "shop")
        assert {c.name for c in other.view().components("shop")} == {"c0", "c1"}
        third = ObjectStore(tmp_path / "third")
        pull(third, str(store.path))
        alone = third.view().source("shop")
        assert alone is not None and not alone.url

    def test_and_this_one_say_each_for_itself_which_folder_a_source_is(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        shops = [component(tmp_path / who / "shop" / "c", "program", "c").parent for who in "ab"]
        (tmp_path / "backup").mkdir()
        add_folder(store, shops[0])
        pull(other, str(store.path))
        assert pull(store, str(other.path)).how == "unchanged"
        assert push(store, str(tmp_path / "backup")).moved
        assert not push(store, str(tmp_path / "backup")).moved
        add_folder(other, shops[1])
        component(shops[1] / "d", "program", "d")
        add_folder(other, shops[1])
        assert pull(store, str(other.path)).how == "joined"
        for _ in range(2):
            assert pull(other, str(store.path)).how == "unchanged"
            assert pull(store, str(other.path)).how == "unchanged"
            assert [s.url for t in (store, other) for s in t.view().sources()] == [str(p) for p in shops]
        with pytest.raises(Conflict, match="already"):
            add_folder(store, shops[1])
        names = [{c.name for c in t.view().components("shop")} for t in (store, other)]
        assert names == [{"c", "d"}] * 2

    def test_never_becomes_the_end_of_a_line_by_an_older_version(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        def shop(target: ObjectStore, who: str, version: str) -> None:
            folder = tmp_path / who / "shop" / "c"
            add_folder(target, component(folder, "program", "c", head=f'version = "{version}"').parent)

        shop(store, "a", "1.0.0")
        pull(other, str(store.path))
        shop(store, "a", "1.2.0")
        shop(other, "b", "1.1.0")
        pull(other, str(store.path))
        [line] = other.view().components("shop")
        assert line.versions == ("1.0.0", "1.1.0", "1.2.0")

    @pytest.mark.parametrize("diverged", [False, True])
    def test_is_joined_with_what_others_publish_here_meanwhile(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        diverged: bool,
    ) -> None:  # fmt: skip
        release(store, tmp_path / "x", "a")
        if diverged:
            release(other, tmp_path / "x", "b")
        judge = Received.check
        count = iter(range(100))

        def slow(self: Received, root: str, ours: str = "") -> None:
            judge(self, root, ours)
            release(ObjectStore(other.path), tmp_path / "x", f"c{next(count)}")

        monkeypatch.setattr(Received, "check", slow)
        assert pull(other, str(store.path)).how == "joined"
        names = {c.name for c in ObjectStore(other.path).view().components("lab")}
        assert names == ({"a", "b", "c0"} if diverged else {"a", "c0"})


def a_run(store: ObjectStore, started: str) -> str:
    """Publish a run, the reference of its key where there is none; gives its id."""
    lock = "a lock"
    digest = hashlib.sha256(lock.encode()).hexdigest()
    made = Run("run", "lab:program:a@=1.0.0", "00", digest, started, "ok", 0, key="abcd")
    known: list[str] = []

    def put(change: LogEdit, writer: PackWriter) -> None:
        known.append(change.put_run(made, lock))
        if not store.view().reference("abcd"):
            change.put_reference("abcd", known[0])

    forge(store, put)
    return known[0]


def _verb(store: ObjectStore, oid: str) -> str:
    operation = store.view(oid).operation()
    return operation.verb if operation else ""


def _only_release(store: ObjectStore) -> Release:
    [line] = store.view().components("lab")
    return store.view().release("lab", line.uid, line.newest)


def act(store: ObjectStore, what: str, name: str, version: str, scratch: Path) -> None:
    """Publish something; what cannot be done now is left."""
    newest = read_head(store.path)[:12]
    with contextlib.suppress(CkstoreError):
        if what == "release":
            release(store, scratch / "x", name, f"{name} {version}", version)
        elif what == "undo":
            operation = store.view().operation()
            if operation is not None and operation.verb in ("add", "undo", "yank", "unyank"):
                undo(store, newest)
        elif what == "yank":
            yank(store, f"lab:program:{name}@={version}", "broken")
        elif what == "unyank":
            unyank(store, f"lab:program:{name}@={version}")
        else:
            import_bundle(store, scratch / "lock.bundle")


def exchange(store: ObjectStore, other: Path) -> None:
    """A pull, after which the log here is as good as any, and forgot nothing."""
    before = retired(store)
    pull(store, str(other))
    view = ObjectStore(store.path).view()
    digests = Digests(store.read_tree, store.read_blob, store.large_blob)
    Received(store, digests, lambda line: None).check(view.root)
    for (source, uid, version), digest in before.items():
        kept = view.retired(source, uid).get(version)
        assert (kept or view.release(source, uid, version)).digest == digest
    assert check(store).damage == ()


def retired(store: ObjectStore) -> dict[tuple[str, str, str], str]:
    view = store.view()
    return {
        (source, uid, version): was.digest
        for source, uid in view.retired_components()
        for version, was in view.retired(source, uid).items()
    }


class TestStoresThatPullFromEachOther:
    @settings(max_examples=12)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 1), st.sampled_from(["release", "undo", "yank", "unyank", "import"]),
                st.sampled_from("ab"), st.sampled_from(["1.0.0", "2.0.0"]),
                st.sampled_from(["", "one", "both at once"]),
            ),
            min_size=3, max_size=9,
        )
    )  # fmt: skip
    def test_come_to_hold_the_same_whatever_the_order(
        self, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, str, str, str]]
    ) -> None:
        folder = tmp_path_factory.mktemp("stores")
        maker = ObjectStore(folder / "maker")
        release(maker, folder / "x", "z")
        export_lock(maker, make_lock(maker, ["program:z"])[0], folder / "lock.bundle")
        pair = [ObjectStore(folder / "p"), ObjectStore(folder / "q")]
        for who, what, name, version, how in steps:
            act(pair[who], what, name, version, folder)
            if how == "one":
                exchange(pair[1 - who], pair[who].path)
            elif how:
                self.both_at_once(pair, folder)
        self.both_at_once(pair, folder)
        exchange(pair[0], pair[1].path)
        assert sources(pair[0]) == sources(pair[1])

    def both_at_once(self, pair: list[ObjectStore], folder: Path) -> None:
        """Without knowing of each other."""
        copies = [folder / "p2", folder / "q2"]
        for one, copy in zip(pair, copies, strict=True):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(one.path, copy)
        exchange(pair[0], copies[1])
        exchange(pair[1], copies[0])
        assert sources(pair[0]) == sources(pair[1])

    def test_that_met_at_the_same_time_do_not_bring_back_what_one_took_back_after(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        pair = [store, other]
        for name in "abcd":
            release(store, tmp_path / "x", name)
            release(other, tmp_path / "x", name + name)
            self.both_at_once(pair, tmp_path)
            undo(store, next(oid for oid, _ in store.operations() if _verb(store, oid) == "add"))
        exchange(other, store.path)
        exchange(store, other.path)
        assert {c.name for c in store.view().components("lab")} == {"aa", "bb", "cc", "dd"}

    def test_that_imported_the_same_file_are_joined_over_what_both_published_before(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        maker = ObjectStore(tmp_path / "maker")
        release(maker, tmp_path / "x", "z")
        export_lock(maker, make_lock(maker, ["program:z"])[0], tmp_path / "lock.bundle")
        release(store, tmp_path / "x", "a")
        yank(store, "lab:program:a@=1.0.0", "broken")
        pull(other, str(store.path))
        for target in (store, other):
            import_bundle(target, tmp_path / "lock.bundle")
        unyank(store, "lab:program:a@=1.0.0")
        pull(store, str(other.path))
        names = {c.name: c for c in store.view().components("lab")}
        assert store.view().yanks("lab", names["a"].uid) == {}

    def test_of_which_one_mirrored_later_take_the_longer_lines_and_go_on_from_there(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        upstream = Upstream(tmp_path / "lib.git")
        upstream.commit(native("program/p") | native("program/q"))
        mirror(store, upstream.url, name="lib")
        upstream.commit({"program/p/main.c": "two"})
        upstream.tag("v1")
        mirror(other, upstream.url, name="lib")
        pull(store, str(other.path))
        assert store.view().find(("sources", "lib")) == other.view().find(("sources", "lib"))
        upstream.commit({"program/q/": None})
        upstream.commit({"program/p/main.c": "three"})
        assert mirror(store, upstream.url, name="lib").releases == 1
        fresh = ObjectStore(tmp_path / "fresh")
        mirror(fresh, upstream.url, name="lib")
        assert store.view().find(("sources", "lib")) == fresh.view().find(("sources", "lib"))
        assert check(store).damage == ()

    def test_of_which_both_imported_something_newer_do_not_take_that_for_derived(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        upstream, maker = Upstream(tmp_path / "lib.git"), ObjectStore(tmp_path / "maker")
        upstream.commit(native("program/p"))
        for target in (store, other):
            mirror(target, upstream.url, name="lib")
        for target in (store, other):
            upstream.commit({"program/p/main.c": target.path.name})
            mirror(maker, upstream.url, name="lib")
            export_lock(maker, make_lock(maker, ["program:p"])[0], tmp_path / "newest.bundle")
            import_bundle(target, tmp_path / "newest.bundle")
        pull(store, str(other.path))
        [line] = store.view().components("lib")
        assert line.versions == ("1.0.1", "1.0.2", "1.0.0")
        assert underived(store.view(), store.view().source("lib"), line) == {"1.0.1", "1.0.2"}
        pull(other, str(store.path))
        assert sources(store) == sources(other)

    def test_keep_the_record_of_whoever_derived_a_release(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        upstream = Upstream(tmp_path / "lib.git")
        upstream.commit(native("program/p"))
        mirror(other, upstream.url, name="lib")
        [line] = other.view().components("lib")
        true = other.view().release("lib", line.uid, "1.0.0")
        known = other.view().source("lib")
        assert known is not None

        def put(change: LogEdit, writer: PackWriter) -> None:
            path = ("sources", "lib", "components", line.uid[:2], line.uid, "1.0.0", "record")
            said = replace(true, commit="ab" * 20, changes=("said",)).encode()
            change.put(path, TreeEntry(FILE, "record", writer.add("blob", said)))
            change.put_source(Source("lib", known.url, "git"))

        forge(other, put)
        mirror(store, upstream.url, name="lib")
        for first, second in ((store, other), (other, store)):
            assert pull(first, str(second.path)).how in ("joined", "followed", "unchanged")
        for target in (store, other):
            assert target.view().release("lib", line.uid, "1.0.0") == true

    @pytest.mark.parametrize("turned", [False, True])
    def test_that_yanked_the_same_keep_the_reason(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, turned: bool
    ) -> None:
        release(store, tmp_path / "x", "a")
        pull(other, str(store.path))
        yank(store, "program:a@=1.0.0", "" if turned else "wrong results")
        yank(other, "program:a@=1.0.0", "wrong results" if turned else "")
        pull(store, str(other.path))
        pull(other, str(store.path))
        [line] = store.view().components("lab")
        assert store.view().yanks("lab", line.uid)["1.0.0"].reason == "wrong results"
        assert sources(store) == sources(other)

    def test_mirror_on_from_lines_whose_history_stayed_in_the_other_store(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        upstream = Upstream(tmp_path / "lib.git")
        upstream.commit(native("program/p"))
        mirror(store, upstream.url, name="lib")
        pull(other, str(store.path))
        assert check(other).damage == ()
        assert mirror(other, upstream.url, name="lib").unchanged
        upstream.commit({"program/p/main.c": "two"})
        assert mirror(other, upstream.url, name="lib").releases == 1
        assert fsck(other) == []
        assert check(other).damage == ()
        held = [name for name in other.repo.references if name.startswith("refs/ckstore/mirrors/lib/")]
        assert held == ["refs/ckstore/mirrors/lib/head"]

    def test_know_that_a_later_history_is_elsewhere_though_an_earlier_one_is_here(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        upstream = Upstream(tmp_path / "lib.git")
        upstream.commit(native("program/p"))
        mirror(other, upstream.url, name="lib")
        pull(store, str(other.path))
        upstream.commit({"program/p/main.c": "two"})
        mirror(store, upstream.url, name="lib")
        release(other, tmp_path / "x", "mine")
        assert pull(other, str(store.path)).how == "joined"
        assert check(other).damage == ()


class TestAPush:
    def test_to_a_bare_repository_moves_its_log_and_others_pull_it(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        git("init", "--bare", tmp_path / "hub.git")
        release(store, tmp_path / "x", "a")
        release(other, tmp_path / "x", "b")
        assert push(store, str(tmp_path / "hub.git")).moved
        assert not push(store, str(tmp_path / "hub.git")).moved
        report = push(other, str(tmp_path / "hub.git"))
        assert (report.moved, report.pulled.how) == (True, "joined")
        assert pull(store, str(tmp_path / "hub.git")).head == read_head(other.path)
        assert git("rev-parse", "refs/ckstore/log", at=tmp_path / "hub.git").strip() == read_head(store.path)
        git("fsck", "--full", "--strict", at=tmp_path / "hub.git")

    def test_with_the_library_is_the_same(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        git("init", "--bare", tmp_path / "hub.git")
        release(store, tmp_path / "x", "a")
        release(other, tmp_path / "x", "b")
        assert push(store, str(tmp_path / "hub.git"), engine=LibraryGit()).moved
        assert push(other, str(tmp_path / "hub.git"), engine=LibraryGit()).moved
        assert git("rev-parse", "refs/ckstore/log", at=tmp_path / "hub.git").strip() == read_head(other.path)

    def test_to_a_store_makes_it_follow_and_an_empty_folder_becomes_one(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        release(store, tmp_path / "x", "a")
        release(other, tmp_path / "x", "b")
        assert push(store, str(other.path)).moved
        assert read_head(store.path) == read_head(other.path)
        (tmp_path / "backup").mkdir()
        assert push(store, str(tmp_path / "backup")).moved
        assert read_head(tmp_path / "backup") == read_head(store.path)

    def test_takes_in_whoever_was_quicker_and_tries_again(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        hub = tmp_path / "hub.git"
        git("init", "--bare", hub)
        release(store, tmp_path / "x", "a")
        release(other, tmp_path / "x", "b")

        class Slow(StockGit):
            """Somebody else pushes between our look at the log and our push."""

            waited = False

            def push(self, git: Path, url: RemoteUrl, spelling: str, refspec: str) -> str:
                if not self.waited:
                    self.waited = True
                    push(other, str(hub))
                return super().push(git, url, spelling, refspec)

        assert push(store, str(hub), engine=Slow(have_git)).moved
        assert {c.name for c in store.view().components("lab")} == {"a", "b"}
        assert git("rev-parse", "refs/ckstore/log", at=hub).strip() == read_head(store.path)

    def test_that_the_host_refuses_says_why(self, store: ObjectStore, tmp_path: Path, have_git: str) -> None:
        hub = tmp_path / "hub.git"
        git("init", "--bare", hub)
        hook = hub / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho only on Mondays >&2\nexit 1\n")
        hook.chmod(0o755)
        release(store, tmp_path / "x", "a")
        with pytest.raises(CkstoreError, match="only on Mondays") as caught:
            push(store, str(hub))
        assert caught.value.code == "push-refused"


def odd_record(change: LogEdit, writer: PackWriter) -> None:
    change.put(("sources", "odd", "source"), TreeEntry(FILE, "source", writer.add("blob", b"\x80")))


def other_name(change: LogEdit, writer: PackWriter) -> None:
    record = Source("else", "", "folder").encode()
    change.put(("sources", "odd", "source"), TreeEntry(FILE, "source", writer.add("blob", record)))


def odd_kind(change: LogEdit, writer: PackWriter) -> None:
    change.put_source(Source("odd", "", "magic"))


def wrong_digest(change: LogEdit, writer: PackWriter) -> None:
    tree = writer.add_tree([TreeEntry(FILE, "file", writer.add("blob", b"x"))])
    uid = "00000000000000aa"
    made = Release(uid, "program", "odd", "1.0.0", tree, "sha256:" + "0" * 64, "", "odd", "ck", "first")
    change.put_source(Source("odd", "", "folder"))
    change.put_component("odd", Component(uid, "program", "odd", ("program:odd",), ("1.0.0",)), [made])


def climbing_link(change: LogEdit, writer: PackWriter) -> None:
    tree = writer.add_tree([TreeEntry(0o120000, "link", writer.add("blob", b"../../x"))])
    uid = "00000000000000aa"
    made = Release(uid, "program", "odd", "1.0.0", tree, "sha256:" + "0" * 64, "", "odd", "ck", "first")
    change.put_source(Source("odd", "", "folder"))
    change.put_component("odd", Component(uid, "program", "odd", ("program:odd",), ("1.0.0",)), [made])


def unknown_entry(change: LogEdit, writer: PackWriter) -> None:
    change.put(("promises", "x"), TreeEntry(FILE, "x", writer.add("blob", b"x")))


def unsafe_name(change: LogEdit, writer: PackWriter) -> None:
    inner = writer.add_tree([TreeEntry(FILE, ".git", writer.add("blob", b"x"))])
    change.put(("runs", "ab"), TreeEntry(TREE, "ab", inner))


def wrong_kind(change: LogEdit, writer: PackWriter) -> None:
    tree = writer.add_tree([TreeEntry(FILE, "x", writer.add("blob", b"x"))])
    inner = writer.add_tree([TreeEntry(FILE, "file", tree)])
    change.put(("runs", "ab"), TreeEntry(TREE, "ab", inner))


def wrong_run(change: LogEdit, writer: PackWriter) -> None:
    inner = writer.add_tree([TreeEntry(FILE, "record", writer.add("blob", b"x"))])
    change.put(("runs", "ab", "abc"), TreeEntry(TREE, "abc", inner))


def lost_release(change: LogEdit, writer: PackWriter) -> None:
    change.remove(("sources", "lab"))


class TestAForgedLog:
    @pytest.mark.parametrize(
        ("put", "word"),
        [
            (odd_record, "no schema number"), (other_name, "something else"), (odd_kind, "something else"),
            (wrong_digest, "its files have the digest"), (climbing_link, "out of the component"),
            (unknown_entry, "newer ckstore"), (unsafe_name, "git keeps"), (wrong_run, "run"),
            (lost_release, "lost or changed"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("diverged", [False, True])
    def test_is_refused_and_nothing_of_it_stays(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, put: Put, word: str, diverged: bool
    ) -> None:
        release(store, tmp_path / "x", "a")
        pull(other, str(store.path))
        forge(store, put)
        if diverged:
            release(other, tmp_path / "x", "b")
        before = (read_head(other.path), packs(other))
        with pytest.raises((CorruptData, Conflict, Unsupported), match=word):
            pull(other, str(store.path))
        assert (read_head(other.path), packs(other)) == before
        assert list((other.path / "incoming").iterdir()) == []

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"\nauthor ", b"\nauthor >"), (b" +0000", b"0000000000000 +0000"), (b"\n\n", b"\n\na\0d"),
            (b"\ncommitter", b"\nby"),
        ],
    )  # fmt: skip
    def test_with_a_malformed_commit_is_refused(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, old: bytes, new: bytes
    ) -> None:
        release(store, tmp_path / "x", "a")
        head = read_head(store.path)
        with store.writer() as writer:
            forged = writer.add("commit", store.read(head)[1].replace(old, new))
            writer.finish()
        move_head(store.path, head, forged)
        with pytest.raises(CkstoreError) as caught:
            pull(other, str(store.path), engine=LibraryGit())
        assert caught.value.code in ("refused-content", "not-a-repository", "fetch-failed", "log-not-whole")
        assert read_head(other.path) == ""

    @pytest.mark.parametrize("library", [False, True])
    @pytest.mark.parametrize(
        ("put", "word"), [(unsafe_name, "git keeps"), (wrong_kind, "takes|not whole|not sent all")]
    )
    def test_with_something_unsafe_in_its_past_alone_is_refused(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path, put: Put, word: str, library: bool
    ) -> None:
        release(store, tmp_path / "x", "a")
        forge(store, put)
        forge(store, lambda change, writer: change.remove(("runs",)))
        with pytest.raises(CkstoreError, match=word):
            pull(other, str(store.path), engine=LibraryGit() if library else None)
        assert read_head(other.path) == ""

    def test_with_an_operation_in_its_past_that_cannot_be_read_is_refused(
        self, store: ObjectStore, other: ObjectStore, tmp_path: Path
    ) -> None:
        head = release(store, tmp_path / "x", "a")
        with store.writer() as writer:
            entries = {entry.name: entry for entry in store.read_tree(store.root_of(head))}
            entries["operation"] = TreeEntry(FILE, "operation", writer.add("blob", b"nothing"))
            root = writer.add_tree(entries.values())
            said = store.read(head)[1].replace(store.root_of(head).encode(), root.encode())
            forged = writer.add("commit", said)
            writer.finish()
        move_head(store.path, head, forged)
        release(store, tmp_path / "x", "b")
        with pytest.raises(CorruptData, match="operation"):
            pull(other, str(store.path))
        assert read_head(other.path) == ""
