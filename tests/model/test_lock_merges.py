"""Two locks become one, whoever merges them, and git's conflict markers are read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckstore.model.conflicts import has_conflict, split_conflict
from ckstore.model.lockmerge import merge_locks
from ckstore.model.locks import Edge, Lock, Pin, SourcePin

NAMES = ("a", "b", "c", "d")


def pin(name: str, version: str = "1.0.0", *needs: str, source: str = "lab") -> Pin:
    """A release whose content is told by its version; ``needs`` are ``ask -> name``."""
    tree = f"{sum(map(ord, name + version)):040x}"
    edges = sorted(Edge("x", ask, f"{source}:soft:{got}") for ask, got in (n.split(" -> ") for n in needs))
    return Pin(source, "soft", name, "0" * 16, version, tree, f"sha256:{tree:0>64}", "", "", tuple(edges))


def lock(*pins: Pin, roots: str = "", sources: tuple[SourcePin, ...] = ()) -> Lock:
    asked = [part.split(" -> ") for part in roots.split("; ") if part]
    found = sources or tuple(
        SourcePin(name, f"https://example.org/{name}", "1" * 40, rank)
        for rank, name in enumerate(sorted({pin.source for pin in pins}), 1)
    )
    return Lock(tuple((ask, f"lab:soft:{got}") for ask, got in asked), found, pins)


@st.composite
def small_locks(draw: st.DrawFn) -> Lock:
    """Locks over the same few names, so that they have much in common."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    pins = [
        pin(
            name, draw(st.sampled_from(["1.0.0", "1.1.0", "2.0.0"])),
            *draw(st.lists(st.builds(
                lambda ask, got: f"{ask} -> {got}",
                st.sampled_from(["soft[t]", "soft:a@^1", "soft[u]@>=2"]), st.sampled_from(names),
            ), max_size=2, unique=True)),
        )
        for name in names
    ]  # fmt: skip
    asks = st.sampled_from(["soft:a", "soft[t]", "soft:b@^1"])
    roots = draw(st.lists(st.tuples(asks, st.sampled_from(names)), min_size=1, max_size=3, unique=True))
    url, commit = draw(st.sampled_from("xy")), draw(st.sampled_from("12")) * 40
    order = draw(st.permutations(["lab", "other"]))
    pins += [pin("z", source="other")] if draw(st.booleans()) else []
    return lock(
        *pins, roots="; ".join(f"{ask} -> {got}" for ask, got in roots),
        sources=tuple(SourcePin(name, url, commit, rank) for rank, name in enumerate(order, 1)),
    )  # fmt: skip


@settings(max_examples=150)
@given(st.none() | small_locks(), small_locks(), small_locks())
def test_which_side_is_whose_makes_no_difference_and_the_outcome_is_whole(
    base: Lock | None, ours: Lock, theirs: Lock
) -> None:
    merged = merge_locks(base, ours, theirs)
    assert merged == merge_locks(base, theirs, ours)
    assert Lock.parse(merged.lock.emit()) == merged.lock
    assert merge_locks(base, merged.lock, merged.lock).lock == merged.lock


@given(small_locks(), small_locks())
def test_what_one_side_left_alone_is_as_the_other_side_has_it(base: Lock, other: Lock) -> None:
    for sides in ((base, other), (other, base), (other, other)):
        assert merge_locks(base, *sides).lock == other


BASE = lock(pin("a", "1.0.0", "soft:c@^1 -> c"), pin("b"), pin("c"), roots="soft:a -> a; soft:b -> b")


def versions(merged: Lock) -> dict[str, str]:
    return {pin.name: pin.version for pin in merged.pins}


def test_changes_of_different_components_are_both_kept() -> None:
    ours = lock(pin("a", "1.1.0", "soft:c@^1 -> c"), pin("b"), pin("c"), roots="soft:a -> a; soft:b -> b")
    theirs = lock(
        pin("a", "1.0.0", "soft:c@^1 -> c"), pin("b", "2.0.0"), pin("c"), roots="soft:a -> a; soft:b -> b"
    )
    merged = merge_locks(BASE, ours, theirs)
    assert versions(merged.lock) == {"a": "1.1.0", "b": "2.0.0", "c": "1.0.0"}
    assert (merged.decided, merged.unsettled) == ((), ())


def test_where_both_moved_the_same_component_the_newer_release_is_taken_with_its_needs_and_that_is_said() -> (
    None
):
    """Newer by precedence: 1.10.0 is newer than 1.9.0."""
    ours = lock(pin("a", "1.9.0", "soft:c@^1 -> c"), pin("b"), pin("c"), roots="soft:a -> a; soft:b -> b")
    theirs = lock(pin("a", "1.10.0", "soft:d -> d"), pin("b"), pin("d"), roots="soft:a -> a; soft:b -> b")
    merged = merge_locks(BASE, ours, theirs)
    assert versions(merged.lock) == {"a": "1.10.0", "b": "1.0.0", "d": "1.0.0"}
    assert merged.decided == ("lab:soft:a: 1.10.0, not 1.9.0",)
    assert merged.unsettled == ()


def test_what_one_side_needs_no_more_goes_unless_the_other_side_came_to_need_it() -> None:
    ours = lock(pin("a", "2.0.0"), pin("b"), roots="soft:a -> a; soft:b -> b")
    assert "c" not in versions(merge_locks(BASE, ours, BASE).lock)
    theirs = lock(
        pin("a", "1.0.0", "soft:c@^1 -> c"), pin("b", "2.0.0", "soft:c -> c"), pin("c"),
        roots="soft:a -> a; soft:b -> b",
    )  # fmt: skip
    merged = merge_locks(BASE, ours, theirs)
    assert versions(merged.lock) == {"a": "2.0.0", "b": "2.0.0", "c": "1.0.0"}
    assert merged.unsettled == ()


