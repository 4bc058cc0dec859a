"""``fsck``: the objects, the records and the trees that are laid out; the index is derived, and heals."""

from __future__ import annotations

from collections.abc import Callable

from ckstore.model.query import Query
from ckstore.objects.head import read_head
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import Health, check
from ckstore.operations.find import find


def fsck(store: ObjectStore, progress: Callable[[str], None] = lambda line: None) -> Health:
    """Check the whole store; damage is reported, never raised. The index is brought up to date."""
    health = check(store, progress)
    if not health.damage and read_head(store.path):
        find(store.path, Query(limit=1), progress=progress)
    return health
