"""Command lines of Collective Knowledge: their grammar, what is printed, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.session import Session
from tests.operations.folders import entry, write

GCC, SUSAN = "00000000000000c1", "00000000000000c2"


@pytest.fixture
def tools(session: Session) -> Session:
    repository = session.folder / "tools"
    entry(
        repository, "soft", "compiler.gcc", GCC, {"tags": ["compiler", "lang-c"]}, {"customize.py": "pass\n"}
    )
    entry(repository, "program", "susan", SUSAN, {"tags": ["image"]})
    needs = {"data_uoa": "tools", "dict": {"repo_deps": [{"repo_uoa": "web"}]}}
    write(repository, {".ckr.json": json.dumps(needs)})
    session("add", str(repository))
    return session


class TestPrinted:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("search soft --tags=compiler", "tools:soft:compiler.gcc\n"),
            ("search soft --tags=nothing", ""),
            ("search soft:comp* --print_uid=yes", f"tools:soft:compiler.gcc ({GCC})\n"),
            ("list soft", "compiler.gcc\n"),
            ("list soft --all", "tools:soft:compiler.gcc\n"),
            ("ls soft --name", "compiler.gcc (compiler.gcc)\n"),
            ("list_tags *:*:*", "compiler\nimage\nlang-c\n"),
            ("list_files soft:compiler.gcc", "customize.py\n"),
            ("print_deps repo:tools", "web\n"),
            ("cid soft:compiler.gcc", f"5e1100048ab875d7:{GCC}\n"),
        ],
    )
    def test_text_is_that_of_ck(self, tools: Session, words: str, expected: str) -> None:
        assert tools("ck", *words.split()).out == expected

    def test_find_prints_paths_and_info_a_summary(self, tools: Session) -> None:
        path = tools("ck", "find", "program:susan").out.strip()
        assert path.endswith("/tools/program/susan") and (Path(path) / ".cm" / "meta.json").is_file()
        assert tools("ck", "info", "program:susan").out == (
            f"Path  =        {path}\n\nData alias =   susan\nData UID   =   {SUSAN}\n\n"
            "Module alias = program\nModule UID   = b0ac08fe1d3c2615\n"
        )

    def test_load_prints_json_with_sorted_keys(self, tools: Session) -> None:
        assert tools("ck", "load", "program:susan", "--min").out == (
            '{\n  "desc": {},\n  "dict": {\n    "tags": [\n      "image"\n    ]\n  }\n}\n'
        )
        assert tools("ck", "load", "program:susan").json["data_uid"] == SUSAN

    def test_json_is_the_answer_also_when_nothing_is_there(self, tools: Session) -> None:
        answer = tools("ck", "search", "soft", "--out=json").json
        assert (answer["return"], len(answer["lst"])) == (0, 1)
        answer = tools("ck", "find", "soft:none", "--out=json", code=16)
        assert answer.json["return"] == 16 and answer.err.startswith("CK error: [soft] can't find path")

    def test_answers_are_saved_or_set_apart(self, tools: Session) -> None:
        assert tools("ck", "list", "soft", "--out=json_file", "--out_file=x.json").out == ""
        assert json.loads((tools.folder / "x.json").read_text())["return"] == 0
        assert "out_file is not defined" in tools("ck", "list", "soft", "--out=json_file", code=1).err
        apart = tools("ck", "list", "soft", "--out=json_with_sep").out
        assert apart.startswith("*** ### --- CK JSON SEPARATOR --- ### ***\n{")

    def test_here_is_the_folder_of_the_shell(self, tools: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tools("ck", "find", "soft:compiler.gcc").out.strip()
        monkeypatch.chdir(path)
        assert tools("ck", "find", "^").out.strip() == path
        names = tools("ck", "path").out.splitlines()
        assert (names[0], names[2]) == ("soft:compiler.gcc", "tools:soft:compiler.gcc")
        monkeypatch.chdir("/")
        assert tools("ck", "path", code=16).err == (
            "CK error: repository is not detected in the current path!\n"
        )


class TestErrors:
    @pytest.mark.parametrize(
        ("words", "code"), [("find soft:none", 16), ("load soft", 1), ("find none:soft:x", 1), ("nothing", 1)]
    )
    def test_errors_go_to_standard_error_with_the_number_as_exit_code(
        self, tools: Session, words: str, code: int
    ) -> None:
        answer = tools("ck", *words.split(), code=code)
        assert answer.out == "" and answer.err.startswith("CK error: ")

    def test_without_a_store_the_error_is_for_people(self, session: Session) -> None:
        assert "There is no store" in session("ck", "find", "soft:x", code=10).err


class TestGrammar:
    def test_words_become_the_request(self, session: Session) -> None:
        line = "module b x:y r:m:d --flag --k=v --a.b=c -z -q=1 key=val eq=a=b --empty= -- rest --of"
        assert session("ck", "print_input", *line.split()).json == {
            "action": "print_input", "a.b": "c", "cid": "module", "cids": ["b", "x:y", "r:m:d"], "empty": "",
            "eq": "a=b", "flag": "yes", "k": "v", "key": "val", "module_uoa": "module", "out": "con",
            "q": "1", "unparsed": ["rest", "--of"], "z": "yes",
            "xcids": [
                {"return": 0}, {"return": 0, "module_uoa": "x", "data_uoa": "y"},
                {"return": 0, "repo_uoa": "r", "module_uoa": "m", "data_uoa": "d"},
            ],
        }  # fmt: skip

    def test_objects_are_merged_from_words_and_files(self, session: Session) -> None:
        session.write("more.json", '{"j": {"b": 2}, "s": "file"}')
        session.write("more.yaml", "j:\n  c: [x]\n")
        words = ("@@@{'j':{'a':1},'s':'x'}", "@more.json", "@more.yaml", "--s=y")
        answer = session("ck", "print_input", "module", *words).json
        assert (answer["j"], answer["s"]) == ({"a": 1, "b": 2, "c": ["x"]}, "y")

    def test_the_module_that_is_named_counts_more_than_that_of_the_name(self, session: Session) -> None:
        answer = session("ck", "print_input", "soft:x", "--module_uoa=program", "--data_uoa=y").json
        assert (answer["module_uoa"], answer["data_uoa"]) == ("program", "x")

    def test_json_output_wraps_what_is_printed(self, session: Session) -> None:
        answer = session("ck", "print_input", "--out=json").json
        assert json.loads(answer["html"]) == {
            "action": "print_input", "cids": [], "module_uoa": "", "out": "json", "xcids": [],
        }  # fmt: skip

    def test_the_store_may_be_named_anywhere(self, tools: Session, tmp_path: Path) -> None:
        assert tools("ck", "list", "soft", "--store", str(tmp_path / "none"), code=10).out == ""
        assert tools("ck", "--store", str(tmp_path / "store"), "list", "soft").out == "compiler.gcc\n"
