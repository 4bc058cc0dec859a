"""A store as a git remote over smart HTTP (gitprotocol-http(5)): stock git clones it, another store pulls it.

Reading is answered by the stock ``git upload-pack``, in a clean environment, over a view of the log; it
speaks every dialect of git's protocol, partial and shallow clones included. Pushing is answered here: only
``refs/ckstore/log``, only forward, and only after everything new was judged.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO
from urllib.parse import parse_qs, urlsplit

from ckstore.errors import CkstoreError, InvalidInput, Unavailable, Unsupported
from ckstore.model.counting import plural
from ckstore.model.limits import MAX_PACK_BYTES
from ckstore.objects.head import LOG_REF, is_object_id
from ckstore.objects.store import ObjectStore
from ckstore.operations.exchange import receive
from ckstore.web.find_door import find_response
from ckstore.web.pktline import FLUSH, packet, packets, report
from ckstore.web.requests import read_body
from ckstore.web.view import View, view_of

READ, WRITE = "git-upload-pack", "git-receive-pack"
_MOST_AT_ONCE = 32
_IDLE_SECONDS = 120
_ASKED_BYTES = 16 * 1024 * 1024
_CHUNK = 64 * 1024
_PREFIXES = ("", "/store", "/store.git")
_PROTOCOL = re.compile(r"[a-z0-9=:.-]{1,64}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_READ_ONLY = "this store is served read-only; `ckstore serve --git --writable` takes pushes"
_NOTHING = "0" * 40
_NO_FIELDS: Mapping[str, str] = {}


class GitServer(ThreadingHTTPServer):
    """Serves one view. ``told`` gets one line for each request, for a log."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, view: View, host: str, port: int, *, writable: bool, program: str, told: Callable[[str], None]
    ) -> None:
        self.view, self.writable, self.program, self.told = view, writable, program, told
        self.children: set[subprocess.Popen[bytes]] = set()
        self.places = threading.BoundedSemaphore(_MOST_AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Request)
        self.host = host

    @property
    def url(self) -> str:
        """The address to clone."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}/store"

    @property
    def find_url(self) -> str:
        """The address to ask."""
        return f"{self.url.removesuffix('/store')}/find"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no event."""

    def stop(self) -> None:
        """End what is under way."""
        for child in list(self.children):
            with contextlib.suppress(OSError):
                child.kill()
        self.server_close()


@contextlib.contextmanager
def git_server(
    store: ObjectStore, host: str = "127.0.0.1", port: int = 0, *, as_git: bool = True,
    writable: bool = False, told: Callable[[str], None] = lambda line: None,
) -> Iterator[GitServer]:  # fmt: skip
    """A server that listens; the caller runs ``serve_forever``. It answers ``/find``, and git if ``as_git``.

    Raises :class:`Unavailable` when there is no git program or the port is taken.
    """
    program = shutil.which("git") if as_git else ""
    if program is None:
        raise Unavailable(
            "Serving a store needs the git program, which is not here.",
            code="no-git",
            hints=[
                "install git",
                "without it, stores exchange by path (`ckstore pull FOLDER`) and by `ckstore export`",
            ],
        )
    with view_of(store) as view:
        try:
            server = GitServer(view, host, port, writable=writable, program=program, told=told)
        except OSError as error:
            raise Unavailable(
                f"{host}:{port} cannot be listened on: {error.strerror}.",
                code="address-in-use",
                hints=["--port 0 takes any port that is free", "--host names another address"],
            ) from error
        try:
            yield server
        finally:
            server.stop()


