from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckstore.objects.store import ObjectStore
from ckstore.operations.access import access
from ckstore.operations.add import add
from ckstore.operations.kinds import ensure_kinds
from ckstore.operations.runs import runs
from tests.operations.folders import COUNT, PYTHON_PROGRAM, component, entry, write

UID = "0123456789abcdef"
MODULE_UID = "aaaabbbbccccdddd"
META = {"tags": ["image", "corner"], "n": 1.5}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    """One store for all tests that only ask: a repository of CK, and a program of ours."""
    root = tmp_path_factory.mktemp("access")
    store = ObjectStore(root / "store")
    repository = root / "old-repo"
    entry(repository, "program", "susan", UID, META)
    entry(repository, "program", "smallest", "fedcba9876543210", {"tags": "image,data"})
    entry(repository, "poem", "ode", "1111222233334444")
    entry(repository, "module", "poem", MODULE_UID)
    add(store, repository)
    component(root / "shop" / "count", "program", "count", body=PYTHON_PROGRAM, files={"count.py": COUNT})
    component(root / "shop" / "long", "dataset", "long", tags="text", files={"text.txt": "a b\n"})
    add(store, root / "shop")
    return store


def ask(store: ObjectStore, action: str, **request: object) -> dict[str, object]:
    return access(store, {"action": action, **request}, os.environ)


def listed(answer: dict[str, object]) -> list[str]:
    found = answer["lst"]
    assert isinstance(found, list)
    return [item["data_uoa"] for item in found]


class TestFind:
    def test_a_component_is_found_by_names_by_uids_and_by_cid(self, shared: ObjectStore) -> None:
        expected = ask(shared, "find", module_uoa="program", data_uoa="susan")
        assert expected["return"] == 0
        for request in (
            {"module_uoa": "b0ac08fe1d3c2615", "data_uoa": UID},
            {"cid": "program:susan"},
            {"cid": f"old-repo:program:{UID}"},
            {"repo_uoa": "old-repo", "module_uoa": "program", "data_uoa": "susan"},
        ):
            assert ask(shared, "find", **request) == expected
        names = ("repo_uoa", "module_uoa", "module_uid", "data_uoa", "data_uid", "data_alias", "data_name")
        assert {name: expected[name] for name in names} == {
            "repo_uoa": "old-repo", "module_uoa": "program", "module_uid": "b0ac08fe1d3c2615",
            "data_uoa": "susan", "data_uid": UID, "data_alias": "susan", "data_name": "susan",
        }  # fmt: skip
        assert (Path(str(expected["path"])) / ".cm" / "meta.json").is_file()

    def test_a_kind_is_named_by_the_uid_of_its_module_in_the_store(self, shared: ObjectStore) -> None:
        answer = ask(shared, "find", module_uoa=MODULE_UID, data_uoa="ode")
        assert (answer["module_uoa"], answer["module_uid"]) == ("poem", MODULE_UID)
        other = ask(shared, "find", module_uoa="dataset", data_uoa="long")
        assert other["module_uid"] == "8a7141c59cd335f5"  # the kernel's own

    @pytest.mark.parametrize("action", ["find", "load"])
    def test_what_is_not_there_is_16(self, shared: ObjectStore, action: str) -> None:
        answer = ask(shared, action, module_uoa="program", data_uoa="gone")
        error = 'can\'t find path to CK entry "program:gone" (?:b0ac08fe1d3c2615:?)'
        assert answer == {"return": 16, "error": error}


class TestLoadAndSearch:
    def test_load_gives_the_metadata_as_it_was_written(self, shared: ObjectStore) -> None:
        answer = ask(shared, "load", module_uoa="program", data_uoa="susan")
        assert (answer["return"], answer["dict"]) == (0, META)
        assert answer["info"] == {} and answer["desc"] == {}

    def test_search_takes_wildcards_tags_text_and_a_limit(self, shared: ObjectStore) -> None:
        assert listed(ask(shared, "search", module_uoa="program")) == ["smallest", "susan", "count"]
        assert listed(ask(shared, "search", module_uoa="program", data_uoa="s*")) == ["smallest", "susan"]
        assert listed(ask(shared, "search", tags="image,corner")) == ["susan"]
        assert listed(ask(shared, "search", tags=["image"])) == ["smallest", "susan"]
        assert listed(ask(shared, "search", search_string="corner")) == ["susan"]
        assert listed(ask(shared, "list", module_uoa="program", limit_size=1)) == ["smallest"]
        assert listed(ask(shared, "search", module_uoa="program", data_uoa="nothing")) == []
        assert ask(shared, "search", module_uoa="nothing")["return"] == 16

    def test_list_tags_gives_them_sorted(self, shared: ObjectStore) -> None:
        answer = ask(shared, "list_tags", module_uoa="program")
        assert answer == {"return": 0, "tags": ["corner", "data", "image"]}

    def test_the_shipped_kinds_do_not_show_unless_named(self, store: ObjectStore, tmp_path: Path) -> None:
        ensure_kinds(store)
        assert listed(ask(store, "search", module_uoa="soft")) == []
        assert "compiler.gcc" in listed(ask(store, "search", repo_uoa="ckstore", module_uoa="soft"))

    def test_answers_are_json(self, shared: ObjectStore) -> None:
        for action in ("find", "load", "search"):
            assert json.loads(json.dumps(ask(shared, action, cid="program:susan")))["return"] == 0


