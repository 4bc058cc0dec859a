"""A version that means other files here than upstream's history gives costs its component, nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ckstore.errors import Conflict
from ckstore.model.records import Component
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from ckstore.operations.export_lock import export_lock
from ckstore.operations.import_bundle import import_bundle
from ckstore.operations.lock import make_lock
from ckstore.operations.mirror import mirror
from ckstore.operations.mirror_many import mirror_many
from ckstore.operations.mirror_update import jobs_of_update
from ckstore.operations.undo import undo
from tests.mirror.upstream import Upstream, all_bytes, lines, native, releases


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "up")
    made.commit(native("dataset/c", body="1") | native("dataset/d", body="1"))
    return made


def bundle(tmp_path: Path, up: Upstream, *asks: str) -> io.BytesIO:
    """What a store that mirrored ``up`` exports."""
    store, out = ObjectStore(tmp_path / "theirs"), io.BytesIO()
    mirror(store, up.url)
    export_lock(store, make_lock(store, asks)[0], out)
    out.seek(0)
    return out


def rewritten(up: Upstream, body: str) -> None:
    """Force-push another first commit."""
    up.files.clear()
    tree = up.commit(native("dataset/c", body=body) | native("dataset/d", body="1"))
    up.reset(up.commit_tree(up.root(tree), parents=[]), up.files)


@pytest.fixture
def leaked(store: ObjectStore, up: Upstream) -> str:
    """``store`` took back 1.0.1 of dataset:c, and upstream has other files for it; gives their digest."""
    mirror(store, up.url)
    first, files = up.head, dict(up.files)
    up.commit(native("dataset/c", body="secret"))
    mirror(store, up.url)
    digest = releases(store, "up", "dataset:c")[-1].digest
    undo(store)
    up.reset(first, files)
    up.commit(native("dataset/c", body="fixed"))
    return digest


def versions(store: ObjectStore, source: str = "up") -> dict[str, tuple[str, ...]]:
    return {name: component.versions for name, component in lines(store, source).items()}


class TestAVersionThatWasTakenBack:
    def test_stops_its_component_and_is_told_with_both_digests(
        self, store: ObjectStore, up: Upstream, leaked: str
    ) -> None:
        up.commit(native("dataset/d", body="2"))
        report = mirror(store, up.url)
        assert versions(store) == {"dataset:c": ("1.0.0",), "dataset:d": ("1.0.0", "1.0.1")}
        [problem] = report.problems
        other = ObjectStore(store.path.parent / "fresh")
        mirror(other, up.url)
        assert leaked in problem
        assert releases(other, "up", "dataset:c")[-1].digest in problem
        assert "dataset:c@1.0.1 was taken back here" in problem
        assert "--name" in problem and "undo the undo" in problem
        assert check(store).damage == ()

    def test_stops_it_for_good_whatever_upstream_does_while_the_others_go_on(
        self, store: ObjectStore, up: Upstream, leaked: str
    ) -> None:
        mirror(store, up.url)
        up.commit(native("dataset/c", body="x", tags="more"))  # another part of the version grows
        up.tag("v7")
        mirror(store, up.url)
        up.commit(native("dataset/c", body="1"))
        mirror(store, up.url)
        up.commit({"dataset/c/": None, **native("dataset/d", body="3")})
        assert len(mirror(store, up.url).problems) == 1
        assert versions(store) == {"dataset:c": ("1.0.0",), "dataset:d": ("1.0.0", "1.0.1")}
        assert lines(store, "up")["dataset:c"] == Component(
            lines(store, "up")["dataset:c"].uid, "dataset", "c", ("dataset:c",), ("1.0.0",)
        )

    def test_goes_on_when_the_undo_is_undone(self, store: ObjectStore, up: Upstream, leaked: str) -> None:
        mirror(store, up.url)
        undo(store)
        undo(store, next(oid for oid, _ in list(store.operations())[2:]))
        assert mirror(store, up.url).problems == ()
        found = releases(store, "up", "dataset:c")
        assert [release.version for release in found] == ["1.0.0", "1.0.1", "1.0.2"]
        assert found[1].digest == leaked

    def test_leaves_a_second_name_which_gets_what_every_other_mirror_has(
        self, store: ObjectStore, up: Upstream, leaked: str, tmp_path: Path
    ) -> None:
        mirror(store, up.url)
        mirror(store, up.url, name="again")
        fresh = ObjectStore(tmp_path / "fresh")
        mirror(fresh, up.url, name="again")
        assert all_bytes(store, "again") == all_bytes(fresh, "again")
        up.commit(native("dataset/d", body="4"))
        outcomes = mirror_many(store, jobs_of_update(store))
        assert [(o.source, o.report and o.report.releases) for o in outcomes] == [("again", 1), ("up", 1)]

    def test_of_a_plain_repository_costs_its_tag(self, store: ObjectStore, tmp_path: Path) -> None:
        plain = Upstream(tmp_path / "lib")
        plain.commit({"README.md": "x", "a.c": "1"})
        plain.tag("v1.0.0")
        mirror(store, plain.url)
        first, files = plain.head, dict(plain.files)
        plain.commit({"a.c": "secret"})
        plain.tag("v1.1.0")
        mirror(store, plain.url)
        undo(store)
        plain.reset(first, files)
        plain.commit({"a.c": "fixed"})
        plain.tag("v1.1.0")
        plain.commit({"a.c": "next"})
        plain.tag("v1.2.0")
        report = mirror(store, plain.url)
        assert versions(store, "lib") == {"repo:lib": ("1.0.0", "1.2.0")}
        assert report.problems[0].startswith("tag v1.1.0: repo:lib@1.1.0 was taken back here")


class TestAnImportedVersionThatUpstreamContradicts:
    @pytest.mark.parametrize("taken_back", [False, True])
    def test_stops_its_component_alone(
        self, store: ObjectStore, up: Upstream, tmp_path: Path, *, taken_back: bool
    ) -> None:
        rewritten(up, "forged")
        import_bundle(store, bundle(tmp_path, up, "dataset:c"))
        if taken_back:
            undo(store)
        rewritten(up, "honest")
        assert len(mirror(store, up.url).problems) == 1
        assert versions(store)["dataset:d"] == ("1.0.0",)
        up.commit(native("dataset/c", body="honest 2") | native("dataset/d", body="2"))
        [problem] = mirror(store, up.url).problems
        assert ("was taken back here" if taken_back else "is released here") in problem
        assert versions(store)["dataset:d"] == ("1.0.0", "1.0.1")
        assert versions(store).get("dataset:c", ()) == (() if taken_back else ("1.0.0",))


def test_without_a_clash_a_repository_has_one_name(store: ObjectStore, up: Upstream) -> None:
    mirror(store, up.url)
    with pytest.raises(Conflict) as caught:
        mirror(store, up.url, name="again")
    assert caught.value.code == "already-mirrored"
