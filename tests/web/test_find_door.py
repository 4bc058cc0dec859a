"""Queries over a real connection; what they mean is tested with the page that teaches them."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.objects.store import ObjectStore
from ckstore.web.git_server import GitServer, git_server
from tests.objects.helpers import add, make_folder


@pytest.fixture
def server(store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitServer]:
    """One that answers queries alone, where there is no git program."""
    add(store, "one", make_folder(tmp_path / "one", {"file": b"1\n"}))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with git_server(store, as_git=False) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def get(server: GitServer, path: str, method: str = "GET", **fields: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    connection.request(method, path, headers=fields)
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]  # kept for the test
    connection.close()
    return answer


def body_of(answer: http.client.HTTPResponse) -> bytes:
    return answer.body  # type: ignore[attr-defined,no-any-return]  # set by get


def test_queries_are_answered_in_json_with_their_total(server: GitServer) -> None:
    answer = get(server, "/find?q=one&columns=name,source&limit=1")
    assert (answer.status, answer.getheader("X-Total-Count")) == (200, "1")
    assert answer.getheader("Content-Type") == "application/json; charset=utf-8"
    assert [hit["name"] for hit in json.loads(body_of(answer))] == ["one"]
    assert server.find_url.endswith("/find")
    assert json.loads(body_of(get(server, "/store/find?count=1"))) == 1


def test_errors_are_json_and_other_paths_are_nothing(server: GitServer) -> None:
    wrong = get(server, "/find?q=%22")
    assert (wrong.status, json.loads(body_of(wrong))["error"]) == (400, "open-quote")
    for path in ("/", "/store/info/refs?service=git-upload-pack", "/finder"):
        assert get(server, path).status == 404
    assert get(server, "/git-upload-pack", "POST").status == 404


def test_a_page_elsewhere_cannot_ask_by_a_name_that_it_made_up(server: GitServer) -> None:
    assert get(server, "/find", Host="evil.example").status == 403
