"""The quick door of ``add`` says what the other one says, or leaves it to it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ckstore.cli.main import main
from tests.objects.helpers import make_folder

FILES = {
    "dataset/one/component.toml": b'tags = ["a"]\n',
    "dataset/two/component.toml": b"tags = []\n",
    "dataset/bad/component.toml": b"tags = [\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10**10)
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "store"))
    return make_folder(tmp_path / "f", FILES)


def full_door_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(words: list[str]) -> int:
        raise AssertionError(f"the full door was used for {words}")

    monkeypatch.setattr("ckstore.cli.app.run_command_line", refuse)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_it_says_what_the_full_door_says(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    assert main(["add", str(folder)]) == 0
    capsys.readouterr()
    assert main(["add", str(folder), "--rehash", *options]) == 0
    expected = capsys.readouterr()
    full_door_closed(monkeypatch)
    assert main(["add", str(folder), *options]) == 0
    assert capsys.readouterr() == expected
    assert "one" in expected.out and ("dataset/bad" in expected.err or options)


def test_what_changed_is_left_to_the_full_door(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["add", str(folder)])
    make_folder(folder, {"dataset/one/new": b"new"})
    capsys.readouterr()
    assert main(["add", str(folder)]) == 0
    assert "added     f:dataset:one@" in capsys.readouterr().out


def test_what_is_no_folder_is_told_by_the_full_door(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", str(folder / "nowhere")]) == 10
    assert main(["add"]) == 2
    assert main(["add", str(folder), "--unknown"]) == 2
    capsys.readouterr()


def test_it_imports_nothing_that_takes_time() -> None:
    heavy = ("click", "pygit2", "json", "pathlib")
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; before = set(sys.modules); import ckstore.cli.quick_add\n"
        f"print([name for name in {heavy!r} if name in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
