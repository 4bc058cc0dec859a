"""The quick doors and click's: what is typed is answered alike, and the quick ones import nothing slow."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.cli import main as entrance
from ckstore.cli.app import run_command_line
from ckstore.model.metadata import Need
from ckstore.model.query import Query
from ckstore.objects.store import ObjectStore
from ckstore.operations.find import find
from ckstore.operations.yank import yank
from tests.cli.session import Session, repository
from tests.index.logdouble import line, release
from tests.operations.stores import publish

ROOT = Path(__file__).resolve().parents[2]
COLOUR = "\x1b[31mred\ttab\nline"
UID = "0000000000000abc"
QUICK, FULL = True, False
TYPED = re.compile(r"^\$ ckstore ((?:find|show) .*)", re.MULTILINE)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Components of every sort, examples and a program that was run."""
    path = tmp_path_factory.mktemp("doors") / "store"
    many = [
        release("program", "many", f"1.{n}.0", changes=tuple("abcdefgh"[:n]), bump="minor") for n in range(15)
    ]
    susan = release(
        "program", "susan", "2.0.0", uid=UID, tags=("image", "pgm"), title="Corners",
        description=COLOUR, bump="major", changes=("-tag:old",),
        interface=("cmd:edges", "cmd:corners", "action:run", "tag:image"),
        needs=(Need("z.compiler", "soft[lang-c]", "any"), Need("a.data", "dataset[image]", "every")),
    )  # fmt: skip
    publish(
        path,
        line(
            "one",
            release("program", "old-susan", "1.0.0", uid=UID),
            release("program", "susan", "1.0.0", uid=UID),
            susan,
        ),
        line("one", *many),
        line("one", release("dataset", "gone", tags=("image",)), withdrawn="d" * 40),
        line("one", release("soft", "same")),
        line("two", release("soft", "same")),
        line("one", release("soft", "differs")),
        line("two", release("soft", "differs", digest="sha256:" + "e" * 64)),
        line("one", release("soft", "yanked", "1.0.0"), release("soft", "yanked", "1.1.0")),
        line("one", release("soft", "beef")),
    )
    yank(ObjectStore(path), "one:soft:yanked@=1.1.0", reason="a \x1b reason")
    find(path, Query())  # brings the index to the head
    return path


def both(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, object]:
    """(exit code, standard output, standard error) of the program as it is, and of click's door alone."""
    answers = []
    for door in (entrance.main, run_command_line):
        capsys.readouterr()
        answers.append((door(words), *capsys.readouterr()))
        sys.stdout.flush()
    return answers[0], answers[1]


TRANSCRIPTS = [
    (QUICK, "show program:susan"), (QUICK, "show susan"), (QUICK, "show one:program:susan"),
    (QUICK, "show -- susan"), (QUICK, "show program:many"), (QUICK, "show dataset:gone"),
    (QUICK, "show one:soft:same"), (QUICK, "show two:soft:same"), (QUICK, "show soft:beef"),
    (QUICK, "show soft:yanked"),
    (FULL, "show soft:same"), (FULL, "show one:soft:differs"), (FULL, "show program:old-susan"),
    (FULL, "show program:susan@^1"), (FULL, "show program:susan@=1.0.0"), (FULL, "show susan --json"),
    (FULL, "show susan --metadata"), (FULL, "show beef"), (FULL, "show last"), (FULL, "show"),
    (FULL, "show a b"), (FULL, "show nothing"), (FULL, "show program:nothing"), (FULL, "show a:b:c:d"),
    (FULL, "show program:"), (FULL, "show --help"), (FULL, "show -h"), (FULL, "show susan --wrong"),
    (FULL, "show susan --store"), (FULL, "show susan --json=1"), (FULL, "show program:su*"),
    (FULL, "show soft[lang-c]"), (FULL, "show susan --store nowhere --json"), (FULL, "show susan@"),
    (QUICK, "find"), (QUICK, "find program"), (QUICK, "find --tags image,-gray"),
    (QUICK, "find susan --json"),
    (QUICK, "find --withdrawn --long"), (QUICK, "find --ids -n 2"), (QUICK, "find -n 2 --json"),
    (QUICK, "find --count"), (QUICK, "find --facet kind"), (QUICK, "find --columns name,kind --sort -name"),
    (QUICK, "find --all-versions program:many"), (QUICK, "find --yanked"), (QUICK, "find program:su*"),
    (FULL, "find nothing"), (FULL, "find nothing --json"), (FULL, "find --help"), (FULL, "find --wrong"),
    (FULL, "find --tags"), (FULL, "find --tags a,-a"), (FULL, "find --limit -1"), (FULL, "find --limit x"),
    (FULL, "find -timage"), (FULL, "find program:susan@^1"), (FULL, "find --count nothing"),
    (FULL, "find --store nowhere"), (FULL, "find --tags a --json --tags"),
    (QUICK, "completion bash"), (QUICK, "completion zsh"), (QUICK, "completion fish"),
    (FULL, "completion"), (FULL, "completion tcsh"), (FULL, "completion --help"), (FULL, "completion bash x"),
]  # fmt: skip


