"""``fsck``: objects, records, index and laid-out trees; and mending what is damaged."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ckstore.errors import CkstoreError
from ckstore.index.audit import audit, rebuild
from ckstore.index.files import own_path
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import Damage, Health, check
from ckstore.operations.repair import Repair, repair

Progress = Callable[[str], None]


def fsck(store: ObjectStore, progress: Progress = lambda line: None) -> Health:
    """Check the whole store; damage is reported, never raised. The index is brought up to date."""
    health = check(store, progress)
    return replace(health, damage=(*health.damage, *_index(store, progress)))


def fsck_and_repair(
    store: ObjectStore,
    others: Sequence[Path] = (),
    *,
    back_to: str = "",
    progress: Progress = lambda line: None,
) -> tuple[Repair, Health]:
    """Mend what can be mended (see :func:`ckstore.operations.repair.repair`), then check what there is."""
    done = repair(store, others, back_to=back_to, progress=progress)
    return done, fsck(store, progress)


def _index(store: ObjectStore, progress: Progress) -> Iterator[Damage]:
    try:
        view = store.view()
        found = audit(store.path, view, progress) if view.head else []
    except CkstoreError:  # the log cannot be read, and that is told
        return
    anew = False
    if found:
        with contextlib.suppress(sqlite3.Error, OSError):  # a store that is read-only here
            rebuild(store.path, view, progress)
            anew = True
    for text in found:
        told = f"{text} It was built anew." if anew else text
        yield Damage("bad-index", own_path(store.path), told, anew)
