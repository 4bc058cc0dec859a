"""A study whose program uses a script of another repository, and that repository as it goes on."""

from __future__ import annotations

import os
from pathlib import Path

from ckstore.model.locks import Lock
from ckstore.model.manifest import LOCK_FILE
from ckstore.objects.store import ObjectStore
from ckstore.operations.lock import lock_project
from ckstore.operations.mirror import mirror
from ckstore.operations.run import RunReport, run
from tests.mirror.upstream import Upstream

PROGRAM = """\
kind = "program"
name = "report"
[needs]
python = "soft[compiler,lang-python]"
script = {every = "dataset[script]"}
[program]
language = "python"
[program.commands.default]
run = '"$CK_PYTHON_BIN" {dataset}'
dataset = "script"
outputs = ["table.txt"]
check = ["table.txt"]
"""
WORKS = 'open("table.txt", "w").write("1 2 3\\n")\n'
OTHER = 'open("table.txt", "w").write("3 2 1\\n")\n'
SILENT = 'open("table.new", "w").write("1 2 3\\n")\n'
KEY = "program:report"


class Study:
    """The repositories ``lab`` (the program) and ``scripts``, both mirrored, and a project that runs it."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self.store = store
        self.project = folder / "project"
        self.project.mkdir()
        self.lab, self.scripts = (Upstream(folder / f"{name}.git") for name in ("lab", "scripts"))
        self.lab.commit({"program/report/component.toml": PROGRAM})
        self.script(WORKS)
        self.mirror()

    def script(self, text: str, note: str = "") -> str:
        """Commit a script with this text; gives the commit."""
        meta = 'kind = "dataset"\nname = "table"\ntags = ["script"]\n'
        return self.scripts.commit({
            "dataset/table/component.toml": meta, "dataset/table/table.py": f"{text}# {note}\n"
        })  # fmt: skip

    def mirror(self) -> None:
        """Bring in what both repositories have by now."""
        for up in (self.lab, self.scripts):
            mirror(self.store, up.url)

    def lock(self) -> Lock:
        """Lock the program in the project, or bring its lock up to date with the manifest."""
        return lock_project(self.store, self.project, [KEY]).lock

    def run(self, lock: Lock, *words: str) -> RunReport:
        """Run the program."""
        return run(self.store, lock, KEY, words=words, environment=os.environ)

    @property
    def text(self) -> str:
        """The lock file of the project."""
        return (self.project / LOCK_FILE).read_text()


def versions(lock: Lock) -> dict[str, str]:
    """Name → version of what is not shipped with ckstore."""
    return {pin.name: pin.version for pin in lock.pins if pin.source != "ckstore"}
