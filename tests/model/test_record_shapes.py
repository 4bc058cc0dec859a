from __future__ import annotations

from dataclasses import replace

import pytest

from ckstore.model import records
from ckstore.model.records import Absences, Component, Operation, Release, Retired, Run, Source, Yank
from ckstore.model.shapes import wrong_shape

SOUND = [
    Source("lab", "", "folder", labels={"v1": "0" * 40}, problems=("a: b",)),
    Component("00000000000000aa", "program", "p", ("program:p",), ("1.0.0",)),
    Release("00000000000000aa", "program", "p", "1.0.0", "0" * 40, "sha256:", "", "p", "ck", "first"),
    Operation("add", "", ""), Yank("why"), Retired("sha256:", "0" * 40),
    Absences((("1.0.0", "0" * 40, ""),)),
    Run("run", "a", "b", "c", "d", "ok", 0, measurements={"time": ["1"]}),
]  # fmt: skip


@pytest.mark.parametrize("record", SOUND, ids=lambda record: type(record).__name__)
def test_every_sound_record_has_its_shape_also_when_read_back(record: records._Record) -> None:
    assert wrong_shape(record) == ""
    assert wrong_shape(type(record).decode(record.encode())) == ""


def test_every_kind_of_record_is_known() -> None:
    kinds = {
        kind
        for kind in vars(records).values()
        if isinstance(kind, type) and kind.__module__ == records.__name__
    }
    assert {type(record) for record in SOUND} == kinds - {records._Record}


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (replace(SOUND[0], name=1), "name"),  # type: ignore[type-var]  # wrong on purpose
        (replace(SOUND[0], history="1"), "history"),  # type: ignore[type-var]  # wrong on purpose
        (replace(SOUND[0], labels={"v1": 1}), "labels"),  # type: ignore[type-var]  # wrong on purpose
        (replace(SOUND[0], problems=("a", 1)), "problems"),  # type: ignore[type-var]  # wrong on purpose
        (replace(SOUND[2], needs=("x",)), "needs"),  # type: ignore[type-var]  # wrong on purpose
        (replace(SOUND[6], spans=(("a", "b"),)), "spans"),  # type: ignore[type-var]  # wrong on purpose
        (replace(SOUND[7], inputs=[]), "inputs"),  # type: ignore[type-var]  # wrong on purpose
    ],
)
def test_a_field_of_another_type_is_named(record: object, field: str) -> None:
    assert repr(field) in wrong_shape(record)
