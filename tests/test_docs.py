"""The documents speak of what is there: links, paths and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ckstore.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples" / "README.md"])
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@by_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@by_page
def test_every_path_that_is_named_is_there(page: Path) -> None:
    # `cli/quick.py` is relative to the package, `docs/glossary.md` to the project; <…> stands for a name
    named = re.findall(r"`([\w./-]+/[\w./-]*)`", page.read_text("utf-8"))
    paths = [name for name in named if re.match(r"(ckstore|tests|docs|examples|cli|operations|mirror|index|"
                                                r"resolve|actions|objects|model|kinds)/", name)]  # fmt: skip
    missing = [
        name for name in paths if not (ROOT / name).exists() and not (ROOT / "ckstore" / name).exists()
    ]
    assert missing == []


@by_page
def test_every_command_that_is_shown_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    shown = re.findall(r"^ {4}ckstore ([a-z][a-z-]*)|`ckstore ([a-z][a-z-]*)[ `]", text, re.MULTILINE)
    commands = {block or inline for block, inline in shown}
    known = {*app.list_commands(None), "compile"}  # type: ignore[arg-type]  # the list does not depend on a context
    assert commands - known == set()
