"""Which repositories a repository names: every descriptor, every spelling, nothing fatal."""

from __future__ import annotations

import json

import pytest

from ckstore.mirror.readers.neighbours import RepositoryNeed, neighbours
from ckstore.mirror.trees import Trees
from ckstore.objects.store import ObjectStore
from tests.mirror.upstream import Upstream

UID = "a4705959af8e447a"


@pytest.fixture
def up(store: ObjectStore) -> Upstream:
    return Upstream(store.git)


def needed(store: ObjectStore, up: Upstream, **files: str) -> tuple[RepositoryNeed, ...]:
    names = {"ckr": ".ckr.json", "cmr": "cmr.yaml", "cmr_json": "cmr.json", "meta": "meta.yaml"}
    up.commit({names[key]: text for key, text in files.items()})
    return neighbours(Trees(store), up.at("")).needs


def test_a_repository_that_names_none_needs_none(store: ObjectStore, up: Upstream) -> None:
    assert needed(store, up, ckr="{}", cmr="alias: a\n", meta="uid: x\n") == ()
    assert neighbours(Trees(store), "").needs == ()


def test_ck_names_them_in_its_dict_or_at_the_top_also_as_mere_text(store: ObjectStore, up: Upstream) -> None:
    deps = [
        {"repo_uoa": "ck-env"},
        {"repo_uoa": "ck-math", "repo_uid": UID, "repo_url": "https://github.com/ctuning/ck-math"},
        {"repo_uoa": "octoml@mlops", "branch": "main"},
        {"repo_uoa": UID},
        "ck-web",
        {"repo_uoa": "ck-env"},
    ]
    expected = (
        RepositoryNeed("ck-env"),
        RepositoryNeed("ck-math", UID, "https://github.com/ctuning/ck-math"),
        RepositoryNeed("octoml@mlops", "", "https://github.com/octoml/mlops", "main"),
        RepositoryNeed("", UID),
        RepositoryNeed("ck-web"),
    )
    assert needed(store, up, ckr=json.dumps({"dict": {"repo_deps": deps}})) == expected
    assert needed(store, up, ckr=json.dumps({"repo_deps": deps, "dict": {}})) == expected


@pytest.mark.parametrize("file", ["cmr", "meta"])
def test_cm_and_mlc_name_them_by_alias_uid_and_address(store: ObjectStore, up: Upstream, file: str) -> None:
    text = f"""
deps:
  - alias: mlcommons@ck
    uid: {UID}
    conflict: True
  - alias: mlcommons@cm4mlops,9e97bb72b0474657
  - url: https://example.org/x.git
    checkout: abc
  - url: octoml@mlops
  - alias: plain
    uid: 1234567890123456
"""
    assert needed(store, up, **{file: text}) == (
        RepositoryNeed("mlcommons@ck", UID, "https://github.com/mlcommons/ck", conflict=True),
        RepositoryNeed("mlcommons@cm4mlops", "9e97bb72b0474657", "https://github.com/mlcommons/cm4mlops"),
        RepositoryNeed("", "", "https://example.org/x.git", "abc"),
        RepositoryNeed("", "", "https://github.com/octoml/mlops"),
        RepositoryNeed("plain", "1234567890123456"),
    )


def test_all_descriptors_at_the_root_count_once(store: ObjectStore, up: Upstream) -> None:
    one = '{"deps": [{"alias": "a@b"}]}'
    found = needed(
        store,
        up,
        cmr="deps: [{alias: a@b}]",
        cmr_json=one,
        ckr='{"dict": {"repo_deps": [{"repo_uoa": "c"}]}}',
    )
    assert [need.name for need in found] == ["a@b", "c"]


@pytest.mark.parametrize("deps", ["3", "{}", "[3, {}, null]", '[{"repo_uoa": {}}]', '{"a": []}', '"ck-env"'])
def test_wrong_shapes_are_never_fatal(store: ObjectStore, up: Upstream, deps: str) -> None:
    found = needed(store, up, ckr=f'{{"dict": {{"repo_deps": {deps}}}}}', cmr=f"deps: {deps}")
    assert {need.name for need in found} <= {"ck-env", "3"}


def test_a_broken_descriptor_is_told_and_the_others_are_read(store: ObjectStore, up: Upstream) -> None:
    up.commit({".ckr.json": "{,}", "cmr.yaml": "deps: [{alias: a@b}, {x: y}]", "meta.yaml/x": "a folder"})
    found = neighbours(Trees(store), up.at(""))
    assert [need.name for need in found.needs] == ["a@b"]
    assert found.problems == (
        "cmr.yaml: a repository is needed, but not named",
        ".ckr.json, line 1, column 2: not valid JSON (Expecting property name enclosed in double quotes).",
    )
