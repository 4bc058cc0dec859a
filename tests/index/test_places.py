"""Places: entries stay in the order of answers, however they come, and moving is rare."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckstore.index import catchup, places
from ckstore.index.audit import _differing
from ckstore.index.schema import create, unpack_tags
from tests.index.logdouble import Log, line, release

TIGHT: dict[str, Any] = {"_MANY": 0, "_GAP": 4, "_STEP": 2, "_ROOM": 2, "_NEIGHBOURS": 1}


class Growing:
    """An index that catches up after each publication."""

    def __init__(self) -> None:
        self.log = Log()
        self.log.publish()
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        create(self.db)
        self.reached = ""

    def add(self, *names: str, tags: tuple[str, ...] = ("t",), version: str = "1.0.0") -> None:
        self.log.publish(*(line("s", release("kind", name, version, tags=tags)) for name in names))
        self.catch_up()

    def catch_up(self) -> None:
        view = self.log.view()
        catchup._write(self.db, view, view.changed_since(self.reached), catchup._silent)
        self.reached = view.head

    def names(self) -> list[str]:
        rows = self.db.execute("SELECT answer FROM entries ORDER BY place")
        return [unpack_tags(answer)[2] for (answer,) in rows]

    def places(self) -> dict[str, int]:
        return dict(self.db.execute("SELECT l.name, l.place FROM lines l"))

    def is_right(self) -> bool:
        fresh = catchup._in_memory(self.log.view(), catchup._silent)
        try:
            return not list(_differing(self.db, fresh))
        finally:
            fresh.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=4), min_size=1, max_size=25))
def test_entries_are_in_order_wherever_new_ones_come_and_however_little_room_there_is(
    batches: list[list[int]],
) -> None:
    index = Growing()
    with patch.multiple(places, **TIGHT):
        for batch in batches:
            index.add(*(f"n{number:02}" for number in set(batch)))
    wanted = sorted({f"n{number:02}" for batch in batches for number in batch})
    assert index.names() == wanted
    assert index.is_right()
    index.db.close()


@pytest.mark.parametrize("order", ["rising", "falling", "into the middle"])
def test_components_that_come_one_after_another_seldom_move_others(order: str) -> None:
    index = Growing()
    index.add(*(f"a{n}" for n in range(40)), *(f"z{n}" for n in range(40)))
    moved = 0
    for number in range(150):
        before = index.places()
        middle = number // 2 if number % 2 else 999 - number // 2
        index.add(f"m{ {'rising': number, 'falling': 999 - number, 'into the middle': middle}[order]:03}")
        after = index.places()
        moved += any(after[name] != place for name, place in before.items())
    names = index.names()
    assert all(one < other for one, other in pairwise(names))
    assert moved <= 150 // 10
    assert index.is_right()
    index.db.close()


def test_a_component_that_gets_a_release_keeps_its_place() -> None:
    index = Growing()
    index.add(*(f"n{n}" for n in range(50)))
    before = index.places()
    index.log.publish(
        line("s", release("kind", "n7", tags=("t",)), release("kind", "n7", "1.1.0", tags=("new",)))
    )
    index.catch_up()
    assert index.places() == before
    assert index.is_right()
    index.db.close()


def test_what_is_withdrawn_has_no_place_and_comes_back_to_it() -> None:
    index = Growing()
    index.add(*(f"n{n}" for n in range(50)))
    index.log.publish(line("s", release("kind", "n7", tags=("t",)), withdrawn="d" * 40))
    index.catch_up()
    assert index.places()["n7"] == 0
    assert "n7" not in index.names()
    assert index.db.execute("SELECT newest, total FROM tags WHERE tag = 't'").fetchone() == (49, 50)
    index.log.publish(line("s", release("kind", "n7", tags=("t",))))
    index.catch_up()
    assert index.names() == sorted(f"n{n}" for n in range(50))
    assert index.is_right()
    index.db.close()
