from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from ckstore.cli.options import FIND_OPTIONS, Unusual, parse
from ckstore.cli.quick import try_find
from ckstore.cli.render_find import limit_note, render
from ckstore.errors import InvalidInput
from ckstore.index.answer import Answer, Form
from ckstore.index.cells import FIELDS
from ckstore.model.query import Query
from ckstore.operations import place
from ckstore.operations.find import find
from tests.index.logdouble import line, release
from tests.operations.stores import publish

COLOUR = "\x1b[31mred"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "store"
    publish(
        path,
        line("one", release("program", "susan", "1.1.0", tags=("image", "pgm"), title="Corners")),
        line("one", release("dataset", "a", tags=("image", COLOUR)), withdrawn="d" * 40),
    )
    find(path, Query())  # brings the index to the head
    monkeypatch.setenv("CKSTORE_STORE", str(path))
    monkeypatch.chdir(tmp_path)
    return path


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert try_find(list(argv)) == 0
    return capsys.readouterr().out


def test_hits_are_aligned_and_marked(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "--withdrawn") == (
        "one:dataset:a      1.0.0 (withdrawn)  image,\N{REPLACEMENT CHARACTER}[31mred\n"
        "one:program:susan  1.1.0              image,pgm\n"
    )
    assert (
        answer(capsys, "program", "--tags=image,-gray", "-t", "pgm")
        == "one:program:susan  1.1.0  image,pgm\n"
    )
    assert answer(capsys, "susan", "--ids") == "one:program:susan@=1.1.0\n"
    assert answer(capsys, "--count", "--withdrawn") == "2\n"
    assert "Corners" in answer(capsys, "susan", "--long")


def test_json_is_what_the_library_gives(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = json.loads(answer(capsys, "--json", "--withdrawn", "--store", str(store)))
    assert printed == find(store, Query(withdrawn=True)).as_plain()


def test_a_limit_is_told_on_standard_error(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert try_find(["--withdrawn", "-n", "1"]) == 0
    printed = capsys.readouterr()
    assert (len(printed.out.splitlines()), printed.err) == (
        1,
        "ckstore: 1 of 2 shown; --limit raises that.\n",
    )


def test_hits_beyond_some_are_not_counted_to_tell_that_a_limit_hid_some() -> None:
    found = Answer(Form(counted=1000))
    found.rows, found.total = [()] * 3, 1001  # type: ignore[list-item]  # their number counts
    assert limit_note(found) == "3 of more than 1000 shown; --limit raises that.\n"
    found.total = 1000
    assert limit_note(found) == "3 of 1000 shown; --limit raises that.\n"


UNUSUAL = ["--help", "-x", "--tags", "--limit -1", "--count=1", "nothing", "--tags a,-a", "susan@^1",
           "--store nowhere", "-timage"]  # fmt: skip


@pytest.mark.parametrize("argv", [text.split() for text in UNUSUAL])
def test_the_unusual_is_left_to_the_other_door(
    store: Path, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    assert try_find(argv) is None
    assert capsys.readouterr() == ("", "")


def test_a_stale_index_is_left_to_the_other_door(store: Path) -> None:
    publish(store, line("one", release("soft", "new")))
    assert try_find([]) is None
    find(store, Query())
    assert try_find([]) == 0


def test_both_doors_render_alike(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hits = find(store, Query(withdrawn=True)).hits
    rows = [tuple(getattr(hit, field) for field in FIELDS) for hit in hits]
    assert answer(capsys, "--withdrawn") == render(rows)
    assert answer(capsys, "--withdrawn", "--json") == render(rows, json=True)


def test_a_terminal_cuts_long_lines() -> None:
    row = ("s", "k", "n", "u", "1.0.0", "t", "d", tuple("abcdefghijklm"), "title", True, False, False)
    lines = render([row], width=20).splitlines()
    assert lines == ["s:k:n  1.0.0  a,b,c…"]


def test_a_reader_that_stops_early_is_no_error(store: Path) -> None:
    script = "from ckstore.cli.quick import try_find; raise SystemExit(try_find(['--json'] * 9))"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=-1, stderr=-1)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_the_quick_door_imports_nothing_slow(store: Path) -> None:
    script = (
        "import sys; before = set(sys.modules); from ckstore.cli.quick import try_find\n"
        "assert try_find(['program', '--tags', 'image']) == 0\n"
        "for line in ('program.language=c susan -w !nothing --sort -version', 'program --columns name',"
        " '--tags i*|x,-none* --facet tags,program.language', 'susan --limit 1 --long'):\n"
        "    assert try_find(line.split()) == 0, line\n"
        "print(*sorted(m for m in set(sys.modules) - before), file=sys.stderr)"
    )
    whole = f"import sys; sys.path[:0] = {sys.path!r}\n{script}"
    command = [sys.executable, "-I", "-S", "-c", whole]  # without site: what installers add there is not ours
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    slow = {"re", "typing", "dataclasses", "pathlib", "click", "pygit2", "msgpack", "semver", "json", "enum"}
    assert slow & set(run.stderr.split()) == set()


def test_words_and_options_mix_and_two_dashes_end_options() -> None:
    values, words = parse(FIND_OPTIONS, ["a", "-t", "-gray", "b", "--limit=3", "--", "--count", "-t"])
    assert words == ["a", "b", "--count", "-t"]
    assert (values["tags"], values["limit"], values["count"]) == (("-gray",), 3, False)
    with pytest.raises(Unusual):
        parse(FIND_OPTIONS, ["--unknown"])


def test_the_store_is_where_option_variable_project_or_platform_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CKSTORE_STORE", raising=False)
    inner = tmp_path / "project" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert place.store_path() == platformdirs.user_data_dir("ckstore", appauthor=False)
    (tmp_path / "project" / "ckstore.toml").write_text('# store\nrequires = ["a:store"]\n')
    assert place.project_folder() == str(tmp_path / "project")
    assert place.store_path() == place.default_store()
    (tmp_path / "project" / "ckstore.toml").write_text('[store]\npath = "../our"\n')
    assert place.store_path() == str(tmp_path / "our")
    monkeypatch.setenv("CKSTORE_STORE", "x")
    assert place.store_path() == str(inner / "x")
    assert place.store_path("/y") == "/y"


def test_a_malformed_project_file_is_an_error_only_where_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CKSTORE_STORE", raising=False)
    (tmp_path / "ckstore.toml").write_text("[store\n")
    with pytest.raises(InvalidInput, match="not valid TOML"):
        place.store_path(folder=str(tmp_path))
    assert place.store_path("/y", str(tmp_path)) == "/y"


@pytest.mark.parametrize("base", ["", "/tmp/data", "/tmp/data/", "relative"])
def test_the_default_store_is_where_platformdirs_says(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", base)
    assert place.default_store() == platformdirs.user_data_dir("ckstore", appauthor=False)
