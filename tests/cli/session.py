"""A person at a prompt: commands typed in a folder, with what they print and their exit codes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ckstore.cli.main import main


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Session:
    """``session("find", "dataset")`` runs one command line in this process."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> Answer:
        self._capsys.readouterr()
        found = main(list(words))
        out, err = self._capsys.readouterr()
        assert found == code, f"exit {found} of {words}:\n{out}\n{err}"
        return Answer(found, out, err)

    def write(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target


COUNTER = '''"""Counts the bytes of a file."""
import os, sys
data = open(sys.argv[1], "rb").read()
factor = int(os.environ.get("FACTOR", "1"))
open("count.txt", "w").write(f"{len(data) * factor}\\n")
'''
PROGRAM = """title = "Counts bytes"
uid = "00000000000000aa"
tags = ["counting", "example"]
[needs]
python = "soft[compiler,lang-python]"
texts = {every = "dataset[text]"}
[program]
language = "python"
[program.commands.count]
run = '{python} {src}/count.py {dataset}'
dataset = "texts"
outputs = ["count.txt"]
check = ["count.txt"]
order = 1
[program.commands.fail]
run = '{python} -c "import sys; sys.exit(3)"'
order = 2
[program.commands.sleep]
run = '{python} -c "import time; time.sleep(60)"'
order = 3
"""


def repository(session: Session, name: str = "lab") -> Path:
    """A folder with one program in Python and two datasets."""
    session.write(f"{name}/program/counter/component.toml", PROGRAM)
    session.write(f"{name}/program/counter/count.py", COUNTER)
    for dataset, text in (("short", "abc\n"), ("verse", "one\ntwo\nthree\n")):
        files = f'tags = ["text", "{dataset}"]\n[dataset]\nfiles = ["data.txt"]\n'
        session.write(f"{name}/dataset/{dataset}/component.toml", files)
        session.write(f"{name}/dataset/{dataset}/data.txt", text)
    return session.folder / name
