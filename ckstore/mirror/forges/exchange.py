"""One request over HTTP, one reply of bounded size in bounded time.

The standard library does it: proxies come from the environment (``https_proxy``, ``no_proxy``),
certificates are checked against those of the system (``SSL_CERT_FILE`` names others). Handlers for
``file:``, ``ftp:`` and ``data:`` are not installed, and redirects are the caller's to judge.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ckstore import __version__
from ckstore.errors import CkstoreError, Unavailable

_SILENCE_SECONDS = 30.0
_WHOLE_SECONDS = 120.0
MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """``fields`` of the head, their names in lower case."""

    address: str
    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def exchange(
    address: str, headers: Mapping[str, str], *, most: int = MOST_BYTES, seconds: float = _WHOLE_SECONDS
) -> Reply:
    """GET ``address``. Any status is a reply; ``Unavailable`` when none arrives whole.

    ``most`` bounds the body in bytes, ``seconds`` the whole exchange once connected: a server that sends
    a byte now and then holds nobody up.
    """
    fields = {"User-Agent": f"ckstore/{__version__}", "Accept": "application/json", **headers}
    request = urllib.request.Request(address, headers=fields)  # noqa: S310 - only http and https have handlers
    watch = _Watch(seconds)
    try:
        with _opener(watch).open(request, timeout=_SILENCE_SECONDS) as response:
            names = {name.lower(): text for name, text in response.headers.items()}
            return Reply(address, response.status, names, _read(response, most, address))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failure(address, error, watch) from error
    finally:
        watch.stop()


def _read(response: http.client.HTTPResponse, most: int, address: str) -> bytes:
    data = response.read(most + 1)
    if response.length and len(data) <= most:
        raise http.client.IncompleteRead(data, response.length)
    if len(data) > most:
        raise Unavailable(
            f"The answer of {_host(address)} is larger than {most // 1024 // 1024} MiB.",
            code="answer-too-large",
            hints=["is it the address of a forge's interface?"],
        )
    return data


class _Watch:
    """Cuts the connection when the time is up, whatever its other end does."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def add(self, connected: socket.socket) -> None:
        """Watch this one, too."""
        self._sockets.append(connected)

    def stop(self) -> None:
        """It is done."""
        self._timer.cancel()

    def _cut(self) -> None:
        self.expired = True
        for one in self._sockets:
            with contextlib.suppress(OSError):  # below TLS: another thread is reading there
                socket.socket.shutdown(one, socket.SHUT_RDWR)


class _Plain(http.client.HTTPConnection):
    watch: _Watch

    def connect(self) -> None:
        super().connect()
        self.watch.add(self.sock)


class _Encrypted(http.client.HTTPSConnection):
    watch: _Watch

    def connect(self) -> None:
        super().connect()
        self.watch.add(self.sock)


class _PlainHandler(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self._watch = watch

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)

    def _connection(self, host: str, /, **options: Any) -> _Plain:
        connection = _Plain(host, **options)
        connection.watch = self._watch
        return connection


class _EncryptedHandler(urllib.request.HTTPSHandler):
    def __init__(self, watch: _Watch) -> None:
        super().__init__(context=_certificates())
        self._watch = watch

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)

    def _connection(self, host: str, /, **options: Any) -> _Encrypted:
        connection = _Encrypted(host, context=_certificates(), **options)
        connection.watch = self._watch
        return connection


@functools.cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def _opener(watch: _Watch) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    handlers: list[Any] = [
        urllib.request.ProxyHandler(), urllib.request.UnknownHandler(), _PlainHandler(watch),
        _EncryptedHandler(watch),
    ]  # fmt: skip
    for handler in handlers:
        opener.add_handler(handler)
    return opener


def _failure(address: str, error: Exception, watch: _Watch) -> CkstoreError:
    host = _host(address)
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if watch.expired:
        return Unavailable(
            f"{host} did not finish its answer in {_WHOLE_SECONDS:.0f} seconds.",
            code="answer-too-slow",
            hints=["repeat later"],
        )
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Unavailable(
            f"The encrypted connection to {host} cannot be trusted: {reason.verify_message}.",
            code="bad-certificate",
            hints=["a proxy's or host's own certificate goes into a file that SSL_CERT_FILE names"],
        )
    if isinstance(reason, socket.gaierror):
        return Unavailable(
            f"The host {host} is unknown.",
            code="unknown-host",
            hints=["check the spelling of the address and the network"],
        )
    cut = isinstance(reason, (http.client.HTTPException, ConnectionResetError))
    return Unavailable(
        f"{host} does not answer: {_one_line(reason)}.",
        code="transfer-cut" if cut else "host-unreachable",
        hints=["check the network, and https_proxy where there is a proxy; then repeat"],
    )


def _one_line(reason: object) -> str:
    text = " ".join(str(reason).split()) or type(reason).__name__
    return text[:200]


def _host(address: str) -> str:
    return address.partition("://")[2].partition("/")[0]
