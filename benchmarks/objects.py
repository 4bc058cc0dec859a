"""Writing and reading a store: small files, large files, unchanged folders, snapshots, memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.folders import Fresh, remove_all
from benchmarks.generate import GIT, git
from benchmarks.measure import Row, call, process

if TYPE_CHECKING:
    from benchmarks.cases import Setting

_ADD = "git add -A && git write-tree"
_LIMIT = 300.0  # MiB
_SLOW, _FEW = 3, 5  # repetitions of what takes a minute, or seconds
_LOCK_AND_LAY_OUT = (
    "import pathlib, sys; from ckstore import Store; lock = Store(sys.argv[1]).lock(['dataset:large']); "
    "lock.snapshot(); pathlib.Path(sys.argv[2]).write_text(lock.lock.emit())"
)


class _Contest:
    """A folder that is added to new stores, and to new repositories of git."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        self.folder = folder
        self.store, self.repository = Fresh(setting.folder / "stores"), Fresh(setting.folder / "repositories")
        self.ours = process([setting.ckstore, "add", folder], prepare=self._new_store)
        self.environment = {**GIT, "GIT_WORK_TREE": str(folder)}
        self.theirs = process(
            ["sh", "-c", _ADD], cwd=folder, env=self.environment, prepare=self._new_repository
        )

    def _new_store(self) -> dict[str, str]:
        return {"CKSTORE_STORE": str(self.store.renew())}

    def _new_repository(self) -> dict[str, str]:
        git("init", "--quiet", "--bare", self.repository.renew())
        return {"GIT_DIR": str(self.repository.path)}


def _of_files(setting: Setting, files: int) -> generate.Size:
    """Material with about this many files; a tenth with --quick."""
    each = generate.FULL.files + 1
    components = files // each if setting.size == generate.FULL else files // each // 10
    return replace(generate.FULL, components=components)


def add(setting: Setting) -> Iterator[Row]:
    """Publishing 10,000 small files: one synced pack, records, two digests per file."""
    size = _of_files(setting, 10_000)
    contest = _Contest(setting, generate.write_folder(setting.folder / "add", size))
    files = size.components * (size.files + 1)
    yield setting.compare(
        f"ckstore add, {files} small files", _ADD, contest.ours, contest.theirs, target=0.35
    )


def readd(setting: Setting) -> Iterator[Row]:
    """Publishing 20,000 files again, of which none changed."""
    size = _of_files(setting, 20_000)
    contest = _Contest(setting, generate.write_folder(setting.folder / "readd", size))
    contest.ours()
    contest.theirs()
    files = size.components * (size.files + 1)
    again = process([setting.ckstore, "add", contest.folder, "--store", contest.store.path])
    rehash = process([setting.ckstore, "add", contest.folder, "--rehash", "--store", contest.store.path])
    environment = {**contest.environment, "GIT_DIR": str(contest.repository.path)}
    status = process(["git", "status", "--short"], cwd=contest.folder, env=environment)
    yield setting.compare(f"ckstore add, {files} unchanged", "git status", again, status, target=1.5)
    yield setting.compare(f"ckstore add --rehash, {files} unchanged", "git status", rehash, status)


def large(setting: Setting) -> Iterator[Row]:
    """Publishing 1 GiB of large files, half of which does not compress."""
    mebibytes = 1024 if setting.size == generate.FULL else 128
    contest = _Contest(setting, generate.write_large(setting.folder / "large", mebibytes))
    yield setting.compare(
        f"ckstore add, {mebibytes} MiB in large files", _ADD, contest.ours, contest.theirs,
        target=0.3, most=_SLOW,
    )  # fmt: skip


