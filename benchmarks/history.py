"""Deriving releases from a history, against git listing what every commit changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generate
from benchmarks.generate import GIT, git
from benchmarks.measure import Row, Sample, call, process
from ckstore.mirror.borrowing import BorrowingStore
from ckstore.mirror.history import derive
from ckstore.mirror.readers.choice import Readers
from ckstore.mirror.trees import RawTrees
from ckstore.mirror.walk import first_parents
from ckstore.model.records import Source
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror

if TYPE_CHECKING:
    from benchmarks.cases import Setting

_UPDATE = 50  # commits
_LOG = ("log", "--raw", "-t", "-c", "-z")


def history(setting: Setting) -> Iterator[Row]:
    """Which components changed in which commit; all releases; an update. With --repository, of a real one."""
    repository = setting.repository or generate.write_history(setting.folder / "history.git", setting.size)
    work = _Work(Path(repository), setting.folder)
    releases = f"{work.releases} releases"
    for words in _peers(work.git):
        theirs = process(["git", "-C", work.git, *words, "HEAD"], env=GIT)
        peer = f"git {' '.join(words)}"
        yield setting.compare("every changed component", peer, work.walk, theirs, f"{work.commits} commits")
        yield setting.compare("all releases, with digests and records", peer, work.derive, theirs, releases)
        yield setting.compare(f"an update by {_UPDATE} commits", peer, work.update, theirs)
    yield setting.compare(f"an update by {_UPDATE} commits", "all releases", work.update, work.derive)


def _peers(folder: Path) -> list[tuple[str, ...]]:
    """git as it is, unless files that it reads to find renames are missing; and without renames."""
    whole = subprocess.run(["git", "-C", folder, *_LOG, "HEAD"], env=GIT, capture_output=True, check=False)
    return [_LOG, (*_LOG, "--no-renames")] if whole.returncode == 0 else [(*_LOG, "--no-renames")]


class _Work:
    """What is measured, on a copy that borrows all its objects: its branch can be set back."""

    def __init__(self, repository: Path, folder: Path) -> None:
        origin = Path(git("-C", repository, "rev-parse", "--absolute-git-dir"))
        self.head = git("-C", origin, "rev-parse", "HEAD")
        before = git("-C", origin, "rev-parse", f"HEAD~{_UPDATE}")
        self.git = folder / "borrowing.git"
        git("init", "--quiet", "--bare", "--initial-branch=main", self.git)
        (self.git / "objects" / "info" / "alternates").write_text(f"{origin / 'objects'}\n")
        git("-C", self.git, "update-ref", "refs/heads/main", before)
        self._store = ObjectStore(folder / "history-store")
        mirror(self._store, str(self.git), name="mirrored")
        git("-C", self.git, "update-ref", "refs/heads/main", self.head)
        self._empty = ObjectStore(folder / "empty-store")
        self._lenders = [origin / "objects", self._store.git / "objects"]
        self.releases, self.commits = self._derived(), len(first_parents(self._objects(), self.head)[0])
        self.walk: Sample = call(self._walk)
        self.derive: Sample = call(self._derived)
        self.update: Sample = call(self._updated)

    def _objects(self) -> BorrowingStore:
        """Everything, and nothing of it read yet."""
        return BorrowingStore(self._empty.path, self._lenders)

    def _walk(self) -> None:
        objects = self._objects()
        trees, readers = RawTrees(objects, objects.reread), Readers("benchmark")
        before = ""
        for _, root in first_parents(objects, self.head)[0]:
            readers.changes(trees, before, root)
            before = root

    def _derived(self) -> int:
        source = Source("mirrored", "", "git")
        return self._records(self._empty, source)

    def _updated(self) -> int:
        source = self._store.view().source("mirrored")
        assert source is not None
        return self._records(self._store, source)

    def _records(self, store: ObjectStore, source: Source) -> int:
        """How many new releases there are; their records are written, but not into a store."""
        arrived = replace(source, head=self.head)
        found = derive(self._objects(), store.view(), source, arrived, "benchmark", lambda line: None)
        return len([release.encode() for line in found.lines.values() for release in line.added])
