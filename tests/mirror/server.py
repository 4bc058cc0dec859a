"""A git server on loopback: the smart HTTP protocol through git's own CGI program."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class GitServer:
    """``cut_after``: so many packs are sent whole, later ones break off; ``fetches`` counts them."""

    root: Path
    url: str = ""
    cut_after: int = 1_000_000
    status: int = 0  # answer everything with this status
    page: bytes | None = None  # answer everything with this web page
    password: str = ""  # what a caller must know; empty: nothing
    moved_to: str = ""  # redirect everything to this server
    cut_at: float = 0.5  # where a pack that breaks off does so, of its whole
    fetches: int = 0
    seen: list[str] = field(default_factory=list)  # Authorization headers


@contextlib.contextmanager
def serving(root: Path) -> Iterator[GitServer]:
    """Serve every repository below ``root``."""
    server = GitServer(root)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(server: GitServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, body: bytes) -> None:
            server.seen.append(self.headers.get("Authorization", ""))
            if server.status:
                self.send_error(server.status)
                return
            if server.moved_to:
                self._plain(301, {"Location": server.moved_to + self.path}, b"")
                return
            if server.password and not _knows(self.headers.get("Authorization", ""), server.password):
                self._plain(401, {"WWW-Authenticate": 'Basic realm="git"'}, b"")
                return
            if server.page is not None:
                self._plain(200, {"Content-Type": "text/html"}, server.page)
                return
            head, _, content = _backend(server.root, self, body).partition(b"\r\n\r\n")
            packs = b"PACK" in content
            server.fetches += packs
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            cut = packs and server.fetches > server.cut_after
            self.wfile.write(content[: int(len(content) * server.cut_at)] if cut else content)
            self.close_connection = True

        def _plain(self, status: int, fields: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {**fields, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _knows(authorization: str, password: str) -> bool:
    scheme, _, text = authorization.partition(" ")
    return scheme == "Basic" and base64.b64decode(text).decode().partition(":")[2] == password


def _backend(root: Path, request: BaseHTTPRequestHandler, body: bytes) -> bytes:
    path, _, query = request.path.partition("?")
    environment = {
        **os.environ,
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": request.command,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    done = subprocess.run(
        ["git", "http-backend"], input=body, capture_output=True, env=environment, check=False
    )
    return done.stdout
