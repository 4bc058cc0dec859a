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
from ckstore.operations.signatures import check_signatures

Progress = Callable[[str], None]


def fsck(
    store: ObjectStore, progress: Progress = lambda line: None, *, signers: Path | None = None
) -> Health:
    """Check the whole store; damage is reported, never raised. The index is brought up to date.

    ``signers`` is a list of allowed signers to judge the log's signatures by, instead of the one of the
    store's settings; a list that is not there is an error.
    """
    health = check(store, progress)
    unreadable = any(damage.code != "bad-pack" and not damage.repaired for damage in health.damage)
    more = [*check_signatures(store, signers, progress), *([] if unreadable else _index(store, progress))]
    return replace(health, damage=(*health.damage, *more))


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
