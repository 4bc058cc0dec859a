"""Version tags make the releases of a plain repository."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ckstore.mirror.tags import version_of
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import MirrorReport, mirror
from tests.mirror.upstream import Upstream, all_bytes, ck, lines, releases, steps


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.git")


def run(store: ObjectStore, up: Upstream) -> MirrorReport:
    return mirror(store, up.url)


def versions(store: ObjectStore) -> tuple[str, ...]:
    return lines(store, "up")["repo:up"].versions


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("1.2.3", "1.2.3"), ("v1.2.3", "1.2.3"), ("V1.2", "1.2.0"), ("release-1.2.3", "1.2.3"),
        ("release/v2.0.0", "2.0.0"), ("rel_1.0.0", "1.0.0"), ("version-3.1", "3.1.0"), ("up-1.4.0", "1.4.0"),
        ("Up/v1.4.0", "1.4.0"), ("v2.0.0-rc.1", "2.0.0-rc.1"), ("v2.0.0-RC1+b5", "2.0.0-RC1+b5"),
        ("2.0.0rc1", "2.0.0-rc.1"), ("v1.0b2", "1.0.0-beta.2"), ("2.34.0.dev1", "2.34.0-dev.1"),
        ("v1.2.0.alpha", "1.2.0-alpha.0"), ("v2023.04.01", "2023.4.1"),
    ],
)  # fmt: skip
def test_a_tag_that_states_a_version_is_read_so(tag: str, version: str) -> None:
    assert str(version_of(tag, "up")) == version


@pytest.mark.parametrize(
    "tag",
    [
        "20200404", "v1", "latest", "other-1.2.3", "1.2.3.4", "v1.2.3-01", "v1.2.3-", "1.2.x", "v1.2.3/x", "",
        "1.2.3 4", f"{10**9}.0.0", "v-1.2.3", "1.2.3.post1", "é1.2.3", "v１.２.３",
    ],
)  # fmt: skip
def test_any_other_tag_is_a_label_only(tag: str) -> None:
    assert version_of(tag, "up") is None


def test_the_tagged_commits_are_the_releases_and_nothing_else(store: ObjectStore, up: Upstream) -> None:
    up.commit({"solve.py": "0"})
    first = up.commit({"solve.py": "1"})
    up.tag("v0.9.0")
    up.commit({"solve.py": "2"})
    last = up.commit({"solve.py": "3"})
    up.tag("1.0.0", annotated=True)
    up.tag("stable")
    up.commit({"solve.py": "4"})
    report = run(store, up)
    assert steps(store, "up", "repo:up") == [("0.9.0", "explicit"), ("1.0.0", "explicit")]
    assert [release.commit for release in releases(store, "up", "repo:up")] == [first, last]
    assert lines(store, "up")["repo:up"].labels == {"1.0.0": "1.0.0", "stable": "1.0.0", "v0.9.0": "0.9.0"}
    assert "after the last version tag: 1;" in report.notes[0]
    assert report.problems == ()


def test_the_order_is_that_of_versions_whenever_a_tag_comes(tmp_path: Path, up: Upstream) -> None:
    at_once, in_steps = ObjectStore(tmp_path / "once"), ObjectStore(tmp_path / "steps")
    old = up.commit({"solve.py": "1"})
    up.tag("v1.0.0")
    up.commit({"solve.py": "2"})
    up.tag("v2.0.0")
    run(in_steps, up)
    up.tag("latest")
    run(in_steps, up)
    fix = up.commit_tree(up.root(old), "fix", branch="one", parents=[old])
    up.tag("v1.0.1", fix)
    run(in_steps, up)
    assert versions(in_steps) == ("1.0.0", "2.0.0")  # not on the default branch
    up.commit_tree(up.root(up.head), "merge", parents=[up.head, fix])
    run(in_steps, up)
    run(at_once, up)
    assert versions(in_steps) == ("1.0.0", "1.0.1", "2.0.0")
    assert all_bytes(in_steps, "up") == all_bytes(at_once, "up")


def test_of_two_tags_with_one_version_the_plain_spelling_wins(store: ObjectStore, up: Upstream) -> None:
    up.commit({"solve.py": "1"})
    up.tag("v1.0.0")
    up.tag("release-1.0.0")
    chosen = up.commit({"solve.py": "2"})
    up.tag("1.0.0")
    report = run(store, up)
    assert [release.commit for release in releases(store, "up", "repo:up")] == [chosen]
    assert len(report.problems) == 2
    assert report.problems[1].startswith("tag v1.0.0: its commit")
    assert f"than 1.0.0, which was released from {chosen[:12]} and stays" in report.problems[1]


def test_a_moved_tag_leaves_the_release_where_it_was(store: ObjectStore, up: Upstream) -> None:
    old = up.commit({"solve.py": "1"})
    up.tag("v1.0.0")
    run(store, up)
    up.commit({"solve.py": "2"})
    up.tag("v1.0.0")
    report = run(store, up)
    assert [release.commit for release in releases(store, "up", "repo:up")] == [old]
    assert any("v1.0.0 was moved" in note for note in report.notes)
    assert "and stays" in report.problems[0]
    up.commit({"solve.py": "3"})
    up.tag("v1.1.0")
    assert "and stays" in run(store, up).problems[0]
    assert versions(store) == ("1.0.0", "1.1.0")


def test_a_deleted_tag_takes_nothing_away(store: ObjectStore, up: Upstream) -> None:
    up.commit({"solve.py": "1"})
    up.tag("v1.0.0")
    run(store, up)
    up.repo.references.delete("refs/tags/v1.0.0")
    up.commit({"solve.py": "2"})
    assert run(store, up).problems == ()
    assert versions(store) == ("1.0.0",)


def test_the_first_tag_of_a_line_from_history_ends_its_history(store: ObjectStore, up: Upstream) -> None:
    up.commit({"solve.py": "1"})
    up.commit({"solve.py": "2"})
    up.tag("v0.1.0")
    run_before_tags = up.repo.references["refs/tags/v0.1.0"].target
    up.repo.references.delete("refs/tags/v0.1.0")
    run(store, up)
    assert versions(store) == ("1.0.0", "1.0.1")
    up.repo.references.create("refs/tags/v0.1.0", run_before_tags)
    up.commit({"solve.py": "3"})
    report = run(store, up)
    assert versions(store) == ("1.0.0", "1.0.1", "1.0.2")
    [problem] = report.problems
    assert problem.startswith("tag v0.1.0: not above 1.0.2, which was released before the repository had")
    up.commit({"solve.py": "4"})
    up.tag("v2.0.0")
    up.commit({"solve.py": "5"})
    run(store, up)
    up.commit({"solve.py": "6"})
    up.tag("v1.5.0")
    run(store, up)
    assert steps(store, "up", "repo:up")[2:] == [
        ("1.0.2", "patch"), ("1.5.0", "explicit"), ("2.0.0", "explicit")
    ]  # fmt: skip


def test_tags_of_a_repository_of_components_are_labels(store: ObjectStore, up: Upstream) -> None:
    up.commit(ck("program", "a", "0123456789abcdef"))
    up.tag("v3.0.0")
    run(store, up)
    assert list(lines(store, "up")) == ["program:a"]
    assert lines(store, "up")["program:a"].labels == {"v3.0.0": "1.0.0"}


def test_a_repository_that_turns_to_components_is_withdrawn_with_its_tags(
    store: ObjectStore, up: Upstream
) -> None:
    up.commit({"solve.py": "1"})
    up.tag("v1.0.0")
    turned = up.commit({**ck("program", "a", "0123456789abcdef"), "solve.py": None})
    up.tag("v2.0.0")
    run(store, up)
    component = lines(store, "up")["repo:up"]
    assert (component.versions, component.withdrawn) == (("1.0.0",), turned)


def test_an_unsafe_tree_is_told_with_its_tag(store: ObjectStore, up: Upstream) -> None:
    up.commit({"solve.py": "1", "odd\\name": "x"})
    up.tag("v1.0.0")
    up.commit({"odd\\name": None})
    up.tag("v1.0.1")
    report = run(store, up)
    assert versions(store) == ("1.0.1",)
    assert report.problems[0].startswith("tag v1.0.0: odd")


Step = tuple[str, str, bool]  # what, argument, mirror now
_steps = st.lists(
    st.tuples(
        st.sampled_from(["commit", "tag", "tag", "branch", "merge", "format"]),
        st.sampled_from(["v1.0.0", "v1.0.1", "1.1.0", "v2.0.0-rc.1", "v2.0.0", "other"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=10,
)


@settings(max_examples=10)
@given(_steps)
@example([("tag", "v1.0.0", True), ("format", "", False), ("tag", "v1.0.1", True), ("format", "", False)])
@example([("commit", "", False), ("format", "", True), ("format", "", False), ("tag", "v1.0.0", True)])
@example([("branch", "", True), ("format", "", True), ("tag", "v1.0.0", False), ("format", "", True)])
@example([("tag", "v2.0.0", True), ("branch", "", False), ("tag", "v1.0.0", True), ("merge", "", True)])
def test_in_steps_and_at_once_are_the_same_bytes(history: list[Step]) -> None:
    """As long as upstream moves forward: tags come, none moves, and the first is there from the beginning."""
    with tempfile.TemporaryDirectory() as folder:
        up = Upstream(Path(folder) / "up.git")
        in_steps, at_once = (ObjectStore(Path(folder) / name) for name in ("steps", "once"))
        side = up.commit({"solve.py": "0"})
        up.tag("v0.1.0")
        tagged: set[str] = set()
        for number, (what, name, now) in enumerate(history):
            files: dict[str, str | None] = {"solve.py": str(number)}
            if what == "branch":
                side = up.commit_tree(_with(up, f"side {number}"), branch=f"side{number}", parents=[side])
            elif what == "merge":
                up.commit_tree(_with(up, f"merge {number}"), parents=[up.head, side])
            elif what == "format":
                up.commit({".ckr.json": None if ".ckr.json" in up.files else "{}"})
            elif what == "commit":
                up.commit(files)
            elif name not in tagged:
                tagged.add(name)
                up.tag(name, side if number % 3 == 0 else up.head)
            if now:
                mirror(in_steps, up.url)
        mirror(in_steps, up.url)
        mirror(at_once, up.url)
        assert all_bytes(in_steps, "up") == all_bytes(at_once, "up")


def _with(up: Upstream, text: str) -> str:
    up.files["solve.py"] = (0o100644, up.blob(text.encode()))
    return up.write_tree()
