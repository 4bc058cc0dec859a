"""Bodies of requests: of a stated length or in chunks, plain or gzip, never more than a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import IO, Protocol

from ckstore.errors import InvalidInput, Unsupported

_CHUNK = 64 * 1024
_LINE = 256


class Readable(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes."""

    def readline(self, size: int, /) -> bytes:
        """A line, or its first ``size`` bytes."""


def read_body(request: BaseHTTPRequestHandler, out: IO[bytes], limit: int) -> int:
    """Write the body of a request to ``out``; gives its size once inflated, in bytes.

    Raises :class:`InvalidInput` for one that is cut or malformed, :class:`Unsupported` for one beyond
    ``limit`` bytes, before or after inflating.
    """
    coding = request.headers.get("Content-Encoding", "")
    if coding not in ("", "gzip", "x-gzip"):
        raise Unsupported(f"The encoding {coding[:40]!r} is not known.", code="bad-encoding")
    size = 0
    for piece in _inflated(_raw(request, limit), limit) if coding else _raw(request, limit):
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        out.write(piece)
    return size


def too_large(limit: int) -> Unsupported:
    """The error for a request beyond its limit."""
    return Unsupported(f"The request is larger than {limit} bytes.", code="request-too-large")


def _raw(request: BaseHTTPRequestHandler, limit: int) -> Iterator[bytes]:
    if request.headers.get("Transfer-Encoding", "").lower() == "chunked":
        return _chunks(request.rfile)
    length = request.headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise InvalidInput("The request has no valid length.", code="bad-request")
    if len(length) > 15 or int(length) > limit:
        raise too_large(limit)
    return _exactly(request.rfile, int(length))


def _exactly(file: Readable, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, _CHUNK))
        if not piece:
            raise InvalidInput("The request ends too early.", code="bad-request")
        size -= len(piece)
        yield piece


def _chunks(file: Readable) -> Iterator[bytes]:
    while True:
        line = file.readline(_LINE).partition(b";")[0].strip()
        try:
            size = int(line, 16) if len(line) <= 12 else -1
        except ValueError:
            size = -1
        if size < 0:
            raise InvalidInput("The request has a malformed chunk.", code="bad-request")
        if not size:
            while file.readline(_LINE).strip():  # trailers say nothing to us
                pass
            return
        yield from _exactly(file, size)
        file.readline(_LINE)


def _inflated(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    taken = 0
    for piece in pieces:
        taken += len(piece)
        if taken > limit:
            raise too_large(limit)
        while piece and not stream.eof:
            try:
                yield stream.decompress(piece, _CHUNK)
            except zlib.error:
                raise InvalidInput("The request is no gzip stream.", code="bad-request") from None
            piece = stream.unconsumed_tail
    if not stream.eof:
        raise InvalidInput("The request ends too early.", code="bad-request")
