"""Fetching over the network (loopback) and from folders, with stock git and with libgit2."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pygit2
import pytest

from ckstore.errors import CkstoreError, NotFound, Unavailable
from ckstore.mirror.failures import failure
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.remote import Engine, Progress, read_refs
from ckstore.mirror.stock_git import StockGit, environment
from ckstore.mirror.urls import RemoteUrl, parse_url
from ckstore.objects.boot import boot_id
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.server import GitServer, serving
from tests.mirror.upstream import Upstream, all_bytes, lines, native

A, B = "a" * 40, "b" * 40


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "served" / "tools.git")
    for number in range(12):
        made.commit(native("program/a", body=f"{number}" * 400))
        made.tag(f"v1.{number}", annotated=number % 2 == 0)
    made.commit(native("program/a", body="newest"))
    return made


@pytest.fixture
def server(up: Upstream, have_git: str) -> Iterator[GitServer]:
    with serving(up.path.parent) as running:
        yield running


def engine_named(name: str) -> Engine:
    if name == "libgit2":
        return LibraryGit()
    found = StockGit.find()
    if found is None:
        pytest.skip("git is not installed")
    return found


class DiskFillsUp:
    """An engine whose fetches fail after so many, in the middle of a pack."""

    def __init__(self, engine: Engine, after: int) -> None:
        self._engine, self._left = engine, after
        self.checks_arrivals = engine.checks_arrivals

    def list_refs(self, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
        return self._engine.list_refs(git, url, spelling)

    def fetch(
        self, git: Path, url: RemoteUrl, spelling: str, refspecs: Sequence[str], progress: Progress
    ) -> None:
        self._left -= 1
        if self._left >= 0:
            self._engine.fetch(git, url, spelling, refspecs, progress)
            return
        for name in ("tmp_pack_Ab1", "pack_git2_x1", f"pack-{A}.pack", f"pack-{B}.idx"):
            (git / "objects" / "pack" / name).write_bytes(b"PACK half")
        raise failure(url.text, "fatal: write error: No space left on device")

    def is_connected(self, git: Path, url: RemoteUrl, commits: Iterable[str]) -> bool:
        return self._engine.is_connected(git, url, commits)

    def stop(self) -> None:
        self._engine.stop()


@pytest.mark.parametrize("engine", ["git", "libgit2"])
class TestOverHttp:
    def test_everything_arrives(
        self, server: GitServer, store: ObjectStore, up: Upstream, engine: str
    ) -> None:
        report = mirror(store, f"{server.url}/tools.git", engine=engine_named(engine))
        assert (report.releases, report.head, report.source) == (13, up.head, "tools")
        assert lines(store, "tools")["program:a"].labels["v1.10"] == "1.0.10"
        assert report.url == f"{server.url}/tools"

    def test_the_next_mirror_is_of_the_canonical_address(
        self, server: GitServer, store: ObjectStore, up: Upstream, engine: str
    ) -> None:
        first = mirror(store, f"{server.url}/tools.git", engine=engine_named(engine))
        assert mirror(store, first.url, engine=engine_named(engine)).unchanged
        up.commit(native("program/a", body="more"))
        assert mirror(store, first.url, engine=engine_named(engine)).releases == 1

    def test_an_interrupted_mirror_goes_on_where_it_stopped(
        self, server: GitServer, store: ObjectStore, up: Upstream, engine: str
    ) -> None:
        server.cut_after = 2
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"{server.url}/tools", engine=engine_named(engine))
        assert caught.value.code == "transfer-cut"
        assert "continues" in caught.value.hints[0]
        assert store.view().sources() == []
        server.cut_after, before = 1_000, server.fetches
        assert mirror(store, f"{server.url}/tools", engine=engine_named(engine)).releases == 13
        assert server.fetches - before == 2  # of three batches of tags and the branch, two had arrived

    @pytest.mark.parametrize("cut_at", [0.0, 0.02, 0.2, 0.8, 0.99])
    def test_wherever_it_is_cut_the_next_one_goes_on(
        self, server: GitServer, store: ObjectStore, up: Upstream, engine: str, cut_at: float
    ) -> None:
        server.cut_after, server.cut_at = 3, cut_at
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"{server.url}/tools", engine=engine_named(engine))
        assert caught.value.code == "transfer-cut"
        server.cut_after, before = 1_000, server.fetches
        assert mirror(store, f"{server.url}/tools", engine=engine_named(engine)).releases == 13
        assert server.fetches - before <= 1, "a pack that lacked its last bytes only may have been whole"

    @pytest.mark.parametrize("page", [b"", b"<html>hello</html>", b"<html>\n<p>hello\n</html>\n"])
    def test_a_web_page_is_said_to_be_no_repository(
        self, server: GitServer, store: ObjectStore, engine: str, page: bytes
    ) -> None:
        server.page = page
        with pytest.raises(NotFound) as caught:
            mirror(store, f"{server.url}/tools", engine=engine_named(engine))
        assert caught.value.code == "not-a-repository"

    def test_an_empty_repository_is_said_to_be_empty(
        self, server: GitServer, store: ObjectStore, up: Upstream, engine: str
    ) -> None:
        Upstream(up.path.parent / "new.git")
        with pytest.raises(NotFound) as caught:
            mirror(store, f"{server.url}/new.git", engine=engine_named(engine))
        assert caught.value.code == "empty-repository"

    def test_half_a_pack_is_not_left_when_the_disk_is_full(
        self, server: GitServer, store: ObjectStore, up: Upstream, engine: str
    ) -> None:
        full = DiskFillsUp(engine_named(engine), after=2)
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"{server.url}/tools", engine=full)
        assert caught.value.code == "disk-full"
        packs = store.path / "incoming" / "tools" / "objects.git" / "objects" / "pack"
        names = sorted(path.name for path in packs.iterdir())
        assert not [name for name in names if not name.startswith("pack-")]
        assert len([name for name in names if name.endswith(".pack")]) == 2
        before = server.fetches
        assert mirror(store, f"{server.url}/tools", engine=engine_named(engine)).releases == 13
        assert server.fetches - before == 2

    def test_an_unknown_repository_is_not_found(
        self, server: GitServer, store: ObjectStore, engine: str
    ) -> None:
        with pytest.raises(NotFound) as caught:
            mirror(store, f"{server.url}/nothing", engine=engine_named(engine))
        assert caught.value.code == "no-repository"

    @pytest.mark.parametrize(
        ("status", "code"),
        [(401, "authentication-needed"), (403, "authentication-needed"), (503, "host-unreachable")],
    )
    def test_what_the_host_answers_is_told(
        self, server: GitServer, store: ObjectStore, engine: str, status: int, code: str
    ) -> None:
        server.status = status
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"{server.url}/tools", engine=engine_named(engine))
        assert caught.value.code == code
        assert caught.value.hints

    def test_a_port_without_a_server_is_unreachable(self, store: ObjectStore, engine: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"http://127.0.0.1:{port}/r", engine=engine_named(engine))
        assert caught.value.code == "host-unreachable"

    def test_an_unknown_host_is_told(self, store: ObjectStore, engine: str) -> None:
        with pytest.raises(Unavailable) as caught:
            mirror(store, "http://no-such-host.invalid/r", engine=engine_named(engine))
        assert caught.value.code == "unknown-host"

    def test_a_fork_brings_only_what_differs(
        self, server: GitServer, store: ObjectStore, up: Upstream, engine: str
    ) -> None:
        mirror(store, f"{server.url}/tools", engine=engine_named(engine))
        fork = Upstream(up.path.parent / "fork.git")
        pygit2.Repository(str(fork.path)).remotes.create_anonymous(up.url).fetch(
            ["+refs/heads/*:refs/heads/*"]
        )
        fork.files = dict(up.files)
        fork.commit(native("program/b"))
        before = {path.name for path in (store.git / "objects" / "pack").glob("*.pack")}
        mirror(store, f"{server.url}/fork", engine=engine_named(engine))
        new = [p for p in (store.git / "objects" / "pack").glob("*.pack") if p.name not in before]
        assert min(int.from_bytes(path.read_bytes()[8:12], "big") for path in new) <= 8


def test_both_engines_give_the_same_bytes(tmp_path: Path, up: Upstream, have_git: str) -> None:
    one, two = ObjectStore(tmp_path / "one"), ObjectStore(tmp_path / "two")
    mirror(one, up.url, engine=engine_named("git"))
    mirror(two, up.url, engine=LibraryGit())
    assert all_bytes(one, "tools") == all_bytes(two, "tools")


def test_a_folder_that_is_no_repository_is_for_add(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(NotFound) as caught:
        mirror(store, str(tmp_path / "plain"))
    assert caught.value.code == "not-a-repository"
    assert "ckstore add" in caught.value.hints[0]


def test_a_folder_that_is_gone_is_not_found(tmp_path: Path, store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        mirror(store, (tmp_path / "gone").as_uri())


def test_stopping_with_the_keyboard_leaves_a_whole_store(store: ObjectStore, up: Upstream) -> None:
    def stop(line: str) -> None:
        if "reading history" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mirror(store, up.url, progress=stop)
    assert store.view().head == ""
    assert mirror(store, up.url).releases == 13


def test_a_quarantine_left_half_made_is_made_anew(store: ObjectStore, up: Upstream) -> None:
    broken = store.path / "incoming" / "tools"
    (broken / "objects.git" / "objects").mkdir(parents=True)
    (broken / "address").write_text(f"{parse_url(up.url).text}\n{boot_id()}\n")
    assert mirror(store, up.url).releases == 13


def test_the_child_gets_no_steering_environment_and_no_foreign_token() -> None:
    given = {"PATH": "/bin", "GIT_DIR": "/x", "GIT_CONFIG_COUNT": "1", "GIT_EXTERNAL_DIFF": "evil",
             "GIT_SSH_COMMAND": "ssh -i key", "SSH_ASKPASS": "ask", "GITHUB_TOKEN": "s3cret"}  # fmt: skip
    clean = environment(parse_url("https://example.org/a/b"), given)
    assert clean["GIT_TERMINAL_PROMPT"] == "0"
    assert clean["GIT_ALLOW_PROTOCOL"] == "https:ssh"
    assert clean["GIT_SSH_COMMAND"] == "ssh -i key"
    assert not {"GIT_DIR", "GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF", "SSH_ASKPASS"} & clean.keys()
    assert "CKSTORE_GIT_TOKEN" not in clean
    assert environment(parse_url("github:a/b"), given)["CKSTORE_GIT_TOKEN"] == "s3cret"


class TestRefs:
    def test_annotated_tags_name_their_commit(self) -> None:
        refs = read_refs(
            [("HEAD", "ref: refs/heads/dev"), ("HEAD", A), ("refs/heads/dev", A), ("refs/tags/v1", "c" * 40),
             ("refs/tags/v1^{}", B)],
            "x",
        )  # fmt: skip
        assert (refs.branch, refs.head, refs.tags, refs.note) == ("dev", A, {"v1": B}, "")

    @pytest.mark.parametrize(
        ("branches", "chosen"),
        [(["zeta", "main"], "main"), (["zeta", "master"], "master"), (["zeta", "beta"], "beta")],
    )
    def test_without_a_head_a_usual_branch_is_taken(self, branches: list[str], chosen: str) -> None:
        refs = read_refs([(f"refs/heads/{name}", A) for name in branches], "x")
        assert refs.branch == chosen
        assert chosen in refs.note

    def test_a_repository_with_tags_only_has_no_head(self) -> None:
        with pytest.raises(NotFound):
            read_refs([("refs/tags/v1", A)], "x")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("fatal: unable to access 'https://h/r/': Could not resolve host: h", "unknown-host"),
        ("fatal: could not read Username for 'https://h': prompts disabled", "authentication-needed"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote", "authentication-needed"),
        ("fatal: unable to access: SSL certificate problem: self signed", "bad-certificate"),
        ("error: RPC failed; curl 28 Operation too slow\nfatal: early EOF", "transfer-cut"),
        ("error: 301 bytes of body are still expected\nfatal: early EOF", "transfer-cut"),
        ("fatal: unable to access 'https://h/r/': The requested URL returned error: 301", "redirected"),
        ("fatal: repository 'https://h/r/' not found", "no-repository"),
        ("fatal: '/x' does not appear to be a git repository", "not-a-repository"),
        ("fatal: detected dubious ownership in repository at '/x'", "foreign-owner"),
        ("error: file write error: No space left on device", "disk-full"),
        ("fatal: repository 'https://h/openssl/no-auth.git/' not found", "no-repository"),
        ("fatal: repository 'https://h/redirects/' not found", "no-repository"),
        ("ERROR: Repository not found.\nfatal: Could not read from remote repository.", "no-repository"),
        ("fatal: '/srv/rustls' does not appear to be a git repository", "not-a-repository"),
        ("fatal: unable to access 'https://ssl.h.org/x/': Failed to connect to ssl.h.org port 443: Couldn't "
         "connect to server", "host-unreachable"),
        ("fatal: unable to access 'https://h/x/': server certificate verification failed. CAfile: none",
         "bad-certificate"),
        ("fatal: unable to access 'https://h/x/': OpenSSL SSL_connect: Connection reset by peer in "
         "connection to h:443", "transfer-cut"),
        ("error: RPC failed; curl 56 OpenSSL SSL_read: SSL_ERROR_SYSCALL, errno 110", "transfer-cut"),
        ("error: RPC failed; curl 56 GnuTLS recv error (-110): The TLS connection was non-properly "
         "terminated.", "transfer-cut"),
        ("fatal: unable to access 'https://h/x/': gnutls_handshake() failed: Error in the pull function.",
         "transfer-cut"),
        ("fatal: unable to access 'https://h/x/': Received HTTP code 407 from proxy after CONNECT",
         "proxy-refused"),
        ("fatal: unable to access 'https://h/x/': The requested URL returned error: 429", "rate-limited"),
        ("fatal: something new", "fetch-failed"),
        ("", "fetch-failed"),
    ],
)  # fmt: skip
def test_every_failure_has_its_code_and_its_hint(words: str, code: str) -> None:
    error = failure("https://h/r", words)
    assert isinstance(error, CkstoreError)
    assert error.code == code
    assert error.hints


def test_credentials_in_what_a_tool_says_are_not_repeated() -> None:
    error = failure("https://h/r", "fatal: odd thing with https://me:s3cret@h/r")
    assert "s3cret" not in str(error.as_plain())
