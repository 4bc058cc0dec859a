"""No input is forgotten: each has a row, or a reason why it has none yet."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.hostile.catalogue import INPUTS, LATER, Row


def covered() -> set[int]:
    numbers: set[int] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f"tests.hostile.{path.stem}")
        for value in vars(module).values():
            numbers.update(getattr(value, "inputs", ()))
            for row in value if isinstance(value, list) else ():
                numbers.update(row.numbers if isinstance(row, Row) else ())
    return numbers


def test_every_number_has_a_row_or_a_reason() -> None:
    assert list(INPUTS) == list(range(1, 89))
    assert set(INPUTS) - covered() == set(LATER)
    assert all(len(reason.split()) > 5 for reason in LATER.values())
