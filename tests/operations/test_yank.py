from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ckstore.api import Store
from ckstore.cli.quick import try_find
from ckstore.errors import InvalidInput, NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.find import find_words
from ckstore.operations.keep import kept_lock
from ckstore.operations.lock import check_project, lock_project, make_lock
from ckstore.operations.show import show
from ckstore.operations.sources import sources
from ckstore.operations.update import update_project
from ckstore.operations.words import Words
from ckstore.operations.yank import unyank, yank
from tests.operations.folders import component, workshop, write

WHY = "it loses data"


@pytest.fixture
def shop(store: ObjectStore, tmp_path: Path) -> Path:
    """A source whose program has the versions 1.0.0, 1.0.1 and 1.0.2."""
    folder = workshop(tmp_path / "shop")
    add(store, folder)
    for text in ("x", "y"):
        write(folder, {"program/count/notes": text})
        add(store, folder)
    return folder


def found(store: ObjectStore, *words: str, **options: object) -> list[str]:
    hits = find_words(store.path, Words(words, **options)).hits  # type: ignore[arg-type]  # options of a test
    return [hit.version for hit in hits]


def locked(store: ObjectStore, ask: str = "program:count") -> str:
    lock, _ = make_lock(store, [ask])
    return lock.pin("shop:program:count").version


class TestWhatIsYanked:
    def test_a_version_names_exactly_one_release_and_a_range_all_that_it_admits(
        self, store: ObjectStore, shop: Path
    ) -> None:
        assert yank(store, "program:count@1.0.0").versions == ("1.0.0",)
        report = yank(store, "program:count@^1", WHY)
        assert report.versions == ("1.0.0", "1.0.1", "1.0.2")  # the first one got a reason
        assert report.operation == store.view().head
        again = yank(store, "program:count@>=1.0.1", WHY)
        assert (again.versions, again.unchanged, again.operation) == ((), ("1.0.1", "1.0.2"), "")

    def test_yanking_again_without_a_reason_keeps_the_one_that_was_given(
        self, store: ObjectStore, shop: Path
    ) -> None:
        yank(store, "program:count@1.0.0", WHY)
        again = yank(store, "program:count@1.0.0")
        assert (again.versions, again.operation) == ((), "")
        assert yank(store, "program:count@^1").versions == ("1.0.1", "1.0.2")
        uid = next(c.uid for c in store.view().components("shop") if c.name == "count")
        assert {version: found.reason for version, found in store.view().yanks("shop", uid).items()} == {
            "1.0.0": WHY, "1.0.1": "", "1.0.2": "",
        }  # fmt: skip

    def test_it_is_an_entry_beside_the_release_and_no_record_changes(
        self, store: ObjectStore, shop: Path
    ) -> None:
        before = store.view()
        report = yank(store, "program:count@1.0.2", f"{WHY}\n\x1b")
        after = store.view()
        assert after.component("shop", report.uid) == before.component("shop", report.uid)
        folder = ("sources", "shop", "components", report.uid[:2], report.uid, "1.0.2")
        for name in ("record", "tree"):
            assert after.find((*folder, name)) == before.find((*folder, name))
        yanked = after.yank("shop", report.uid, "1.0.2")
        assert yanked is not None and (yanked.reason, yanked.who) == (f"{WHY} \x1b", "A Tester")
        unyank(store, "program:count@1.0.2")
        assert store.view().yanks("shop", report.uid) == {}
        assert store.view().find(("sources",)) == before.find(("sources",))

    @pytest.mark.parametrize(
        ("reference", "kind", "code"),
        [
            ("program:count", InvalidInput, "no-version-named"),
            ("program[text]@1.0.0", InvalidInput, "no-version-named"),
            ("program:count@banana", InvalidInput, "bad-range"),
            ("program:count@7.0.0", NotFound, "no-version"),
            ("program:nosuch@1.0.0", NotFound, "no-component"),
        ],
    )
    def test_what_names_no_release_is_refused_and_nothing_is_published(
        self, store: ObjectStore, shop: Path, reference: str, kind: type[Exception], code: str
    ) -> None:
        head = store.view().head
        for ask in (yank, unyank):
            with pytest.raises(kind) as caught:
                ask(store, reference)
            assert getattr(caught.value, "code", "") == code
        assert store.view().head == head


