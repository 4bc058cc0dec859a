"""``impact``: who loses what when one release becomes another."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest

from ckstore.errors import NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.impact import impact
from ckstore.operations.mirror import mirror
from tests.operations.corpora import tools, users
from tests.operations.folders import component

RENAMED = ("soft:lib.fl@1.0.0", "@2.0.0")


@pytest.fixture
def corpus(store: ObjectStore, tmp_path: Path) -> ObjectStore:
    mirror(store, tools(tmp_path / "tools.git").url)
    mirror(store, users(tmp_path / "users.git").url)
    return store


def test_a_rename_names_those_in_other_sources_that_lose_their_need(corpus: ObjectStore) -> None:
    report = impact(corpus, *RENAMED)
    assert (report.old.name, report.new and report.new.name, report.meaning) == (
        "lib.fl", "lib.fastlin", "major")  # fmt: skip
    assert report.removed == ("env:CK_FL", "name:lib.fl", "tag:fast", "tag:fast-linear")
    lost = [(one.source, one.name, one.role, one.ask, one.missing) for one in report.of("lost")]
    assert lost == [
        ("users", "bench", "compile.library", "soft|package[fast,linear]", ("tag:fast",)),
        ("users", "solver", "compile.library", "soft|package[fast-linear,lib]", ("tag:fast-linear",)),
    ]
    assert report.concerned == report.of("lost")
    assert report.as_plain()["counts"] == {
        "lost": 2, "served": 0, "kept": 0, "components_that_lose": 2, "sources_that_lose": 1}  # fmt: skip


def test_with_one_reference_the_newest_release_is_compared_with_the_one_before(corpus: ObjectStore) -> None:
    assert impact(corpus, "soft:lib.fastlin") == impact(corpus, *RENAMED)


def test_a_former_name_tells_what_its_end_did(corpus: ObjectStore) -> None:
    assert impact(corpus, "soft:lib.fl") == impact(corpus, *RENAMED)
    assert impact(corpus, "soft:lib.fl", "soft:lib.fastlin") == impact(corpus, *RENAMED)


def test_releases_are_named_by_commits_of_their_source(store: ObjectStore, tmp_path: Path) -> None:
    up = tools(tmp_path / "tools.git")
    up.commit({"README": "nothing of the component changes"})
    mirror(store, up.url)
    mirror(store, users(tmp_path / "users.git").url)
    newest, _, _, first = commits = [str(one.id) for one in pygit2.Repository(str(up.path)).walk(up.head)]
    assert impact(store, f"soft:lib.fl@{first}", f"@{newest[:10]}") == impact(store, *RENAMED)
    with pytest.raises(NotFound, match="no version or tag"):  # its metadata could not be read then
        impact(store, f"soft:lib.fl@{commits[2]}", f"@{newest}")


def test_back_from_the_new_name_others_lose(corpus: ObjectStore) -> None:
    report = impact(corpus, "soft:lib.fastlin@2.0.0", "@1.0.0")
    assert [one.name for one in report.concerned] == ["plot"]


def test_a_withdrawal_takes_what_only_this_component_has(corpus: ObjectStore) -> None:
    report = impact(corpus, "soft:lib.fastlin", "-")
    assert report.new is None
    assert [(one.name, one.ask) for one in report.of("lost")] == [
        ("plot", "soft|package[fast-linear-library,lib]")]  # fmt: skip
    [served] = report.of("served")
    assert (served.name, served.role, served.by) == (
        "solver", "compile.math", ("tools:soft:lib.blas@=1.0.0",))  # fmt: skip
    assert not impact(corpus, "program:solver", "-").concerned


def test_what_another_component_has_is_served_by_it(corpus: ObjectStore, tmp_path: Path) -> None:
    component(tmp_path / "fork", "package", "fl-fork", tags="lib,linear,fast-linear")
    add(corpus, tmp_path / "fork")
    report = impact(corpus, *RENAMED)
    assert [one.name for one in report.of("lost")] == ["bench"]
    assert [(one.name, one.by) for one in report.of("served")] == [
        ("solver", ("local:package:fl-fork@=1.0.0",))]  # fmt: skip


def test_another_component_may_take_the_place(corpus: ObjectStore) -> None:
    report = impact(corpus, "soft:lib.fl@1.0.0", "soft:lib.blas")
    assert [(one.name, one.role) for one in report.concerned] == [
        ("bench", "compile.library"), ("solver", "compile.library")]  # fmt: skip


def test_needs_by_name_are_lost_by_a_rename_unless_their_range_admits_the_old_release(
    corpus: ObjectStore, tmp_path: Path
) -> None:
    for name, need in (
        ("by-name", "soft:lib.fl"),
        ("by-uid", "00000000000000a2"),
        ("pinned", "soft:lib.fl@^1"),
    ):
        component(tmp_path / name, "program", name, body=f'[needs]\nfl = "{need}"\n')
        add(corpus, tmp_path / name)
    report = impact(corpus, *RENAMED)
    fates = {one.name: (one.fate, one.missing) for one in report.concerned if one.source == "local"}
    assert fates == {"by-name": ("lost", ("name:lib.fl",)), "pinned": ("kept", ("name:lib.fl",))}


def test_a_first_release_has_nothing_to_be_compared_with(corpus: ObjectStore) -> None:
    with pytest.raises(NotFound, match="first release"):
        impact(corpus, "soft:lib.blas")
