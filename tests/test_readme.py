"""The README's tutorial, executed as it is written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


@dataclass
class Step:
    """A command line and the output that the README shows; ``…`` stands for anything."""

    command: str
    shown: list[str] = field(default_factory=list)

    def matches(self, output: str) -> bool:
        pattern = ""
        for line in self.shown:
            pattern += r"(?:.*\n)*" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"\s*\n"
        return re.fullmatch(pattern, output) is not None


def steps(block: str) -> list[Step]:
    found: list[Step] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:]))
        elif line.startswith("> "):
            found[-1].command += "\n" + line[2:]
        else:
            found[-1].shown.append(line)
    return found


TUTORIAL = [step for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for step in steps(block)]


@pytest.mark.skipif(sys.platform == "win32", reason="the tutorial is written for a POSIX shell")
def test_the_tutorial_of_the_readme_works_and_prints_what_it_shows(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder, prelude = tmp_path, f'ckstore() {{ "{sys.executable}" -m ckstore "$@"; }}\n'
    assert len(TUTORIAL) > 10
    for step in TUTORIAL:
        line = prelude + step.command + "\npwd > " + str(tmp_path / "folder")
        done = subprocess.run(["sh", "-ec", line], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{step.command}\n{done.stdout}{done.stderr}"
        assert step.matches(done.stdout), f"{step.command}\n{done.stdout}\ninstead of\n" + "\n".join(
            step.shown
        )
        folder = Path((tmp_path / "folder").read_text().strip())


def test_the_python_of_the_readme_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\(?\[?('[\d.]+',? ?){3}\]?\)?\n", done.stdout)


def test_every_file_that_the_readme_links_to_is_there() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [path for path in linked if not (ROOT / path).exists()] == []
