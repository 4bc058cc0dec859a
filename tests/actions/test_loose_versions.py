from __future__ import annotations

import pytest

from ckstore.actions.looseversion import compare_versions, split_version, within


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1.2.3", (1, 2, 3)), ("v1.2", (0, 2)), ("1.10", (1, 10)), ("trunk", (0,)), ("1_2_3", (1, 2, 3)),
        ("2.6.4a", (2, 6, 0)), ("1.0-rc1", (1, 0, 0)), ("20190101-abcdef", (20190101, 0)), ("", ()),
    ],
)  # fmt: skip
def test_a_part_that_is_no_number_counts_as_zero(text: str, numbers: tuple[int, ...]) -> None:
    assert split_version(text) == numbers


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        ((1, 2), (1, 2, 0), 0),
        ((1, 2), (1, 2, 1), -1),
        ((1, 10), (1, 9), 1),
        ((3,), (2, 99), 1),
        ((), (0,), 0),
    ],
)
def test_the_shorter_version_is_padded_with_zeros(
    left: tuple[int, ...], right: tuple[int, ...], order: int
) -> None:
    assert compare_versions(left, right) == order
    assert compare_versions(right, left) == -order


@pytest.mark.parametrize(
    ("version", "low", "high", "kept"),
    [
        ((3, 0, 1), (), (3, 0), False), ((3, 0), (), (3, 0, 0), True), ((2, 9, 9), (3,), (), False),
        ((9, 0, 5), (), (9, 0, 999), True), ((9, 1), (), (9, 0, 999), False), ((), (3,), (4,), True),
    ],
)  # fmt: skip
def test_bounds_are_inclusive_and_spare_the_unversioned(
    version: tuple[int, ...], low: tuple[int, ...], high: tuple[int, ...], kept: bool
) -> None:
    assert within(version, low, high) is kept
