"""Rows 86 to 88, as far as what exists today goes: outputs, processes, and the files that an action is given.

No sandbox is built yet: docs/limits.md says what an action can still do.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError, CorruptData
from ckstore.objects.layout import remove_tree
from ckstore.objects.store import ObjectStore
from ckstore.objects.trees import FILE
from ckstore.operations.add import add
from ckstore.operations.lock import make_lock
from ckstore.operations.outputs import store_outputs
from ckstore.operations.snapshot import snapshot, verify
from tests.actions.world import World, alive
from tests.hostile.catalogue import Row, parameters, stands_for
from tests.operations.folders import workshop

Leave = Callable[[Path], None]


def fifo(folder: Path) -> None:
    os.mkfifo(folder / "out")


def link(target: str) -> Leave:
    return lambda folder: (folder / "out").symlink_to(target)


def write(folder: Path) -> None:
    (folder / "out").write_text("x")


def nothing(folder: Path) -> None:
    """What the path leads to is there already."""


OUT, UNSAFE = "leads out", "unsafe-output"
OUTPUTS: list[Row[tuple[str, str, Leave]]] = [
    Row((86,), "a link out of the workspace", ("out", "out", link("/etc/passwd")), OUT, UNSAFE),
    Row((86,), "a link to the folder above", ("out", "out/x", link("..")), OUT, UNSAFE),
    Row((86,), "a path that leaves", ("out", "../secret", nothing), OUT, UNSAFE),
    Row((86,), "an absolute path", ("out", "/etc/passwd", nothing), OUT, UNSAFE),
    Row((86,), "a name that leaves", ("../out", "out", write), "unsafe name", UNSAFE),
    Row((86,), "a name of git's", (".git/config", "out", write), "unsafe name", UNSAFE),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(OUTPUTS))
def test_an_output_that_does_harm_is_refused(
    store: ObjectStore, tmp_path: Path, row: Row[tuple[str, str, Leave]]
) -> None:
    name, path, leave = row.given
    workspace = tmp_path / "work"
    workspace.mkdir()
    (tmp_path / "secret").write_text("secret")
    leave(workspace)
    with store.writer() as writer, pytest.raises(CkstoreError, match=row.says) as caught:
        store_outputs(writer, workspace, {name: path})
    assert caught.value.code == row.code


@stands_for(86)
def test_what_is_no_file_is_not_kept_and_no_bits_but_the_content_are(
    store: ObjectStore, tmp_path: Path
) -> None:
    """Pipes do not block; a set-user-id program and a link to a file of the store become plain copies."""
    fifo(tmp_path)
    program, linked = tmp_path / "program", tmp_path / "linked"
    program.write_text("x")
    program.chmod(0o4755)
    os.link(store.git / "HEAD", linked)
    with store.writer() as writer:
        tree = store_outputs(writer, tmp_path, {"out": "out", "program": "program", "linked": "linked"})
        writer.finish()
    fresh = ObjectStore(store.path, create=False)
    assert [(entry.name, entry.mode) for entry in fresh.read_tree(tree)] == [
        ("linked", FILE),
        ("program", FILE),
    ]


MODULE = """import os, signal, sys, time
from ckstore.actions.context import Context
from ckstore.actions.plan import Outcome

def f(context: Context) -> Outcome:
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(60)
        print("pids", pid, flush=True)
    return Outcome(message="left three behind, with the pipe open")
"""


@stands_for(87)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux finds what left its session")
def test_processes_that_hide_deafly_and_hold_the_pipe_end_with_their_action(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add_module(MODULE)
    assert world.act("f").message.startswith("left three")
    left = [int(word) for line in world.lines if line.startswith("pids") for word in line.split()[1:]]
    assert len(left) == 3
    assert not any(alive(pid) for pid in left)


@stands_for(88)
@pytest.mark.parametrize("how", ["write", "replace", "add", "remove", "mode"])
def test_what_an_action_does_to_its_inputs_is_found_and_undone(
    store: ObjectStore, tmp_path: Path, how: str
) -> None:
    """As the owner of the files, who can always change their modes; links into the store's trees included."""
    add(store, workshop(tmp_path / "shop"), source="shop")
    lock = make_lock(store, ["program:count"])[0]
    folder = snapshot(store, lock) / "shop" / "program" / "count"
    inside = folder.resolve()
    inside.chmod(0o755)
    path = inside / "count.py"
    if how == "write":
        path.chmod(0o644)
        path.write_text("evil")
    elif how == "replace":
        path.unlink()
        path.symlink_to("/etc/passwd")
    elif how == "add":
        (inside / "new.py").write_text("evil")
    elif how == "remove":
        path.unlink()
    else:
        path.chmod(0o755)
    with pytest.raises(CorruptData) as caught:
        verify(store, lock, ["shop:program:count"])
    assert caught.value.code
    again = snapshot(store, lock) / "shop" / "program" / "count"
    verify(store, lock, ["shop:program:count"])
    assert "evil" not in (again / "count.py").read_text()


@stands_for(88)
def test_what_is_laid_out_has_no_write_permission(store: ObjectStore, tmp_path: Path) -> None:
    add(store, workshop(tmp_path / "shop"), source="shop")
    root = snapshot(store, make_lock(store, ["program:count"])[0])
    inside = (root / "shop" / "program" / "count").resolve()
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o222 for path in [inside, *inside.rglob("*")]}
    assert modes == {0}
    remove_tree(root)
