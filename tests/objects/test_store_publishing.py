from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from ckstore.errors import Conflict, CorruptData, InvalidInput, NotFound
from ckstore.model.records import Component, Operation, Release, Source
from ckstore.objects.head import read_head
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from tests.objects.helpers import SOURCE, add, fsck, litter, make_folder, packs, read_everything, release

OPERATION = Operation("test", "ckstore test", "a test")


def nothing(writer: PackWriter) -> None:
    return None


def test_an_operation_publishes_everything_it_put(store: ObjectStore, tmp_path: Path) -> None:
    head = add(store, "susan", make_folder(tmp_path / "a", {"x.c": b"int x;", "run.sh*": b"#!"}))
    assert read_head(store.path) == head
    component = store.view().component(SOURCE, release(store, "susan").uid)
    assert component is not None
    assert (component.name, component.newest) == ("susan", "1.0.0")
    assert read_everything(store) == {"susan@1.0.0": release(store, "susan").digest}
    assert check(store).damage == ()


def test_an_operation_that_fails_at_its_end_publishes_nothing(store: ObjectStore, tmp_path: Path) -> None:
    head = add(store, "susan", make_folder(tmp_path / "a", {"x.c": b"1"}))

    def edit(view: LogView, change: LogEdit, _: object) -> None:
        change.put_source(Source("other", "", "folder"))
        raise InvalidInput("No.", code="no")

    with pytest.raises(InvalidInput):
        store.publish(OPERATION, lambda writer: writer.add("blob", b"lost"), edit)
    assert read_head(store.path) == head
    assert store.view().source("other") is None
    assert len(packs(store)) == 1
    assert litter(store) == []


def test_publishing_with_nothing_changed_moves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", {"x.c": b"1"})
    head = add(store, "susan", folder)
    assert add(store, "susan", folder) == head
    assert store.publish(OPERATION, nothing, lambda view, change, _: None) == head
    assert len(packs(store)) == 1


def test_the_log_is_a_chain_with_who_when_and_the_command(store: ObjectStore, tmp_path: Path) -> None:
    before = int(time.time())
    folder = make_folder(tmp_path / "a", {"x.c": b"1"})
    heads = [add(store, name, folder) for name in ("one", "two", "three")]
    found = list(store.operations())
    assert [head for head, _ in found] == heads[::-1]
    assert [commit.parents for _, commit in found] == [(heads[1],), (heads[0],), ()]
    assert all(commit.author == "A Tester" and before <= commit.time <= time.time() for _, commit in found)
    assert "ckstore add three" in found[0][1].message
    assert store.view().operation() == Operation("add", "ckstore add three", "three 1.0.0")


@pytest.mark.parametrize("who", ["", " ", "Ünï <x@y>\n", "a\0b", "..", "\ud800"])
def test_whoever_writes_the_log_git_accepts_the_commit(tmp_path: Path, have_git: str, who: str) -> None:
    if "\ud800" in who:
        who = "\udcff"  # a byte of an account name that is not UTF-8
    store = ObjectStore(tmp_path / "s", who=who)
    command = "ckstore add 'a\nb\0c\udcff'"
    store.publish(
        Operation("add", "x", "y"),
        nothing,
        lambda view, change, _: change.put_source(Source("a", command[:5], "x")),
    )
    assert fsck(store) == []


