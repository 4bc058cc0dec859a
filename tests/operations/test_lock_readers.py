"""What a lock holds and why, two locks compared, what is outdated, verified, laid out: no resolving."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from ckstore.errors import Conflict, NotFound, Unavailable
from ckstore.model.lockgraph import LockGraph
from ckstore.model.locks import Edge, Lock, Pin, SourcePin
from ckstore.objects.layout import remove_tree
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.lock import make_lock
from ckstore.operations.lock_diff import diff_locks, step_between
from ckstore.operations.lock_tree import lock_tree, why
from ckstore.operations.outdated import outdated
from ckstore.operations.snapshot import snapshot
from ckstore.operations.vendor import SUMS, checkout, vendor
from ckstore.operations.verify_lock import verify_lock
from ckstore.operations.yank import yank
from tests.objects.test_damaged_objects import damage_in_pack
from tests.operations.folders import IS_ROOT, component, make_executable, write


def pin(name: str, *needs: str) -> Pin:
    edges = tuple(Edge("x", f"soft:{need}", f"lab:soft:{need}") for need in needs)
    return Pin("lab", "soft", name, "0" * 16, "1.0.0", "1" * 40, "sha256:" + "2" * 64, needs=edges)


def drawn(roots: str, **needs: str) -> Lock:
    """A lock of a graph: ``a="b c"`` says that a needs b and c."""
    return Lock(
        tuple((f"soft:{name}", f"lab:soft:{name}") for name in roots.split()),
        (SourcePin("lab", "https://example.org/lab", "", 1),),
        tuple(pin(name, *asked.split()) for name, asked in needs.items()),
    )


SHARED = drawn("a b", a="c d", b="d", c="e", d="e", e="")


def lines(lock: Lock, *references: str, invert: bool = False) -> list[str]:
    return [
        f"{'.' * b.depth}{b.pin.name if b.pin else 'you'}{b.mark and f' {b.mark}'}"
        for b in lock_tree(lock, references, invert=invert).branches
    ]


class TestTree:
    def test_what_is_needed_stands_below_who_needs_it_and_is_spread_out_once(self) -> None:
        assert lines(SHARED) == ["a", ".c", "..e", ".d", "..e", "b", ".d above"]

    def test_inverted_who_needs_it_stands_below_up_to_the_user(self) -> None:
        assert lines(SHARED, "soft:e", invert=True) == [
            "e",
            ".c",
            "..a",
            "...you",
            ".d",
            "..a above",
            "..b",
            "...you",
        ]

    def test_circles_end_and_are_marked(self) -> None:
        assert lines(drawn("a", a="b", b="a")) == ["a", ".b", "..a cycle"]

    def test_a_chain_longer_than_pythons_stack_is_shown(self) -> None:
        chain = {f"n{i}": f"n{i + 1}" for i in range(3000)}
        assert len(lines(drawn("n0", **chain, n3000=""))) == 3001

    def test_required_by_is_the_inverse_of_needs(self) -> None:
        graph = LockGraph(SHARED)
        stated = {a for p in SHARED.pins for a in graph.needs(p.component)} | set(graph.roots)
        assert {a for p in SHARED.pins for a in graph.required_by(p.component)} == stated

    def test_everything_that_a_real_lock_pins_is_reached_from_its_roots(
        self, store: ObjectStore, lab: Path
    ) -> None:
        lock = make_lock(store, ["soft:app"])[0]
        branches = lock_tree(lock).branches
        assert {b.pin.component for b in branches if b.pin} == {p.component for p in lock.pins}


class TestWhy:
    def test_each_requirement_of_the_user_that_leads_there_is_told_by_its_shortest_way(self) -> None:
        (reason,) = why(drawn("a b", a="c d", b="c", c="d", d=""), "soft:d")
        assert [[asked.got[-1] for asked in path] for path in reason.paths] == [["a", "d"], ["b", "c", "d"]]
        assert [asked.asker[-1] for asked in reason.required_by] == ["a", "c"]

    def test_a_name_that_is_not_pinned_is_told_with_near_misses(self) -> None:
        with pytest.raises(NotFound) as caught:
            why(drawn("compiler", compiler=""), "soft:compilre")
        assert caught.value.code == "not-in-lock" and "compiler" in caught.value.hints[0]

    def test_a_pattern_means_all_that_fit(self) -> None:
        assert len(why(SHARED, "soft:*")) == 5


@pytest.fixture
def lab(store: ObjectStore, tmp_path: Path) -> Path:
    """``app`` needs ``base@^1``; what is locked then is followed by newer releases of everything."""
    folder = tmp_path / "lab"
    component(folder / "app", "soft", "app", tags="a,b", body='[needs]\nx = "soft:base@^1"\n')
    component(folder / "base", "soft", "base", tags="base", files={"data": "1\n"})
    add(store, folder, source="lab")
    return folder


@pytest.fixture
def lock(store: ObjectStore, lab: Path) -> Lock:
    return make_lock(store, ["soft:app"])[0]


def go_on(store: ObjectStore, lab: Path) -> None:
    write(lab / "base", {"data": "2\n"})
    add(store, lab, source="lab")  # base 1.0.1
    component(lab / "base", "soft", "base", tags="foundation")
    component(lab / "app", "soft", "app", tags="a,b,c", body='[needs]\nx = "soft:base@^1"\n')
    add(store, lab, source="lab")  # base 2.0.0, app 1.1.0


class TestOutdated:
    def test_how_far_the_ranges_let_a_pin_go_what_is_newest_and_why_it_is_held(
        self, store: ObjectStore, lab: Path, lock: Lock
    ) -> None:
        assert outdated(store, lock).outdated == ()
        go_on(store, lab)
        app, base = outdated(store, lock).outdated
        assert (app.pinned, app.wanted, app.newest, app.step) == ("1.0.0", "1.1.0", "1.1.0", "minor")
        assert (app.removed, app.added, app.held) == ((), ("tag:c",), ())
        assert (base.pinned, base.wanted, base.newest, base.step) == ("1.0.0", "1.0.1", "2.0.0", "major")
        assert base.removed == ("tag:base",) and base.held == ("lab:soft:app (x) asks for soft:base@^1",)

    def test_what_was_yanked_is_no_newer_release(self, store: ObjectStore, lab: Path, lock: Lock) -> None:
        go_on(store, lab)
        yank(store, "lab:soft:base@2.0.0", "broken")
        (_, base) = outdated(store, lock).outdated
        assert (base.wanted, base.newest, base.held) == ("1.0.1", "1.0.1", ())

    def test_tags_hold_a_pin_that_lost_them(self, store: ObjectStore, lab: Path) -> None:
        lock = make_lock(store, ["soft[base]"])[0]
        go_on(store, lab)
        (base,) = outdated(store, lock).outdated
        assert (base.wanted, base.held) == ("1.0.1", ("you ask for soft[base], and it lacks tag:base",))

    def test_components_that_the_store_does_not_have_are_named(self, store: ObjectStore) -> None:
        assert outdated(store, drawn("a", a="")).unknown == ("lab:soft:a",)


class TestDiff:
    def test_what_moved_came_and_went_with_what_that_changes_for_others(
        self, store: ObjectStore, lab: Path, lock: Lock
    ) -> None:
        go_on(store, lab)
        component(lab / "app", "soft", "app", tags="a,b,c", body='[needs]\ny = "soft:new"\n')
        component(lab / "new", "soft", "new")
        add(store, lab, source="lab")
        new = make_lock(store, ["soft:app@^1.1.1", "soft[foundation]"])[0]
        diff = diff_locks(store, lock, new)
        app, base = diff.changed
        assert (app.component, app.step, app.removed, app.added) == (
            "lab:soft:app", "minor", (), ("tag:c",)
        )  # fmt: skip
        assert (base.before, base.after, base.step) == ("1.0.0", "2.0.0", "major")
        assert (base.removed, base.known) == (("tag:base",), True)
        assert [one.component for one in diff.added] == ["lab:soft:new"]
        assert diff.added[0].asked == "lab:soft:app: soft:new"
        assert diff.roots == ("-soft:app", "+soft:app@^1.1.1", "+soft[foundation]")
        back = diff_locks(store, new, lock)
        assert [c.step for c in back.changed] == ["back", "back"]
        assert [one.component for one in back.removed] == ["lab:soft:new"]

    def test_without_a_store_the_versions_say_how_far_it_is(self, lock: Lock) -> None:
        text = lock.emit().replace('version = "1.0.0"', 'version = "1.2.0"', 1)
        (app,) = diff_locks(None, lock, Lock.parse(text)).changed
        assert (app.step, app.known) == ("minor", False)

    def test_the_same_lock_does_not_differ(self, store: ObjectStore, lock: Lock) -> None:
        diff = diff_locks(store, lock, Lock.parse(lock.emit()))
        assert diff.same
        assert not (diff.changed or diff.answered or diff.roots or diff.sources)

    def test_another_answer_to_the_same_requirement_is_a_difference(self) -> None:
        old, new = drawn("a", a="b", b="", c=""), drawn("a", a="b", b="", c="")
        moved = tuple(
            Pin(**{k: getattr(p, k) for k in Pin.__slots__} | {"needs": (Edge("x", "soft:b", "lab:soft:c"),)})
            if p.name == "a" else p for p in new.pins
        )  # fmt: skip
        (answered,) = diff_locks(None, old, Lock(new.roots, new.sources, moved)).answered
        assert (answered.before, answered.after) == (("lab:soft:b",), ("lab:soft:c",))

    @pytest.mark.parametrize(
        ("before", "after", "step"),
        [("1.9.0", "1.10.0", "minor"), ("1.0.0-rc.1", "1.0.0", "pre-release"), ("2.0.0", "1.0.0", "back"),
         ("1.0.0", "1.0.1", "patch"), ("1.0.0+a", "1.0.0+b", "other files")],
    )  # fmt: skip
    def test_a_step_is_told_by_precedence(self, before: str, after: str, step: str) -> None:
        assert step_between(before, after) == step


class TestVerify:
    def test_a_lock_is_verified_with_and_without_its_snapshot(self, store: ObjectStore, lock: Lock) -> None:
        report = verify_lock(store, lock)
        assert (report.snapshot, report.problems) == (False, ())
        snapshot(store, lock)
        assert verify_lock(store, lock).snapshot

    def test_every_pin_that_is_wrong_is_told_not_only_the_first(self, store: ObjectStore, lock: Lock) -> None:
        base, app = lock.pin("lab:soft:base"), lock.pin("lab:soft:app")
        text = lock.emit().replace(base.digest, "sha256:" + "0" * 64).replace(app.tree, "1" * 40)
        report = verify_lock(store, Lock.parse(text))
        assert [(p.component, p.code) for p in report.problems] == [
            ("lab:soft:app", "lock-mismatch"), ("lab:soft:base", "lock-mismatch")
        ]  # fmt: skip

    def test_pins_of_another_store_are_not_here_and_it_is_said_where_to_get_them(
        self, lock: Lock, tmp_path: Path
    ) -> None:
        report = verify_lock(ObjectStore(tmp_path / "other"), lock)
        assert {p.code for p in report.problems} == {"release-not-here"}
        assert all(p.hints for p in report.problems)

    def test_a_changed_snapshot_is_told_and_the_next_one_is_true_again(
        self, store: ObjectStore, lock: Lock
    ) -> None:
        file = snapshot(store, lock) / "lab" / "soft" / "base" / "data"
        file.chmod(0o644)
        file.write_text("mine\n")
        (problem,) = verify_lock(store, lock).problems
        assert (problem.component, problem.code) == ("lab:soft:base", "snapshot-changed")
        assert (snapshot(store, lock) / "lab" / "soft" / "base" / "data").read_text() == "1\n"
        assert verify_lock(store, lock).problems == ()

    def test_damaged_objects_are_found_although_the_records_are_right(
        self, store: ObjectStore, lock: Lock, have_git: str
    ) -> None:
        tree = lock.pin("lab:soft:base").tree
        [data] = [entry.oid for entry in store.read_tree(tree) if entry.name == "data"]
        damage_in_pack(store, data)
        [problem] = verify_lock(ObjectStore(store.path), lock).problems
        assert problem.component == "lab:soft:base"


class TestVendor:
    def test_all_files_lie_there_as_plain_ones_with_the_lock_and_their_digests(
        self, store: ObjectStore, lab: Path, tmp_path: Path
    ) -> None:
        write(lab / "base", {"run.sh": "#!/bin/sh\n", "odd name": "x"})
        make_executable(lab / "base" / "run.sh")
        os.symlink("data", lab / "base" / "link")
        add(store, lab, source="lab")
        lock = make_lock(store, ["soft:app"])[0]
        target = tmp_path / "vendored"
        report = vendor(store, lock, target)
        base = target / "lab" / "soft" / "base"
        assert (base / "data").read_text() == "1\n" and os.readlink(base / "link") == "data"
        assert os.access(base / "run.sh", os.X_OK) and not os.access(base / "data", os.X_OK)
        (base / "data").write_text("writable\n")
        (base / "data").write_text("1\n")
        assert (target / "ckstore.lock").read_text() == lock.emit()
        assert report.components == len(lock.pins)
        done = subprocess.run(["sha256sum", "-c", "--quiet", SUMS], cwd=target, check=False)
        assert done.returncode == 0
        digest = hashlib.sha256(b"1\n").hexdigest()
        assert f"{digest}  lab/soft/base/data\n" in (target / SUMS).read_text()
        assert [path.name for path in tmp_path.glob(".ckstore-vendor-*")] == []

    def test_a_folder_with_other_things_in_it_is_left_alone(
        self, store: ObjectStore, lock: Lock, tmp_path: Path
    ) -> None:
        mine = write(tmp_path / "mine", {"thesis.tex": "x"})
        for replace in (False, True):
            with pytest.raises(Conflict) as caught:
                vendor(store, lock, mine, replace=replace)
            assert caught.value.code == "not-empty"
        with pytest.raises(Conflict):
            checkout(store, lock, mine)
        assert [path.name for path in mine.iterdir()] == ["thesis.tex"]

    def test_what_was_vendored_before_is_replaced_when_that_is_asked_for(
        self, store: ObjectStore, lab: Path, lock: Lock, tmp_path: Path
    ) -> None:
        target = tmp_path / "vendored"
        target.mkdir()  # an empty folder is as good as none
        vendor(store, lock, target)
        with pytest.raises(Conflict, match="not empty"):
            vendor(store, lock, target)
        go_on(store, lab)
        new = make_lock(store, ["soft:app"])[0]
        vendor(store, new, target, replace=True)
        assert (target / "ckstore.lock").read_text() == new.emit()
        assert (target / "lab" / "soft" / "base" / "data").read_text() == "2\n"

    def test_a_wrong_digest_lays_nothing_out(self, store: ObjectStore, lock: Lock, tmp_path: Path) -> None:
        text = lock.emit().replace(lock.pin("lab:soft:base").digest, "sha256:" + "0" * 64)
        with pytest.raises(Conflict, match="has the digest"):
            vendor(store, Lock.parse(text), tmp_path / "vendored")
        assert not (tmp_path / "vendored").exists() and list(tmp_path.glob(".ckstore*")) == []

    def test_a_disk_that_refuses_half_way_leaves_what_was_there(
        self, store: ObjectStore, lock: Lock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = tmp_path / "vendored"
        vendor(store, lock, target)
        before = (target / SUMS).read_bytes()
        monkeypatch.setattr("ckstore.operations.vendor.shutil.copytree", _full)
        with pytest.raises(Unavailable, match="No space left"):
            vendor(store, lock, target, replace=True)
        assert (target / SUMS).read_bytes() == before and list(tmp_path.glob(".ckstore*")) == []

    def test_a_folder_that_cannot_be_written_to_is_said(
        self, store: ObjectStore, lock: Lock, tmp_path: Path
    ) -> None:
        if IS_ROOT:
            pytest.skip("nothing is read-only for root")
        (tmp_path / "closed").mkdir(mode=0o555)
        with pytest.raises(Unavailable):
            vendor(store, lock, tmp_path / "closed" / "vendored")


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


class TestCheckout:
    def test_the_components_lie_there_writable_and_nothing_else(
        self, store: ObjectStore, lock: Lock, tmp_path: Path
    ) -> None:
        target = tmp_path / "out"
        checkout(store, lock, target)
        assert {path.name for path in target.iterdir()} == {"lab", "ckstore"}
        write(target / "lab" / "soft" / "base", {"data": "mine\n", "more": "x"})
        assert verify_lock(store, lock).problems == ()
        remove_tree(target)
        assert verify_lock(store, lock).problems == ()

    def test_a_release_made_of_a_changed_copy_is_a_new_one(
        self, store: ObjectStore, lock: Lock, tmp_path: Path
    ) -> None:
        checkout(store, lock, tmp_path / "out")
        base = tmp_path / "out" / "lab" / "soft" / "base"
        write(base, {"data": "mine\n"})
        add(store, base, source="lab")
        assert [one.newest for one in outdated(store, lock).outdated] == ["1.0.1"]
