"""Tokens: where they come from, who gets them, and that nothing ever shows them."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from ckstore.errors import Unavailable
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.remote import Engine
from ckstore.mirror.stock_git import StockGit
from ckstore.mirror.tokens import Secrets, token_for
from ckstore.mirror.urls import parse_url
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.server import GitServer, serving
from tests.mirror.upstream import Upstream, native

SECRET = "t0ken-that-nobody-may-see"


@pytest.fixture
def server(tmp_path: Path, have_git: str) -> Iterator[GitServer]:
    Upstream(tmp_path / "served" / "private.git").commit(native("program/a"))
    with serving(tmp_path / "served") as running:
        running.password = SECRET
        yield running


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[GitServer]:
    with serving(tmp_path / "served") as running:
        yield running


@pytest.fixture(params=["git", "libgit2"])
def engine(request: pytest.FixtureRequest, have_git: str) -> Engine:
    return LibraryGit() if request.param == "libgit2" else StockGit(have_git)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """This very machine may be given tokens."""
    monkeypatch.setenv("CKSTORE_TOKEN_HOST", "127.0.0.1")


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1
    kept: dict[tuple[str, str], str] = {}  # noqa: RUF012 - replaced by each test

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before = keyring.get_keyring()
    made = Ring()  # type: ignore[no-untyped-call]  # its base class has no types
    Ring.kept = {}
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def helper(home: Path, tmp_path: Path, password: str) -> Path:
    """A credential helper in the settings of the user; gives the file where it notes what it was asked."""
    asked = tmp_path / "asked"
    program = tmp_path / "helper.sh"
    program.write_text(f'#!/bin/sh\necho "$1" >> {asked}\ncat >> {asked}\n'
                       f'test "$1" = get && printf "username=me\\npassword={password}\\n"\n')  # fmt: skip
    program.chmod(0o755)
    (home / ".gitconfig").write_text(f'[credential]\n\thelper = "{program}"\n')
    return asked


class TestGit:
    def test_a_token_in_the_environment_opens_a_private_repository(
        self,
        server: GitServer,
        store: ObjectStore,
        engine: Engine,
        named: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CKSTORE_TOKEN", SECRET)
        assert mirror(store, f"{server.url}/private", engine=engine).releases == 1

    def test_it_is_nowhere_in_the_store(
        self,
        server: GitServer,
        store: ObjectStore,
        engine: Engine,
        named: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CKSTORE_TOKEN", SECRET)
        mirror(store, f"{server.url}/private", engine=engine)
        encoded = base64.b64encode(f"x-access-token:{SECRET}".encode())
        for folder, _, files in os.walk(store.path):
            for name in files:
                data = (Path(folder) / name).read_bytes()
                assert SECRET.encode() not in data
                assert encoded not in data

    def test_a_wrong_one_is_refused_and_not_repeated(
        self,
        server: GitServer,
        store: ObjectStore,
        engine: Engine,
        named: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("CKSTORE_TOKEN", "wr0ng-secret")
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"{server.url}/private", engine=engine)
        assert caught.value.code == "authentication-needed"
        assert "wr0ng" not in str(caught.value.as_plain())
        assert len(server.seen) < 12, "asked again and again with what was refused"

    def test_a_redirect_to_another_host_takes_no_token_along(
        self, server: GitServer, elsewhere: GitServer, store: ObjectStore, engine: Engine, named: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setenv("CKSTORE_TOKEN", SECRET)
        elsewhere.moved_to = server.url.replace("127.0.0.1", "localhost")
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"{elsewhere.url}/private", engine=engine)
        assert caught.value.code == "authentication-needed"
        assert set(server.seen) == {""}

    def test_without_one_nothing_is_sent_and_nobody_is_asked(
        self, server: GitServer, store: ObjectStore, engine: Engine
    ) -> None:
        with pytest.raises(Unavailable) as caught:
            mirror(store, f"{server.url}/private", engine=engine)
        assert caught.value.code == "authentication-needed"
        assert any("credential helper" in hint for hint in caught.value.hints)

    def test_the_users_credential_helper_is_asked(
        self,
        server: GitServer,
        store: ObjectStore,
        engine: Engine,
        named: None,
        hermetic: Path,
        tmp_path: Path,
    ) -> None:
        asked = helper(hermetic, tmp_path, SECRET)
        assert mirror(store, f"{server.url}/private", engine=engine).releases == 1
        assert asked.read_text().startswith("get\n")

    def test_a_token_of_the_environment_is_not_stored_by_the_users_helper(
        self, server: GitServer, store: ObjectStore, engine: Engine, named: None, hermetic: Path,
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        asked = helper(hermetic, tmp_path, "other")
        monkeypatch.setenv("CKSTORE_TOKEN", SECRET)
        assert mirror(store, f"{server.url}/private", engine=engine).releases == 1
        assert not asked.exists()

    def test_the_keyring_is_asked_last(
        self, server: GitServer, store: ObjectStore, engine: Engine, named: None, ring: Ring
    ) -> None:
        keyring.set_password("ckstore", "127.0.0.1", SECRET)
        assert mirror(store, f"{server.url}/private", engine=engine).releases == 1


class TestSecrets:
    @pytest.mark.parametrize(
        ("address", "given", "token"),
        [
            ("https://api.github.com", {"GITHUB_TOKEN": "a"}, "a"),
            ("https://github.com/a/b", {"GH_TOKEN": "a"}, "a"),
            ("https://gitlab.com/api/v4", {"GITLAB_TOKEN": "a", "GITHUB_TOKEN": "b"}, "a"),
            ("https://git.example.org", {"GITLAB_TOKEN": "a", "GITHUB_TOKEN": "b", "CKSTORE_TOKEN": "c"}, ""),
            ("https://git.example.org", {"CKSTORE_TOKEN": "c", "CKSTORE_TOKEN_HOST": "Git.Example.org"}, "c"),
            ("https://github.com.evil.org", {"GITHUB_TOKEN": "a"}, ""),
            ("http://github.com", {"GITHUB_TOKEN": "a"}, ""),
            ("http://127.0.0.1", {"CKSTORE_TOKEN": "c"}, ""),
            ("https://github.com", {"GITHUB_TOKEN": "a\r\nX-Evil: 1"}, ""),
        ],
    )
    def test_each_belongs_to_one_host(self, address: str, given: dict[str, str], token: str) -> None:
        assert Secrets(address, given).given() == token

    def test_a_helper_that_fails_or_is_missing_gives_none(self, hermetic: Path, tmp_path: Path) -> None:
        helper(hermetic, tmp_path, "x")
        (tmp_path / "helper.sh").write_text("#!/bin/sh\nexit 3\n")
        assert Secrets("https://git.example.org").stored() == ""

    def test_without_the_package_there_is_no_keyring_and_no_harm(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        assert Secrets("https://git.example.org").kept() == ""

    def test_in_clear_text_nothing_stored_is_looked_for(self, ring: Ring) -> None:
        keyring.set_password("ckstore", "git.example.org", SECRET)
        assert Secrets("http://git.example.org").stored() == ""
        assert Secrets("https://git.example.org").kept() == SECRET

    def test_addresses_have_theirs(self) -> None:
        assert token_for(parse_url("github:a/b"), {"GITHUB_TOKEN": "a"}) == "a"