def memory(setting: Setting) -> Iterator[Row]:
    """The most memory that a process needs for a file of 2 GiB."""
    mebibytes = 2048 if setting.size == generate.FULL else 600
    folder = generate.write_large(setting.folder / "memory", mebibytes, files=1)
    store, imported = setting.folder / "memory-store", setting.folder / "imported-store"
    origin = setting.folder / "memory.git"
    lock, bundle = setting.folder / "memory.lock", setting.folder / "memory.bundle"
    git("init", "--quiet", "--bare", origin)
    git("--git-dir", origin, "--work-tree", folder, "add", "-A")
    git("--git-dir", origin, "--work-tree", folder, "commit", "--quiet", "-m", "large")
    without = {"PATH": str(Path(sys.executable).parent)}
    runs: list[tuple[str, list[str | Path], dict[str, str]]] = [
        ("ckstore add", [setting.ckstore, "add", folder, "--store", store], {}),
        ("ckstore add --rehash, known", [setting.ckstore, "add", folder, "--rehash", "--store", store], {}),
        ("ckstore fsck", [setting.ckstore, "fsck", "--store", store], {}),
        ("Store.lock, snapshot", [sys.executable, "-c", _LOCK_AND_LAY_OUT, store, lock], {}),
        ("ckstore gc", [setting.ckstore, "gc", "--store", store], {}),
        ("ckstore export", [setting.ckstore, "export", lock, bundle, "--store", store], {}),
        ("ckstore import", [setting.ckstore, "import", bundle, "--store", imported], {}),
    ]  # fmt: skip
    for number, (engine, environment) in enumerate((("", {}), (", no git binary", without))):
        for what, address in (("file://", f"file://{origin}"), ("of a folder", origin)):
            mirrored = setting.folder / f"mirrored-store-{number}-{what[:4]}"
            argv = [setting.ckstore, "mirror", address, "--store", mirrored]
            runs.append((f"ckstore mirror {what}{engine}", argv, environment))
    for name, argv, environment in runs:
        peak = process(argv, env=environment, memory=True)()
        yield Row(
            f"{name}, {mebibytes} MiB file", "limit of memory", (peak,), (_LIMIT,), target=1.0, unit="MiB"
        )


def snapshot(setting: Setting) -> Iterator[Row]:
    """Laying a lock's 5,000 files out: the library's work on a store just opened, without Python's start."""
    from ckstore import Store
    from ckstore.objects.store import ObjectStore
    from ckstore.operations.snapshot import snapshot, verify

    size = replace(setting.size, files=16, commits=2)
    origin = generate.write_history(setting.folder / "snapshot.git", size)
    store = Store(setting.folder / "snapshot-store")
    store.mirror(f"file://{origin}")
    lock = store.lock(["dataset:bench-*"])
    lock.snapshot()
    work, index = Fresh(setting.folder / "checkouts"), setting.folder / "checkouts.index"
    environment = {**GIT, "GIT_DIR": str(origin), "GIT_INDEX_FILE": str(index)}

    def new_checkout() -> dict[str, str]:
        index.unlink(missing_ok=True)
        work.renew().mkdir()
        return {"GIT_WORK_TREE": str(work.path)}

    theirs = process(
        ["git", "checkout", "--quiet", "--force", "main", "--", "."], env=environment, prepare=new_checkout
    )
    files = size.components * (size.files + 1)
    for name, forgotten, target in (
        (f"snapshot, cold, {files} files", ("snapshots", "trees"), 1.0),
        ("snapshot, trees at hand", ("snapshots",), None),
        ("snapshot, warm", (), 0.05),
    ):
        ours = call(
            lambda: snapshot(ObjectStore(store.path), lock.lock),
            prepare=partial(remove_all, *(store.path / part for part in forgotten)),
        )
        yield setting.compare(name, "git checkout", ours, theirs, target=target, most=_FEW)
    pinned = [pin.component for pin in lock.lock.pins]
    rehash = call(partial(verify, store.objects, lock.lock, pinned))
    yield setting.compare(
        "snapshot, every file verified", "git checkout", rehash, theirs, target=0.1, most=_FEW
    )
