"""The resolver against two oracles: one that tries every assignment, one that spells the definition out."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ckstore.errors import Conflict, NotFound
from ckstore.model.metadata import Need, Scope
from ckstore.resolve.asking import Asking
from ckstore.resolve.engines import Engine, Glucose
from ckstore.resolve.learning import LearningSearch
from ckstore.resolve.resolver import Resolution, resolve, resolve_by_clauses
from tests.resolve.world import Answer, Catalogue, Made, defined_answer, is_satisfiable

NAMES = ["a:p:one", "a:p:two", "a:q:three", "b:q:four", "b:q:five"]
VERSIONS = ["1.0.0", "1.1.0", "2.0.0"]
RANGES = ["", "@^1", "@=1.0.0", "@^2", "@>=1.1", "@^3"]
TAGS = ["x", "y"]

named = st.builds(lambda name, wanted: name + wanted, st.sampled_from(NAMES), st.sampled_from(RANGES))
tagged = st.builds(
    lambda kinds, tags, wanted: f"{kinds}[{tags}]{wanted}",
    st.sampled_from(["p", "q", "p|q"]), st.sampled_from(["x", "y", "x,y", "!x", "z"]),
    st.sampled_from(RANGES),
)  # fmt: skip
roles = st.sampled_from(["r1", "r2", "r3"])
scopes: st.SearchStrategy[Scope] = st.sampled_from(["any", "every"])
needs = st.one_of(st.builds(Need, roles, named), st.builds(Need, roles, tagged, scopes))


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    made = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=2, max_size=4)):
        for version in draw(st.lists(st.sampled_from(VERSIONS), unique=True, min_size=1)):
            tags = draw(st.lists(st.sampled_from(TAGS), unique=True))
            made.append(Made(name, version, tuple(tags), tuple(draw(st.lists(needs, max_size=2)))))
    locked = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS), max_size=2))
    return Catalogue(made, locked)


def chosen(resolution: Resolution) -> Answer:
    return {name: choice.version for name, choice in resolution.chosen.items()}


@settings(max_examples=300)
@given(catalogues(), st.lists(needs, min_size=1, max_size=3))
def test_it_answers_exactly_what_is_satisfiable_and_with_the_defined_answer(
    catalogue: Catalogue, roots: list[Need]
) -> None:
    expected = defined_answer(catalogue, roots)
    assert (expected is not None) == is_satisfiable(catalogue, roots)
    try:
        found = chosen(resolve(roots, catalogue))
    except (NotFound, Conflict) as error:
        event("unsatisfiable")
        assert expected is None, error.message
        assert error.message and error.code and error.hints
    else:
        event("satisfiable")
        assert found == expected


@settings(max_examples=100)
@given(catalogues(), st.lists(needs, min_size=1, max_size=3))
def test_every_edge_of_an_answer_is_what_was_asked_for(catalogue: Catalogue, roots: list[Need]) -> None:
    try:
        resolution = resolve(roots, catalogue)
    except (NotFound, Conflict):
        return
    pinned = chosen(resolution)
    for by, edges in resolution.edges.items():
        asked = roots if not by else catalogue.needs(by, pinned[by])
        assert {(e.role, e.ask) for e in edges} <= {(n.role, n.ask) for n in asked}
        for edge in edges:
            candidate = next(c for c in catalogue.candidates(edge.ask) if c.component == edge.got)
            assert pinned[edge.got] in catalogue.admitted(candidate, edge.ask)
        for need in asked:
            assert need.scope == "every" or any((e.role, e.ask) == (need.role, need.ask) for e in edges)


@settings(max_examples=100)
@given(catalogues(), st.lists(needs, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_the_order_of_the_catalogue(
    catalogue: Catalogue, roots: list[Need], order: random.Random
) -> None:
    shuffled = list(catalogue.made)
    order.shuffle(shuffled)
    assert _outcome(catalogue, roots) == _outcome(Catalogue(shuffled, dict(catalogue.locked)), roots)


@settings(max_examples=100)
@given(catalogues(), st.lists(needs, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_every_engine_and_the_quick_way_say_the_same_whatever_the_order_of_the_roots(
    catalogue: Catalogue, roots: list[Need], order: random.Random
) -> None:
    expected = _outcome(catalogue, roots)
    order.shuffle(roots)
    assert _outcome(catalogue, roots) == expected
    assert _outcome(catalogue, roots, Glucose) == expected
    assert _outcome(catalogue, roots, LearningSearch) == expected


def _outcome(catalogue: Catalogue, roots: list[Need], engine: Callable[[], Engine] | None = None) -> object:
    try:
        if engine is not None:
            return resolve_by_clauses(roots, Asking(catalogue), engine=engine)
        return resolve(roots, catalogue)
    except (NotFound, Conflict) as error:
        return error.as_plain()
