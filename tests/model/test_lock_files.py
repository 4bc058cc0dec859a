"""``ckstore.lock``: canonical text, exact reading, and nothing taken on trust."""

from __future__ import annotations

import random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckstore.errors import InvalidInput, NotFound, Unsupported
from ckstore.model.locks import Edge, Lock, Pin, SourcePin
from ckstore.model.names import unsafe_component_name

T = TypeVar("T")
GIT, SHA = "0123456789abcdef0123456789abcdef01234567", "sha256:" + "ab" * 32
letters = st.characters(exclude_characters='/\\:@[]*?<>"|', exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])
names = st.text(letters, min_size=1, max_size=8).filter(lambda name: not unsafe_component_name(name))
oids = st.text(alphabet="0123456789abcdef", min_size=40, max_size=40)
roles = st.sampled_from(["compiler", "run.lib", "dataset.edges"])
asks = st.sampled_from(["soft[compiler]", "program:x@>=1,<2", "dataset[a b]", "*:x"])
paths = st.lists(names, max_size=3).map("/".join)
urls = st.text(max_size=12)


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    sources = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    places = draw(
        st.lists(st.tuples(st.sampled_from(sources), names, names), min_size=1, max_size=4, unique=True)
    )
    components = [":".join(place) for place in places]
    edges = st.lists(st.builds(Edge, roles, asks, st.sampled_from(components)), max_size=3, unique=True)
    return Lock(
        roots=tuple((draw(asks), draw(st.sampled_from(components))) for _ in range(draw(st.integers(0, 2)))),
        sources=tuple(SourcePin(s, draw(urls), draw(oids), rank) for rank, s in enumerate(sources, 1)),
        pins=tuple(
            Pin(
                *place, uid="0" * 16, version=draw(st.sampled_from(["1.0.0", "2.1.0-rc.1"])), tree=draw(oids),
                digest=SHA, commit=draw(oids | st.just("")), path=draw(paths),
                needs=tuple(sorted(draw(edges))),
            )
            for place in places
        ),
    )  # fmt: skip


def small() -> Lock:
    edge = Edge("compiler", "soft[compiler,lang-c]", "ours:soft:gcc")
    return Lock(
        roots=(("program:x@^1", "ours:program:x"),),
        sources=(SourcePin("ours", "https://example.org/ours", GIT, 1),),
        pins=(
            Pin("ours", "soft", "gcc", "1" * 16, "1.0.0", GIT, SHA),
            Pin("ours", "program", "x", "0" * 16, "1.2.0", GIT, SHA, GIT, "program/x", (edge,)),
        ),
    )


GOLDEN = f"""\
# Written by ckstore: what was resolved. Change ckstore.toml, then run `ckstore lock`.
lock = 1

[[root]]
ask = "program:x@^1"
got = "ours:program:x"

[[source]]
name = "ours"
url = "https://example.org/ours"
commit = "{GIT}"
rank = 1

[[pin]]
component = "ours:program:x"
version = "1.2.0"
uid = "0000000000000000"
commit = "{GIT}"
path = "program/x"
tree = "swh:1:dir:{GIT}"
digest = "{SHA}"
needs = [
  "compiler: soft[compiler,lang-c] -> ours:soft:gcc",
]

[[pin]]
component = "ours:soft:gcc"
version = "1.0.0"
uid = "1111111111111111"
commit = ""
path = ""
tree = "swh:1:dir:{GIT}"
digest = "{SHA}"
"""


def test_the_text_of_a_lock_is_frozen() -> None:
    assert small().emit() == GOLDEN
    assert small().digest == "528b191419640ab704d964110fb4277ad7c60e4cda0c7945ed81d6b4b0965667"


@settings(max_examples=40)
@given(locks())
def test_reading_what_was_written_gives_the_same_lock(lock: Lock) -> None:
    assert Lock.parse(lock.emit()) == lock
    assert Lock.parse(lock.emit()).emit() == lock.emit()


