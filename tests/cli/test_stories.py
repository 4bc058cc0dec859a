"""``ckstore log REF`` as a person sees it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.session import Session
from tests.mirror.upstream import Upstream, native

UID = "0123456789abcdef"


def grown(path: Path) -> Upstream:
    """A component with a release, a rename, a withdrawal."""
    up = Upstream(path)
    up.commit({**native("program/old", uid=UID, tags="fast"), **native("program/b")}, "the \x1b[31mfirst")
    up.tag("v1")
    up.commit({"program/old/": None, **native("program/new", uid=UID)}, "a better name")
    up.commit({"program/new/": None}, "not wanted")
    return up


def test_a_story_is_told_newest_first(session: Session) -> None:
    up = grown(session.folder / "up.git")
    session("mirror", up.url)
    assert session("log", "--json").json[0]["command"] == f"ckstore mirror {up.url}"
    text = session("log", "program:old").out
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines[0] == f"up:program:new  {UID}  (withdrawn)"
    assert lines[1] == "formerly program:old"
    assert lines[2].startswith("mirror ")
    assert lines[3].startswith("  withdrawn  2020-09-13  ")
    assert lines[3].endswith("An Author: not wanted")
    assert lines[4].startswith("  2.0.0  major  2020-09-13  ")
    assert lines[5:10] == [
        "    renamed from program:old to program:new", "    moved from program/old", "    - name:old",
        "    - tag:fast", "    + name:new",
    ]  # fmt: skip
    assert lines[-1] == "    tagged v1"
    assert "\x1b" not in text


def test_showing_a_former_name_says_what_it_is_called_now(session: Session) -> None:
    session("mirror", grown(session.folder / "up.git").url)
    text = session("show", "program:old").out
    assert "now called  program:new, newest 2.0.0" in text
    assert "former names" not in text
    text = session("show", "program:new").out
    assert "now called" not in text
    assert "former names  program:old" in text


def test_json_holds_the_whole_story(session: Session) -> None:
    up = grown(session.folder / "up.git")
    session("mirror", up.url)
    told = session("log", "program:new", "--json").json
    assert [event["what"] for event in told["events"]] == ["withdrawn", "release", "release"]
    assert told["names"] == ["program:old", "program:new"]
    assert told["events"][0]["operation"] == told["operations"][0]["id"]


def test_what_is_cut_off_is_said(session: Session) -> None:
    up = grown(session.folder / "up.git")
    session("mirror", up.url)
    answer = session("log", "program:new", "-n", "1")
    assert "2 earlier events not shown" in answer.err
    assert "2.0.0" not in answer.out


def test_near_misses_are_suggested(session: Session) -> None:
    up = grown(session.folder / "up.git")
    session("mirror", up.url)
    assert "did you mean" in session("log", "program:nw", code=10).err


def test_a_difference_begins_with_the_interface(session: Session) -> None:
    up = grown(session.folder / "up.git")
    session("mirror", up.url)
    lines = session("diff", "program:new@v1", "@2.0.0").out.splitlines()
    assert lines[:5] == [
        "up:program:old@=1.0.0 → up:program:new@=2.0.0", "major: what others may depend on has left",
        "  - name:old", "  - tag:fast", "  + name:new",
    ]  # fmt: skip
    assert lines.index("metadata") < lines.index("files")
    assert lines[-1].startswith("  changed  component.toml  ")


def test_a_patch_cannot_steer_the_terminal(session: Session) -> None:
    up = Upstream(session.folder / "up.git")
    up.commit(native("program/a"))
    up.commit(native("program/a", body="\x1b]0;title\x07 tab\there\n"))
    session("mirror", up.url)
    text = session("diff", "program:a", "--patch").out
    assert "\x1b" not in text
    assert "+++ b/main.c" in text
    patch = session("diff", "program:a", "-p", "--json").json["patch"]
    assert "+\x1b]0;title\x07 tab\there\n" in patch
