"""What a power cut leaves: a model of a disk that keeps nothing but what was synced.

A file's bytes survive from its own sync on, its name from the sync of its folder on (POSIX promises no
more, whatever common file systems do). What was not synced may be there or not; the model makes the
extremes, and mixtures drawn from a seed.
"""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.syscalls import Event

Toss = Callable[[], bool]


@dataclass(eq=False, slots=True)
class Node:
    """A file, a folder or a symlink: what it is in memory (``now``), and on the disk (``kept``)."""

    kind: str
    number: int = -1  # of those that were made, in order
    mode: int = 0o644
    target: str = ""
    now: bytearray = field(default_factory=bytearray)
    kept: bytes = b""
    dirty: bool = False
    names: dict[str, Node] = field(default_factory=dict)
    kept_names: dict[str, Node] = field(default_factory=dict)


class PowerCuts:
    """The states that a power cut can leave, at any moment of what a command did to a folder.

    ``before`` is a copy of the folder as the command found it, ``after`` the folder now; both lie on disk.
    """

    def __init__(self, before: Path, after: Path, events: Sequence[Event]) -> None:
        self._root, self._events = str(after), events
        self._before = _read(before)
        whole = _Disk(self._root, copy.deepcopy(self._before), {})
        for event in events:
            whole.apply(event)
        self._truths = dict(whole.unseen(after))

    def __len__(self) -> int:
        return len(self._events) + 1

    def leave(self, moment: int, target: Path, how: str, seed: int = 0) -> None:
        """Write what is left when the power goes after ``moment`` events into a new folder.

        ``how``: ``least`` (what was synced), ``names`` (every name, but only synced bytes) or ``mixed``
        (each thing that was not synced: by the toss of a coin).
        """
        disk = _Disk(self._root, copy.deepcopy(self._before), self._truths)
        for event in self._events[:moment]:
            disk.apply(event)
        chance = random.Random(seed)
        toss: Toss = {"least": lambda: False, "names": lambda: True, "mixed": lambda: chance.random() < 0.5}[
            how
        ]
        _write(disk.top, target, toss, (lambda: False) if how == "names" else toss)


class _Disk:
    def __init__(self, root: str, top: Node, truths: dict[int, bytes]) -> None:
        self.top = top
        self._root, self._truths = root, truths
        self._made = 0

    def apply(self, event: Event) -> None:
        if event.call == "sync-all":
            self._sync_all(self.top)
            return
        node = self._find(event.path)
        if event.call in ("create", "mkdir", "symlink"):
            self._make(event, node)
        elif event.call in ("rename", "link"):
            self._move(event, node)
        elif event.call == "unlink":
            parent, name = self._parent(event.path)
            parent.names.pop(name, None)
        elif node is not None:
            self._change(event, node)

    def _make(self, event: Event, node: Node | None) -> None:
        if node is not None:
            if event.call == "create" and event.other == "truncate":
                node.now.clear()
                node.dirty = True
            return
        kind = {"create": "file", "mkdir": "folder", "symlink": "symlink"}[event.call]
        parent, name = self._parent(event.path)
        mode = event.mode & ~0o022 if kind == "file" else 0o755
        parent.names[name] = Node(kind, self._made, mode, event.other if kind == "symlink" else "")
        self._made += 1

    def _move(self, event: Event, node: Node | None) -> None:
        if node is not None:  # else it came from elsewhere
            place, new = self._parent(event.other)
            place.names[new] = node
            if event.call == "rename":
                parent, old = self._parent(event.path)
                del parent.names[old]

    def _change(self, event: Event, node: Node) -> None:
        if event.call == "sync":
            self._sync(node)
        elif event.call == "chmod":
            node.mode = event.mode
        else:
            at = len(node.now) if event.at < 0 else event.at
            node.now.extend(bytes(max(0, at - len(node.now))))
            if event.call == "truncate":
                del node.now[at:]
            else:
                node.now[at : at + len(event.data)] = event.data
            node.dirty = True

    def _sync(self, node: Node) -> None:
        node.kept, node.dirty = self._truths.get(node.number, bytes(node.now)), False
        node.kept_names = dict(node.names)

    def _sync_all(self, node: Node) -> None:
        self._sync(node)
        for below in node.names.values():
            self._sync_all(below)

    def _parent(self, path: str) -> tuple[Node, str]:
        folder, _, name = path.rpartition("/")
        found = self._find(folder)
        assert found is not None, path
        return found, name

    def _find(self, path: str) -> Node | None:
        node: Node | None = self.top
        for name in path.removeprefix(self._root).strip("/").split("/"):
            node = node.names.get(name) if node is not None and name else node
        return node

    def unseen(self, after: Path) -> Iterator[tuple[int, bytes]]:
        """True bytes of new files that the trace does not show: mapped memory, writes after seeking."""
        for node, path in _files(self.top, after):
            true = path.read_bytes() if path.is_file() else None
            if true is not None and node.number >= 0 and true != bytes(node.now):
                yield node.number, true


def _files(node: Node, path: Path) -> Iterator[tuple[Node, Path]]:
    if node.kind == "file":
        yield node, path
    for name, below in node.names.items():
        yield from _files(below, path / name)


def _read(path: Path) -> Node:
    """What is on disk, all of it synced."""
    if path.is_symlink():
        return Node("symlink", target=os.readlink(path))
    mode = path.stat().st_mode & 0o777
    if path.is_file():
        data = path.read_bytes()
        return Node("file", mode=mode, now=bytearray(data), kept=data)
    names = {below.name: _read(below) for below in path.iterdir()}
    return Node("folder", mode=mode, names=names, kept_names=dict(names))


def _write(node: Node, target: Path, name_survives: Toss, bytes_survive: Toss) -> None:
    if node.kind == "symlink":
        target.symlink_to(node.target)
    elif node.kind == "file":
        survives = not node.dirty or bytes_survive()
        target.write_bytes(bytes(node.now) if node.dirty and survives else node.kept)
        target.chmod(node.mode)
    else:
        target.mkdir()
        for name in sorted(node.names.keys() | node.kept_names.keys()):
            now, kept = node.names.get(name), node.kept_names.get(name)
            below = now if now is kept or name_survives() else kept
            if below is not None:
                _write(below, target / name, name_survives, bytes_survive)
