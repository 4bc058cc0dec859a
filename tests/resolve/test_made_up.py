"""Larger problems: what is found is an answer, what is to blame is what was planted."""

from __future__ import annotations

import pytest

from ckstore.errors import Conflict
from ckstore.model.metadata import Need
from ckstore.model.requirements import Requirement
from ckstore.resolve.asking import Asking, admits
from ckstore.resolve.engines import Engine, Glucose
from ckstore.resolve.learning import LearningSearch
from ckstore.resolve.resolver import resolve, resolve_by_clauses
from tests.resolve.made_up import LEVELS, Problem, problem
from tests.resolve.quick import QuickCatalogue

PLANTED = {
    ("", "s:c:left"), ("", "s:c:right"), ("s:c:left", "s:c:middle"), ("s:c:middle", "s:c:end@<1.10"),
    ("s:c:right", "s:c:end@>=1.10"),
}  # fmt: skip


def small(seed: int, *, contradiction: bool = False) -> Problem:
    level = list(LEVELS.values())[seed % 3]
    return problem(level, seed, components=40, versions=8, contradiction=contradiction)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_found_meets_every_need_and_locking_it_again_changes_nothing(seed: int) -> None:
    made = small(seed)
    found = resolve(made.roots, QuickCatalogue(made.made))
    pins = {name: choice.version for name, choice in found.chosen.items()}
    needs = {(m.name, m.version): m.needs for m in made.made}
    asked: list[Need] = [*made.roots, *(need for pin in pins.items() for need in needs[pin])]
    named = [Requirement.parse(need.ask) for need in asked if need.scope == "one"]
    assert all(admits(r.range, pins[f"{r.source}:{r.kinds[0]}:{r.name}"]) for r in named)
    again = resolve(made.roots, QuickCatalogue(made.made, pins))
    assert ({n: c.version for n, c in again.chosen.items()}, again.edges) == (pins, found.edges)
    assert resolve_by_clauses(made.roots, Asking(QuickCatalogue(made.made, pins))) == again


@pytest.mark.parametrize("engine", [Glucose, LearningSearch])
@pytest.mark.parametrize("seed", range(6))
def test_the_planted_statements_are_the_reason_and_nothing_else(seed: int, engine: type[Engine]) -> None:
    made = small(seed, contradiction=True)
    with pytest.raises(Conflict) as caught:
        resolve_by_clauses(made.roots, Asking(QuickCatalogue(made.made)), engine=engine)
    statements = caught.value.details["statements"]
    assert isinstance(statements, list)
    assert {(told["by"], told["ask"]) for told in statements} == PLANTED
    assert "without s:c:left in ckstore.toml, everything else could be had" in caught.value.hints
