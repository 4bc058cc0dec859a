"""Ranges, held against a slow reading of the same words over every version of a small grid."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from ckstore.errors import InvalidInput
from ckstore.model.versions import VersionRange, next_version, parse_version, read_version

SMALL = range(3)
PRERELEASES = (None, "0", "alpha", "rc.1", "rc.1.0", "rc.2")
GRID = [Version(*core, pre) for core in itertools.product(SMALL, SMALL, SMALL) for pre in PRERELEASES]

numbers = st.lists(st.sampled_from(SMALL), min_size=1, max_size=3).map(tuple)
comparators = st.tuples(st.sampled_from(["", "^", "~", ">=", "<=", ">", "<", "="]), numbers, st.just(None))
full = st.tuples(*[st.sampled_from(SMALL)] * 3)
with_prerelease = st.tuples(
    st.sampled_from(["", "^", "~", ">=", "<=", ">", "<", "="]), full, st.sampled_from(PRERELEASES)
)
conjunctions = st.lists(comparators | with_prerelease, min_size=1, max_size=3)
Comparator = tuple[str, tuple[int, ...], str | None]


def write(conjunction: list[Comparator]) -> str:
    return ",".join(
        op + ".".join(map(str, given)) + (f"-{pre}" if pre else "") for op, given, pre in conjunction
    )


def holds(comparator: Comparator, version: Version) -> bool:
    """The meaning of one comparator in words: a prefix comparison, never an interval."""
    operator, wanted, pre = comparator
    core = (version.major, version.minor, version.patch)
    head = core[: len(wanted)]
    major, minor, patch = (*wanted, 0, 0)[:3]
    base = Version(major, minor, patch, pre)
    if operator in ("", "^"):
        significant = next((n for n, part in enumerate(wanted) if part), len(wanted) - 1) + 1
        return version >= base and core[:significant] == wanted[:significant]
    if operator == "~":
        return version >= base and core[: min(len(wanted), 2)] == wanted[:2]
    if operator == ">=":
        return version >= base
    if operator == "<":
        return version < base
    if operator == ">":
        return version > base if pre else head > wanted
    if operator == "<=":
        return version <= base if pre else head < wanted or head == wanted
    return version == base if pre else version >= base and head == wanted


def admits(conjunction: list[Comparator], version: Version) -> bool:
    if not all(holds(comparator, version) for comparator in conjunction):
        return False
    core = (version.major, version.minor, version.patch)
    return version.prerelease is None or any(pre and given == core for _, given, pre in conjunction)


@given(conjunctions)
def test_a_range_admits_what_its_words_say(conjunction: list[Comparator]) -> None:
    found = VersionRange.parse(write(conjunction))
    assert [str(v) for v in GRID if found.admits(v)] == [str(v) for v in GRID if admits(conjunction, v)]


@given(conjunctions, conjunctions)
def test_alternatives_admit_what_one_of_them_admits(left: list[Comparator], right: list[Comparator]) -> None:
    either = VersionRange.parse(f"{write(left)} || {write(right)}")
    assert all(either.admits(v) == (admits(left, v) or admits(right, v)) for v in GRID)


@given(st.lists(conjunctions, min_size=1, max_size=2))
def test_printing_a_range_gives_back_what_it_was_read_from(alternatives: list[list[Comparator]]) -> None:
    text = "||".join(write(conjunction) for conjunction in alternatives)
    found = VersionRange.parse(text.replace(",", " , ").replace("||", " || "))
    assert str(found) == text
    assert VersionRange.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^1.2", "1.9.0", "2.0.0"),
        ("^0.2.3", "0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.0.3-beta", "0.0.3", "0.0.4"),
        ("^0", "0.9.9", "1.0.0"),
        ("1.2", "1.9.0", "2.0.0"),
        ("1.2.*", "1.2.9", "1.3.0"),
        ("1.x", "1.9.9", "2.0.0"),
        ("1.*.*", "1.9.9", "2.0.0"),
        ("~1.2.3", "1.2.9", "1.3.0"),
        (">= 1, < 3", "2.9.9", "3.0.0"),
        ("=1.2.3", "1.2.3", "1.2.4"),
        ("1.0.0-a.x", "1.1.0", "2.0.0"),
        ("<1 || >2", "3.0.0", "2.5.0"),
    ],
)
def test_ranges_as_cargo_users_write_them(text: str, inside: str, outside: str) -> None:
    found = VersionRange.parse(text)
    assert found.admits(parse_version(inside))
    assert not found.admits(parse_version(outside))


def test_nothing_and_a_star_admit_every_release_but_no_prerelease() -> None:
    everything = VersionRange.parse("*")
    assert VersionRange.parse("") == everything
    assert everything.admits(parse_version("7.0.0")) and not everything.admits(parse_version("7.0.0-rc.1"))


def test_build_metadata_does_not_matter_to_a_range() -> None:
    assert VersionRange.parse("=1.2.3").admits(parse_version("1.2.3+linux"))


@pytest.mark.parametrize(
    "text",
    ["banana", "1.*.3", "01.2", "1.2.3.4", ">>1", "^", ">=1,", "1||", "1 2", "^1.2-rc.1", "1.2.3-..", "*.1",
     "1.0.0-01", "١.٢", "^" + "9" * 10, "^" + "9" * 5000, "1.0.0-" + "9" * 5000, "1\n2"],
)  # fmt: skip
def test_what_is_not_a_range_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        VersionRange.parse(text)
    assert caught.value.code in ("bad-range", "bad-version")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (">=1,", "nothing stands on one side"),
        ("1||", "nothing stands on one side"),
        ("^", "a version must stand after '^'"),
        ("==1.2", "one = is enough"),
        ("~>1.2", "write ~1.2"),
        ("=>1", "write >= or <="),
        ("!=1.2", "<1.2||>1.2"),
        ("^v1.2", "without a v"),
        ("1.2 - 2.0", ">=1.2,<2"),
        ("1.2-2.0", ">=1.2,<2"),
        (">=1 <3", "a comma"),
        ("^1.2-rc.1", "1.2.0-rc.1"),
        ("1.2.3.4", "three numbers"),
        ("01.2", "zeros"),
        ("*.1", "1.*, not *.1"),
    ],
)
def test_what_others_write_is_told_what_it_is_here(text: str, advice: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        VersionRange.parse(text)
    assert advice in caught.value.hints[0]
    assert len(caught.value.hints) == 2


@pytest.mark.parametrize(
    "text", ["banana", "9" * 20_000, "^" * 20_000, "1." * 10_000, "~" + " " * 20_000 + "x"]
)
def test_what_looks_like_nothing_gets_no_advice_and_takes_no_time(text: str) -> None:
    with pytest.raises(InvalidInput):
        VersionRange.parse(text)


@given(conjunctions)
def test_the_versions_of_a_range_without_prereleases_are_one_piece(conjunction: list[Comparator]) -> None:
    """Half-open intervals: between two versions that are admitted there is none that is not."""
    releases = sorted(version for version in GRID if version.prerelease is None)
    inside = [VersionRange.parse(write(conjunction)).admits(version) for version in releases]
    assert inside == sorted(inside) or True not in inside[inside.index(True) + inside.count(True) :]


@given(st.text(alphabet="0123456789.^~<>=*x|,- +arc", max_size=20) | st.text(max_size=12))
def test_any_text_is_a_range_or_invalid_input(text: str) -> None:
    try:
        found = VersionRange.parse(text)
    except InvalidInput:
        return
    assert VersionRange.parse(str(found)) == found
    assert [found.admits(v) for v in GRID] == [VersionRange.parse(str(found)).admits(v) for v in GRID]


@pytest.mark.parametrize("text", ["1.2", "1.2.3.4", "1.02.3", "v1.2.3", "", "1.2.3-", "9999999999.0.0"])
def test_a_version_is_three_numbers_and_nothing_like_it(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a semantic version"):
        parse_version(text)


@pytest.mark.parametrize(
    ("stated", "read"),
    [("v1.2", "1.2.0"), ("2", "2.0.0"), ("1.2.3-rc.1", "1.2.3-rc.1"), ("v1.2.3+b", "1.2.3+b"),
     ("trunk", None), ("2020.4.287.1", None), (3, None), (None, None), ("", None)],
)  # fmt: skip
def test_metadata_may_state_a_version_loosely(stated: object, read: str | None) -> None:
    found = read_version(stated)
    assert (str(found) if found else None) == read


def test_the_bump_decides_the_next_version() -> None:
    current = parse_version("1.4.2")
    assert [str(next_version(current, bump)) for bump in ("major", "minor", "patch")] == [
        "2.0.0",
        "1.5.0",
        "1.4.3",
    ]  # fmt: skip
