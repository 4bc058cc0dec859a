from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.actions.launch import allowed_environment
from ckstore.errors import ActionFailed, Conflict, InvalidInput, NotFound, Unavailable
from tests.actions.world import World, alive, gone

HEAD = """
import os, subprocess, sys
from collections.abc import Mapping
from pathlib import Path
from ckstore import errors
from ckstore.actions.context import Context
from ckstore.actions.plan import Outcome
"""
# A program that leaves its group and its session, says its pid, and stays.
DAEMON = "import os,sys,time; os.setsid(); open(sys.argv[1],'w').write(str(os.getpid())); time.sleep(600)"
STRAYS = (
    HEAD
    + f'''
DAEMON = {DAEMON!r}

def leave(context: Context, *, then: str = "") -> Outcome:
    """Start a daemon two generations below and do something else."""
    note = context.workspace / "pid"
    os.mkfifo(note)
    middle = "import subprocess,sys; subprocess.Popen([sys.executable, '-c', sys.argv[1], sys.argv[2]])"
    subprocess.run([sys.executable, "-c", middle, DAEMON, str(note)], check=True)
    context.progress("pids " + note.read_text() + " " + str(os.getpid()))
    if then == "wait":
        subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
    if then == "deaf":
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    if then == "die":
        os.abort()
    return Outcome(message="left")
'''
)
LAUNCHER = """
import os, sys
from pathlib import Path
from tests.actions.world import World
world = World(Path(sys.argv[1]))
world.lines = type("Lines", (), {"append": staticmethod(lambda line: print(line, flush=True))})()
from tests.actions.test_launching import STRAYS
world.add_module(STRAYS)
try:
    world.act("leave", then=sys.argv[2])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def pids(world: World) -> list[int]:
    return [int(word) for line in world.lines if line.startswith("pids") for word in line.split()[1:]]


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux finds what left its session")


def test_an_action_gives_its_outcome_and_its_progress(world: World) -> None:
    world.add_module(
        HEAD
        + '''
def greet(context: Context, *, name: str = "you") -> Outcome:
    """Greet."""
    print("printed")
    context.progress("said")
    (context.workspace / "out.txt").write_text(name)
    return Outcome(message=f"hello {name}", outputs={"out": "out.txt"})
'''
    )
    outcome = world.act("greet", name="Ada")
    assert (outcome.status, outcome.message, outcome.outputs) == ("ok", "hello Ada", {"out": "out.txt"})
    assert outcome.touched == ("ours:module:thing", "ours:thing:one")
    assert outcome.host["python"]
    assert sorted(world.lines) == ["printed", "said"]


def test_files_beside_the_module_import_each_other_and_nothing_is_written_there(world: World) -> None:
    source = (
        HEAD + "from .other import WORD\ndef f(context: Context) -> Outcome: return Outcome(message=WORD)\n"
    )
    world.add_module(source, **{"other.py": "WORD = 'beside'\n"})
    assert world.act("f").message == "beside"
    assert not list(world.snapshot.rglob("__pycache__"))


def test_an_action_sees_an_allow_list_of_the_environment_and_no_input(world: World) -> None:
    world.add_module(
        HEAD
        + "def f(context: Context) -> Outcome:\n"
        + "    print(sorted(os.environ), repr(sys.stdin.read()))\n    return Outcome()\n"
    )
    world.run(
        "ours:thing:one",
        "f",
        "ours:module:thing",
        environment={"PATH": os.environ["PATH"], "SECRET_TOKEN": "x"},
    )
    assert "PATH" in world.lines[0]
    assert "SECRET_TOKEN" not in world.lines[0]
    assert "PYTHONPATH" not in world.lines[0]
    assert world.lines[0].endswith("''")


def test_the_allow_list_keeps_paths_and_language_and_drops_secrets() -> None:
    kept = allowed_environment(
        {"PATH": "/bin", "LC_TIME": "C", "CC": "gcc", "AWS_SECRET": "s", "GH_TOKEN": "t"}
    )
    assert kept == {"PATH": "/bin", "LC_TIME": "C", "CC": "gcc"}


def test_an_error_of_ours_arrives_as_it_was_raised(world: World) -> None:
    world.add_module(
        HEAD
        + "def f(context: Context) -> Outcome:\n"
        + "    raise errors.Conflict('no', code='x-y', hints=['h'], details={'a': 1})\n"
    )
    with pytest.raises(Conflict, match="no") as caught:
        world.act("f")
    assert (caught.value.code, caught.value.hints, caught.value.details) == ("x-y", ("h",), {"a": 1})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise ValueError('bad luck')", "action-crashed"),
        ("sys.exit(3)", "action-crashed"),
        ("os.abort()", "action-crashed"),
        ("os._exit(0)", "action-crashed"),
        ("return 3", "no-outcome"),
        ("return Outcome(details={'a': 1.5})", "no-outcome"),
        ("return Outcome(outputs={'a': '../../etc'})", "no-outcome"),
    ],
)
def test_an_action_that_breaks_is_a_failure_of_the_action(world: World, body: str, code: str) -> None:
    world.add_module(HEAD + f"def f(context: Context) -> Outcome:\n    {body}\n")
    with pytest.raises(ActionFailed) as caught:
        world.act("f")
    assert caught.value.code == code


def test_an_unexpected_exception_shows_where_it_came_from(world: World) -> None:
    world.add_module(HEAD + "def f(context: Context) -> Outcome:\n    return {}['missing']\n")
    with pytest.raises(ActionFailed, match="KeyError") as caught:
        world.act("f")
    assert any("module.py" in line for line in caught.value.details["traceback"])  # type: ignore[attr-defined]  # a list


def test_an_unknown_action_and_an_unknown_option_name_near_misses(world: World) -> None:
    world.add_module(HEAD + "def gather(context: Context, *, depth: int = 1) -> Outcome: ...\n")
    with pytest.raises(NotFound) as missing:
        world.act("gathr")
    assert "did you mean gather?" in missing.value.hints
    with pytest.raises(InvalidInput) as unknown:
        world.act("gather", dept=2)
    assert "did you mean --depth?" in unknown.value.hints


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("raise OSError(errno.ENOSPC, 'No space left on device', 'a/file')", "a/file"),
        ("raise OSError(errno.EDQUOT, 'Disk quota exceeded')", "workspace-1"),
        ("raise OSError(errno.ENOSPC, 'No space left on device', 'from', None, 'to')", "to"),
    ],
)
def test_a_full_disk_is_no_fault_of_the_component(world: World, body: str, place: str) -> None:
    world.add_module(HEAD + f"import errno\ndef f(context: Context) -> Outcome:\n    {body}\n")
    with pytest.raises(Unavailable, match=place) as caught:
        world.act("f")
    assert caught.value.code == "disk-full"


@linux
def test_a_disk_too_full_for_the_result_is_said(world: World) -> None:
    world.add_module(
        HEAD
        + "import errno\ndef full(*_):\n    raise OSError(errno.ENOSPC, 'No space left')\n"
        + "def f(context: Context) -> Outcome:\n"
        + "    Path.write_text = full\n    return Outcome()\n"
    )
    with pytest.raises(Unavailable, match="ckstore-") as caught:
        world.act("f")
    assert caught.value.code == "disk-full"


@linux
def test_a_daemon_in_its_own_session_does_not_outlive_the_action(world: World) -> None:
    world.add_module(STRAYS)
    assert world.act("leave").message == "left"
    assert len(pids(world)) == 2
    assert not any(alive(pid) for pid in pids(world))


@linux
@pytest.mark.parametrize("then", ["wait", "deaf"])
def test_an_action_out_of_time_leaves_no_process(world: World, then: str) -> None:
    world.add_module(STRAYS)
    outcome = world.act("leave", limit=1.5, then=then)
    assert (outcome.status, outcome.error_code) == ("timeout", "timeout")
    assert not any(alive(pid) for pid in pids(world))


@linux
def test_an_action_that_dies_leaves_no_process(world: World) -> None:
    world.add_module(STRAYS)
    with pytest.raises(ActionFailed):
        world.act("leave", then="die")
    assert pids(world)
    assert not any(alive(pid) for pid in pids(world))


def start(tmp_path: Path, then: str) -> tuple[subprocess.Popen[str], list[int]]:
    """A process that launches an action; it and the processes below it, once they are there."""
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path), then], stdout=subprocess.PIPE, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": root}, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("pids ")
    return process, [int(word) for word in line.split()[1:]]


@linux
def test_ctrl_c_ends_everything_before_it_is_passed_on(tmp_path: Path) -> None:
    process, below = start(tmp_path, "wait")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert "interrupted" in rest
    assert not any(alive(pid) for pid in below)


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_launcher_that_is_killed_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    process, below = start(tmp_path, "wait")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert gone(below)