class TestActions:
    def test_a_program_runs_with_options_in_the_words_of_ck(self, shared: ObjectStore) -> None:
        answer = ask(
            shared, "run", module_uoa="program", data_uoa="count", cmd_key="default", repeat=2,
            dataset_uoa="long", env={"A": "1"}, out="con", **{"env.B": "2"},
        )  # fmt: skip
        assert answer["return"] == 0, answer
        characteristics = answer["characteristics"]
        assert isinstance(characteristics, dict)
        assert len(characteristics["execution_time"]) == 2
        assert answer["misc"] == {"run_success": "yes", "fail_reason": ""}
        record = next(entry.run for entry in runs(shared) if entry.id == answer["run"])
        assert {"A": "1", "B": "2"}.items() <= record.environment.items()

    def test_a_program_that_fails_is_1_with_the_reason(self, shared: ObjectStore) -> None:
        answer = ask(shared, "run", cid="program:count", cmd_key="fail")
        assert answer["return"] == 1
        assert "not enough values" in str(answer["error"])
        assert answer["misc"] == {"run_success": "no", "fail_reason": answer["error"]}

    def test_unknown_actions_and_options_are_1(self, shared: ObjectStore) -> None:
        assert ask(shared, "run", cid="program:count", no_such_option="x")["return"] == 1
        assert ask(shared, "rnu", cid="program:count")["return"] == 1

    @pytest.mark.parametrize(
        ("request_", "number", "error"),
        [
            ({}, 1, "action is not defined"),
            ({"action": "load"}, 1, "data UOA is not defined"),
            ({"action": "run", "module_uoa": "program"}, 1, "data UOA is not defined"),
            ({"action": "find", "cid": "a:b:c:d"}, 1, "unknown CID format"),
        ],
    )
    def test_requests_without_sense_say_what_is_missing(
        self, shared: ObjectStore, request_: dict[str, object], number: int, error: str
    ) -> None:
        assert access(shared, request_, {}) == {"return": number, "error": error}

    def test_a_store_without_content_answers_too(self, store: ObjectStore) -> None:
        answer = ask(store, "search")
        assert (answer["return"], answer["lst"]) == (0, [])
        assert ask(store, "find", cid="program:x")["return"] == 16
        assert ask(store, "run", cid="program:x")["return"] == 16


texts = st.sampled_from(
    ["", "*", "program", "susan", "a:b", "..", "-x", "a@b", "[", "x|y", UID, "\0", "\ud800", "é", "yes", "--"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(
    [
        "repo_uoa", "module_uoa", "data_uoa", "cid", "tags", "search_string", "limit_size", "env", "cmd_key",
        "speed", "arguments", "env.X", "repeat", "",
    ]
)  # fmt: skip
actions = st.sampled_from(["find", "load", "info", "search", "list", "ls", "list_tags", "run", "nothing"])


@settings(max_examples=250)
@given(st.dictionaries(keys, values, max_size=4), actions | values)
def test_no_request_however_odd_raises(shared: ObjectStore, rest: dict[str, object], action: object) -> None:
    answer = access(shared, {**rest, "action": action}, {})
    assert isinstance(answer["return"], int)
    assert (answer["return"] == 0) == ("error" not in answer)


@settings(max_examples=60)
@given(st.dictionaries(keys, values, max_size=4))
def test_no_option_however_odd_raises(shared: ObjectStore, options: dict[str, object]) -> None:
    request = {**options, "action": "run", "cid": "program:count", "no_such_option": "so that nothing is run"}
    names = {"repo_uoa": "shop", "module_uoa": "", "data_uoa": "", "tags": ""}
    answer = access(shared, {**request, **names}, {})
    assert answer["return"] == 1 and answer["error"]


@pytest.mark.parametrize(
    "odd", [{"limit_size": 10**5000}, {"limit_size": "9" * 5000}, {3: 4}, {"tags": object()}]
)
def test_values_that_no_json_holds_are_answered_too(shared: ObjectStore, odd: dict[str, object]) -> None:
    assert isinstance(access(shared, {"action": "search", "data_uoa": "gone", **odd}, {})["return"], int)


@pytest.mark.parametrize("request_", [None, [], "find", 3])
def test_what_is_no_dict_is_answered_too(shared: ObjectStore, request_: object) -> None:
    answer = access(shared, request_, {})  # type: ignore[arg-type]  # the point
    assert answer == {"return": 1, "error": "a request is a dict"}


def test_broken_metadata_in_the_store_is_an_answer(store: ObjectStore, tmp_path: Path) -> None:
    folder = component(tmp_path / "pear", "dataset", "pear")
    add(store, write(folder, {".cm/meta.json": "{", ".cm/info.json": "["}))
    answer = ask(store, "load", cid="dataset:pear")
    assert answer["return"] == 1 and "line 1" in str(answer["error"])
