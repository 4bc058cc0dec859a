from __future__ import annotations

import pytest

from ckstore.actions.options import check_options, parse_options
from ckstore.actions.signature import ActionSpec, describe, read_actions
from ckstore.errors import InvalidInput

SOURCE = '''
import nonsense_that_does_not_exist

def run(context: Context, *, cmd: str = "", repeat: int = 1, timeout: float = 0.5, speed: bool = False,
        env: Mapping[str, str] = {}, tag: Sequence[str] = (), arguments: Sequence[str] = ()) -> Outcome:
    """Run it.

    More about it.

    Args:
        cmd: the command
            to run
        repeat: how often
    """

def helper(value: str) -> str: ...

def _hidden(context: Context) -> None: ...
'''


@pytest.fixture
def spec() -> ActionSpec:
    return read_actions(SOURCE, "module.py")["run"]


def test_actions_are_read_without_running_the_module() -> None:
    assert list(read_actions(SOURCE, "module.py")) == ["run"]


def test_a_signature_gives_types_defaults_and_help(spec: ActionSpec) -> None:
    assert spec.help == "Run it."
    assert [(p.name, p.type, p.default) for p in spec.parameters][:5] == [
        ("cmd", "text", ""), ("repeat", "integer", 1), ("timeout", "number", 0.5), ("speed", "flag", False),
        ("env", "map", {}),
    ]  # fmt: skip
    assert [p.help for p in spec.parameters[:3]] == ["the command to run", "how often", ""]


def test_the_schema_names_every_option(spec: ActionSpec) -> None:
    schema = describe(spec)
    assert schema["properties"]["repeat"] == {"type": "integer", "default": 1, "description": "how often"}  # type: ignore[index]  # a plain map
    assert schema["required"] == []


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--cmd", "edges", "--repeat=3"], {"cmd": "edges", "repeat": 3}),
        (["--env.A=1", "--env.B.C", "x=y", "--env", "D=2"], {"env": {"A": "1", "B.C": "x=y", "D": "2"}}),
        (["--speed"], {"speed": True}),
        (["--no-speed"], {"speed": False}),
        (["--speed=no"], {"speed": False}),
        (["--tag", "a", "--tag=b"], {"tag": ["a", "b"]}),
        (["--timeout", "60"], {"timeout": 60.0}),
        (["--cmd=-O3", "--cmd", "-x"], {"cmd": "-x"}),
        (["--cmd", "x", "--", "--cmd", "-v"], {"cmd": "x", "arguments": ["--cmd", "-v"]}),
        (["--"], {}),
    ],
)
def test_words_become_checked_options(spec: ActionSpec, words: list[str], options: dict[str, object]) -> None:
    assert parse_options(spec, words) == options


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--rpeat=3"], "unknown-flag"),
        (["--cmd.x=3"], "unknown-flag"),
        (["--cmd"], "missing-value"),
        (["--cmd", "--speed"], "missing-value"),
        (["--repeat", "three"], "bad-value"),
        (["--repeat", "1.5"], "bad-value"),
        (["--timeout", "nan"], "bad-value"),
        (["--speed=perhaps"], "bad-value"),
        (["--env", "novalue"], "bad-value"),
        (["edges"], "unexpected-word"),
        (["-O3"], "unexpected-word"),
    ],
)
def test_what_cannot_be_understood_is_refused_by_code(spec: ActionSpec, words: list[str], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_options(spec, words)
    assert caught.value.code == code


def test_an_unknown_flag_names_its_near_misses(spec: ActionSpec) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_options(spec, ["--rpeat", "3"])
    assert "did you mean --repeat?" in caught.value.hints


def test_arguments_after_two_dashes_need_an_action_that_takes_them() -> None:
    with pytest.raises(InvalidInput, match="takes no arguments"):
        parse_options(ActionSpec("detect"), ["--", "x"])


def test_options_from_json_are_checked_like_words(spec: ActionSpec) -> None:
    assert check_options(spec, {"repeat": 2, "env": {"A": "1"}}) == {"repeat": 2, "env": {"A": "1"}}
    for wrong in ({"repeat": True}, {"env": {"A": 1}}, {"tag": "a"}, {"cmd": 3}):
        with pytest.raises(InvalidInput):
            check_options(spec, wrong)


def test_an_option_without_a_default_must_be_given() -> None:
    spec = read_actions("def f(context: Context, *, to: str) -> Outcome: ...", "m")["f"]
    with pytest.raises(InvalidInput, match="needs --to"):
        parse_options(spec, [])


@pytest.mark.parametrize(
    "source",
    [
        "def run(context: Context, cmd: str = '') -> Outcome: ...",
        "def run(context: Context, *, cmd = '') -> Outcome: ...",
        "def run(context: Context, *, cmd: Path = '') -> Outcome: ...",
        "def run(context: Context, *, cmd: str = open('x')) -> Outcome: ...",
        "def run(context: Context, **options: str) -> Outcome: ...",
        "def run(:",
    ],
)
def test_a_signature_that_cannot_be_read_names_file_and_line(source: str) -> None:
    with pytest.raises(InvalidInput, match=r"a/module\.py, line 1") as caught:
        read_actions(source, "a/module.py")
    assert caught.value.code == "bad-action"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--dataset_fil=x"], "did you mean --dataset-file?"),
        (["--en.A=1"], "did you mean --env?"),
        (["-repeat=3"], "did you mean --repeat?"),
        (["--nothing-like-it"], "run knows --dataset-file, --repeat, --env"),
    ],
)
def test_hints_name_options_as_they_are_typed(words: list[str], hint: str) -> None:
    source = (
        "def run(context: Context, *, dataset_file: str = '', repeat: int = 1,"
        " env: Mapping[str, str] = {}, arguments: Sequence[str] = ()): ..."
    )
    with pytest.raises(InvalidInput) as caught:
        parse_options(read_actions(source, "module.py")["run"], words)
    assert hint in caught.value.hints


def test_what_is_wrong_with_an_option_is_said_with_dashes() -> None:
    spec = read_actions("def run(context: Context, *, max_output: int): ...", "module.py")["run"]
    for words in ([], ["--max_output=x"]):
        with pytest.raises(InvalidInput, match="--max-output"):
            parse_options(spec, words)
