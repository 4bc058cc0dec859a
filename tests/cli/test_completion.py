from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.cli.grammar import GRAMMAR
from ckstore.cli.main import main
from ckstore.cli.shells import SCRIPTS, fitting, split_line
from ckstore.index import beginnings
from ckstore.model.query import Query
from ckstore.operations.find import find, opened
from tests.cli.declared import declared
from tests.cli.session import Session
from tests.index.logdouble import line, release
from tests.operations.stores import publish

BREAKS = " \t\n\"'><=;|&(:@"  # as an interactive bash has them


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "store"
    publish(
        path,
        line(
            "one",
            release("program", "susan", "1.0.0"),
            release("program", "susan", "1.1.0", tags=("image", "pgm")),
        ),
        line("one", release("dataset", "a", tags=("image", "im age", "$(rm)"))),
        line("one", release("dataset", "gone", tags=("lost",)), withdrawn="d" * 40),
        line("prod", release("program", "sort", "2.0.0", tags=("image-gray",))),
    )
    monkeypatch.setenv("CKSTORE_STORE", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def complete(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The answer to a shell that breaks no words: what comes, then whole candidates without their help."""
    assert main(["__complete", "fish", "ckstore", *words]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    return [text.partition("\t")[0] for text in printed.out.splitlines()]


def bash(capsys: pytest.CaptureFixture[str], text: str) -> list[str]:
    assert main(["__complete", "bash", text, BREAKS]) == 0
    return capsys.readouterr().out.splitlines()


TABLE = [
    ("sho", ["words", "show"]),
    ("find --so", ["words", "--source", "--sort"]),
    ("find --sort na", ["words", "name"]),
    ("mirror --no-a", ["words", "--no-archived"]),
    ("completion ", ["words", "bash", "zsh", "fish"]),
    ("check --fail-on=w", ["words", "--fail-on=warning"]),
    ("show ", ["open", "dataset:", "program:", "one:", "prod:"]),
    ("show pro", ["open", "program:", "prod:"]),
    ("show su", ["words", "susan"]),
    ("show program:", ["words", "program:sort", "program:susan"]),
    ("show one:", ["open", "one:dataset:", "one:program:"]),
    ("show one:program:", ["words", "one:program:susan"]),
    ("show program:susan@", ["words", "program:susan@=1.1.0", "program:susan@=1.0.0"]),
    ("show one:program:susan@^1.1", ["words", "one:program:susan@^1.1.0"]),
    ("compile program:su", ["words", "program:susan"]),
    ("run --keep program:su", ["words", "program:susan"]),
    ("find prog", ["words", "program"]),
    ("find program", ["words", "program", "program:"]),
    ("find dataset susan prog", ["words", "program"]),
    ("find program[im", ["words", "program[im age", "program[image", "program[image-gray"]),
    ("find -t image,p", ["words", "image,pgm"]),
    ("find -t image,-im", ["words", "image,-im age", "image,-image-gray"]),
    ("find --tags=pgm|im", ["words", "--tags=pgm|im age", "--tags=pgm|image", "--tags=pgm|image-gray"]),
    ("find -k dataset|pr", ["words", "dataset|program"]),
    ("find --source o", ["words", "one"]),
    ("find -- --so", ["words"]),
    ("find --limit ", ["words"]),
    ("sources p", ["words", "prod"]),
    ("lock --project ", ["folders"]),
    ("import --lock ", ["files"]),
    ("import ", ["files"]),
    ("find --store=", ["folders"]),
    ("add --kind d", ["words", "dataset"]),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "expected"), TABLE)
def test_what_may_come_next(
    store: Path, capsys: pytest.CaptureFixture[str], typed: str, expected: list[str]
) -> None:
    assert complete(capsys, *typed.split(" ")) == expected


def test_metadata_offers_its_keys_and_values(session: Session) -> None:
    session.write("p/dataset/a/component.toml", 'tags = ["x"]\n[dataset]\nfiles = ["f"]\nlanguage = "c"\n')
    session("add", "p")
    ask = ("__complete", "zsh", "ckstore", "find", "--where")
    assert session(*ask, "dataset.l").out == "words\ndataset.language\t\n"
    assert session(*ask, "dataset.language=").out == "words\ndataset.language=c\t\n"


def test_an_index_that_lags_behind_is_caught_up(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    find(store, Query())
    publish(store, line("one", release("soft", "new")))
    assert complete(capsys, "show", "soft:") == ["words", "soft:new"]


def test_help_comes_with_commands_and_flags(store: Path, session: Session) -> None:
    assert session("__complete", "fish", "ckstore", "und").out == f"words\nundo\t{GRAMMAR['undo'][0]}\n"


@pytest.mark.parametrize("words", [[], ["bash"], ["fish", "ckstore", "show", "x"], ["other", "ckstore", ""]])
def test_nothing_is_said_where_something_is_wrong(session: Session, words: list[str]) -> None:
    answer = session("__complete", *words)
    assert answer.err == ""
    assert answer.out == ""


def test_bash_gets_what_follows_its_last_break_safe_to_be_typed(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bash(capsys, "ckstore show program:su") == ["words", "susan"]
    assert bash(capsys, "ckstore show program:susan@=1.1") == ["words", "1.1.0"]
    assert bash(capsys, "ckstore find -t 'image,im") == ["words", "image,im age", "image,image-gray"]
    assert bash(capsys, "ckstore find -t ") == [
        "words", "\\$\\(rm\\)", "im\\ age", "image", "image-gray", "pgm"
    ]  # fmt: skip
    assert fitting(["a:b"], "a:", "", "=") == ["a:b"]


def test_a_line_is_split_as_bash_does() -> None:
    assert split_line(r"ckstore find 'a b' c\ d") == (["ckstore", "find", "a b", "c d"], "")
    assert split_line('ckstore find "a b') == (["ckstore", "find", "a b"], '"')
    assert split_line("ckstore find ") == (["ckstore", "find", ""], "")


def test_many_candidates_are_cut_but_begin_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginnings, "MOST", 3)
    path = tmp_path / "store"
    publish(path, *(line("s", release("k", name)) for name in ("aa", "ab", "ac", "ad", "b")))
    with opened(path) as (index, _):
        for source in ("", "s"):
            assert beginnings.names(index, "", "k", source) == ["aa", "ab", "ac", "b"]
            assert beginnings.names(index, "a", "k", source) == ["aa", "ab", "ac", "ad"]


def test_what_is_offered_is_what_the_commands_declare() -> None:
    assert declared() == GRAMMAR, "run `python -m tests.cli.declared`"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_ask_the_quick_door(session: Session, shell: str) -> None:
    assert session("completion", shell).out == SCRIPTS[shell]
    assert f"__complete {shell} " in SCRIPTS[shell]


BASH = """
eval "$(ckstore completion bash)"
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:@'
COMP_WORDS=({words}) COMP_CWORD={last}
{line}
_ckstore_completion ckstore
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
TYPED = [
    ("ckstore show program : su", 4, "", ["susan"]),
    ("ckstore show program : su", 4, "COMP_LINE='ckstore show program:su' COMP_POINT=23", ["susan"]),
    (
        "ckstore find --tags image,p",
        3,
        "COMP_LINE='ckstore find --tags image,p' COMP_POINT=27",
        ["image,pgm"],
    ),
    ("ckstore fi", 1, "", ["find"]),
]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(("words", "last", "typed", "expected"), TYPED)
def test_bash_completes(store: Path, words: str, last: int, typed: str, expected: list[str]) -> None:
    script = BASH.format(words=words, last=last, line=typed)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "PATH": path}
    )
    assert run.stdout.splitlines() == expected
    assert run.stderr == ""