@settings(max_examples=40)
@given(locks(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_were_found_leaves_no_trace(lock: Lock, chance: random.Random) -> None:
    shuffled = Lock(mixed(lock.roots, chance), mixed(lock.sources, chance), mixed(lock.pins, chance))
    assert shuffled.emit() == lock.emit() and shuffled.digest == lock.digest


def mixed(items: tuple[T, ...], chance: random.Random) -> tuple[T, ...]:
    return tuple(chance.sample(items, len(items)))


def test_order_in_the_file_does_not_matter_to_the_reader() -> None:
    head, *blocks = GOLDEN.split("\n\n")
    assert Lock.parse("\n\n".join([head, *reversed([b.rstrip() for b in blocks])])) == small()


def test_a_pin_is_found_by_its_name_and_by_who_needs_it() -> None:
    lock = small()
    assert lock.pin("ours:soft:gcc").version == "1.0.0"
    assert [pin.name for pin in lock.got("ours:program:x", "compiler")] == ["gcc"]
    with pytest.raises(NotFound, match="does not pin ours:program:y") as caught:
        lock.pin("ours:program:y")
    assert caught.value.hints == ("run `ckstore lock`",)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lock = 1", "", "'lock = 1' is missing"),
        ("lock = 1", "lock = true", "'lock = 1' is missing"),
        ("lock = 1", "lock = " + "9" * 5000, "not valid TOML"),
        ("[[root]]", "[root]", "[[root]] must be a list"),
        ('got = "ours:program:x"', 'got = "ours:program:z"', "ours:program:z is needed, but has no pin"),
        ("-> ours:soft:gcc", "-> ours:soft:clang", "ours:soft:clang is needed, but has no pin"),
        (" -> ours:soft:gcc", "", "not of the form"),
        ("needs = [\n", "needs = [\n  5,\n", "not of the form"),
        ('name = "ours"', 'name = "../ours"', "wrong name or commit"),
        ('name = "ours"', 'name = "theirs"', "its source is not"),
        ("rank = 1", 'rank = "1"', "has no rank"),
        (f'commit = "{GIT}"\nrank', 'commit = "main"\nrank', "wrong name or commit"),
        ('"ours:program:x"\nversion', '"ours:program:.git"\nversion', "not of the form source:kind:name"),
        ('"ours:program:x"\nversion', '"program:x"\nversion', "not of the form source:kind:name"),
        ('"ours:soft:gcc"\nversion', '"ours:program:x"\nversion', "pinned twice"),
        ('version = "1.2.0"', 'version = "latest"', "malformed version or commit"),
        ('version = "1.2.0"', "version = 1.2", "'version' is missing in ours:program:x"),
        (f'commit = "{GIT}"\npath', 'commit = "HEAD"\npath', "malformed version or commit"),
        ('path = "program/x"', 'path = "program/../../x"', "leaves its source"),
        ('path = "program/x"', 'path = "/etc"', "leaves its source"),
        (f'tree = "swh:1:dir:{GIT}"', f'tree = "{GIT[:39]}"', "malformed tree, digest or uid"),
        (f'digest = "{SHA}"', 'digest = "md5:00"', "malformed tree, digest or uid"),
        ('uid = "0000000000000000"', 'uid = "x"', "malformed tree, digest or uid"),
        (f'digest = "{SHA}"\nneeds', "needs", "'digest' is missing in ours:program:x"),
        ("needs = [\n", 'needs = "x"\nother = [\n', "must be a list"),
    ],
)
def test_a_lock_edited_by_hand_is_refused_with_the_block_and_the_reason(
    old: str, new: str, words: str
) -> None:
    assert old in GOLDEN
    with pytest.raises(InvalidInput) as caught:
        Lock.parse(GOLDEN.replace(old, new, 1), "my.lock")
    assert caught.value.code == "bad-lock"
    assert caught.value.message.startswith("my.lock: ") and words in caught.value.message


def test_a_lock_that_git_could_not_merge_says_so_and_what_merges_it() -> None:
    with pytest.raises(InvalidInput, match="has the conflict markers of a merge") as caught:
        Lock.parse(GOLDEN.replace("lock = 1", "<<<<<<< ours\nlock = 1"))
    assert caught.value.code == "lock-in-conflict" and "`ckstore lock`" in caught.value.hints[0]


def test_a_lock_that_need_not_be_whole_may_need_what_it_does_not_pin() -> None:
    torn = GOLDEN.replace("-> ours:soft:gcc", "-> ours:soft:clang")
    assert Lock.parse(torn, whole=False).pins[0].needs[0].got == "ours:soft:clang"


def test_a_source_pinned_at_two_commits_is_refused() -> None:
    block = GOLDEN[GOLDEN.index("[[source]]") : GOLDEN.index("[[pin]]")]
    with pytest.raises(InvalidInput, match="a source is pinned twice"):
        Lock.parse(GOLDEN + "\n" + block.replace(GIT, "f" * 40))


def test_a_lock_from_the_future_says_so() -> None:
    with pytest.raises(Unsupported, match="has format 2") as caught:
        Lock.parse(GOLDEN.replace("lock = 1", "lock = 2"))
    assert caught.value.code == "newer-lock"


@given(st.text(max_size=40), st.integers(0, len(GOLDEN)), st.integers(0, 40))
def test_a_lock_with_anything_in_it_is_read_or_refused(text: str, start: int, length: int) -> None:
    try:
        Lock.parse(GOLDEN[:start] + text + GOLDEN[start + length :])
    except (InvalidInput, Unsupported):
        return