class _Request(BaseHTTPRequestHandler):
    """One connection."""

    server: GitServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ckstore", ""
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        """What is there."""
        self._guarded(self._get)

    def do_POST(self) -> None:
        """A fetch or a push."""
        self._guarded(self._post)

    def log_message(self, format: str, *args: object) -> None:
        """Tell whoever runs the server; others wrote what is in it."""
        line = (format % args).encode("ascii", "backslashreplace").decode()
        self.server.told(f"{self.client_address[0]} {line}")

    def _guarded(self, answer: Callable[[], None]) -> None:
        if not self.server.places.acquire(blocking=False):
            self._say(503, "too many requests at once; try again")
            return
        try:
            if not self._right_host():
                self._say(403, "this address is not served")
                return
            answer()
        except (InvalidInput, Unsupported) as error:
            self._say(413 if error.code == "request-too-large" else 400, error.message)
        except CkstoreError as error:
            self._say(500, error.message)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            self.server.places.release()

    def _right_host(self) -> bool:
        """Whoever serves on loopback must not be reached through a name that a web page made up."""
        if self.server.host not in _LOOPBACK:
            return True
        with contextlib.suppress(ValueError):
            return urlsplit(f"//{self.headers.get('Host', '')}").hostname in _LOOPBACK
        return False

    def _say(self, status: int, words: str) -> None:
        """A line of text; the connection ends, since its body may not have been read."""
        self.close_connection = True
        self._answer(f"{words}\n".encode("utf-8", "replace"), "text/plain; charset=utf-8", status)

    def _answer(
        self, body: bytes, kind: str, status: int = 200, fields: Mapping[str, str] = _NO_FIELDS
    ) -> None:
        self.send_response(status)
        self._fields(kind)
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _fields(self, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-cache, max-age=0, must-revalidate")
        self.send_header("X-Content-Type-Options", "nosniff")

    # -- what is asked -------------------------------------------------------------------------------

    def _place(self) -> tuple[str, str]:
        """(what is asked for, the query): only a few paths are known, none of them is a file."""
        parts = urlsplit(self.path)
        prefix = next((p for p in reversed(_PREFIXES) if parts.path.startswith(f"{p}/")), "")
        return parts.path.removeprefix(prefix), parts.query

    def _get(self) -> None:
        path, query = self._place()
        service = "".join(parse_qs(query).get("service", []))
        if path == "/find":
            self._find(query)
        elif not self.server.program:
            self._say(404, "only queries are answered here: /find?q=…")
        elif path == "/info/refs" and service == READ:
            self.server.view.refresh()
            self._serve_refs()
        elif path == "/info/refs" and service == WRITE:
            self._answer(self._refs_to_push(), f"application/x-{WRITE}-advertisement")
        elif path in ("/", "/store", "/store.git") and not query:
            url = self.server.url
            self._say(200, f"a store of ckstore\n\ngit clone {url}\nckstore pull {url}")
        else:
            self._say(404, "there is nothing here; this is a git repository: git clone it")

    def _find(self, query: str) -> None:
        status, body, fields = find_response(self.server.view.store.path, query)
        self._answer(body, "application/json; charset=utf-8", status, fields)

    def _post(self) -> None:
        path, _ = self._place()
        if not self.server.program:
            self._say(404, "only queries are answered here: /find?q=…")
            return
        service = path.removeprefix("/")
        if service not in (READ, WRITE):
            self._say(404, "there is nothing here")
        elif self.headers.get("Content-Type") != f"application/x-{service}-request":
            self._say(415, "this is not a request of git")
        elif service == READ:
            self._fetch()
        elif not self.server.writable:
            self._say(403, _READ_ONLY)
        else:
            self._push()

    # -- reading -------------------------------------------------------------------------------------

    def _serve_refs(self) -> None:
        asked = self._protocol()
        begin = b"" if "version=2" in asked else packet(f"# service={READ}\n".encode()) + FLUSH
        self._stream(["--advertise-refs"], None, f"application/x-{READ}-advertisement", begin)

    def _fetch(self) -> None:
        with tempfile.SpooledTemporaryFile(_CHUNK) as body:
            read_body(self, body, _ASKED_BYTES)
            body.seek(0)
            self._stream([], body, f"application/x-{READ}-result")

    def _protocol(self) -> str:
        asked = self.headers.get("Git-Protocol", "")
        return asked if _PROTOCOL.fullmatch(asked) else ""

    def _stream(self, options: list[str], body: IO[bytes] | None, kind: str, begin: bytes = b"") -> None:
        """Answer with what upload-pack says, as it says it."""
        with self._upload_pack(options, body) as child:
            assert child.stdout is not None
            chunked = self.request_version == "HTTP/1.1"
            self.close_connection = self.close_connection or not chunked
            self.send_response(200)
            self._fields(kind)
            self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Connection", "close")))
            self.end_headers()
            piece = begin or child.stdout.read1(_CHUNK)  # type: ignore[attr-defined]  # a buffered reader
            while piece:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                piece = child.stdout.read1(_CHUNK)  # type: ignore[attr-defined]  # a buffered reader
            if child.wait():
                self.close_connection = True  # without the last chunk: git sees that it was cut
            elif chunked:
                self.wfile.write(b"0\r\n\r\n")

    @contextlib.contextmanager
    def _upload_pack(self, options: list[str], body: IO[bytes] | None) -> Iterator[subprocess.Popen[bytes]]:
        command = [self.server.program, "upload-pack", "--stateless-rpc", "--strict", *options]
        child = subprocess.Popen(
            [*command, str(self.server.view.path)],
            stdin=subprocess.DEVNULL if body is None else subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=_environment(self._protocol()), start_new_session=True,
        )  # fmt: skip
        self.server.children.add(child)
        try:
            if body is not None:
                threading.Thread(target=_feed, args=(child, body.read()), daemon=True).start()
            yield child
        finally:
            self.server.children.discard(child)
            with contextlib.suppress(OSError):
                child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()

    # -- writing -------------------------------------------------------------------------------------

    def _refs_to_push(self) -> bytes:
        head = self.server.view.refresh()
        begin = packet(f"# service={WRITE}\n".encode()) + FLUSH
        if not self.server.writable:
            return begin + packet(f"ERR {_READ_ONLY}\n".encode())
        ref = LOG_REF if head else "capabilities^{}"
        offered = "report-status side-band-64k ofs-delta object-format=sha1 agent=ckstore"
        return begin + packet(f"{head or _NOTHING} {ref}\0{offered}\n".encode()) + FLUSH

    def _push(self) -> None:
        with tempfile.TemporaryFile() as body:
            read_body(self, body, MAX_PACK_BYTES)
            body.seek(0)
            commands = [line.partition(b"\0")[0].decode("utf-8", "replace") for line in packets(body, 16)]
            answer = self._take(commands, body) if commands else b""
        self._answer(answer, f"application/x-{WRITE}-result")

    def _take(self, commands: list[str], pack: IO[bytes]) -> bytes:
        """Judge and publish what is pushed; gives the report to git."""
        old, _, rest = commands[0].strip().partition(" ")
        new, _, ref = rest.partition(" ")
        shown = ref if re.fullmatch(r"refs/[!-~]{1,200}", ref) else "refs/unknown"
        if len(commands) > 1 or ref != LOG_REF or not (is_object_id(old) and is_object_id(new)):
            return report(shown, "not allowed", f"only {LOG_REF} can be pushed to a store")
        if new == _NOTHING:
            return report(ref, "not allowed", "the log of a store is never deleted")
        try:
            taken = receive(self.server.view.store.path, old.replace(_NOTHING, ""), new, pack)
        except CkstoreError as error:
            moved = error.code == "log-moved"
            return report(ref, "fetch first" if moved else "refused", f"{error.message} ({error.code})")
        releases = sum(taken.releases.values())
        return report(ref, "", f"taken: {plural(releases, 'release')}, {plural(taken.runs, 'run')}")


def _feed(child: subprocess.Popen[bytes], data: bytes) -> None:
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        child.stdin.write(data)
    with contextlib.suppress(OSError):
        child.stdin.close()


def _environment(protocol: str) -> dict[str, str]:
    """Nothing of the user's: no settings, no credentials, no hooks."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": os.devnull, "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1",
        **({"GIT_PROTOCOL": protocol} if protocol else {}),
    }  # fmt: skip
