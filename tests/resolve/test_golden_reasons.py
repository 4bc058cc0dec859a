"""Explanations as they are read: the files in ``golden`` hold them word by word."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.errors import CkstoreError
from ckstore.model.metadata import Need
from ckstore.resolve.resolver import resolve
from tests.resolve.made_up import LEVELS, problem
from tests.resolve.quick import QuickCatalogue
from tests.resolve.world import Catalogue, Made

GOLDEN = Path(__file__).parent / "golden"


def need(role: str, ask: str) -> Need:
    return Need(role, ask, "any" if "[" in ask else "one")


def app(*asks: str, version: str = "1.0.0") -> Made:
    return Made("s:p:app", version, needs=tuple(need(f"r{n}", ask) for n, ask in enumerate(asks)))


CASES = {
    "nothing-has-the-tags": [app("t[cc]")],
    "each-version-fails-for-a-reason-of-its-own": [
        app("s:p:gone", version="2.0.0"), app("s:p:lost", version="1.0.0")
    ],
    "two-ranges-do-not-overlap": [
        app("s:p:left", "s:p:lib@^2"), Made("s:p:left", "1.0.0", needs=(need("lib", "s:p:lib@^1"),)),
        Made("s:p:lib", "1.0.0"), Made("s:p:lib", "2.0.0"),
    ],
    "the-only-provider-wants-another-version": [
        app("t[cc]", "s:p:lib@^2"), Made("s:t:gcc", "1.0.0", ("cc",), (need("lib", "s:p:lib@^1"),)),
        Made("s:p:lib", "1.0.0"), Made("s:p:lib", "2.0.0"),
    ],
}  # fmt: skip


def told(error: CkstoreError) -> str:
    return "\n".join([error.code, error.message, *(f"- {hint}" for hint in error.hints), ""])


@pytest.mark.parametrize("name", CASES)
def test_a_reason_reads_as_its_golden_file(name: str) -> None:
    with pytest.raises(CkstoreError) as caught:
        resolve([Need("root", "s:p:app")], Catalogue(CASES[name]))
    assert told(caught.value) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_planted_contradiction_reads_as_its_golden_file() -> None:
    made = problem(LEVELS["easy"], 1, components=40, versions=8, contradiction=True)
    with pytest.raises(CkstoreError) as caught:
        resolve(made.roots, QuickCatalogue(made.made))
    assert told(caught.value) == (GOLDEN / "planted.txt").read_text(encoding="utf-8")
