"""``fsck``: the objects, the records and the trees that are laid out; the index is derived, and heals."""

from __future__ import annotations

from collections.abc import Callable

from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import Health, check


def fsck(store: ObjectStore, progress: Callable[[str], None] = lambda line: None) -> Health:
    """Check the whole store; damage is reported, never raised."""
    return check(store, progress)
