"""What is compared with what. Each case makes what it needs in a folder of its own and gives rows."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks import generate
from benchmarks.generate import GIT, git
from benchmarks.history import history
from benchmarks.measure import Row, Sample, call, compare, process

QUERY = ",".join(generate.COMMON)


@dataclass(frozen=True)
class Setting:
    """``store`` is one to use for ``find`` (None: a generated one), ``ck`` Collective Knowledge's program.

    ``repository`` is one whose history is read (None: a generated one).
    """

    folder: Path
    size: generate.Size
    repetitions: int
    store: Path | None
    tags: str
    ck: str | None
    repository: Path | None = None

    @property
    def ckstore(self) -> str:
        """The console script beside this Python, as a user would start it."""
        found = shutil.which("ckstore", path=str(Path(sys.executable).parent))
        if found is None:
            raise RuntimeError("the command `ckstore` is not installed beside this Python")
        return found

    @property
    def python(self) -> Sample:
        """The least that a process of this Python costs."""
        return process([sys.executable, "-c", "pass"])

    def compare(self, name: str, peer: str, ours: Sample, theirs: Sample, note: str = "") -> Row:
        """One row."""
        return compare(name, peer, ours, theirs, self.repetitions, note)


def start(setting: Setting) -> Iterator[Row]:
    """Starting up, and nothing else."""
    ours = process([setting.ckstore, "--version"])
    yield setting.compare("ckstore --version", "python -c pass", ours, setting.python)
    if setting.ck:
        yield setting.compare("ckstore --version", "ck version", ours, process([setting.ck, "version"]))


def find(setting: Setting) -> Iterator[Row]:
    """A question by tags over everything, as a whole process."""
    store = setting.store
    if store is None:
        store = setting.folder / "find-store"
        folder = generate.write_folder(setting.folder / "find", setting.size)
        process([setting.ckstore, "add", folder, "--store", store])()
    ours = process([setting.ckstore, "find", "--tags", setting.tags, "--store", store])
    name = f"ckstore find --tags {setting.tags}"
    yield setting.compare(name, "python -c pass", ours, setting.python)
    counted = process([setting.ckstore, "find", "--tags", setting.tags, "--count", "--store", store])
    yield setting.compare(f"{name} --count", "python -c pass", counted, setting.python)
    if setting.ck:
        theirs = process([setting.ck, "search", f"--tags={setting.tags}"])
        yield setting.compare(name, "ck search --tags, all kinds", ours, theirs)


def add(setting: Setting) -> Iterator[Row]:
    """Publishing a folder, and publishing it again unchanged."""
    folder = generate.write_folder(setting.folder / "add", setting.size)
    files = setting.size.components * (setting.size.files + 1)
    store, repository = Fresh(setting.folder / "add-stores"), Fresh(setting.folder / "add-git")
    environment = {**GIT, "GIT_WORK_TREE": str(folder)}

    def new_store() -> dict[str, str]:
        return {"CKSTORE_STORE": str(store.renew())}

    def new_repository() -> dict[str, str]:
        git("init", "--quiet", "--bare", repository.renew())
        return {"GIT_DIR": str(repository.path)}

    ours = process([setting.ckstore, "add", folder], prepare=new_store)
    words = "git add -A && git commit --quiet -m add"
    theirs = process(["sh", "-c", words], cwd=folder, env=environment, prepare=new_repository)
    yield setting.compare(f"ckstore add, {files} files", "git add, git commit", ours, theirs)

    again = process([setting.ckstore, "add", folder, "--store", store.path])
    environment |= {"GIT_DIR": str(repository.path)}
    theirs = process(["sh", "-c", "git add -A && git status --short"], cwd=folder, env=environment)
    yield setting.compare("ckstore add, unchanged", "git add, git status", again, theirs)


def mirror(setting: Setting) -> Iterator[Row]:
    """Bringing a repository in with its history, and asking again when nothing is new."""
    url = f"file://{generate.write_history(setting.folder / 'history.git', setting.size)}"
    store, clone = Fresh(setting.folder / "mirror-stores"), Fresh(setting.folder / "clones")
    ours = process([setting.ckstore, "mirror", url], prepare=lambda: {"CKSTORE_STORE": str(store.renew())})
    theirs = process(
        ["sh", "-c", 'git clone --quiet --mirror "$0" "$CLONE"', url],
        env=GIT, prepare=lambda: {"CLONE": str(clone.renew())},
    )  # fmt: skip
    note = f"{setting.size.commits} commits; ours derives releases as well"
    yield setting.compare("ckstore mirror", "git clone --mirror", ours, theirs, note)
    again = process([setting.ckstore, "mirror", url, "--store", store.path])
    fetch = process(["git", "-C", clone.path, "fetch", "--quiet", "origin"], env=GIT)
    yield setting.compare("ckstore mirror, nothing new", "git fetch", again, fetch)


def snapshot(setting: Setting) -> Iterator[Row]:
    """Laying a lock's files out: the library's work, without the start of Python."""
    from ckstore import Store

    origin = generate.write_history(setting.folder / "snapshot.git", setting.size)
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
    files = setting.size.components * (setting.size.files + 1)
    for name, forgotten in (
        (f"snapshot, cold, {files} files", ("snapshots", "trees")),
        ("snapshot, trees at hand", ("snapshots",)),
        ("snapshot, warm", ()),
    ):
        ours = call(lock.snapshot, prepare=partial(remove_all, *(store.path / part for part in forgotten)))
        yield setting.compare(name, "git checkout", ours, theirs)


class Fresh:
    """A path below ``parent`` that is new after every :meth:`renew`; the one before is deleted."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True)
        self._paths = (parent / str(number) for number in count())
        self.path = next(self._paths)

    def renew(self) -> Path:
        """A path where nothing is."""
        remove_all(self.path)
        self.path = next(self._paths)
        return self.path


def remove_all(*paths: Path) -> None:
    """Delete folders, read-only ones in them too."""
    for path in paths:
        if path.exists():
            for folder in [path, *(p for p in path.rglob("*") if p.is_dir() and not p.is_symlink())]:
                folder.chmod(0o755)
            shutil.rmtree(path)


CASES: dict[str, Callable[[Setting], Iterator[Row]]] = {
    "start": start, "find": find, "add": add, "mirror": mirror, "history": history,
    "snapshot": snapshot,
}  # fmt: skip
