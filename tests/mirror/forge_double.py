"""A forge on loopback that speaks as GitHub's, GitLab's and Gitea's interfaces do, and misbehaves on demand.

It keeps to what their documentation says: pages by ``Link: …; rel="next"``, ETags (304 costs no quota),
403 and 429 with ``Retry-After`` or ``X-RateLimit-Reset``, 301 for renamed repositories, 404 for unknown ones.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Forge:
    """``repositories`` by ``owner/name``; ``first``: answers before all others, (status, headers)."""

    url: str = ""
    repositories: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: set[str] = field(default_factory=set)  # owners that are no organisations
    renamed: dict[str, str] = field(default_factory=dict)  # former path → present path
    first: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    page_size: int = 2
    body: bytes | None = None  # instead of every answer's own
    endless: bool = False  # the body goes on for ever
    drip: bool = False  # the body comes a byte at a time
    token: str = ""  # without it nobody is told anything
    quota_used: int = 0
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)  # Authorization fields
    stopping: threading.Event = field(default_factory=threading.Event)

    def has(self, path: str, clone: str, **more: Any) -> None:
        """One more repository, in the words of all three."""
        self.repositories[path] = {
            "full_name": path, "path_with_namespace": path, "clone_url": clone,
            "http_url_to_repo": clone, "topics": [], "fork": False, "archived": False, **more,
        }  # fmt: skip


@contextlib.contextmanager
def forge() -> Iterator[Forge]:
    """A running forge without repositories."""
    made = Forge()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.stopping.set()
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(made: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.tokens.append(self.headers.get("Authorization", ""))
            if made.first:
                self._send(*made.first.pop(0), b'{"message": "no"}')
            elif made.token and made.token not in self.headers.get("Authorization", ""):
                self._send(404, {}, b'{"message": "Not Found"}')
            else:
                self._answer()

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self) -> None:
            status, headers, value = _route(made, self.path)
            body = json.dumps(value).encode() if made.body is None else made.body
            etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
            if status == 200 and self.headers.get("If-None-Match") == etag:
                self._send(304, {**headers, "ETag": etag}, b"")
                return
            made.quota_used += 1
            self._send(status, {**headers, **({"ETag": etag} if status == 200 else {})}, body)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if not made.endless:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked had enough
                self._write(body)
            self.close_connection = True

        def _write(self, body: bytes) -> None:
            if made.drip:
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    self.wfile.flush()
                    if made.stopping.wait(0.05):
                        return
            while made.endless and not made.stopping.is_set():
                self.wfile.write(b"[" * 65536)
            self.wfile.write(body if not made.drip else b"")

    return Handler


def _route(made: Forge, address: str) -> tuple[int, dict[str, str], Any]:
    """GitHub's and Gitea's ``/orgs/O/repos``, ``/users/O/repos``, ``/repos/O/N``; GitLab's ``/groups``, …"""
    parts = urlsplit(address)
    steps = [unquote(step) for step in parts.path.strip("/").split("/")]
    steps = steps[steps.index("v3") + 1 :] if "v3" in steps else steps
    if len(steps) == 3 and steps[0] in ("orgs", "users", "groups") and steps[2] in ("repos", "projects"):
        return _page(made, steps[0], steps[1], parts.path, parse_qs(parts.query))
    if steps[0] in ("repos", "projects"):
        path = "/".join(steps[1:])
        if path in made.renamed:
            prefix = parts.path.partition(f"/{steps[0]}/")[0]
            return (
                301,
                {"Location": f"{made.url}{prefix}/{steps[0]}/{made.renamed[path]}"},
                {"message": "Moved"},
            )
        if path in made.repositories:
            return 200, {}, made.repositories[path]
    return 404, {}, {"message": "Not Found"}


def _page(
    made: Forge, kind: str, owner: str, path: str, query: dict[str, list[str]]
) -> tuple[int, dict[str, str], Any]:
    rows = [
        row for name, row in sorted(made.repositories.items()) if name.lower().startswith(f"{owner.lower()}/")
    ]
    if not rows or (kind == "users") != (owner in made.users):
        return 404, {}, {"message": "Not Found"}
    number = int(query.get("page", ["1"])[0])
    headers = {}
    if number * made.page_size < len(rows):
        headers["Link"] = (
            f'<{made.url}{path}?page={number + 1}>; rel="next", <{made.url}{path}?page=99>; rel="last"'
        )
    return 200, headers, rows[(number - 1) * made.page_size : number * made.page_size]
