from __future__ import annotations

import json
from pathlib import Path

import pytest

from ckstore.actions.plan import Outcome, Plan
from ckstore.errors import InvalidInput

OUTCOME = Outcome(
    measurements={"execution_time": ["0.1", "0.2"], "compile_time": "1"}, details={"a": [1, {"b": "c"}]},
    outputs={"x": "p/tmp/x"}, checked=("x",), key="ab", touched=("s:k:n",), hints=("h",),
)  # fmt: skip


def test_an_outcome_survives_the_way_between_processes() -> None:
    assert Outcome.from_plain(json.loads(json.dumps(OUTCOME.as_plain()))) == OUTCOME


def test_a_plan_survives_the_way_between_processes() -> None:
    plan = Plan("run", "s:k:n", "s:module:k", Path("/a"), "lock = 1\n", Path("/b"), {"repeat": 2})
    assert Plan.from_plain(json.loads(json.dumps(plan.as_plain()))) == plan


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "fine"), ("exit_code", "0"), ("exit_code", True), ("hints", "text"),
        ("details", {"a": 1.5}), ("details", {"a": [None]}), ("details", {"a": True}),
        ("measurements", {"t": 0.5}), ("outputs", {"x": "../up"}), ("outputs", {"x": "/etc/passwd"}),
        ("checked", ["never-written"]), ("host", {"cpus": 2}), ("key", None),
    ],
)  # fmt: skip
def test_an_outcome_from_foreign_code_is_checked_field_by_field(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        Outcome.from_plain({**OUTCOME.as_plain(), field: value})
    assert caught.value.code == "bad-outcome"
