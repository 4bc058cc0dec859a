"""What the tests of the objects layer share: folders, operations, git, children that die."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

from ckstore.model.names import derive_uid
from ckstore.model.records import Component, Operation, Release, Source
from ckstore.objects.digests import Digests
from ckstore.objects.folders import Staged, import_folder
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.store import ObjectStore

SOURCE = "lab"


def make_folder(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files; a name that ends with ``*`` is executable, ``@`` a symlink."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = folder / name.rstrip("*@")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("@"):
            path.symlink_to(data.decode())
        else:
            path.write_bytes(data)
            path.chmod(0o755 if name.endswith("*") else 0o644)
    return folder


def add(store: ObjectStore, name: str, folder: Path, version: str = "1.0.0") -> str:
    """Publish a folder as one release of ``program:<name>``; gives the head of the log."""
    uid = derive_uid("program", name)

    def prepare(writer: PackWriter) -> tuple[str, str]:
        tree, _ = import_folder(writer, folder)
        staged = Staged(store, writer)
        return tree, Digests(staged.read_tree, staged.read_blob).of_tree(tree)

    def edit(view: LogView, change: LogEdit, added: tuple[str, str]) -> None:
        old = view.component(SOURCE, uid)
        versions = tuple(dict.fromkeys([*(old.versions if old else ()), version]))
        if view.source(SOURCE) is None:
            change.put_source(Source(SOURCE, "", "folder"))
        names = (f"program:{name}",)
        change.put_component(
            SOURCE,
            Component(uid, "program", name, names, versions),
            [Release(uid, "program", name, version, *added, "", name, "ck", "first")],
        )

    return store.publish(Operation("add", f"ckstore add {name}", f"{name} {version}"), prepare, edit)


def release(store: ObjectStore, name: str, version: str = "1.0.0") -> Release:
    """The published release of ``program:<name>``."""
    return store.view().release(SOURCE, derive_uid("program", name), version)


def read_everything(store: ObjectStore) -> dict[str, str]:
    """``name@version`` → digest, computed anew from the stored bytes, of every release."""
    fresh = ObjectStore(store.path, create=False)
    view = fresh.view()
    found = {}
    for component in view.components(SOURCE):
        for version in component.versions:
            tree = view.release(SOURCE, component.uid, version).tree
            found[f"{component.name}@{version}"] = fresh.digests.of_tree(tree)
    return found


def git(*arguments: str | Path, at: Path | None = None, given: bytes = b"") -> str:
    """Run git; what it printed, errors included. Fails the test when git does."""
    place = ["-C", str(at)] if at else []
    done = subprocess.run(
        ["git", *place, *map(str, arguments)], input=given, capture_output=True, timeout=600, check=False
    )
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, text
    return text


def fsck(store: ObjectStore) -> list[str]:
    """What a strict fsck has to say that is not about objects which nobody reaches."""
    lines = git("fsck", "--full", "--strict", at=store.git).splitlines()
    return [line for line in lines if not line.startswith(("dangling", "notice: HEAD points to an unborn"))]


def in_child(work: Callable[[], object]) -> int:
    """Run ``work`` in a child process and wait; its exit code, or minus the signal that killed it."""
    child = start_child(work)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def start_child(work: Callable[[], object]) -> int:
    """Start ``work`` in a child process; its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def packs(store: ObjectStore) -> list[Path]:
    """The packs of the store."""
    return sorted((store.git / "objects" / "pack").glob("pack-*.pack"))


def litter(store: ObjectStore) -> list[str]:
    """Temporary files anywhere in the store."""
    return [str(path) for name in ("tmp*", "ckstore_*") for path in store.path.rglob(name)]
