"""What reaches terminals, pipes and programs that read us."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.cli.app import INTERRUPTED, TERMINATED
from tests.cli.session import Session, repository

ESCAPES = "\x1b[31m\x1b]0;pwn\x07\x9b5m"


def hostile(session: Session) -> None:
    text = 'title = "T\\u001b[31mRED\\u001b]0;pwn\\u0007"\ndescription = "D\\u009b5m"\n[dataset]\n'
    session.write("h/dataset/odd/component.toml", text)
    session.write("h/dataset/odd/data.txt", "x")


def test_nothing_that_others_wrote_steers_the_terminal(session: Session) -> None:
    hostile(session)
    for words in (
        ["add", "h"],
        ["show", "dataset:odd"],
        ["find", "dataset", "-l"],
        ["lock", "dataset:odd"],
        ["log"],
    ):
        answer = session(*words)
        assert not any(character in answer.out + answer.err for character in "\x1b\x07\x9b"), words


def test_errors_that_quote_others_are_clean_too(session: Session) -> None:
    session.write("bad/dataset/x/component.toml", 'kind = "\\u001b[31m"\n')
    session.write("bad/dataset/y/component.toml", "[dataset]\n")
    answer = session("add", "bad")
    assert "\x1b" not in answer.out + answer.err


def test_with_json_a_failed_action_is_json_on_both_sides(session: Session) -> None:
    session("add", str(repository(session)))
    answer = session("run", "program:counter", "--cmd", "fail", "--json", code=1)
    assert answer.json["status"] == "failed"
    assert json.loads(answer.err)["error"] == "action-failed"


def test_with_json_notes_are_in_the_answer_and_not_on_stderr(session: Session) -> None:
    session("add", str(repository(session)))
    answer = session("run", "program:counter", "--json")
    assert answer.err == ""
    assert "the lock is kept" in answer.json["notes"][0]


def test_what_comes_after_two_dashes_reaches_the_program(session: Session) -> None:
    session("add", str(repository(session)))
    session("run", "program:counter", "--dataset", "short", "--", "--more", "a b")
    assert "--more" in json.dumps(session("show", "last", "--json").json["details"]["command_line"])


@pytest.mark.parametrize(("sent", "code"), [("SIGINT", INTERRUPTED), ("SIGTERM", TERMINATED)])
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_stopped_run_leaves_nothing_behind(session: Session, tmp_path: Path, sent: str, code: int) -> None:
    session("add", str(repository(session)))
    session("lock", "program:counter")
    words = [sys.executable, "-m", "ckstore", "run", "program:counter", "--cmd", "sleep", "--json"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while not any(session.folder.glob(".ckstore/work/run-*/*")):
            assert process.poll() is None
        process.send_signal(getattr(signal, sent))
        _, err = process.communicate()
    assert (process.returncode, json.loads(err)["error"]) == (code, "interrupted")
    assert not (session.folder / ".ckstore").exists()
    assert session("runs").out == ""


@pytest.mark.parametrize("words", [["show", "program:counter"], ["find", "--json"], ["log"]])
@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_reader_that_goes_away_is_no_error(session: Session, words: list[str]) -> None:
    session("add", str(repository(session)))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "ckstore", *words], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", [["log"], ["find", "dataset"]])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_is_full_is_told(session: Session, words: list[str]) -> None:
    session("add", str(repository(session)))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ckstore", *words], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 13
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