def test_an_earlier_head_still_shows_what_was_published_then(store: ObjectStore, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a", {"x.c": b"1"})
    first = add(store, "one", folder)
    second = add(store, "two", folder)
    assert [c.name for c in store.view(first).components(SOURCE)] == ["one"]
    uid = release(store, "two").uid
    assert store.view(second).changed_since(first) == [(SOURCE, uid)]
    assert len(store.view(second).changed_since("")) == 2
    assert store.view(second).changed_since(second) == []


def test_a_released_version_never_changes(store: ObjectStore, tmp_path: Path) -> None:
    head = add(store, "susan", make_folder(tmp_path / "a", {"x.c": b"1"}))
    digest = release(store, "susan").digest
    with pytest.raises(Conflict) as refused:
        add(store, "susan", make_folder(tmp_path / "b", {"x.c": b"2"}))
    assert refused.value.details["released"] == digest
    assert str(refused.value.details["new"]) in refused.value.message
    assert read_head(store.path) == head


def test_a_release_is_not_touched_by_other_words_about_the_same_files(
    store: ObjectStore, tmp_path: Path
) -> None:
    add(store, "susan", make_folder(tmp_path / "a", {"x.c": b"1"}))
    old = release(store, "susan")
    component = Component(old.uid, "program", "susan", ("program:susan",), ("1.0.0",), withdrawn="f" * 40)

    def edit(view: LogView, change: LogEdit, _: object) -> None:
        change.put_component(SOURCE, component, [replace(old, title="Another title")])

    store.publish(OPERATION, nothing, edit)
    assert release(store, "susan") == old
    assert store.view().component(SOURCE, old.uid) == component


@pytest.mark.parametrize("name", ["..", ".git", "a/b", "", "a\nb"])
def test_a_name_that_git_refuses_never_enters_the_log(store: ObjectStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.publish(
            OPERATION, nothing, lambda view, change, _: change.put_source(Source(name, "", "folder"))
        )
    assert read_head(store.path) == ""


def test_a_release_whose_files_were_not_added_is_refused(store: ObjectStore) -> None:
    missing = Release(
        "0" * 16, "program", "x", "1.0.0", "1" * 40, "sha256:" + "0" * 64, "", "", "ck", "first"
    )
    component = Component("0" * 16, "program", "x", ("program:x",), ("1.0.0",))
    with pytest.raises(NotFound):
        store.publish(
            OPERATION, nothing, lambda view, change, _: change.put_component(SOURCE, component, [missing])
        )
    assert read_head(store.path) == ""


def test_a_file_that_cannot_be_read_is_not_blamed_on_the_store(store: ObjectStore, tmp_path: Path) -> None:
    def prepare(writer: PackWriter) -> str:
        return writer.add_file(tmp_path / "gone", 3)

    with pytest.raises(Exception, match="gone cannot be read") as refused:
        store.publish(OPERATION, prepare, lambda view, change, _: None)
    assert getattr(refused.value, "code", "") == "file-not-readable"


def test_a_store_that_is_not_there_is_not_found_unless_it_may_be_created(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as refused:
        ObjectStore(tmp_path / "none", create=False)
    assert refused.value.hints
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_no_repository_is_damaged_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "s" / "objects.git" / "objects").mkdir(parents=True)
    with pytest.raises(CorruptData):
        ObjectStore(tmp_path / "s")


class TestHistory:
    def keep(self, store: ObjectStore, **tips: str) -> None:
        named = {name.replace("__", "/"): oid for name, oid in tips.items()}
        store.publish(OPERATION, nothing, lambda view, change, _: change.keep_history("up", named))

    def refs(self, store: ObjectStore) -> list[str]:
        prefix = "refs/ckstore/mirrors/up/"
        return sorted(name[len(prefix) :] for name in store.repo.references if name.startswith(prefix))

    def test_it_is_kept_by_refs_that_follow_upstream(self, store: ObjectStore, tmp_path: Path) -> None:
        head = add(store, "x", make_folder(tmp_path / "a", {"x": b"1"}))
        self.keep(store, heads__main=head, tags__v1=head)
        assert self.refs(store) == ["heads/main", "tags/v1"]
        self.keep(store, heads__main=head)
        assert self.refs(store) == ["heads/main"]

    def test_a_branch_may_become_a_folder_of_branches_and_back(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        head = add(store, "x", make_folder(tmp_path / "a", {"x": b"1"}))
        self.keep(store, heads__a=head)
        self.keep(store, heads__a__b=head)
        assert self.refs(store) == ["heads/a/b"]
        self.keep(store, heads__a=head)
        assert self.refs(store) == ["heads/a"]

    def test_a_lock_left_by_a_killed_process_is_taken_over(self, store: ObjectStore, tmp_path: Path) -> None:
        head = add(store, "x", make_folder(tmp_path / "a", {"x": b"1"}))
        self.keep(store, heads__a=head)
        (store.git / "refs/ckstore/mirrors/up/heads/a.lock").write_text(head + "\n")
        self.keep(store, heads__a=head)
        assert self.refs(store) == ["heads/a"]


def test_packs_of_a_quarantine_are_adopted_even_over_damaged_copies(
    store: ObjectStore, tmp_path: Path
) -> None:
    other = ObjectStore(tmp_path / "other")
    add(other, "x", make_folder(tmp_path / "a", {"x": b"content"}))
    [pack] = packs(other)
    damaged = store.git / "objects/pack" / pack.name
    damaged.write_bytes(b"")
    tree = release(other, "x").tree
    store.adopt_packs(other.git)
    assert store.read_tree(tree)[0].name == "x"
    assert not pack.exists()


class TestManyOperations:
    def test_leave_few_packs_and_lose_nothing(
        self, store: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        for number in range(120):
            add(store, f"c{number}", make_folder(tmp_path / f"{number}", {"x": b"%d" % number}))
        assert len(packs(store)) < 60
        assert len(read_everything(store)) == 120
        assert check(store).damage == ()
        assert fsck(store) == []

    def test_a_damaged_pack_is_not_folded_into_a_good_one(self, store: ObjectStore, tmp_path: Path) -> None:
        add(store, "bad", make_folder(tmp_path / "bad", {"x": b"some text"}))
        [pack] = packs(store)
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(bytes(data))
        for number in range(60):
            store.publish(
                OPERATION,
                nothing,
                lambda view, change, _, number=number: change.put_source(Source(f"s{number}", "", "x")),  # type: ignore[misc]  # a default binds the loop's value
            )
        assert pack.exists()
        assert len(packs(store)) < 20
        assert check(store).damage != ()
