"""Folders with made-up components, as a user would have them on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

PYTHON_PROGRAM = """\
[needs]
python = "soft[compiler,lang-python]"
text = {every = "dataset[text]"}

[program]
language = "python"

[program.commands.default]
run = '"$CK_PYTHON_BIN" {src}/count.py {dataset} count.txt'
dataset = "text"
outputs = ["count.txt"]
check = ["count.txt"]

[program.commands.fail]
run = '"$CK_PYTHON_BIN" {src}/count.py'

[program.commands.endless]
run = '"$CK_PYTHON_BIN" -c "while True: pass"'

[program.commands.clock]
run = '"$CK_PYTHON_BIN" -c "import time; print(time.time_ns())"'
check = ["stdout.txt"]
"""
COUNT = """\
import pathlib, sys
source, target = sys.argv[1:]
pathlib.Path(target).write_text(f"{len(pathlib.Path(source).read_text().split())} words\\n")
"""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files (paths below ``folder`` to content); gives the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def component(
    folder: Path, kind: str, name: str, *, tags: str = "", head: str = "", body: str = "",
    files: Mapping[str, str | bytes] | None = None,
) -> Path:  # fmt: skip
    """A component in our own format; ``tags`` with commas, ``head`` and ``body`` are TOML."""
    listed = ", ".join(f'"{tag}"' for tag in tags.split(",") if tag)
    text = f'kind = "{kind}"\nname = "{name}"\ntags = [{listed}]\n{head}\n{body}'
    return write(folder, {"component.toml": text, **(files or {})})


def entry(
    repository: Path,
    kind: str,
    name: str,
    uid: str,
    meta: object = None,
    files: Mapping[str, str] | None = None,
) -> Path:
    """An entry in a repository of Collective Knowledge."""
    write(repository, {".ckr.json": json.dumps({"data_uoa": repository.name})})
    write(repository / kind, {f".cm/alias-a-{name}": uid, f".cm/alias-u-{uid}": name})
    text = meta if isinstance(meta, str) else json.dumps(meta or {"tags": ["made-up"]})
    return write(repository / kind / name, {".cm/meta.json": text, **(files or {})})


def workshop(folder: Path) -> Path:
    """A repository of a Python program ``count`` and two data sets for it."""
    component(
        folder / "program" / "count", "program", "count", body=PYTHON_PROGRAM, files={"count.py": COUNT}
    )
    component(
        folder / "dataset" / "long", "dataset", "long", tags="text", files={"text.txt": "one two three\n"}
    )
    component(folder / "dataset" / "short", "dataset", "short", tags="text", files={"text.txt": "one\n"})
    return folder


def make_executable(path: Path) -> None:
    """Set the executable bits."""
    path.chmod(path.stat().st_mode | 0o111)


IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
