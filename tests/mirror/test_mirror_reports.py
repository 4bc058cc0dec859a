"""The numbers and lines in which a mirror says what it did."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ckstore.objects.store import ObjectStore
from ckstore.operations.export_lock import export_lock
from ckstore.operations.import_bundle import import_bundle
from ckstore.operations.lock import make_lock
from ckstore.operations.mirror import mirror
from tests.cli.session import Session
from tests.mirror.upstream import Upstream, native


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "up.git")
    made.commit(native("program/a") | native("program/b"))
    return made


def numbers(store: ObjectStore, up: Upstream) -> str:
    return mirror(store, up.url).in_numbers()


def test_what_goes_and_what_comes_back_is_counted_once(store: ObjectStore, up: Upstream) -> None:
    assert numbers(store, up) == "2 new releases (2 new, 0 changed, 0 withdrawn)"
    up.commit({"program/b/": None})
    assert numbers(store, up) == "0 new releases (0 new, 0 changed, 1 withdrawn)"
    up.commit(native("program/b"))
    assert numbers(store, up) == "0 new releases (0 new, 0 changed, 0 withdrawn, 1 returned)"
    up.commit({"program/b/": None})
    mirror(store, up.url)
    up.commit(native("program/b"))
    up.commit({"program/b/": None})  # it came and went since: it is as it was
    assert numbers(store, up) == "0 new releases (0 new, 0 changed, 0 withdrawn)"
    up.commit(native("program/b", body="other"))
    assert numbers(store, up) == "1 new release (0 new, 1 changed, 0 withdrawn, 1 returned)"
    operation = store.view().operation()
    assert operation is not None
    assert operation.summary == "up: 1 new release (0 new, 1 changed, 0 withdrawn, 1 returned)"


def test_what_an_import_brought_is_not_new(store: ObjectStore, up: Upstream, tmp_path: Path) -> None:
    up.commit({"program/a/main.c": "two"})
    mirror(store, up.url)
    out, other = io.BytesIO(), ObjectStore(tmp_path / "other")
    export_lock(store, make_lock(store, ["program:a@=1.0.0"])[0], out)
    import_bundle(other, io.BytesIO(out.getvalue()))
    assert numbers(other, up) == "2 new releases (1 new, 1 changed, 0 withdrawn)"


def test_one_lost_file_is_told_once_with_the_number_of_commits(
    up: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "store"))
    session = Session(tmp_path, capsys)
    first = up.commit({"program/a/lost": "lost"})
    for text in ("1", "2"):
        up.commit({"program/a/main.c": text})
    lost = up.at("program/a/lost")
    up.lose(lost)
    said = f"program/a@{first[:12]}: lost: the object {lost} is missing in the source (in 3 commits, this one"
    for words in (["mirror", up.url], ["sources", "up"]):
        text = session(*words).out
        assert text.count(lost) == 1
        assert said in text
    assert len(session("sources", "up", "--json").json[0]["problems"]) == 3
