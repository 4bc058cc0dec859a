"""``check`` at a prompt and in a CI job."""

from __future__ import annotations

import json

import pytest

from tests.cli.session import Session
from tests.operations.corpora import tools, users


@pytest.fixture
def corpus(session: Session) -> Session:
    for make in (tools, users):
        session("mirror", make(session.folder / f"{make.__name__}.git").url, "--name", make.__name__)
    return session


def test_findings_are_told_like_those_of_a_compiler(corpus: Session) -> None:
    out = corpus("check", "users").out.splitlines()
    assert out[0] == "users"
    assert out[1].startswith(
        "  program/bench/.cm/meta.json:7: warning: users:program:bench@=1.0.0: compile.library asks for "
    )
    assert out[1].endswith(" [outdated-need]")
    assert out[2].startswith("      hint: tools:soft:lib.fl@=1.0.0 is 2.0.0 now, named soft:lib.fastlin")
    assert out[-1] == "checked 3 components: 0 errors, 2 warnings, 0 notes"


def test_the_exit_code_says_whether_something_weighs_enough(corpus: Session) -> None:
    corpus("check", "--fail-on", "warning", code=1)
    corpus("check", "--fail-on", "error")
    corpus("check", "tools", "--fail-on", "note")
    assert "1 ignored" in corpus(
        "check", "--ignore", "outdated-need=program:bench", "--fail-on", "warning", code=1).out  # fmt: skip
    corpus("check", "nobody", code=10)
    corpus("check", "--ignore", "nothing", code=2)
    corpus("check", "users", "--alone", code=2)


def test_json_and_sarif_hold_the_same_findings(corpus: Session) -> None:
    plain = corpus("check", "users", "--json", "--sarif", "out.sarif").json
    sarif = json.loads((corpus.folder / "out.sarif").read_text())
    assert [f["rule"] for f in plain["findings"]] == [r["ruleId"] for r in sarif["runs"][0]["results"]]
    assert json.loads(corpus("check", "users", "--sarif", "-").out) == sarif


def test_a_working_folder_is_checked_against_the_store_or_alone(corpus: Session) -> None:
    needs = '[needs]\nlib = "soft[lib,fastlin]"\nother = "soft[lib,nowhere]"\n'
    corpus.write("mine/program/p/component.toml", needs)
    corpus.write("mine/program/bad/component.toml", "tags = [\n")
    against = corpus("check", "mine", code=1)
    assert "program/p/component.toml:3: error: mine:program:p@=1.0.0: other asks for" in against.out
    assert "[invalid-metadata]" in against.out
    assert "checked 1 component: 2 errors, 0 warnings, 0 notes" in against.out
    alone = corpus("check", "mine", "--alone", code=1)
    assert "1 error, 0 warnings, 2 notes (--notes shows them)" in alone.out
    assert "checked without a store" in alone.err
    corpus("check", "./mine", "--store", "none-here", code=1)
    assert "source" not in corpus("find", "--source", "mine", code=10).out


def test_show_tells_what_other_sources_have_of_the_same_name(session: Session) -> None:
    for source, tags in (("one", '"a"'), ("two", '"a", "b"')):
        folder = session.write(
            f"{source}/component.toml", f'kind = "soft"\nname = "x"\ntags = [{tags}]'
        ).parent
        session("add", str(folder), "--source", source)
    assert "two:soft:x@=1.0.0: the same UID, another interface (+tag:b)" in session("show", "one:soft:x").out
    error = session("show", "soft:x", code=11).err
    assert "two:soft:x@=1.0.0 has another interface (+tag:b), compared with one:soft:x@=1.0.0" in error
