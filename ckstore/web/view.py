"""What a served store looks like to git: a small repository that borrows all its objects.

The log is there twice: as ``refs/ckstore/log``, for other stores, and as the branch ``main``, so that a plain
clone has something to check out. The store itself is not written to, and none of its other refs is shown.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from ckstore.objects.head import LOG_REF, read_head
from ckstore.objects.store import ObjectStore

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tbare = true
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[gc]
\tauto = 0
"""


class View:
    """The repository at ``path``; see :func:`view_of`."""

    def __init__(self, store: ObjectStore, path: Path) -> None:
        self.store = store
        self.path = path
        self._head = ""
        self._turn = threading.Lock()
        for folder in ("objects/info", "refs"):
            (path / folder).mkdir(parents=True)
        (path / "HEAD").write_text("ref: refs/heads/main\n", "ascii")
        (path / "config").write_text(_CONFIG, "ascii")
        borrowed = store.git.resolve() / "objects"
        (path / "objects" / "info" / "alternates").write_text(f"{borrowed}\n", "utf-8")

    def refresh(self) -> str:
        """Bring the refs to the log as it is now; gives its head, empty when there is none."""
        with self._turn:
            head = read_head(self.store.path)
            if head != self._head:
                refs = self.path / "packed-refs.new"
                refs.write_text(f"{head} {LOG_REF}\n{head} refs/heads/main\n" if head else "", "ascii")
                refs.replace(self.path / "packed-refs")
                self._head = head
            return head


@contextlib.contextmanager
def view_of(store: ObjectStore) -> Iterator[View]:
    """A view of the store, for as long as it is served."""
    with tempfile.TemporaryDirectory(prefix="ckstore-serve-") as folder:
        yield View(store, Path(folder) / "view.git")
