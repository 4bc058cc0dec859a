"""What Collective Knowledge answers on repositories like its own: one case for each rule of its kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckstore.objects.store import ObjectStore
from ckstore.operations.access import access
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, ck

GCC, LLVM, F77, SUSAN, HEIR, REPO, POEM = (f"{n:016x}" for n in range(0xC1, 0xC8))
TOOLS = {
    **ck("soft", "compiler.gcc", GCC, json.dumps({
        "tags": ["compiler", "lang-c"], "soft_name": "GNU C compiler", "n": 10, "ok": True,
        "customize": {"env_prefix": "CK_GCC", "languages": ["C", "CPP"]},
    })),
    "soft/compiler.gcc/.cm/info.json": json.dumps({
        "data_name": "the gcc", "backup_module_uid": "5e1100048ab875d7",
        "control": {"iso_datetime": "2015-03-03T09:27:44.230000"},
    }),
    "soft/compiler.gcc/customize.py": "pass\n", "soft/compiler.gcc/sub/a.txt": "a\n",
    **ck("soft", "compiler.llvm", LLVM, json.dumps({
        "tags": ["compiler", "lang-c", "lang-cpp"], "customize": {"env_prefix": "CK_LLVM"},
    })),
    **ck("soft", "lib.f77", F77, json.dumps({"tags": ["lib"]})),
    **ck("program", "susan", SUSAN, json.dumps({"tags": ["image"], "vars": {"A": "1", "B": "2"}})),
    **ck("program", "heir", HEIR, json.dumps({"_base_entry": "susan", "vars": {"B": "3"}})),
    **ck("poem", "ode", POEM, json.dumps({"tags": ["verse"]})),
    "poem/ode/.cm/info.json": json.dumps({"backup_module_uid": "aaaabbbbccccdddd"}),
    ".ckr.json": json.dumps({
        "data_uoa": "tools", "data_uid": REPO, "data_name": "Tools",
        "dict": {"repo_deps": [{"repo_uoa": "web"}, {"repo_uoa": "analytics"}]},
    }),
}  # fmt: skip


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> ObjectStore:
    root = tmp_path_factory.mktemp("ck")
    up = Upstream(root / "tools.git")
    up.commit({**ck("soft", "lib.gone", "00000000000000d1"), **TOOLS})
    up.commit({"soft/lib.gone/": None, "soft/.cm/alias-a-lib.gone": None})
    store = ObjectStore(root / "store")
    mirror(store, up.url, name="tools")
    return store


def ask(store: ObjectStore, *words: str, folder: str = "/") -> dict[str, object]:
    return access(store, list(words), {}, folder)


def found(store: ObjectStore, *words: str) -> list[str]:
    answer = ask(store, *words)
    assert answer["return"] == 0, answer
    listed = answer["lst"]
    assert isinstance(listed, list)
    return [item["data_uoa"] for item in listed]


BOTH = ["compiler.gcc", "compiler.llvm"]


class TestSearch:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("soft --tags=compiler", BOTH),
            ("soft --tags=compiler,lang-cpp", ["compiler.llvm"]),
            ("soft --tags=compiler,nothing", []),
            ("soft --tags=COMPILER --ignore_case=yes", []),
            ("soft --tags=comp*", []),
            ("soft --tags=compiler,", []),
            ("soft:compiler.*", BOTH),
            ("soft:compiler.[a-h]*", ["compiler.gcc"]),
            ("soft:compiler.gcc", ["compiler.gcc"]),
            (f"soft:{GCC}", ["compiler.gcc"]),
            (f"{REPO}:5e1100048ab875d7:{GCC}", ["compiler.gcc"]),
            ("soft:nothing", []),
            ("soft:lib.gone", []),
            ("tools:so*:*77", ["lib.f77"]),
            ("t*:*:compiler.gcc", ["compiler.gcc"]),
            ("--tags=verse", ["ode"]),
            ("aaaabbbbccccdddd", ["ode"]),
            ("soft --search_string=True", ["compiler.gcc"]),
            ("soft --search_string=10", ["compiler.gcc"]),
            ("soft --search_string=CK_*", BOTH),
            ("soft --search_string=ck_* --ignore_case=yes", BOTH),
            ("soft:compiler.g* --search_string=* --tags=nothing", ["compiler.gcc"]),
            ("soft @@@{'search_dict':{'customize':{'env_prefix':'CK_GCC'}}}", ["compiler.gcc"]),
            ("soft @@@{'search_dict':{'customize':{'languages':['CPP']}}}", ["compiler.gcc"]),
            ("soft @@@{'search_dict':{'n':'10'}}", []),
            ("soft @@@{'search_dict':{'n':10}}", ["compiler.gcc"]),
            ("soft @@@{'search_flat_dict':{'##customize#languages@1':'CPP'}}", ["compiler.gcc"]),
            ("program @@@{'search_dict':{'vars':{'A':'1'}}}", ["heir", "susan"]),
            ("soft --search_by_name=*gcc", ["compiler.gcc"]),
            ("@@@{'data_uoa_list':['susan','ode']}", ["ode", "susan"]),
            ("soft:lib.* @@@{'module_uoa_list':['program']}", ["lib.f77"]),
            ("*:*s* @@@{'module_uoa_list':['program']}", ["susan"]),
            ("soft:compiler.* --add_if_date_before=2014", ["compiler.llvm"]),
            ("soft:compiler.* --add_if_date_after=2014", BOTH),
        ],
    )
    def test_every_filter_finds_what_the_kernel_finds(
        self, tools: ObjectStore, words: str, expected: list[str]
    ) -> None:
        assert found(tools, "search", *words.split()) == expected

    def test_a_text_is_compared_with_whole_values(self, tools: ObjectStore) -> None:
        assert found(tools, "search", "soft", "--search_string=GNU C compiler") == ["compiler.gcc"]
        assert found(tools, "search", "soft", "--search_string=GNU C") == []

    def test_a_limit_is_told_as_a_time_out(self, tools: ObjectStore) -> None:
        answer = ask(tools, "search", "soft", "--limit_size=2", "--out=json")
        assert answer["timed_out"] == "yes"
        assert found(tools, "search", "soft", "--limit_size=2") == BOTH

    def test_items_say_where_they_are_and_what_they_hold_when_asked(self, tools: ObjectStore) -> None:
        answer = ask(tools, "search", "soft:compiler.gcc", "--add_meta=yes", "--add_info=yes", "--out=json")
        listed = answer["lst"]
        assert isinstance(listed, list)
        [item] = listed
        assert (item["repo_uid"], item["module_uid"]) == (REPO, "5e1100048ab875d7")
        assert (Path(item["path"]) / "customize.py").is_file()
        assert item["meta"]["soft_name"] == "GNU C compiler" and item["info"]["data_name"] == "the gcc"


class TestNamed:
    def test_paths_end_in_source_kind_and_name_and_stay(self, tools: ObjectStore) -> None:
        answer = ask(tools, "find", "soft:compiler.gcc")
        assert str(answer["path"]).endswith("/tools/soft/compiler.gcc")
        assert answer["path_repo"] == ask(tools, "find", "repo:tools")["path"]
        many = ask(tools, "find", "soft:compiler.*")
        assert (many["number_of_entries"], many["data_uoa"]) == (2, "compiler.gcc")
        assert many["paths"][0] == answer["path"]  # type: ignore[index]  # a list

    def test_find_takes_tags_where_no_name_is(self, tools: ObjectStore) -> None:
        assert ask(tools, "find", "soft", "--tags=lang-cpp")["data_uoa"] == "compiler.llvm"
        assert ask(tools, "find", "soft:lib.f77", "--tags=nothing")["data_uoa"] == "lib.f77"

    def test_load_gives_what_is_inherited_and_what_is_written(self, tools: ObjectStore) -> None:
        answer = ask(tools, "load", "program:heir")
        assert answer["dict"] == {"tags": ["image"], "vars": {"A": "1", "B": "3"}}
        assert answer["dict_orig"] == {"_base_entry": "susan", "vars": {"B": "3"}}
        assert ask(tools, "load", "program:heir", "--ignore_inheritance=yes")["dict"] == answer["dict_orig"]

    def test_files_are_listed_without_metadata(self, tools: ObjectStore) -> None:
        answer = ask(tools, "list_files", "soft:compiler.gcc")
        assert answer["list"] == {"customize.py": {"size": 5}, "sub/a.txt": {"size": 2}}
        assert ".cm/meta.json" in ask(tools, "list_files", "soft:compiler.gcc", "--all")["list"]  # type: ignore[operator]  # a dict

    @pytest.mark.parametrize(
        ("words", "number", "error"),
        [
            ("find soft:nothing", 16, 'can\'t find path to CK entry "soft:nothing" (?:5e1100048ab875d7:?)'),
            ("find soft:COMPILER.gcc", 16, "can't find path"),
            ("find soft:nothing*", 16, "entry was not found"),
            ("load soft:comp*", 16, "can't find path"),
            ("find nothing:x", 16, 'can\'t find path to CK entry "module:nothing" (?:032630d041b4fd8a:?)'),
            ("search nothing", 16, '"module:nothing"'),
            ("find none:soft:x", 1, 'repository "none" was not found in the cache'),
            ("find repo:none", 1, 'repository "none" was not found in cache'),
            ("print_deps repo:none", 1, 'repository "none" was not found in the cache'),
            ("find soft", 1, "data UOA is not defined"),
            ("load soft", 1, "data UOA is not defined"),
            ("find :x", 1, "module UOA is not defined"),
            ("find a:b:c:d", 1, "unknown CID format"),
            ("no_such_action", 1, 'action "no_such_action" not found in kernel'),
            ("search soft @@@{", 1, "problem converting text to json"),
            ("search soft --search_dict=x", 1, "search_dict is no dictionary"),
            ("search soft @none.json", 16, "can't open file none.json"),
            ("path", 16, "repository is not detected in the current path"),
        ],
    )
    def test_what_is_missing_has_the_numbers_and_words_of_the_kernel(
        self, tools: ObjectStore, words: str, number: int, error: str
    ) -> None:
        answer = ask(tools, *words.split())
        assert answer["return"] == number and error in str(answer["error"])

    def test_kinds_of_the_kernel_are_known_though_nothing_has_them(self, tools: ObjectStore) -> None:
        assert found(tools, "search", "experiment") == []


class TestFolders:
    def test_a_caret_means_the_entry_of_the_folder(self, tools: ObjectStore) -> None:
        place = str(ask(tools, "find", "soft:compiler.gcc")["path"])
        for folder in (place, str(Path(place).resolve()), f"{place}/sub"):
            assert ask(tools, "find", "^", folder=folder)["path"] == place
        assert ask(tools, "find", "^compiler.llvm", folder=place)["data_uoa"] == "compiler.llvm"
        assert ask(tools, "find", "^program:susan", folder=place)["data_uoa"] == "susan"
        here = ask(tools, "path", folder=place)
        assert (here["repo_uid"], here["data_uid"]) == (REPO, GCC)

    def test_a_working_copy_is_known_by_its_descriptor(self, tools: ObjectStore, tmp_path: Path) -> None:
        (tmp_path / "soft" / "lib.f77").mkdir(parents=True)
        (tmp_path / ".ckr.json").write_text('{"data_uoa": "tools"}')
        assert ask(tools, "path", folder=str(tmp_path / "soft" / "lib.f77"))["data_uid"] == F77
        assert "data_uid" not in ask(tools, "path", folder=str(tmp_path / "soft"))


class TestRepositories:
    def test_needs_are_those_of_the_descriptor(self, tools: ObjectStore) -> None:
        answer = ask(tools, "print_deps", "repo:tools")
        assert answer["repo_deps"] == [{"repo_uoa": "web"}, {"repo_uoa": "analytics"}]

    def test_they_are_listed_and_loaded_like_entries(self, tools: ObjectStore) -> None:
        assert found(tools, "list", "repo") == ["tools"]
        loaded = ask(tools, "load", f"repo:{REPO}")
        assert (loaded["data_uoa"], loaded["data_name"]) == ("tools", "Tools")


def test_the_same_name_in_two_sources_is_told(tools: ObjectStore, tmp_path: Path) -> None:
    up = Upstream(tmp_path / "copy.git")
    up.commit({".ckr.json": '{"data_uoa": "copy"}', **ck("soft", "lib.f77", F77, "{}")})
    mirror(tools, up.url, name="copy")
    answer = ask(tools, "find", "soft:lib.f77")
    assert (answer["repo_uoa"], answer["also"]) == ("copy", ["tools:soft:lib.f77"])
    assert ask(tools, "find", "tools:soft:lib.f77")["repo_uoa"] == "tools"
