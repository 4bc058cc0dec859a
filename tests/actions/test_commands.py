from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

from ckstore.actions.process import Finished, run_command
from ckstore.errors import Unavailable
from tests.actions.world import gone

linux = pytest.mark.skipif(sys.platform != "linux", reason="setsid(1) is a program of Linux")
posix = pytest.mark.skipif(os.name == "nt", reason="signals and shells of POSIX")


def python(folder: Path, code: str, limit: float = 0.0) -> Finished:
    return run_command(
        [sys.executable, "-c", code], folder=folder, environment=dict(os.environ), stdout=folder / "out",
        stderr=folder / "err", limit=limit,
    )  # fmt: skip


def test_outputs_go_to_files_and_the_exit_code_is_kept(tmp_path: Path) -> None:
    finished = python(tmp_path, "import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)")
    assert (finished.exit_code, finished.signal, finished.timed_out, finished.ok) == (3, "", False, False)
    assert ((tmp_path / "out").read_text(), (tmp_path / "err").read_text()) == ("a\n", "b\n")


def test_both_outputs_may_go_to_one_file(tmp_path: Path) -> None:
    run_command(
        [sys.executable, "-c", "import sys; print('a', flush=True); sys.stderr.write('b')"], folder=tmp_path,
        environment=dict(os.environ), stdout=tmp_path / "log", stderr=tmp_path / "log",
    )  # fmt: skip
    assert (tmp_path / "log").read_text() == "a\nb"


@posix
def test_time_and_memory_are_those_of_the_command(tmp_path: Path) -> None:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    finished = python(tmp_path, f"x = bytearray({own + 60_000_000})\nfor i in range(2_000_000): pass")
    assert 0 < finished.user <= finished.wall + 0.1
    assert own + 60_000_000 < finished.max_rss < own + 200_000_000


@posix
def test_memory_that_hides_below_our_own_is_not_reported(tmp_path: Path) -> None:
    assert python(tmp_path, "pass").max_rss == 0


@posix
@pytest.mark.parametrize("line", ["kill -SEGV $$", "sh -c 'kill -SEGV $$'; exit $?"])
def test_a_signal_has_a_name_also_through_a_shell(tmp_path: Path, line: str) -> None:
    finished = run_command(
        line, folder=tmp_path, environment=dict(os.environ), stdout=tmp_path / "o", stderr=tmp_path / "e"
    )
    assert (finished.signal, finished.exit_code) == ("SIGSEGV", 139)


@linux
def test_out_of_time_ends_the_command_and_what_it_started(tmp_path: Path) -> None:
    line = "setsid sleep 600 & echo $! > pid; sleep 600"
    finished = run_command(
        line,
        folder=tmp_path,
        environment=dict(os.environ),
        stdout=tmp_path / "o",
        stderr=tmp_path / "e",
        limit=1.0,
    )
    assert finished.timed_out
    assert not finished.ok
    assert gone([int((tmp_path / "pid").read_text())])


def test_a_command_that_does_not_exist_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be started"):
        run_command(
            ["no-such-program"], folder=tmp_path, environment={"PATH": ""}, stdout=tmp_path / "o",
            stderr=tmp_path / "e",
        )  # fmt: skip


def test_a_command_reads_nothing(tmp_path: Path) -> None:
    assert python(tmp_path, "import sys; sys.exit(len(sys.stdin.read()))").ok
