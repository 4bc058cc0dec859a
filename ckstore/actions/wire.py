"""How errors cross the border between the host process and the one that started it."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Mapping

from ckstore import errors
from ckstore.errors import ActionFailed, CkstoreError, Unavailable
from ckstore.model.plain import as_list, as_map, as_text

_KINDS: dict[str, type[CkstoreError]] = {
    kind.__name__: kind
    for kind in (
        errors.InvalidInput, errors.NotFound, errors.Conflict, errors.CorruptData, errors.Unavailable,
        errors.Unsupported, errors.ActionFailed,
    )
}  # fmt: skip
NO_ROOM = 73  # exit code of the host (EX_CANTCREAT of sysexits.h): the disk is too full for the result
_LINES = 12  # of a traceback: enough to see where, short enough to read


def is_disk_full(error: BaseException) -> bool:
    """True for what the system says when a disk, or the share of it that one may use, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_full(place: str) -> Unavailable:
    """The error that names the place which has no room."""
    return Unavailable(
        f"The disk is full: nothing more can be written to {place}.",
        code="disk-full",
        hints=["make room there, then repeat"],
        details={"path": place},
    )


def error_as_plain(error: BaseException, action: str, place: str = "") -> dict[str, object]:
    """Any exception as JSON-able values; one that is not ours becomes an ActionFailed.

    A full disk is nobody's fault; ``place`` is where the action writes, for errors that name no file.
    """
    if isinstance(error, CkstoreError):
        return error.as_plain()
    if is_disk_full(error):
        # Of a copy both ends are named, and the second is the one that is written.
        named = getattr(error, "filename2", None) or getattr(error, "filename", None)
        return disk_full(str(named or place or "the workspace")).as_plain()
    lines = "".join(traceback.format_exception(error)).splitlines()[-_LINES:]
    return ActionFailed(
        f"The action {action!r} failed inside its own code: {type(error).__name__}: {error}",
        code="action-crashed",
        hints=["this is a fault of the component that provides the action, not of what it was asked"],
        details={"traceback": lines},
    ).as_plain()


def error_from_plain(value: Mapping[str, object]) -> CkstoreError:
    """The error that :func:`error_as_plain` described, of the same kind, ready to raise."""
    kind = _KINDS.get(as_text(value.get("kind")), ActionFailed)
    return kind(
        as_text(value.get("message")),
        code=as_text(value.get("error")) or "action-crashed",
        hints=[as_text(hint) for hint in as_list(value.get("hints"))],
        details=as_map(value.get("details")),
    )
