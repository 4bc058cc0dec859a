"""A small world for actions: components written into a snapshot, and the lock that names them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import ckstore
from ckstore.actions.context import Context
from ckstore.actions.launch import launch
from ckstore.actions.plan import Outcome, Plan
from ckstore.model.locks import Edge, Lock, Pin, SourcePin
from ckstore.model.metadata import Metadata, Place
from ckstore.model.metadata_formats import METADATA_FILES, parse_metadata
from ckstore.model.requirements import Requirement

KINDS = Path(ckstore.__file__).parent / "kinds"
SHIPPED = (
    "module/program",
    "soft/compiler.gcc",
    "soft/compiler.clang",
    "soft/compiler.python",
    "package/lib-xopenme",
)

needs_cc = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no C compiler")


class World:
    """Components are added one by one; ``run`` locks all of them and launches an action."""

    def __init__(self, folder: Path) -> None:
        self.snapshot = folder / "snapshot"
        self.folder = folder
        self.metadata: dict[str, Metadata] = {}
        self.lines: list[str] = []
        self.runs = 0
        # The Python of the tests, and no other: version managers put slow stand-ins on PATH.
        programs = folder / "programs"
        programs.mkdir()
        (programs / "python3").symlink_to(sys.executable)
        self.environment = {"PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin"}

    def add(self, kind: str, name: str, files: Mapping[str, str], source: str = "ours") -> str:
        """Write a component; its full name."""
        path = self.snapshot / source / kind / name
        for file, text in files.items():
            (path / file).parent.mkdir(parents=True, exist_ok=True)
            (path / file).write_text(text, "utf-8")
        return self._register(path, source)

    def add_ck(self, kind: str, name: str, meta: Mapping[str, object], files: Mapping[str, str] = {}) -> str:
        """Write a component in the format of CK."""
        return self.add(kind, name, {".cm/meta.json": json.dumps(meta), **files}, "theirs")

    def add_shipped(self, *places: str) -> None:
        """Add components that ckstore ships, as links: a snapshot may hold such."""
        for place in places or SHIPPED:
            path = self.snapshot / "ckstore" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(KINDS / place)
            self._register(path, "ckstore")

    def _register(self, path: Path, source: str) -> str:
        files = {file: (path / file).read_bytes() for file in METADATA_FILES if (path / file).is_file()}
        metadata = parse_metadata(files, Place(path.parent.name, path.name), str(path))
        name = f"{source}:{path.parent.name}:{path.name}"
        self.metadata[name] = metadata
        return name

    def lock(self) -> Lock:
        """Every component is pinned; a need gets all components that it admits."""
        pins = []
        for name, metadata in self.metadata.items():
            source, kind, short = name.split(":")
            digest = hashlib.sha256(name.encode()).hexdigest()
            edges = [
                Edge(need.role, need.ask, got) for need in metadata.needs for got in self._admitted(need.ask)
            ]
            pins.append(
                Pin(source, kind, short, uid=metadata.uid, version="1.0.0", tree=digest[:40],
                    digest=f"sha256:{digest}", needs=tuple(edges))
            )  # fmt: skip
        sources = sorted({name.split(":")[0] for name in self.metadata})
        pinned = tuple(SourcePin(source, "https://example.org", "", n) for n, source in enumerate(sources, 1))
        return Lock((), pinned, tuple(pins))

    def _admitted(self, ask: str) -> list[str]:
        wanted = Requirement.parse(ask)
        return [
            name
            for name, found in self.metadata.items()
            if (not wanted.kinds or found.kind in wanted.kinds)
            and (wanted.tags.matches(found.tags) if wanted.tags else found.name == wanted.name)
        ]

    def plan(self, component: str, action: str, module: str, /, **options: object) -> Plan:
        """A plan with a fresh workspace."""
        self.runs += 1
        workspace = self.folder / f"workspace-{self.runs}"
        workspace.mkdir()
        return Plan(action, component, module, self.snapshot, self.lock().emit(), workspace, options)

    def run(
        self, component: str, action: str = "run", module: str = "ckstore:module:program", /,
        limit: float = 0.0, environment: Mapping[str, str] | None = None, **options: object,
    ) -> Outcome:  # fmt: skip
        """Launch an action; progress lines are kept in ``lines``."""
        plan = self.plan(component, action, module, **options)
        return launch(
            plan, progress=self.lines.append, environment=environment or self.environment, limit=limit
        )

    def context(self, component: str) -> Context:
        """A context in this process, for what starts no processes."""
        workspace = self.folder / "inside"
        workspace.mkdir(exist_ok=True)
        return Context(component, self.lock(), self.snapshot, workspace, self.lines.append)

    def add_module(self, source: str, name: str = "thing", **more: str) -> str:
        """A module component with this module.py, and a component ``thing:one`` to act on."""
        self.add("thing", "one", {"component.toml": 'kind = "thing"\nname = "one"\n'})
        toml = f'kind = "module"\nname = "{name}"\n'
        return self.add("module", name, {"component.toml": toml, "module.py": source, **more})

    def act(self, action: str, limit: float = 0.0, **options: Any) -> Outcome:
        """Launch an action of the module ``thing`` on ``thing:one``."""
        return self.run("ours:thing:one", action, "ours:module:thing", limit=limit, **options)


def alive(pid: int) -> bool:
    """True while the process exists and has not ended (one that nobody waited for has ended)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
        except (FileNotFoundError, ProcessLookupError):
            return False
    return True


def gone(processes: list[int], seconds: float = 30.0) -> bool:
    """True as soon as all of them have ended; a killed process may take a moment to."""
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in processes) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(alive(pid) for pid in processes)
