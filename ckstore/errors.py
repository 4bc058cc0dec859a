"""The one error tree of ckstore.

::

    CkstoreError
    ├── InvalidInput   exit  2   what was asked cannot be understood
    ├── NotFound       exit 10   well asked, nothing there
    ├── Conflict       exit 11   it would contradict what is already published
    ├── CorruptData    exit 12   stored bytes are not what their name promises
    ├── Unavailable    exit 13   a host, a tool or a disk does not answer now
    ├── Unsupported    exit 14   understood, but this version cannot do it
    └── ActionFailed   exit  1   everything worked, the action itself did not

Every error carries a stable kebab-case ``code``, one sentence for a person, ``hints`` (what to type
next) and ``details`` (the values concerned, for ``--json``). Doors render them; nothing below prints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class CkstoreError(Exception):
    """Root of everything that ckstore raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hints: Sequence[str] = (),
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hints = tuple(hints)
        self.details = dict(details or {})

    def as_plain(self) -> dict[str, object]:
        """The error as JSON-able values, the same for every door."""
        return {
            "error": self.code,
            "kind": type(self).__name__,
            "exit_code": self.exit_code,
            "message": self.message,
            "hints": list(self.hints),
            "details": self.details,
        }


class InvalidInput(CkstoreError):
    """What was asked cannot be understood."""

    exit_code = 2


class NotFound(CkstoreError):
    """Well asked, but nothing is there."""

    exit_code = 10


class Conflict(CkstoreError):
    """It would contradict what is already published."""

    exit_code = 11


class CorruptData(CkstoreError):
    """Stored bytes are not what their name promises."""

    exit_code = 12


class Unavailable(CkstoreError):
    """A host, a tool or a disk does not answer now."""

    exit_code = 13


class Unsupported(CkstoreError):
    """Understood, but this version of ckstore cannot do it."""

    exit_code = 14


class ActionFailed(CkstoreError):
    """The action was carried out and failed by itself."""

    exit_code = 1
