"""What ``ckstore sources`` says of problems: some of many, all where a source is named."""

from __future__ import annotations

from tests.cli.session import Session


def broken(session: Session, count: int) -> None:
    session.write("lab/dataset/good/component.toml", "")
    for number in range(count):
        session.write(f"lab/dataset/bad-{number:02}/component.toml", "= no toml")
    session("add", "lab")


def test_many_problems_are_counted_and_all_are_told_of_a_source_that_is_named(session: Session) -> None:
    broken(session, 30)
    some = session("sources").out
    assert some.count("problem in lab") == 10
    assert "… and 20 more: ckstore sources lab" in some
    assert session("sources", "lab").out.count("problem in lab") == 30


def test_few_problems_are_all_told(session: Session) -> None:
    broken(session, 11)
    assert session("sources").out.count("problem in lab") == 11


def test_a_source_that_is_not_there_is_told_with_the_nearest_name(session: Session) -> None:
    broken(session, 1)
    answer = session("sources", "labb", code=10)
    assert "There is no source 'labb'" in answer.err and "did you mean lab?" in answer.err
