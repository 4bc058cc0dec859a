from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError, Conflict, CorruptData, InvalidInput, NotFound, Unavailable
from ckstore.model.locks import Lock
from ckstore.model.manifest import FILE, LOCK_FILE
from ckstore.objects.layout import remove_tree
from ckstore.objects.store import ObjectStore
from ckstore.operations import project as project_files
from ckstore.operations.add import add
from ckstore.operations.lock import LockReport, check_project, lock_project, make_lock
from ckstore.operations.snapshot import check_pins, snapshot, verify
from ckstore.operations.update import update_project
from tests.operations.folders import IS_ROOT, component, workshop, write

UID = "0123456789abcdef"


@pytest.fixture
def shop(store: ObjectStore, tmp_path: Path) -> Path:
    """The folder of the source ``shop``: a program and two data sets that are in the store."""
    folder = workshop(tmp_path / "shop")
    add(store, folder)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def versions(lock: Lock, source: str = "shop") -> dict[str, str]:
    return {pin.name: pin.version for pin in lock.pins if pin.source == source}


def release_again(store: ObjectStore, shop: Path) -> None:
    """New releases of everything in the shop, and one more data set."""
    write(shop, {"program/count/notes": "x", "dataset/long/notes": "x", "dataset/short/notes": "x"})
    component(shop / "dataset" / "extra", "dataset", "extra", tags="text", files={"text.txt": "a\n"})
    add(store, shop)


