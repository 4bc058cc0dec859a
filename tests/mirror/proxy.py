"""A forward proxy on loopback: everything that is asked of it goes to one server, whatever host was meant."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """``asked`` holds (method, target) of each request; tunnels (CONNECT) are refused."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def proxying(server: str) -> Iterator[Proxy]:
    """A running proxy in front of ``server``."""
    proxy = Proxy()
    running = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy, urlsplit(server).netloc))
    proxy.url = f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def _handler(proxy: Proxy, server: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on(None)

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_CONNECT(self) -> None:
            proxy.asked.append(("CONNECT", self.path))
            self.send_error(403)

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _pass_on(self, body: bytes | None) -> None:
            proxy.asked.append((self.command, self.path))
            target = urlsplit(self.path)
            connection = http.client.HTTPConnection(server)
            fields = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy-")}
            connection.request(self.command, f"{target.path}?{target.query}", body, fields)
            answer = connection.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "server", "date", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            connection.close()
            self.close_connection = True

    return Handler