class TestFind:
    def test_a_yanked_release_is_hidden_and_the_one_before_it_is_newest(
        self, store: ObjectStore, shop: Path
    ) -> None:
        yank(store, "program:count@1.0.2", WHY)
        assert found(store, "program") == found(store, "program:count") == ["1.0.1"]
        assert found(store, "program:c*@^1") == found(store, "program:count@^1") == ["1.0.1"]
        assert found(store, "program:c*", all_versions=True) == ["1.0.2", "1.0.1", "1.0.0"]
        assert found(store, yanked=True) == ["1.0.2"]
        unyank(store, "program:count@1.0.2")
        assert found(store, "program") == ["1.0.2"]
        assert found(store, yanked=True) == []

    def test_a_component_that_is_yanked_altogether_is_found_by_its_name_alone(
        self, store: ObjectStore, shop: Path
    ) -> None:
        yank(store, "program:count@^1", WHY)
        assert found(store, "program") == []
        assert found(store, "program:count") == ["1.0.2"]
        assert found(store, "program:count@=1.0.0") == ["1.0.0"]

    def test_the_quick_door_marks_what_is_yanked(
        self, store: ObjectStore, shop: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        yank(store, "program:count@1.0.2", WHY)
        found(store)
        assert try_find(["program", "--all-versions", "--store", str(store.path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [" (yanked)" in line for line in lines] == [True, False, False]
        assert try_find(["--yanked", "--json", "--store", str(store.path)]) == 0
        [hit] = json.loads(capsys.readouterr().out)
        assert (hit["version"], hit["yanked"]) == ("1.0.2", True)


class TestLocks:
    def test_nothing_is_newly_resolved_to_it(self, store: ObjectStore, shop: Path) -> None:
        yank(store, "program:count@1.0.2", WHY)
        assert locked(store) == "1.0.1"

    def test_what_has_it_keeps_it_and_is_told_why_it_should_not(
        self, store: ObjectStore, shop: Path, tmp_path: Path
    ) -> None:
        project = tmp_path / "project"
        project.mkdir()
        before = lock_project(store, project, ["program:count"])
        kept = kept_lock(store, "program:count")
        yank(store, "program:count@1.0.2", WHY)
        note = f"shop:program:count@1.0.2 was yanked: {WHY}; locked, so still used"
        after = lock_project(store, project)
        assert after.lock == before.lock
        assert note in after.notes
        assert note in check_project(store, project).notes
        again = kept_lock(store, "program:count")
        assert (again.lock, note in again.notes) == (kept.lock, True)
        updated = update_project(store, project)
        assert updated.lock.pin("shop:program:count").version == "1.0.1"
        assert not any("yanked" in text for text in updated.notes)

    def test_an_explanation_names_what_was_yanked_and_why(self, store: ObjectStore, shop: Path) -> None:
        yank(store, "program:count@1.0.2", f"{WHY}.")
        with pytest.raises(NotFound) as caught:
            locked(store, "program:count@>=1.0.2")
        assert caught.value.message == (
            "You asked for program:count@>=1.0.2, but shop:program:count has only 1.0.1, 1.0.0; "
            f"1.0.2 was yanked: {WHY}."
        )
        yank(store, "program:count@^1", WHY)
        with pytest.raises(NotFound, match=r"has none to choose; 1\.0\.2 was yanked"):
            locked(store)

    def test_tags_are_provided_by_what_is_left(self, store: ObjectStore, shop: Path) -> None:
        yank(store, "dataset:long@1.0.0", WHY)
        lock, _ = make_lock(store, ["program:count"])
        assert [pin.name for pin in lock.pins if pin.kind == "dataset"] == ["short"]
        with pytest.raises(NotFound, match="was yanked: it loses data"):
            yank(store, "dataset:short@1.0.0", WHY)
            make_lock(store, ["dataset[text]"])

    def test_a_second_source_takes_over_from_a_yanked_one(
        self, store: ObjectStore, shop: Path, tmp_path: Path
    ) -> None:
        component(tmp_path / "other" / "dataset" / "long", "dataset", "long", files={"a": "b"})
        add(store, tmp_path / "other")
        yank(store, "shop:dataset:long@^1", WHY)
        lock, _ = make_lock(store, ["dataset:long"])
        assert lock.roots == (("dataset:long", "other:dataset:long"),)


def test_show_and_sources_tell_the_reason(store: ObjectStore, shop: Path) -> None:
    yank(store, "program:count@1.0.2", WHY)
    view = show(store, "program:count")
    assert (view.version, view.yanked) == ("1.0.1", "")
    assert view.versions[0].yanked and view.versions[0].yank_reason == WHY
    assert show(store, "program:count@=1.0.2").yanked == WHY
    [entry] = [entry for entry in sources(store) if entry.source.name == "shop"]
    assert entry.yanked == (f"program:count@1.0.2: {WHY}",)


def test_the_python_door_does_the_same(store: ObjectStore, shop: Path) -> None:
    door = Store(store.path)
    assert door.yank("program:count@1.0.2", WHY).as_plain()["versions"] == ["1.0.2"]
    assert [hit.version for hit in door.find(yanked=True)] == ["1.0.2"]
    assert door.unyank("program:count@1.0.2").versions == ("1.0.2",)


def test_stock_git_has_nothing_to_say(store: ObjectStore, shop: Path, have_git: str) -> None:
    yank(store, "program:count@1.0.2", WHY)
    unyank(store, "program:count@1.0.2")
    checked = subprocess.run(
        [have_git, "-C", str(store.git), "fsck", "--full", "--strict", "--no-dangling"],
        capture_output=True,
        check=True,
    )
    assert checked.stdout == b""