class TestWhatIsWritten:
    def test_the_manifest_gets_the_requirement_and_the_lock_pins_all_that_it_may_touch(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        report = lock_project(store, project, ["program:count"])
        assert (project / FILE).read_text() == 'requires = ["program:count"]\n'
        assert (project / LOCK_FILE).read_text() == report.lock.emit()
        assert report.written
        assert versions(report.lock) == {"count": "1.0.0", "long": "1.0.0", "short": "1.0.0"}
        assert report.lock.roots == (("program:count", "shop:program:count"),)
        pinned = {pin.component for pin in report.lock.pins}
        assert {"ckstore:module:program", "ckstore:soft:compiler.python"} <= pinned

    def test_comments_and_formatting_of_the_manifest_stay(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        text = '# ours\nrequires = [\n  "dataset:long",  # the big one\n]\n\n[sources]   # none yet\n'
        write(project, {FILE: text})
        lock_project(store, project, ["program:count"])
        expected = text.replace("one\n]", 'one\n  "program:count",\n]')
        assert (project / FILE).read_text() == expected

    def test_a_requirement_is_not_put_inside_a_table(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        write(project, {FILE: '[sources]\nother = "https://example.org/other"\n'})
        lock_project(store, project, ["program:count"])
        assert project_files.read_manifest(project).requires == ("program:count",)
        assert dict(project_files.read_manifest(project).sources) == {"other": "https://example.org/other"}

    def test_the_same_inputs_give_the_same_bytes_on_two_stores(self, tmp_path: Path) -> None:
        texts = []
        for name in ("here", "there"):
            store = ObjectStore(tmp_path / name / "store", who=name)
            if name == "there":  # made in another order, with another history
                add(store, component(tmp_path / "before", "dataset", "unrelated"))
            folder = workshop(tmp_path / name / "shop")
            add(store, folder)
            lock_project(store, tmp_path / name, ["program:count", "dataset[text]"])
            texts.append((tmp_path / name / LOCK_FILE).read_bytes())
        assert texts[0] == texts[1]

    def test_a_tag_query_and_a_pattern_as_roots_name_all_that_answer(
        self, store: ObjectStore, shop: Path
    ) -> None:
        for ask in ("dataset[text]", "dataset:*"):
            lock, _ = make_lock(store, [ask])
            assert lock.roots == ((ask, "shop:dataset:long"), (ask, "shop:dataset:short"))

    def test_nothing_to_lock_is_said(self, store: ObjectStore, project: Path) -> None:
        with pytest.raises(InvalidInput, match=r"there is no ckstore\.toml in") as caught:
            lock_project(store, project)
        assert caught.value.code == "nothing-to-lock"
        assert "`ckstore lock program:NAME` writes ckstore.toml" in caught.value.hints[0]
        write(project, {FILE: ""})
        with pytest.raises(InvalidInput, match=r"ckstore\.toml requires nothing"):
            lock_project(store, project)

    @pytest.mark.parametrize("name", [FILE, LOCK_FILE])
    def test_a_folder_where_a_file_belongs_is_told(
        self, store: ObjectStore, shop: Path, project: Path, name: str
    ) -> None:
        (project / name).mkdir()
        with pytest.raises(InvalidInput, match=rf"{re.escape(name)} is a folder") as caught:
            lock_project(store, project, ["program:count"])
        assert caught.value.code == "not-a-file" and caught.value.hints
        assert [path.name for path in project.iterdir()] == [name]

    def test_locking_again_writes_nothing(self, store: ObjectStore, shop: Path, project: Path) -> None:
        lock_project(store, project, ["program:count"])
        before = {path.name: path.stat().st_mtime_ns for path in project.iterdir()}
        assert not lock_project(store, project, ["program:count"]).written
        assert {path.name: path.stat().st_mtime_ns for path in project.iterdir()} == before


class TestGroups:
    def test_are_locked_with_everything_else(self, store: ObjectStore, shop: Path, project: Path) -> None:
        text = 'requires = ["dataset:long"]\n[groups]\ndev = ["dataset:short"]\n'
        (project / FILE).write_text(text)
        assert versions(lock_project(store, project).lock) == {"long": "1.0.0", "short": "1.0.0"}
        assert (project / FILE).read_text() == text
        assert check_project(store, project).notes == ()

    def test_get_requirements_and_everything_around_them_stays(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        (project / FILE).write_text('# ours\nrequires = []\n\n[sources]  # first wins\nshop = ""\n')
        lock_project(store, project, ["dataset:long"], group="dev")
        lock_project(store, project, ["dataset:short", "dataset:long@^1"], group="dev")
        assert (project / FILE).read_text() == (
            '# ours\nrequires = []\n\n[sources]  # first wins\nshop = ""\n\n'
            '[groups]\ndev = [\n    "dataset:long@^1",\n    "dataset:short",\n]\n'
        )
        assert versions(check_project(store, project).lock) == {"long": "1.0.0", "short": "1.0.0"}

    def test_of_a_project_without_a_manifest_begin_one(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        lock_project(store, project, ["dataset:long"], group="dev")
        assert project_files.read_manifest(project).groups == {"dev": ("dataset:long",)}
        assert check_project(store, project).lock.roots == (("dataset:long", "shop:dataset:long"),)

    def test_agree_on_one_release(self, store: ObjectStore, shop: Path, project: Path) -> None:
        release_again(store, shop)
        (project / FILE).write_text('requires = ["dataset:long"]\n[groups]\ndev = ["dataset:long@=1.0.0"]\n')
        assert versions(lock_project(store, project).lock) == {"long": "1.0.0"}

    def test_have_names_that_a_key_can_have(self, store: ObjectStore, shop: Path, project: Path) -> None:
        with pytest.raises(InvalidInput) as caught:
            lock_project(store, project, ["dataset:long"], group="a b")
        assert caught.value.code == "bad-group"
        assert list(project.iterdir()) == []


class TestPinsStay:
    def test_new_releases_do_not_move_pins_until_an_update(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        lock_project(store, project, ["program:count"])
        text = (project / LOCK_FILE).read_text()
        release_again(store, shop)
        check_project(store, project)
        report = lock_project(store, project)
        assert (report.written, report.changes) == (False, ())
        assert (project / LOCK_FILE).read_text() == text
        assert versions(update_project(store, project).lock) == {
            "count": "1.0.1", "long": "1.1.0", "short": "1.1.0", "extra": "1.0.0",
        }  # fmt: skip

    def test_a_new_requirement_does_not_move_the_pins_of_others(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        lock_project(store, project, ["program:count"])
        release_again(store, shop)
        report = lock_project(store, project, ["dataset:extra"])
        assert versions(report.lock) == {
            "count": "1.0.0", "long": "1.0.0", "short": "1.0.0", "extra": "1.0.0",
        }  # fmt: skip

    def test_a_pattern_keeps_what_it_named(self, store: ObjectStore, shop: Path, project: Path) -> None:
        lock_project(store, project, ["dataset:*"])
        release_again(store, shop)
        check_project(store, project)
        assert "extra" in versions(update_project(store, project).lock)

    def test_a_choice_at_run_time_that_had_nothing_stays_so_until_an_update(
        self, store: ObjectStore, shop: Path, tmp_path: Path, project: Path
    ) -> None:
        other = ObjectStore(tmp_path / "other")
        add(other, shop / "program" / "count")
        lock_project(other, project, ["program:count"])
        text = (project / LOCK_FILE).read_text()
        add(other, shop / "dataset" / "long")
        (note,) = check_project(other, project).notes
        assert "local:dataset:long has them now: take it with `ckstore update`" in note
        assert not lock_project(other, project).written
        assert (project / LOCK_FILE).read_text() == text
        assert "long" in versions(update_project(other, project).lock, "local")

    def test_each_program_keeps_its_own_answer_to_the_same_tags(
        self, store: ObjectStore, shop: Path, tmp_path: Path, project: Path
    ) -> None:
        other = ObjectStore(tmp_path / "other")
        add(other, shop / "program" / "count")
        lock_project(other, project, ["program:count"])
        again = tmp_path / "again"
        shutil.copytree(shop / "program" / "count", again)
        text = (again / "component.toml").read_text().replace('"count"', '"again"', 1)
        add(other, write(again, {"component.toml": text}))
        add(other, shop / "dataset" / "long")
        lock = lock_project(other, project, ["program:again"]).lock
        assert [pin.name for pin in lock.got("local:program:again", "text")] == ["long"]
        assert lock.got("local:program:count", "text") == []
        write(shop / "dataset" / "long", {"notes": "x"})
        add(other, shop / "dataset" / "long")
        add(other, shop / "dataset" / "short")
        check_project(other, project)
        assert lock_project(other, project).lock == lock

    def test_a_new_release_of_the_asker_is_answered_anew_with_the_pins_that_are_there(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        write(project, {FILE: 'requires = ["program:count@1.0.0"]\n'})
        lock_project(store, project)
        release_again(store, shop)
        write(project, {FILE: 'requires = ["program:count@1.0.1"]\n'})
        lock = lock_project(store, project).lock
        assert versions(lock) == {"count": "1.0.1", "long": "1.0.0", "short": "1.0.0"}

    def test_a_provider_that_lost_the_tag_upstream_stays_pinned_as_it_was(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        lock_project(store, project, ["program:count"])
        component(shop / "dataset" / "long", "dataset", "long", tags="prose")
        add(store, shop)
        check_project(store, project)
        report = update_project(store, project)
        assert versions(report.lock) == {"count": "1.0.0", "short": "1.0.0"}

    def test_a_tag_that_vanished_upstream_is_found_in_the_older_release(
        self, store: ObjectStore, shop: Path
    ) -> None:
        for name in ("long", "short"):
            component(shop / "dataset" / name, "dataset", name, tags="prose")
        add(store, shop)
        lock, _ = make_lock(store, ["program:count"])
        assert versions(lock) == {"count": "1.0.0", "long": "1.0.0", "short": "1.0.0"}

    def test_a_range_on_tags_reaches_older_releases(self, store: ObjectStore, shop: Path) -> None:
        component(shop / "dataset" / "long", "dataset", "long", tags="text", head='version = "2.0.0"')
        add(store, shop)
        lock, _ = make_lock(store, ["dataset[text]@^1"])
        assert versions(lock) == {"long": "1.0.0", "short": "1.0.0"}

    def test_withdrawn_components_lock_with_a_note(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        lock_project(store, project, ["program:count"])
        shutil.rmtree(shop / "program")
        add(store, shop)
        check_project(store, project)
        _, notes = make_lock(store, ["program:count"])
        assert notes == ("shop:program:count was withdrawn upstream; pinned all the same",)

    def test_renamed_components_lock_under_their_old_name_with_a_note(
        self, store: ObjectStore, tmp_path: Path, project: Path
    ) -> None:
        folder, head = tmp_path / "pear", f'uid = "{UID}"'
        add(store, component(folder, "dataset", "pear", head=head))
        lock_project(store, project, ["dataset:pear"])
        add(store, component(folder, "dataset", "quince", head=head))
        report = check_project(store, project)
        assert report.notes == ("local:dataset:pear is now called dataset:quince; pinned as it was",)
        lock, notes = make_lock(store, ["dataset:pear"])
        assert versions(lock, "local") == {"pear": "1.0.0"} and notes == report.notes
        by_uid, notes = make_lock(store, [UID])
        assert versions(by_uid, "local") == {"quince": "2.0.0"} and notes == ()
        older, _ = make_lock(store, [f"*:{UID}@^1"])
        assert older.roots == ((f"*:{UID}@^1", "local:dataset:pear"),)


class TestAmbiguity:
    @pytest.fixture
    def two(self, store: ObjectStore, tmp_path: Path) -> None:
        for name in ("east", "west"):
            folder = component(tmp_path / name / "pear", "dataset", "pear", head=f'uid = "{UID}"')
            add(store, write(folder, {"f": name}).parent)

    @pytest.mark.parametrize("ask", ["dataset:pear", f"dataset:{UID}", UID])
    def test_the_same_name_or_uid_in_two_sources_is_a_conflict_with_both_ways_out(
        self, store: ObjectStore, two: None, ask: str
    ) -> None:
        with pytest.raises(Conflict) as caught:
            make_lock(store, [ask])
        assert caught.value.code == "ambiguous"
        assert "east:dataset:pear@1.0.0 and west:dataset:pear@1.0.0" in caught.value.message
        assert "`east:dataset:pear`" in caught.value.hints[0]
        assert "[sources]" in caught.value.hints[1]

    def test_naming_the_source_is_a_way_out(self, store: ObjectStore, two: None) -> None:
        lock, _ = make_lock(store, ["west:dataset:pear"])
        assert lock.roots == (("west:dataset:pear", "west:dataset:pear"),)

    @pytest.mark.parametrize("first", ["east", "west"])
    def test_ordering_the_sources_is_a_way_out(
        self, store: ObjectStore, two: None, project: Path, tmp_path: Path, first: str
    ) -> None:
        write(project, {FILE: f'requires = ["dataset:pear"]\n[sources]\n{first} = "{tmp_path / first}"\n'})
        lock = lock_project(store, project).lock
        assert lock.roots == (("dataset:pear", f"{first}:dataset:pear"),)
        check_project(store, project)

    def test_what_is_locked_already_is_not_ambiguous(
        self, store: ObjectStore, project: Path, tmp_path: Path
    ) -> None:
        component(tmp_path / "west" / "pear", "dataset", "pear")
        add(store, tmp_path / "west")
        lock_project(store, project, ["dataset:pear"])
        component(tmp_path / "east" / "pear", "dataset", "pear")
        add(store, tmp_path / "east")
        check_project(store, project)
        assert [one.component for one in update_project(store, project).changes.changed] == []
        with pytest.raises(Conflict):
            make_lock(store, ["dataset:pear"])


class TestCheck:
    def test_it_passes_on_what_was_just_locked_and_changes_nothing(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        written = lock_project(store, project, ["program:count"])
        report = check_project(store, project)
        assert (report.written, report.lock) == (False, written.lock)

    def test_a_manifest_that_asks_for_more_is_out_of_date(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        lock_project(store, project, ["dataset:long"])
        write(project, {FILE: 'requires = ["dataset:long", "dataset:short"]\n'})
        with pytest.raises(Conflict, match="out of date: shop:dataset:short nothing → 1") as caught:
            check_project(store, project)
        assert caught.value.code == "lock-out-of-date"

    @pytest.mark.parametrize(
        ("edit", "code", "said"),
        [
            (lambda t: re.sub(r"sha256:\w{4}", "sha256:0000", t), "lock-mismatch", "has the digest"),
            (lambda t: t.replace("[[root]]", "# mine\n[[root]]", 1), "lock-not-canonical", "edited by hand"),
            (lambda t: _without_pin(t, "dataset:long"), "bad-lock", "is needed, but has no pin"),
            (lambda t: _reordered(t), "lock-not-canonical", "edited by hand"),
            (lambda t: t[: len(t) // 2], "bad-lock", "not valid TOML"),
            (lambda t: "", "bad-lock", "'lock = 1' is missing"),
            (lambda t: f"<<<<<<< ours\n{t}", "lock-in-conflict", "conflict markers"),
            (lambda t: t.replace("lock = 1", "lock = 2"), "newer-lock", "reads up to 1"),
            (lambda t: t.replace('version = "1.0.0"', 'version = "9.0.0"', 1), "release-not-here", "9.0.0"),
        ],
    )  # fmt: skip
    def test_a_lock_edited_by_hand_is_told_and_not_laid_out(
        self, store: ObjectStore, shop: Path, project: Path, edit: Callable[[str], str], code: str, said: str
    ) -> None:
        original = lock_project(store, project, ["program:count"]).lock
        text = edit((project / LOCK_FILE).read_text())
        (project / LOCK_FILE).write_text(text)
        with pytest.raises(CkstoreError) as caught:
            check_project(store, project)
        assert (caught.value.code, said in caught.value.message) == (code, True), caught.value.message
        assert caught.value.hints
        if code in ("lock-mismatch", "release-not-here"):
            with pytest.raises(CkstoreError) as caught:
                snapshot(store, Lock.parse(text))
            assert caught.value.code == code
        assert (project / LOCK_FILE).read_text() == text
        if code in ("lock-mismatch", "lock-not-canonical"):  # the hint that `ckstore lock` mends it is true
            assert lock_project(store, project).lock == original
            check_project(store, project)

    def test_a_damaged_lock_is_not_written_over_unless_its_pins_are_given_up(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        good = lock_project(store, project, ["program:count"]).lock
        write(project, {LOCK_FILE: "<<<<<<< ours\n"})
        with pytest.raises(InvalidInput) as caught:
            lock_project(store, project)
        assert any("delete it" in hint for hint in caught.value.hints)
        assert (project / LOCK_FILE).read_text() == "<<<<<<< ours\n"
        (project / LOCK_FILE).unlink()
        assert lock_project(store, project).lock == good

    def test_a_project_without_lock_is_told_so(self, store: ObjectStore, project: Path) -> None:
        with pytest.raises(NotFound, match=r"There is no ckstore\.lock"):
            check_project(store, project)


def _without_pin(text: str, name: str) -> str:
    blocks = text.split("\n\n")
    return "\n\n".join(block for block in blocks if f'component = "shop:{name}"' not in block)


def _reordered(text: str) -> str:
    head, *blocks = text.rstrip("\n").split("\n\n")
    return "\n\n".join([head, *reversed(blocks)]) + "\n"


class TestFailure:
    def test_nothing_is_written_when_there_is_no_solution(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        lock_project(store, project, ["program:count"])
        before = {path.name: path.read_bytes() for path in project.iterdir()}
        for ask in ("program:cuont", "program:count@^9", "soft[nothing-like-this]"):
            with pytest.raises(NotFound) as caught:
                lock_project(store, project, [ask])
            assert caught.value.hints
        assert {path.name: path.read_bytes() for path in project.iterdir()} == before

    def test_a_near_miss_is_suggested(self, store: ObjectStore, shop: Path) -> None:
        with pytest.raises(NotFound) as caught:
            make_lock(store, ["program:cuont"])
        assert caught.value.message == "You asked for program:cuont, but no component has this name."
        assert any("did you mean count" in hint for hint in caught.value.hints)

    def test_a_malformed_range_is_said(self, store: ObjectStore, shop: Path) -> None:
        with pytest.raises(InvalidInput, match="'banana' is not a version range"):
            make_lock(store, ["program:count@banana"])

    def test_a_folder_that_cannot_be_written_to_is_said(
        self, store: ObjectStore, shop: Path, project: Path
    ) -> None:
        if IS_ROOT:
            pytest.skip("nothing is read-only for root")
        project.chmod(0o555)
        with pytest.raises(Unavailable) as caught:
            lock_project(store, project, ["program:count"])
        assert caught.value.code == "file-not-writable"
        assert list(project.iterdir()) == []

    def test_a_disk_that_refuses_leaves_the_old_files(
        self, store: ObjectStore, shop: Path, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lock_project(store, project, ["dataset:long"])
        before = {path.name: path.read_bytes() for path in project.iterdir()}

        def refuse(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("ckstore.operations.project.os.fsync", refuse)
        with pytest.raises(Unavailable, match="No space left"):
            lock_project(store, project, ["dataset:short"])
        assert {path.name: path.read_bytes() for path in project.iterdir()} == before


class TestSnapshot:
    @pytest.fixture
    def locked(self, store: ObjectStore, shop: Path, project: Path) -> LockReport:
        return lock_project(store, project, ["program:count"])

    def test_it_lays_out_source_kind_and_name_even_when_the_source_is_gone(
        self, store: ObjectStore, shop: Path, locked: LockReport
    ) -> None:
        shutil.rmtree(shop)
        root = snapshot(store, locked.lock)
        assert (root / "shop" / "dataset" / "long" / "text.txt").read_text() == "one two three\n"

    def test_a_lock_from_elsewhere_brings_the_shipped_kinds_with_it(
        self, locked: LockReport, tmp_path: Path, shop: Path
    ) -> None:
        other = ObjectStore(tmp_path / "other")
        add(other, shop)
        assert (snapshot(other, locked.lock) / "ckstore" / "module" / "program" / "module.py").is_file()

    def test_a_lock_from_elsewhere_names_what_is_missing_and_where_to_get_it(
        self, locked: LockReport, tmp_path: Path
    ) -> None:
        with pytest.raises(NotFound) as caught:
            snapshot(ObjectStore(tmp_path / "other"), locked.lock)
        assert caught.value.code == "release-not-here"
        assert caught.value.hints == ("`ckstore add` the folder of shop again",)

    @pytest.mark.parametrize("key", ["tree", "digest", "uid", "component"])
    def test_a_pin_with_a_part_of_another_release_never_lays_out_other_bytes(
        self, store: ObjectStore, locked: LockReport, key: str
    ) -> None:
        text = locked.lock.emit()
        long, short = (
            next(b for b in text.split("[[pin]]") if f"dataset:{n}" in b.split("\n")[1])
            for n in ("long", "short")
        )
        value = re.search(rf"^{key} = .*$", short, re.MULTILINE)
        assert value is not None
        edited = text.replace(long, re.sub(rf"(?m)^{key} = .*$", lambda _: value[0], long))
        assert edited != text
        with pytest.raises(CkstoreError) as caught:
            snapshot(store, Lock.parse(edited))
        assert caught.value.code in ("lock-mismatch", "bad-lock", "release-not-here")

    def test_changed_files_are_detected_and_the_next_snapshot_heals(
        self, store: ObjectStore, locked: LockReport
    ) -> None:
        path = snapshot(store, locked.lock) / "shop" / "dataset" / "long" / "text.txt"
        path.chmod(0o644)
        path.write_text("other\n")
        with pytest.raises(CorruptData) as caught:
            verify(store, locked.lock, ["shop:dataset:long"])
        assert caught.value.code == "snapshot-changed"
        healed = snapshot(store, locked.lock) / "shop" / "dataset" / "long" / "text.txt"
        assert healed.read_text() == "one two three\n"
        verify(store, locked.lock, ["shop:dataset:long"])

    def test_it_is_checked_again_when_the_releases_are_others(
        self, store: ObjectStore, locked: LockReport, monkeypatch: pytest.MonkeyPatch, shop: Path
    ) -> None:
        checks: list[Lock] = []

        def counted(store: ObjectStore, lock: Lock) -> None:
            checks.append(lock)
            check_pins(store, lock)

        monkeypatch.setattr("ckstore.operations.snapshot.check_pins", counted)
        for _ in range(3):
            snapshot(ObjectStore(store.path), locked.lock)
        assert len(checks) == 1
        release_again(store, shop)
        snapshot(store, locked.lock)
        assert len(checks) == 2

    @pytest.mark.parametrize("lost", ["entry", "tree", "snapshot"])
    def test_what_is_gone_or_leads_elsewhere_is_made_anew_though_it_was_checked(
        self, store: ObjectStore, locked: LockReport, lost: str, tmp_path: Path
    ) -> None:
        root = snapshot(store, locked.lock)
        entry = root / "shop" / "dataset" / "long"
        if lost == "entry":
            entry.parent.chmod(0o755)
            entry.unlink()
            entry.symlink_to(tmp_path)
        else:
            remove_tree(entry.resolve() if lost == "tree" else root)
        again = snapshot(store, locked.lock) / "shop" / "dataset" / "long" / "text.txt"
        assert again.read_text() == "one two three\n"
