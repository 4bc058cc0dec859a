"""The commands that read locks, at a prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.session import Session
from tests.operations.folders import component


def release(session: Session, name: str, tags: str = "", needs: str = "", version: str = "1.0.0") -> None:
    body = f'[needs]\nx = "{needs}"\n' if needs else ""
    component(
        session.folder / "lab" / name, "soft", name, tags=tags, head=f'version = "{version}"', body=body
    )


@pytest.fixture
def locked(session: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A project that locked ``app``, which needs ``base@^1``; ``before.lock`` is the lock of then."""
    release(session, "app", "app", "soft:base@^1")
    release(session, "base", "base")
    session("add", "lab")
    (session.folder / "project").mkdir()
    monkeypatch.chdir(session.folder / "project")
    session("lock", "soft:app")
    session.write("before.lock", Path("ckstore.lock").read_text())
    release(session, "base", "ground", version="2.0.0")
    release(session, "app", "app,new", "soft:base@^1", version="1.1.0")
    session("add", "../lab")
    return session


def test_tree_draws_what_asked_for_what(locked: Session) -> None:
    out = locked("tree").out.splitlines()
    assert out[0] == "lab:soft:app@=1.0.0"
    assert (
        "├─ lab:soft:base@=1.0.0  x: soft:base@^1" in out or "└─ lab:soft:base@=1.0.0  x: soft:base@^1" in out
    )
    assert out[-1].endswith("from 2 sources")
    assert locked("tree", "-i", "soft:base").out.splitlines()[:3] == [
        "lab:soft:base@=1.0.0", "└─ lab:soft:app@=1.0.0  x: soft:base@^1", "   └─ you asked for soft:app",
    ]  # fmt: skip
    pins = locked("tree", "--json").json["pins"]
    base = next(pin for pin in pins if pin["component"] == "lab:soft:base")
    assert [one["asker"] for one in base["required_by"]] == ["lab:soft:app"]


def test_why_tells_the_way_from_what_was_asked(locked: Session) -> None:
    assert locked("why", "base").out.splitlines() == [
        "lab:soft:base@=1.0.0",
        "  you                  asks for soft:app",
        "  lab:soft:app@=1.0.0  asks for soft:base@^1 (x)",
    ]
    (reason,) = locked("why", "base", "--json").json
    assert [asked["got"] for asked in reason["paths"][0]] == ["lab:soft:app", "lab:soft:base"]
    assert "soft:base" in locked("why", "soft:bsae", code=10).err


def test_outdated_tells_what_is_wanted_what_is_newest_and_what_holds_it(locked: Session) -> None:
    assert locked("outdated").out.splitlines() == [
        "lab:soft:app  1.0.0 → 1.1.0  (minor: +tag:new)",
        "lab:soft:base  1.0.0; 2.0.0 is newest  (major: -tag:base +tag:ground)",
        "  lab:soft:app (x) asks for soft:base@^1",
        "2 have newer releases, of 4 components",
    ]
    assert [one["wanted"] for one in locked("outdated", "--json").json["outdated"]] == ["1.1.0", "1.0.0"]


class TestDiff:
    @pytest.fixture
    def moved(self, locked: Session) -> Session:
        locked("update")
        locked("lock", "soft[new]")
        return locked

    def test_two_locks_are_compared_by_what_they_mean(self, moved: Session) -> None:
        before = str(moved.folder / "before.lock")
        answer = moved("diff", before, "ckstore.lock", code=0)
        assert "lab:soft:app  1.0.0 → 1.1.0  (minor: +tag:new)" in answer.out
        assert answer.out == moved("diff", before).out  # the project's is the second
        assert "you ask: +soft[new]" in answer.out
        assert moved("diff", before, "--json").json["changed"][0]["step"] == "minor"

    def test_a_review_reads_markdown(self, moved: Session) -> None:
        out = moved("diff", "--markdown", str(moved.folder / "before.lock")).out
        assert "| component | from | to | step | interface |" in out
        assert "| lab:soft:app | 1.0.0 | 1.1.0 | minor | +tag:new |" in out
        assert "asked: +soft\\[new\\]" in out

    def test_a_lock_is_not_compared_with_a_release(self, moved: Session) -> None:
        moved("diff", str(moved.folder / "before.lock"), "soft:app", code=2)
        moved("diff", "soft:app", "--markdown", code=2)
        assert "minor" in moved("diff", "soft:app").out


def test_verify_fails_with_the_reason_when_the_lock_was_changed(locked: Session) -> None:
    assert "all as the lock says" in locked("verify").out
    path = Path("ckstore.lock")
    path.write_text(path.read_text().replace('version = "1.0.0"', 'version = "9.0.0"', 1))
    answer = locked("verify", code=12)
    assert "lab:soft:app@9.0.0, which is not in this store" in answer.out and "hint:" in answer.out
    assert locked("verify", "--json", code=12).json["problems"][0]["code"] == "release-not-here"
    assert "all as the lock says" in locked("verify", str(locked.folder / "before.lock")).out


def test_vendor_and_checkout_lay_out_what_the_lock_names(locked: Session) -> None:
    assert "every digest verified" in locked("vendor", "kept").out
    assert {path.name for path in Path("kept").iterdir()} == {"lab", "ckstore", "ckstore.lock", "SHA256SUMS"}
    assert "--replace" in locked("vendor", "kept", code=11).err
    locked("vendor", "kept", "--replace")
    assert locked("checkout", "work", "--json").json["components"] == 4
    assert Path("work/lab/soft/base/component.toml").is_file()


def test_export_writes_the_lock_in_other_forms(locked: Session) -> None:
    assert json.loads(locked("export", "--format", "json", "-").out)["lock-version"] == "1.0"
    assert "as sources" in locked("export", "--format", "sources", "get.sh").out
    assert Path("get.sh").read_text().startswith("#!/bin/sh")
    found = locked("export", "ckstore.lock", "bom.json", "--format", "cyclonedx", "--json").json
    assert found["format"] == "cyclonedx" and json.loads(Path("bom.json").read_text())["specVersion"] == "1.6"


@pytest.mark.parametrize("command", ["tree", "why x", "outdated", "verify", "vendor v", "checkout c"])
def test_without_a_lock_it_is_said_how_to_get_one(session: Session, command: str) -> None:
    (session.folder / "empty").mkdir()
    session("add", str(component(session.folder / "lone", "soft", "lone")))
    assert "ckstore lock" in session(*command.split(), code=10).err


@pytest.mark.parametrize(
    "command", ["tree", "why base", "outdated", "verify", "vendor v", "checkout c", "run app"]
)
def test_a_lock_in_conflict_is_told_by_every_command(locked: Session, command: str) -> None:
    path = Path("ckstore.lock")
    text = path.read_text()
    path.write_text(f"<<<<<<< a\n{text}=======\n{text}>>>>>>> b\n")
    assert "conflict markers" in locked(*command.split(), code=2).err
    assert "written" in locked("lock").out and path.read_text() == text


def test_the_merge_driver_is_installed_where_git_is(locked: Session, have_git: str) -> None:
    assert "in no git repository" in locked("lock", "--install-merge-driver", code=10).err
    import pygit2

    pygit2.init_repository(str(locked.folder / "project"))
    out = locked("lock", "--install-merge-driver").out
    assert (
        "ckstore merge-lock %O %A %B %P" in out
        and Path(".gitattributes").read_text() == "ckstore.lock merge=ckstore\n"
    )
    assert "already" in locked("lock", "--install-merge-driver").out
    locked("lock", "--install-merge-driver", "--check", code=2)
