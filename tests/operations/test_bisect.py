"""``bisect``: the first bad release of all sources between two locks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckstore.errors import Conflict, NotFound
from ckstore.model.locks import Lock
from ckstore.objects.store import ObjectStore
from ckstore.operations.bisect import Action, BisectReport, bisect
from ckstore.operations.steps import Verdict, turning_place, way
from ckstore.operations.update import update_project
from tests.operations.studies import KEY, OTHER, WORKS, Study

RUN = Action("run", KEY)


@pytest.fixture
def study(store: ObjectStore, tmp_path: Path) -> Study:
    return Study(store, tmp_path)


def between(study: Study, good: Lock, action: Action | None = RUN) -> BisectReport:
    bad = update_project(study.store, study.project).lock
    return bisect(study.store, good, bad, action, environment=os.environ)


def test_the_first_bad_release_is_found_across_sources_in_few_runs(study: Study) -> None:
    good = study.lock()
    for number in range(9):
        study.script(WORKS, str(number))
        study.lab.commit({"program/report/notes": str(number)})
    guilty = study.script(OTHER)
    for number in range(9):
        study.lab.commit({"program/report/notes": f"later {number}"})
    study.mirror()
    report = between(study, good)
    assert [(step.component, step.version, step.commit) for step in report.culprits] == [
        ("scripts:dataset:table", "1.0.10", guilty)]  # fmt: skip
    assert report.steps == 28
    assert report.runs <= 2 + 5  # the good lock, the bad one, and log2 of 28
    assert [pin.version for pin in report.good.pins if pin.name == "table"] == ["1.0.9"]
    assert "table.txt is another one" in report.trial.why


def test_without_an_action_the_recorded_runs_of_the_good_lock_are_tried(study: Study) -> None:
    good = study.lock()
    assert study.run(good).ok
    study.script(OTHER)
    study.mirror()
    assert [step.version for step in between(study, good, None).culprits] == ["1.0.1"]


def test_a_component_that_joined_the_lock_can_be_the_culprit(study: Study) -> None:
    good = study.lock()
    study.lab.commit({"program/report/notes": "x"})
    meta = 'kind = "dataset"\nname = "a-first-one"\ntags = ["script"]\n'
    study.scripts.commit({
        "dataset/a-first-one/component.toml": meta, "dataset/a-first-one/table.py": OTHER})  # fmt: skip
    study.lab.commit({"program/report/notes": "y"})
    study.mirror()
    [culprit] = between(study, good).culprits
    assert (culprit.component, culprit.before, culprit.version) == (
        "scripts:dataset:a-first-one", "", "1.0.0")  # fmt: skip


def test_steps_follow_the_time_of_commits_and_name_every_release(study: Study) -> None:
    good = study.lock()
    study.script(WORKS, "1")
    study.script(WORKS, "2")
    study.mirror()
    bad = update_project(study.store, study.project).lock
    steps = way(study.store, good, bad).steps
    assert [(step.before, step.version) for step in steps] == [("1.0.0", "1.0.1"), ("1.0.1", "1.0.2")]
    assert [step.version for step in way(study.store, bad, good).steps] == ["1.0.0"]


class TestWhatIsRefused:
    def test_a_good_lock_with_which_it_does_not_work(self, study: Study) -> None:
        good = study.lock()
        study.script(OTHER)
        study.mirror()
        with pytest.raises(Conflict) as caught:
            between(study, good, Action("run", KEY, ("--cmd", "default", "--timeout", "0.0001")))
        assert caught.value.code == "not-good"

    def test_a_bad_lock_with_which_it_works(self, study: Study) -> None:
        good = study.lock()
        study.script(WORKS, "1")
        study.mirror()
        with pytest.raises(Conflict) as caught:
            between(study, good)
        assert caught.value.code == "not-broken"

    def test_the_same_lock_twice_and_nothing_to_try(self, study: Study) -> None:
        good = study.lock()
        with pytest.raises(NotFound) as nothing:
            bisect(study.store, good, good, environment=os.environ)
        assert nothing.value.code == "no-run"
        with pytest.raises(Conflict) as same:
            bisect(study.store, good, good, Action("run", KEY), environment=os.environ)
        assert same.value.code == "nothing-between"


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_the_turning_place_is_found_with_few_questions(found: tuple[int, int]) -> None:
    count, first_bad = found
    turn = turning_place(count, lambda place: "bad" if place >= first_bad else "good")
    assert (turn.good, turn.bad) == (first_bad - 1, first_bad)
    assert len(turn.asked) <= count.bit_length()


@given(st.lists(st.sampled_from(get_args(Verdict)), max_size=30))
def test_what_cannot_be_judged_is_passed_over_and_said(verdicts: list[Verdict]) -> None:
    count = len(verdicts) + 1
    turn = turning_place(count, lambda place: verdicts[place - 1])
    assert turn.good == 0 or verdicts[turn.good - 1] == "good"
    assert turn.bad == count or verdicts[turn.bad - 1] == "bad"
    assert all(verdicts[place - 1] == "skip" for place in range(turn.good + 1, turn.bad))
