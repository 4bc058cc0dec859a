"""Networks where everything goes through a proxy, as the environment says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError
from ckstore.mirror.forges.exchange import exchange
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.remote import Engine
from ckstore.mirror.stock_git import StockGit
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.forge_double import forge
from tests.mirror.proxy import Proxy, proxying
from tests.mirror.server import serving
from tests.mirror.upstream import Upstream, native


@pytest.fixture
def proxy(tmp_path: Path, have_git: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    Upstream(tmp_path / "served" / "tools.git").commit(native("program/a"))
    with serving(tmp_path / "served") as server, proxying(server.url) as running:
        for name in ("http_proxy", "https_proxy", "no_proxy"):
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.setenv(name, "" if name == "no_proxy" else running.url)
        yield running


@pytest.fixture(params=["git", "libgit2"])
def engine(request: pytest.FixtureRequest, have_git: str) -> Engine:
    return LibraryGit() if request.param == "libgit2" else StockGit(have_git)


def test_a_repository_is_fetched_through_the_proxy(proxy: Proxy, store: ObjectStore, have_git: str) -> None:
    """With git; libgit2 has tunnels only, that is: encrypted connections."""
    assert mirror(store, "http://git.invalid/tools", engine=StockGit(have_git)).releases == 1
    assert ("GET", "http://git.invalid/tools/info/refs?service=git-upload-pack") in proxy.asked


def test_what_is_encrypted_goes_through_a_tunnel(proxy: Proxy, store: ObjectStore, engine: Engine) -> None:
    with pytest.raises(CkstoreError):
        mirror(store, "https://git.invalid/tools", engine=engine)
    assert ("CONNECT", "git.invalid:443") in proxy.asked


def test_hosts_that_need_no_proxy_are_asked_themselves(
    proxy: Proxy, store: ObjectStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "git.invalid")
    with pytest.raises(CkstoreError) as caught:
        mirror(store, "http://git.invalid/tools", engine=engine)
    assert caught.value.code == "unknown-host"
    assert proxy.asked == []


def test_a_forge_is_asked_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with forge() as double, proxying(double.url) as running:
        double.has("lab/a", "https://git.invalid/lab/a")
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, running.url)
        assert exchange("http://forge.invalid/orgs/lab/repos", {}).status == 200
        with pytest.raises(CkstoreError):
            exchange("https://forge.invalid/orgs/lab/repos", {})
        assert [method for method, _ in running.asked] == ["GET", "CONNECT"]
