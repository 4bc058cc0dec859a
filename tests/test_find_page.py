"""The page that teaches queries: its examples, through every door."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ckstore.api import Store
from ckstore.cli.app import run_command_line
from ckstore.cli.options import FIND_OPTIONS, parse
from ckstore.cli.quick import try_find
from ckstore.errors import CkstoreError, InvalidInput, NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.web.find_door import FLAGS, LISTS, TEXTS, find_response

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "find.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
STEPS = [step.partition("\n") for block in BLOCKS for step in block.split("$ ckstore find ")[1:]]
EXAMPLES = {line: shown for line, _, shown in STEPS}
# Beside what the page shows: every option, orders, and what is refused.
MORE = [
    "", "program --long", "--json", "nothing --json", "nothing --count", "program -n 1",
    "program -n 1 --json", "dataset --facet tags,kind --json", "dataset --facet nothing",
    "--sort nonsense", '\'"open\'', "--where =x", "program --sort version,-title --ids",
    "--withdrawn --all-versions --count", "--columns reference,tags,uid", "program dataset.files=x",
    "*[a|]", "program:a dataset:b", "--needs program:heat-stencil", "--yanked",
    "program program.language!=c --ids", "title=*image* --json --columns title,newest",
    "text --sort relevance", "program.language=c heat*", "program.language>=c --facet program.language",
    "--provides name:heat* --ids",
]  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("find")
    shutil.copytree(ROOT / "examples", place / "examples")
    store = ObjectStore(place / "store")
    add(store, place / "examples", command="add")
    Store(place / "store").find().first()
    return place / "store"


@pytest.fixture
def at(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CKSTORE_STORE", str(path))
    monkeypatch.delenv("COLUMNS", raising=False)
    return path


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) > 15


@pytest.mark.parametrize("line", [*EXAMPLES, *MORE])
def test_examples_print_what_the_page_shows_and_both_doors_print_the_same(
    line: str, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(line)
    code = run_command_line(["find", *words])
    told = capsys.readouterr()
    if line in EXAMPLES:
        assert told.out + told.err == EXAMPLES[line]
    quick = try_find(words)
    assert quick in (None, code)
    assert capsys.readouterr() == (told if quick is not None else ("", ""))


@pytest.mark.parametrize("line", [line for line in EXAMPLES if "needs" not in line])
def test_the_quick_door_answers_the_examples_that_have_hits(
    line: str, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hopeless = "Nothing matches" in EXAMPLES[line]
    assert (try_find(shlex.split(line)) is None) is hopeless


@pytest.mark.parametrize("line", [*EXAMPLES, *MORE])
def test_http_and_python_give_what_the_command_line_gives(
    line: str, at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values, words = parse(FIND_OPTIONS, shlex.split(line))
    asked = {name: values[name] for name in (*TEXTS, *LISTS, *FLAGS, "limit") if values.get(name)}
    sent = {name: "yes" if value is True else value for name, value in asked.items()}
    status, body, _ = find_response(at, urlencode({"q": words, **sent}, doseq=True))
    plain = [word for word in shlex.split(line) if word not in ("--json", "--ids", "--long")]
    run_command_line(["find", "--json", *plain])
    told = capsys.readouterr()
    assert status == (400 if "error" in told.err else 200)
    assert json.loads(body) == json.loads(told.out or told.err)
    if status == 200 and not asked.keys() & {"facet", "columns", "count"}:
        assert Store(at).find(*words, **asked).as_plain() == json.loads(body)  # type: ignore[arg-type]  # its own names


def test_the_python_of_the_page_works(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class TestTheAnswerInPython:
    def test_nothing_is_asked_before_something_is_wanted(self, tmp_path: Path) -> None:
        found = Store(tmp_path / "store").find('"open', limit=3)
        with pytest.raises(InvalidInput, match="A quote is open"):
            found.count()
        shutil.rmtree(tmp_path / "store")
        with pytest.raises(NotFound):
            found.first()

    def test_it_is_a_sequence_that_counts_beyond_its_limit(self, at: Path) -> None:
        found = Store(at).find("dataset", limit=2)
        assert (len(found), found.count(), len(found[:1]), len(found[:9])) == (2, 5, 1, 2)
        assert found[0] == found.first() == found[:1][0]
        assert found[-1] == list(found)[1] and found[1:] == list(found)[1:]
        assert found and found == list(found) and found != [] and found.count(found[0]) == 1
        assert repr(found).endswith(": 2 hits>")

    def test_a_wrong_limit_is_refused(self, at: Path) -> None:
        with pytest.raises(InvalidInput, match="limit"):
            Store(at).find(limit=-1)


class TestHttp:
    @pytest.mark.parametrize(
        ("query", "code"),
        [("x=1", "unknown-parameter"), ("limit=0", "bad-limit"), ("limit=10001", "bad-limit"),
         ("limit=%D9%A3", "bad-limit"), ("yanked=maybe", "bad-flag"),
         ("&".join(["q=a"] * 201), "query-too-large"),
         ("q=" + "a+" * 65, "query-too-large"), ("q=" + "a" * 10_001, "query-too-large"),
         ("q=%22", "open-quote"), ("where=%3D", "bad-condition"), ("sort=nonsense", "unknown-field"),
         ("tags=" + ",".join(f"t{n}" for n in range(33)), "query-too-large")],
    )  # fmt: skip
    def test_what_cannot_be_understood_is_told_as_json(self, at: Path, query: str, code: str) -> None:
        status, body, _ = find_response(at, query)
        assert (status, json.loads(body)["error"]) == (400, code)

    def test_bytes_that_are_no_text_find_nothing(self, at: Path) -> None:
        for query in ("q=%00", "q=%ff%fe", "tags=%00", "where=%00%3D%ed", "kind=%ed%a0%80", "provides=%00"):
            assert find_response(at, query)[:2] == (200, b"[]\n")

    def test_flags_say_yes_or_no_and_the_total_is_told(self, at: Path) -> None:
        status, body, fields = find_response(at, "limit=1&withdrawn=0&all-versions=yes")
        assert (status, len(json.loads(body)), fields) == (200, 1, {"X-Total-Count": "8"})


HOSTILE = [
    "\0",
    "\ud800",
    "\udcff",
    "a*" * 400,
    "[" * 5000,
    "*" * 999,
    '"\0"',
    "a=\udcff",
    "\ud800=\0",
    "%",
    "'",
    "\\",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["words", *TEXTS, *LISTS[1:4]])
def test_no_text_brings_a_query_down(at: Path, name: str, text: str) -> None:
    given = {} if name == "words" else {name: text}
    found = Store(at).find(*([text] if name == "words" else []), **given)  # type: ignore[arg-type]  # its own names
    with contextlib.suppress(CkstoreError):
        assert found.count() in range(9) and (found.count() or found.suggestions() is not None)


def test_more_than_the_limits_is_refused(at: Path) -> None:
    many = [str(n) for n in range(33)]
    for asked in ({"where": [f"a=b{n}" for n in many]}, {"provides": many}, {"sort": many}, {"tags": many},
                  {"tags": "|".join(many)}, {"kind": "|".join(many)}, {"where": "a" * 2000}):  # fmt: skip
        with pytest.raises(InvalidInput) as caught:
            Store(at).find(**asked).count()
        assert caught.value.code == "query-too-large"
