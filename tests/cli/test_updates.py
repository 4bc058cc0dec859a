"""``update`` and ``bisect`` at a prompt."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.session import COUNTER, Session, repository


@pytest.fixture
def study(session: Session) -> Session:
    """A project that was run once with its lock, which is kept as old.lock; then the program went on."""
    lab = repository(session)
    session("add", str(lab))
    session("lock", "program:counter")
    session("run", "program:counter", "--dataset", "short")
    shutil.copy(session.folder / "ckstore.lock", session.folder / "old.lock")
    changed = ("* factor", "* factor + 1", "* factor + 2")
    for remark, factor in enumerate(changed):
        text = COUNTER.replace("* factor", factor) + f"# {remark}\n"
        session.write("lab/program/counter/count.py", text)
        session("add", str(lab))
    return session


def test_a_dry_run_shows_what_each_change_means_and_for_whom(study: Session) -> None:
    before = (study.folder / "ckstore.lock").read_bytes()
    assert study("update", "--dry-run").out.splitlines() == [
        "lab:program:counter  1.0.0 → 1.0.3  (patch: the interface is the same)",
        "  for you",
        "1 pin would change; nothing was written",
    ]
    assert (study.folder / "ckstore.lock").read_bytes() == before


def test_trying_leaves_out_what_breaks_a_recorded_run_and_says_since_when(study: Session) -> None:
    assert study("update", "--try").out.splitlines() == [
        "lab:program:counter  1.0.0 → 1.0.1  (patch: the interface is the same)",
        "  for you",
        "run lab:program:counter --dataset short: the output count.txt is another one",
        "  since lab:program:counter 1.0.1 → 1.0.2  (patch)",
        "  so it stays out",
        "1 recorded run of 1 tried: as before",
        "ckstore.lock written: 1 pin changed",
    ]
    again = study("update", "--try", "--json").json
    assert [again["changes"]["changed"], again["written"]] == [[], False]


def test_bisect_names_the_release_and_how_many_runs_it_took(study: Session) -> None:
    study("update")
    answer = study(
        "bisect", "--good", "old.lock", "--bad", "ckstore.lock", "--", "program:counter", "--dataset", "short"
    )
    assert "since lab:program:counter 1.0.1 → 1.0.2" in answer.out
    assert "3 releases between the locks, 4 runs" in answer.err
    recorded = study("bisect", "--good", "old.lock", "--bad", "ckstore.lock", "--json").json
    assert [step["version"] for step in recorded["culprits"]] == ["1.0.2"]


def test_an_update_of_something_else_says_what_was_meant(study: Session) -> None:
    assert "program:counter" in study("update", "program:cuonter", code=10).err
    assert "--precise goes with one component" in study("update", "--precise", "1.0.0", code=2).err
