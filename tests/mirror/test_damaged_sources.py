"""Local repositories that lack objects: what is whole is kept, the rest is named."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ckstore.errors import Unavailable
from ckstore.mirror.library_git import LibraryGit
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.server import serving
from tests.mirror.upstream import Upstream, ck, lines, native, releases

UID, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.git")


def fsck(store: ObjectStore) -> str:
    """What git says about the store; nothing where there is no git to ask."""
    if shutil.which("git") is None:
        return ""
    command = ["git", f"--git-dir={store.git}", "fsck", "--strict", "--no-dangling"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_a_release_that_lacks_a_file_is_left_out_and_named(store: ObjectStore, up: Upstream) -> None:
    up.commit({**ck("dataset", "a", UID, big="lost"), **ck("dataset", "b", OTHER)})
    first = up.head
    lost = up.blob(b"lost")
    up.commit(ck("dataset", "a", UID, big="found"))
    up.lose(lost)
    report = mirror(store, up.url)
    assert report.problems == (f"dataset/a@{first[:12]}: big: the object {lost} is missing in the source",)
    assert any("its history is not" in note for note in report.notes)
    assert [r.commit for r in releases(store, "up", "dataset:a")] == [up.head]
    assert lines(store, "up")["dataset:b"].versions == ("1.0.0",)
    source = store.view().source("up")
    assert source is not None
    assert source.history == 0
    assert not store.has(up.head)
    assert fsck(store) == ""


def test_what_is_missing_at_the_head_stays_a_problem_until_it_is_mended(
    store: ObjectStore, up: Upstream
) -> None:
    up.commit({**native("dataset/a"), "dataset/a/big": "lost"})
    up.lose(up.blob(b"lost"))
    first = mirror(store, up.url)
    assert first.total == 0
    assert "no component of it could be released" in first.notes
    assert first.releases == 0
    up.commit({"README.md": "unrelated"})
    assert mirror(store, up.url).problems == first.problems
    assert mirror(store, up.url).unchanged
    up.commit({"dataset/a/big": "here"})
    assert mirror(store, up.url).releases == 1
    assert fsck(store) == ""


def test_missing_metadata_is_a_problem_of_that_component_alone(store: ObjectStore, up: Upstream) -> None:
    up.commit({**ck("soft", "a", UID, '{"x": 1}'), **ck("soft", "b", OTHER)})
    up.lose(up.blob(b'{"x": 1}'))
    report = mirror(store, up.url)
    assert report.problems[0].startswith("soft/a: its metadata cannot be read")
    assert list(lines(store, "up")) == ["soft:b"]


def test_a_missing_folder_of_an_entry_stops_nothing_else(store: ObjectStore, up: Upstream) -> None:
    up.commit({**ck("soft", "a", UID, file="1"), **ck("soft", "b", OTHER)})
    tree = up.at("soft/a")
    up.commit({"soft/b/new": "2"})
    up.lose(tree)
    report = mirror(store, up.url)
    assert report.problems[0].startswith("soft/a: its metadata cannot be read")
    assert lines(store, "up")["soft:b"].versions == ("1.0.0", "1.0.1")


def test_an_unreadable_commit_is_passed_over(store: ObjectStore, up: Upstream) -> None:
    up.commit(native("program/a"))
    bad = up.commit(native("program/a", body="bad"))
    root = str(up.repo[bad].tree.id)
    up.commit(native("program/a", body="good"))
    up.lose(root)
    report = mirror(store, up.url)
    assert f"(root)@{bad[:12]}" in report.problems[0]
    assert lines(store, "up")["program:a"].versions == ("1.0.0", "1.0.1")


def test_a_shallow_clone_is_mirrored_from_where_it_begins(
    store: ObjectStore, up: Upstream, tmp_path: Path, have_git: str
) -> None:
    for number in range(4):
        up.commit(native("program/a", body=str(number)))
    shallow = tmp_path / "shallow"
    subprocess.run([have_git, "clone", "-q", "--depth=2", up.url, str(shallow)], check=True)
    report = mirror(store, str(shallow))
    assert any("is missing in the source" in note for note in report.notes)
    assert lines(store, "shallow")["program:a"].versions == ("1.0.0", "1.0.1")
    assert fsck(store) == ""


def test_a_linked_worktree_is_a_source(
    store: ObjectStore, up: Upstream, tmp_path: Path, have_git: str
) -> None:
    up.commit({**native("program/a"), "program/b/component.toml": "", "program/b/lost": "lost"})
    subprocess.run(
        [have_git, f"--git-dir={up.path}", "worktree", "add", "-q", str(tmp_path / "linked")], check=True
    )
    up.lose(up.blob(b"lost"))
    mirror(store, str(tmp_path / "linked"))
    assert list(lines(store, "linked")) == ["program:a"]


def test_a_truncated_file_of_a_damaged_source_is_named(store: ObjectStore, up: Upstream) -> None:
    up.commit({**native("program/a", body="a" * 5000), **native("program/b")})
    oid = up.at("program/a/main.c")
    path = up.path / "objects" / oid[:2] / oid[2:]
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[: len(data) // 2])
    report = mirror(store, up.url)
    assert report.problems[0].startswith("program/a@")
    assert list(lines(store, "up")) == ["program:b"]


def test_a_damaged_source_that_borrows_objects_is_read_with_them(
    store: ObjectStore, up: Upstream, tmp_path: Path
) -> None:
    up.commit({**native("program/a"), "program/a/lost": "lost"})
    up.commit(native("program/b"))
    up.lose(up.blob(b"lost"))
    other = Upstream(tmp_path / "other.git")
    (other.path / "objects" / "info" / "alternates").write_text("../../up.git/objects\n")
    (other.path / "refs" / "heads" / "main").write_text(f"{up.head}\n")
    mirror(store, other.url)
    assert list(lines(store, "other")) == ["program:b"]


class TestOverHttp:
    """A host that lost objects: git's own server stops in the middle of what it sends."""

    def test_what_the_host_can_still_read_is_mirrored_and_the_rest_is_named(
        self, store: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        up = Upstream(tmp_path / "served" / "up.git")
        for number in range(9):
            up.commit(
                {**native("program/a", body=f"{number}" * 300), "notes": "lost" if number == 3 else "kept"}
            )
            up.tag(f"v{number}")
        lost = up.blob(b"lost")
        up.lose(lost)
        with serving(tmp_path / "served") as server:
            report = mirror(store, f"{server.url}/up")
        assert f"the host cannot read the object {lost}" in report.notes
        assert any("is missing in the source" in note for note in report.notes)
        commits = [release.commit for release in releases(store, "up", "program:a")]
        assert commits == [str(up.repo.revparse_single(f"v{number}").id) for number in range(4, 9)]
        assert lines(store, "up")["program:a"].labels["v8"] == lines(store, "up")["program:a"].versions[-1]
        assert fsck(store) == ""

    def test_when_it_is_mended_the_rest_follows(
        self, store: ObjectStore, tmp_path: Path, have_git: str
    ) -> None:
        up = Upstream(tmp_path / "served" / "up.git")
        up.commit({**native("program/a"), "notes": "lost"})
        up.commit({**native("program/a", body="new"), "notes": "kept"})
        lost = up.blob(b"lost")
        up.lose(lost)
        with serving(tmp_path / "served") as server:
            assert mirror(store, f"{server.url}/up").releases == 1
            up.blob(b"lost")
            up.commit(native("program/a", body="newer"))
            report = mirror(store, f"{server.url}/up")
        assert report.releases >= 1
        source = store.view().source("up")
        assert source is not None
        assert source.history == 1
        assert store.has(lost)
        assert fsck(store) == ""

    @pytest.mark.parametrize("engine", ["git", "libgit2"])
    def test_when_the_head_itself_is_lost_it_says_so(
        self, store: ObjectStore, tmp_path: Path, have_git: str, engine: str
    ) -> None:
        up = Upstream(tmp_path / "served" / "up.git")
        up.commit({**native("program/a"), "notes": "lost"})
        up.lose(up.blob(b"lost"))
        with serving(tmp_path / "served") as server, pytest.raises(Unavailable) as caught:
            mirror(store, f"{server.url}/up", engine=LibraryGit() if engine == "libgit2" else None)
        assert caught.value.code == ("fetch-failed" if engine == "libgit2" else "damaged-source")
        assert store.view().sources() == []
