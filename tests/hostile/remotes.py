"""A git server on loopback that answers whatever a row wants: it speaks protocol version 0 itself."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]
SERVICE = b"# service=git-upload-pack\n"


def packet(data: bytes) -> bytes:
    """One pkt-line."""
    return b"%04x" % (len(data) + 4) + data


def band(channel: int, data: bytes) -> bytes:
    """One pkt-line of a side band."""
    return packet(bytes([channel]) + data)


@dataclass
class Remote:
    """``refs`` are (name, id), the first is HEAD's; ``listing`` and ``answer`` replace what is answered.

    ``closed`` is set when the test is over: an answer that waits must wait for that.
    """

    refs: list[tuple[bytes, str]] = field(default_factory=list)
    pack: bytes = b""
    symref: bytes = b"refs/heads/main"
    capabilities: bytes = b"ofs-delta"
    listing: Answer | None = None
    answer: Answer | None = None
    url: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)  # path, Authorization
    closed: threading.Event = field(default_factory=threading.Event)

    def advertisement(self) -> bytes:
        head = [(b"HEAD", self.refs[0][1]), *self.refs] if self.refs else []
        capabilities = b"\0%s symref=HEAD:%s" % (self.capabilities, self.symref)
        lines = [
            packet(oid.encode() + b" " + name + (b"" if number else capabilities) + b"\n")
            for number, (name, oid) in enumerate(head)
        ]
        return packet(SERVICE) + b"0000" + b"".join(lines) + b"0000"


def send(handler: BaseHTTPRequestHandler, kind: str, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", f"application/x-git-upload-pack-{kind}")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def listed(body: bytes) -> Answer:
    return lambda handler: send(handler, "advertisement", body)


def answered(body: bytes) -> Answer:
    return lambda handler: send(handler, "result", body)


def redirected(to: str, status: int = 302) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def endless(first: bytes, again: bytes) -> Answer:
    """``first``, and then ``again`` until the other side has enough."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-git-upload-pack-result")
        handler.send_header("Connection", "close")
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(first)
            while again:
                handler.wfile.write(again)

    return answer


@contextlib.contextmanager
def serving(remote: Remote, host: str = "127.0.0.1") -> Iterator[Remote]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            remote.seen.append((self.path, self.headers.get("Authorization", "")))
            (remote.listing or listed(remote.advertisement()))(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            remote.seen.append((self.path, self.headers.get("Authorization", "")))
            (remote.answer or answered(packet(b"NAK\n") + remote.pack))(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.block_on_close = False
    remote.url = f"http://{host}:{http.server_address[1]}/a/r"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield remote
    finally:
        remote.closed.set()
        http.shutdown()
        http.server_close()
        thread.join()
