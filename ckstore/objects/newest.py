"""The newest view of the log, and whether what the log is at is one."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ckstore.errors import CorruptData, NotFound
from ckstore.objects.head import bad_log_ref, read_head
from ckstore.objects.log import LogView, Reader

_ELSEWHERE = ("wrong-type", "no-object")  # errors of a ref that is at what is no commit, or is not here


def newest(objects: Reader, store: Path) -> LogView:
    """What is published now.

    Raises :class:`CorruptData` (``bad-log-ref``) when the log is at what is no operation, and
    :class:`Unsupported` when a newer ckstore wrote there.
    """
    at = read_head(store)
    if not at:
        return LogView(objects, "", "")
    try:
        view = LogView(objects, at, objects.root_of(at))
        known = view.find(("operation",)) is not None
    except (CorruptData, NotFound) as error:
        if error.code not in _ELSEWHERE:
            raise
        raise bad_log_ref(store, f"The log of {store} cannot be read: {error.message}") from error
    if not known:
        raise bad_log_ref(store, f"The log ref of {store} is at {at}, which is no operation.")
    with contextlib.suppress(CorruptData, NotFound):  # a damaged one says nothing of the rest
        view.operation()
    return view