def test_a_requirement_that_one_side_dropped_stays_dropped_and_added_ones_come_together() -> None:
    ours = lock(pin("a", "1.0.0", "soft:c@^1 -> c"), pin("c"), roots="soft:a -> a")
    theirs = lock(*BASE.pins, pin("d"), roots="soft:a -> a; soft:b -> b; soft:d -> d")
    merged = merge_locks(BASE, ours, theirs)
    assert merged.lock.roots == (("soft:a", "lab:soft:a"), ("soft:d", "lab:soft:d"))
    assert versions(merged.lock) == {"a": "1.0.0", "c": "1.0.0", "d": "1.0.0"}


def test_a_range_that_does_not_admit_what_the_other_side_took_is_left_to_the_resolver() -> None:
    ours = lock(
        pin("a", "2.0.0", "soft:c@^2 -> c"), pin("b"), pin("c", "2.0.0"), roots="soft:a -> a; soft:b -> b"
    )
    theirs = lock(
        pin("a", "1.0.0", "soft:c@^1 -> c"), pin("b", "2.0.0", "soft:c@^1 -> c"), pin("c"),
        roots="soft:a -> a; soft:b -> b",
    )  # fmt: skip
    merged = merge_locks(BASE, ours, theirs)
    assert merged.unsettled == ("lab:soft:b asked for soft:c@^1; lab:soft:c is 2.0.0",)


def test_tags_that_one_component_answered_on_each_side_are_not_answered_by_two_without_a_word() -> None:
    base = lock(pin("a", "1.0.0", "soft[cc] -> c"), pin("c"), roots="soft:a -> a")
    ours = lock(pin("a", "1.0.0", "soft[cc] -> d"), pin("d"), roots="soft:a -> a")
    theirs = lock(*base.pins, pin("b", "1.0.0", "soft[cc] -> c"), roots="soft:a -> a; soft:b -> b")
    merged = merge_locks(base, ours, theirs)
    assert merged.unsettled == (
        "soft[cc] is answered by lab:soft:c and lab:soft:d, which was one on each side",
    )


def test_a_need_that_nobody_pins_is_left_out_and_named() -> None:
    torn = lock(pin("a", "1.0.0", "soft:c -> c"), roots="soft:a -> a; soft:b -> b")
    merged = merge_locks(None, torn, torn)
    assert versions(merged.lock) == {"a": "1.0.0"} and merged.lock.roots == (("soft:a", "lab:soft:a"),)
    assert len(merged.unsettled) == 2
    assert "lab:soft:c, which has no pin" in merged.unsettled[0]


def test_a_source_is_at_the_commit_of_the_side_whose_releases_were_taken() -> None:
    def at(commit: str, version: str) -> Lock:
        source = (SourcePin("lab", "https://example.org/lab", commit * 40, 1),)
        return lock(pin("a", version), roots="soft:a -> a", sources=source)

    merged = merge_locks(at("0", "1.0.0"), at("f", "1.1.0"), at("1", "1.2.0"))
    assert merged.lock.sources[0].commit == "1" * 40


def test_the_order_of_sources_is_that_of_the_side_that_changed_it() -> None:
    def ordered(*names: str) -> Lock:
        sources = tuple(SourcePin(name, "u", "1" * 40, rank) for rank, name in enumerate(names, 1))
        pins = [pin(name, source=name) for name in names]
        return Lock(tuple((f"soft:{n}", f"{n}:soft:{n}") for n in names), sources, tuple(pins))

    merged = merge_locks(ordered("p", "q"), ordered("q", "p"), ordered("p", "q", "r"))
    assert [s.name for s in sorted(merged.lock.sources, key=lambda s: s.rank)] == ["q", "p", "r"]


MERGE = "1\n<<<<<<< HEAD\n2\n=======\n3\n>>>>>>> topic\n4\n"


def test_both_styles_of_markers_are_read() -> None:
    sides = split_conflict(MERGE)
    assert (sides.base, sides.ours, sides.theirs) == (None, "1\n2\n4\n", "1\n3\n4\n")
    sides = split_conflict(MERGE.replace("=======", "||||||| 0a1b2c\n0\n======="))
    assert (sides.base, sides.ours, sides.theirs) == ("1\n0\n4\n", "1\n2\n4\n", "1\n3\n4\n")
    assert split_conflict(MERGE.replace("\n", "\r\n")).ours == "1\r\n2\r\n4\r\n"


def test_a_conflict_without_base_among_others_leaves_the_base_unknown() -> None:
    assert split_conflict(MERGE + MERGE.replace("=======", "|||||||\n=======")).base is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MERGE.replace("=======\n", ""), "line 5 is out of place"),
        (MERGE.replace(">>>>>>> topic\n", ""), "no end"),
        ("=======\n", "line 1 is out of place"),
        (MERGE.replace("2\n", "<<<<<<< again\n"), "line 3 is out of place"),
    ],
)
def test_markers_out_of_place_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        split_conflict(text)


def test_what_only_looks_like_a_marker_is_text() -> None:
    assert not has_conflict("a <<<<<<< b\n") and has_conflict(MERGE)
    assert split_conflict(MERGE.replace("2\n", "<<<<<<<< nested\n========\n")).ours.count("\n") == 4
