"""git's packet lines (gitprotocol-common(5)), and what is said to somebody who pushes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from ckstore.errors import InvalidInput

FLUSH = b"0000"
_MOST = 65520
_BAND = 65515


def packet(data: bytes) -> bytes:
    """One line."""
    return b"%04x" % (len(data) + 4) + data


def packets(file: IO[bytes], most: int) -> Iterator[bytes]:
    """The lines up to the next flush, ``most`` at the most; :class:`InvalidInput` for what is none."""
    for _ in range(most + 1):
        size = file.read(4)
        if size in (FLUSH, b""):
            return
        try:
            length = int(size, 16)
        except ValueError:
            length = 0
        data = file.read(length - 4) if 4 < length <= _MOST else b""
        if not data or len(data) != length - 4:
            raise _bad("a packet line is malformed")
        yield data
    raise _bad(f"more than {most} packet lines")


def _bad(why: str) -> InvalidInput:
    return InvalidInput(f"The request is not one of git: {why}.", code="bad-request")


def report(ref: str, refusal: str, said: str) -> bytes:
    """The answer to a push: what became of the ref, and a message that git shows."""
    status = packet(b"unpack ok\n")
    status += packet(f"ng {ref} {refusal}\n".encode() if refusal else f"ok {ref}\n".encode()) + FLUSH
    words = "".join(c if c.isprintable() else " " for c in said)[: _BAND // 4].encode("utf-8", "replace")
    message = packet(b"\x02" + words + b"\n") if words else b""
    return message + packet(b"\x01" + status) + FLUSH