@pytest.mark.parametrize(("quick", "typed"), TRANSCRIPTS, ids=[typed for _, typed in TRANSCRIPTS])
def test_both_doors_answer_alike(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    quick: bool, typed: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("CKSTORE_STORE", str(store))
    monkeypatch.chdir(tmp_path)
    words = shlex.split(typed)
    one, other = both(words, capsys)
    assert one == other
    assert (entrance._quick(words[0], words[1:]) is not None) is quick


def test_what_the_manual_types_is_answered_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "store"
    assert entrance.main(["add", str(ROOT / "examples"), "--store", str(path)]) == 0
    monkeypatch.setenv("CKSTORE_STORE", str(path))
    monkeypatch.chdir(tmp_path)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    typed = [text for page in pages for text in TYPED.findall(page.read_text("utf-8"))]
    assert len(typed) > 20
    for text in typed:
        one, other = both(shlex.split(text), capsys)
        assert one == other, text


def test_runs_are_shown_alike(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session("add", str(repository(session)))
    session("run", "program:counter")
    run = session("runs", "--json").json[0]["id"]
    for reference in ("last", run, run[:6], "program:counter", "counter", "00000000000000aa"):
        one, other = both(["show", reference], capsys)
        assert one == other, reference


# -- what is imported ---------------------------------------------------------------------------------

OURS = {
    "ckstore", "ckstore.cli", "ckstore.cli.main", "ckstore.cli.options", "ckstore.cli.output",
    "ckstore.index", "ckstore.index.files", "ckstore.index.schema", "ckstore.objects",
    "ckstore.objects.peek", "ckstore.operations", "ckstore.operations.place",
}  # fmt: skip
SEARCH = {
    "ckstore.index.cells", "ckstore.model.versiontext",
    "ckstore.index.conditions", "ckstore.index.lineterms", "ckstore.index.ordering", "ckstore.index.rows",
    "ckstore.index.shown", "ckstore.index.statement", "ckstore.index.tagterms", "ckstore.model",
    "ckstore.model.conditions", "ckstore.model.numbers", "ckstore.model.tagtext", "ckstore.model.wildcards",
    "ckstore.model.wordtext",
}  # fmt: skip
SQLITE = {  # what `_sqlite3` brings; it cannot be had for less
    "__future__", "_collections", "_collections_abc", "_functools", "_operator", "_sqlite3", "collections",
    "functools", "itertools", "keyword", "operator", "reprlib", "time", "types",
}  # fmt: skip
SYSTEM = {"_abc", "_stat", "abc", "gc", "genericpath", "io", "os", "os.path", "posixpath", "stat"}
ALLOWED = {
    "find program --tags image": SEARCH | {
        "ckstore.cli.quick", "ckstore.cli.render_find", "ckstore.index.answer", "ckstore.operations.words",
    },
    "show program:susan": SEARCH | {
        "ckstore.cli.quick_show", "ckstore.cli.render_show", "ckstore.index.cards", "ckstore.model.counting",
    },
    "__complete bash 'ckstore show program:' :": {
        "ckstore.cli.quick_complete", "ckstore.cli.completing", "ckstore.cli.grammar", "ckstore.cli.shells",
        "ckstore.index.beginnings",
    },
}  # fmt: skip


@pytest.mark.parametrize("typed", ALLOWED)
def test_the_quick_doors_import_nothing_but_this(store: Path, typed: str) -> None:
    script = (
        f"import sys; sys.path[:0] = {sys.path!r}; before = set(sys.modules)\n"
        f"sys.argv[1:] = {shlex.split(typed)!r}; from ckstore.cli.main import main; code = main()\n"
        "print(*sorted(m for m in set(sys.modules) - before), file=sys.stderr); sys.exit(code)"
    )
    run = subprocess.run(  # without site: what installers add there is not ours
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True,
        env={"CKSTORE_STORE": str(store)},
    )  # fmt: skip
    assert run.stdout
    found = set(run.stderr.split())
    standard = {name for name in found if name.partition(".")[0] in sys.stdlib_module_names}
    assert standard - SQLITE - SYSTEM == set()
    assert found - standard - OURS - ALLOWED[typed] == set()
