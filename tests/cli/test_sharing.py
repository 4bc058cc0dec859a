from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.session import Session, repository


@pytest.fixture
def locked(session: Session) -> Session:
    """A project with a lock of the program in the repository ``lab``."""
    session("add", str(repository(session)))
    session("lock", "program:counter")
    return session


def test_a_lock_travels_as_one_file_and_runs_in_another_store(
    locked: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "every digest verified" in locked("export", "x.bundle").out
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "second"))
    assert "3 of lab" in locked("import", str(locked.folder / "x.bundle"), "--lock", "ckstore.lock").out
    assert (elsewhere / "ckstore.lock").read_bytes() == (locked.folder / "ckstore.lock").read_bytes()
    assert "ok" in locked("run", "program:counter", "--dataset", "short").out
    assert "up to date" in locked("lock", "--check").out
    assert locked("import", str(locked.folder / "x.bundle"), "--json").json["new"] == {}


def test_exporting_without_a_project_says_what_to_type(session: Session, tmp_path: Path) -> None:
    session("add", str(repository(session)))
    answer = session("export", str(tmp_path / "x.bundle"), code=10)
    assert "name the file" in answer.err


def test_importing_something_else_is_told_in_one_sentence(session: Session) -> None:
    session.write("notes.txt", "not a bundle\n")
    assert "no file of `ckstore export`" in session("import", "notes.txt", code=2).err
    assert "There is no file" in session("import", "missing.bundle", code=10).err


def test_stores_push_and_pull_by_way_of_a_folder(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session("add", str(repository(session)))
    (tmp_path / "backup").mkdir()
    assert "has it all" in session("push", str(tmp_path / "backup")).out
    assert "had it all already" in session("push", str(tmp_path / "backup")).out
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "second"))
    assert "3 releases of lab" in session("pull", str(tmp_path / "backup")).out
    assert "nothing new" in session("pull", str(tmp_path / "backup")).out
    assert session("pull", str(tmp_path / "backup"), "--json").json["how"] == "unchanged"
    assert "all well" in session("fsck").out


def test_a_pull_that_joins_is_in_the_log_as_a_command(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session("add", str(repository(session)))
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "second"))
    session.write("mine/component.toml", 'kind = "dataset"\nname = "mine"\n')
    session("add", "mine")
    assert session("pull", str(tmp_path / "store"), "--json").json["how"] != "unchanged"
    assert session("log", "--json").json[0]["command"].startswith(f"ckstore pull file://{tmp_path / 'store'}")


def test_only_a_git_remote_can_be_written_to(session: Session) -> None:
    assert "--git" in session("serve", "--writable", code=2).err
