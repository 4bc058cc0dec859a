"""``fsck``: the objects, the log and the index."""

from __future__ import annotations

from collections.abc import Callable

from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import Health, check


def fsck(store: ObjectStore, progress: Callable[[str], None] = lambda line: None) -> Health:
    """Check the whole store; damage is reported, never raised. The index is compared with the log."""
    return check(store, progress)
