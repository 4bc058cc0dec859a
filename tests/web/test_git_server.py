from __future__ import annotations

import contextlib
import gzip
import http.client
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.errors import Unavailable
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.stock_git import StockGit
from ckstore.objects.head import LOG_REF, read_head
from ckstore.objects.store import ObjectStore
from ckstore.objects.verify import check
from ckstore.operations.exchange import pull, push
from ckstore.web.git_server import GitServer, git_server
from tests.objects.helpers import add, git, make_folder, packs

pytestmark = pytest.mark.usefixtures("have_git")


@pytest.fixture
def filled(store: ObjectStore, tmp_path: Path) -> ObjectStore:
    add(store, "one", make_folder(tmp_path / "one", {"file": b"1\n"}))
    return store


@contextlib.contextmanager
def serving(store: ObjectStore, *, writable: bool = False) -> Iterator[GitServer]:
    with git_server(store, writable=writable) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server(filled: ObjectStore) -> Iterator[GitServer]:
    with serving(filled) as server:
        yield server


@pytest.fixture
def writable(filled: ObjectStore) -> Iterator[GitServer]:
    with serving(filled, writable=True) as server:
        yield server


def refused(*words: str | Path, at: Path) -> str:
    done = subprocess.run(["git", "-C", at, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    return done.stderr


def ask(
    server: GitServer, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)


FETCH = "application/x-git-upload-pack-request"


class TestStockGit:
    @pytest.mark.parametrize("path", ["", "/", "/store", "/store/", "/store.git"])
    def test_clones_a_checkout_with_a_branch_and_no_warning(
        self, server: GitServer, filled: ObjectStore, tmp_path: Path, path: str
    ) -> None:
        said = git("clone", server.url.removesuffix("/store") + path, tmp_path / "clone")
        assert "warning" not in said
        assert git("rev-parse", "--abbrev-ref", "HEAD", at=tmp_path / "clone").strip() == "main"
        assert git("rev-parse", "HEAD", at=tmp_path / "clone").strip() == read_head(filled.path)
        assert len(list((tmp_path / "clone").glob("sources/lab/components/*/*/1.0.0/tree/file"))) == 1

    @pytest.mark.parametrize(
        "how",
        [
            ["-c", "protocol.version=0", "clone"], ["-c", "protocol.version=1", "clone"],
            ["clone", "--depth", "1"], ["clone", "--filter=blob:none"], ["clone", "--mirror"],
        ],
    )  # fmt: skip
    def test_clones_in_every_dialect(self, server: GitServer, tmp_path: Path, how: list[str]) -> None:
        git(*how, server.url, tmp_path / "clone")
        git("fsck", at=tmp_path / "clone")

    def test_fetches_what_was_published_since(
        self, server: GitServer, filled: ObjectStore, tmp_path: Path
    ) -> None:
        git("clone", server.url, tmp_path / "clone")
        add(filled, "two", make_folder(tmp_path / "two", {"file": b"2\n"}))
        git("fetch", "origin", "refs/ckstore/*:refs/ckstore/*", at=tmp_path / "clone")
        assert git("rev-parse", LOG_REF, at=tmp_path / "clone").strip() == read_head(filled.path)

    def test_clones_a_store_without_a_log_as_an_empty_repository(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        with serving(store) as server:
            assert "empty repository" in git("clone", server.url, tmp_path / "clone")

    def test_is_told_that_a_store_is_read_only(self, server: GitServer, tmp_path: Path) -> None:
        git("clone", server.url, tmp_path / "clone")
        said = refused("push", "origin", f"HEAD:{LOG_REF}", at=tmp_path / "clone")
        assert "served read-only" in said

    def test_may_push_nothing_but_a_log_that_goes_forward(
        self, writable: GitServer, filled: ObjectStore, tmp_path: Path
    ) -> None:
        clone = tmp_path / "clone"
        git("clone", writable.url, clone)
        head = read_head(filled.path)
        git("commit", "--allow-empty", "-m", "x", at=clone)
        assert f"only {LOG_REF}" in refused("push", "origin", "HEAD:refs/heads/x", at=clone)
        refused("push", "origin", f":{LOG_REF}", at=clone)
        git("checkout", "--orphan", "other", at=clone)
        git("commit", "-m", "another beginning", at=clone)
        assert "pull first" in refused("push", "--force", "origin", f"HEAD:{LOG_REF}", at=clone)
        assert read_head(filled.path) == head

    def test_that_pushes_a_forged_log_is_told_why_not_and_nothing_stays(
        self, writable: GitServer, filled: ObjectStore, tmp_path: Path
    ) -> None:
        clone = tmp_path / "clone"
        git("clone", writable.url, clone)
        [file] = clone.glob("sources/lab/components/*/*/1.0.0/tree/file")
        before = (read_head(filled.path), packs(filled))
        file.write_bytes(b"other\n")
        git("commit", "-am", "x", at=clone)
        assert "which is not the one that it has" in refused("push", "origin", f"HEAD:{LOG_REF}", at=clone)
        git("rm", "-r", "sources", at=clone)
        git("commit", "-m", "x", at=clone)
        assert "released here" in refused("push", "origin", f"HEAD:{LOG_REF}", at=clone)
        assert (read_head(filled.path), packs(filled)) == before
        assert list((filled.path / "incoming").iterdir()) == []


class TestAnotherStore:
    @pytest.mark.parametrize("library", [False, True])
    def test_pulls_and_pushes(
        self, writable: GitServer, filled: ObjectStore, tmp_path: Path, library: bool
    ) -> None:
        other = ObjectStore(tmp_path / "other")
        engine = LibraryGit() if library else None
        assert pull(other, writable.url, engine=engine).how == "followed"
        add(other, "two", make_folder(tmp_path / "two", {"file": b"2\n"}))
        assert push(other, writable.url, engine=engine).moved
        assert read_head(filled.path) == read_head(other.path)
        fresh = ObjectStore(filled.path)
        assert {c.name for c in fresh.view().components("lab")} == {"one", "two"}
        assert check(fresh).damage == ()

    def test_pushes_the_first_log_of_an_empty_store(self, filled: ObjectStore, tmp_path: Path) -> None:
        empty = ObjectStore(tmp_path / "empty")
        with serving(empty, writable=True) as server:
            assert push(filled, server.url).moved
        assert read_head(empty.path) == read_head(filled.path)

    @pytest.mark.parametrize("library", [False, True])
    def test_is_refused_where_the_store_is_read_only(
        self, server: GitServer, tmp_path: Path, have_git: str, library: bool
    ) -> None:
        other = ObjectStore(tmp_path / "other")
        pull(other, server.url)
        add(other, "two", make_folder(tmp_path / "two", {"file": b"2\n"}))
        with pytest.raises(Unavailable, match="refuses the push: this store is served read-only") as refused:
            push(other, server.url, engine=LibraryGit() if library else StockGit(have_git))
        assert refused.value.code == "push-refused"
        assert "pull" in refused.value.hints[0]


class TestRequests:
    @pytest.mark.parametrize(
        "path",
        [
            "/config", "/HEAD", "/objects/info/alternates", "/../objects.git/config",
            "/store/../../etc/passwd",
            "/%2e%2e/etc/passwd", "//etc/passwd", "/store/objects/info/packs", "/info/refs",
            "/info/refs?service=git-evil", "/info/refs?service=../git-upload-pack",
        ],
    )  # fmt: skip
    def test_for_files_find_nothing(self, server: GitServer, path: str) -> None:
        assert ask(server, "GET", path)[0] == 404

    def test_of_a_person_are_answered_with_what_to_type(self, server: GitServer) -> None:
        status, text, _ = ask(server, "GET", "/")
        assert (status, f"git clone {server.url}" in text.decode()) == (200, True)

    def test_under_a_name_that_is_not_of_this_machine_are_refused(self, server: GitServer) -> None:
        assert ask(server, "GET", "/", Host="evil.example")[0] == 403

    def test_that_are_not_of_git_are_refused(self, server: GitServer) -> None:
        assert ask(server, "POST", "/git-upload-pack", b"0000", Content_Type="text/plain")[0] == 415
        assert ask(server, "POST", "/elsewhere", b"", Content_Type=FETCH)[0] == 404
        assert ask(server, "PUT", "/store", b"")[0] == 501

    def test_that_would_inflate_without_end_are_cut_off(self, server: GitServer) -> None:
        bomb = gzip.compress(bytes(64 * 1024 * 1024))
        answer = ask(server, "POST", "/git-upload-pack", bomb, Content_Type=FETCH, Content_Encoding="gzip")
        assert answer[0] == 413

    @pytest.mark.parametrize(
        ("headers", "body", "status"),
        [
            ({"Content_Length": "99999999999999"}, b"x", 413),
            ({"Content_Length": "-1"}, b"", 400),
            ({"Content_Encoding": "gzip"}, b"not gzip", 400),
            ({"Content_Encoding": "br"}, b"x", 400),
            ({"Transfer_Encoding": "chunked"}, b"zz\r\nxx\r\n0\r\n\r\n", 400),
        ],
    )
    def test_with_wrong_bodies_are_refused(
        self, server: GitServer, headers: dict[str, str], body: bytes, status: int
    ) -> None:
        assert ask(server, "POST", "/git-upload-pack", body, Content_Type=FETCH, **headers)[0] == status

    def test_to_push_that_are_no_packets_are_refused(self, writable: GitServer) -> None:
        kind = "application/x-git-receive-pack-request"
        for body in (b"zzzz", b"00ffshort", b"0004", b"0001"):
            assert ask(writable, "POST", "/git-receive-pack", body, Content_Type=kind)[0] == 400
        assert ask(writable, "POST", "/git-receive-pack", b"0000", Content_Type=kind)[0] == 200

    def test_cannot_bring_settings_into_the_protocol(self, server: GitServer) -> None:
        status, _, _ = ask(server, "GET", "/info/refs?service=git-upload-pack", Git_Protocol="version=2\tx y")
        assert status == 200


class TestServing:
    def test_without_git_says_what_to_do(self, filled: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")
        with pytest.raises(Unavailable, match="git program"), git_server(filled):
            pass

    def test_on_a_port_that_is_taken_says_so(self, server: GitServer, filled: ObjectStore) -> None:
        port = int(server.server_address[1])
        with pytest.raises(Unavailable, match="cannot be listened on"), git_server(filled, port=port):
            pass

    def test_changes_nothing_in_the_store(
        self, server: GitServer, filled: ObjectStore, tmp_path: Path
    ) -> None:
        before = sorted(path for path in filled.git.rglob("*"))
        git("clone", server.url, tmp_path / "clone")
        assert sorted(path for path in filled.git.rglob("*")) == before

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
    def test_tells_its_address_and_ends_when_it_is_told_to(self, filled: ObjectStore, how: int) -> None:
        command = [
            sys.executable,
            "-m",
            "ckstore",
            "serve",
            "--git",
            "--port",
            "0",
            "--store",
            str(filled.path),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert "http://127.0.0.1:" in process.stdout.readline()
            process.send_signal(how)
            assert process.wait(timeout=30) == 0
