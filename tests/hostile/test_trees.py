"""Rows 1 to 46: names, shapes and kinds of entries in the trees of a stranger's repository.

All rows are components of one repository, which is mirrored once with each engine: each bad one must be
refused with its own words, each odd one released and laid out, and none may stop the others. What is
refused by the mirror is refused by the writer of trees as well, which trusts nobody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ckstore.errors import CorruptData
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.remote import Engine
from ckstore.mirror.stock_git import StockGit
from ckstore.model.limits import MAX_COMPONENT_DEPTH, MAX_FILES
from ckstore.objects.digests import digest_of_folder
from ckstore.objects.layout import lay_out, remove_tree
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import MirrorReport, mirror
from tests.hostile.catalogue import Row, parameters, stands_for
from tests.mirror.upstream import Upstream, lines, native, releases

FILE, EXECUTABLE, TREE, LINK, GITLINK = 0o100644, 0o100755, 0o40000, 0o120000, 0o160000
Make = Callable[[Upstream], "list[tuple[int, bytes, str]]"]
DATA = "its own data under this name"
PATH = "path separator"
CONTROL = "control characters"
INSIDE = "name that is not allowed"


def named(name: bytes, mode: int = FILE) -> Make:
    """One file or folder of this name."""
    return lambda up: [(mode, name, up.blob(b"x") if mode == FILE else holding(up, b"f"))]


def holding(up: Upstream, name: bytes) -> str:
    """A folder that holds one file."""
    return up.raw_tree((FILE, name, up.blob(b"x")))


def names(*given: bytes) -> Make:
    return lambda up: [(FILE, name, up.blob(name)) for name in given]


def link(target: bytes, name: bytes = b"link") -> Make:
    return lambda up: [(LINK, name, up.blob(target))]


def files(**content: bytes) -> Make:
    return lambda up: [(FILE, name.encode(), up.blob(data)) for name, data in content.items()]


def deep(levels: int) -> Make:
    def make(up: Upstream) -> list[tuple[int, bytes, str]]:
        tree = up.raw_tree((FILE, b"f", up.blob(b"x")))
        for _ in range(levels):
            tree = up.raw_tree((TREE, b"d", tree))
        return [(TREE, b"d", tree)]

    return make


def shared(levels: int, bottom: Make) -> Make:
    """Each folder holds the next one ten times: 10 ** levels times the bottom."""

    def make(up: Upstream) -> list[tuple[int, bytes, str]]:
        tree = up.raw_tree(*bottom(up))
        for _ in range(levels):
            tree = up.raw_tree(*((TREE, b"%d" % n, tree) for n in range(10)))
        return [(TREE, b"d", tree)]

    return make


def long_path(up: Upstream) -> list[tuple[int, bytes, str]]:
    tree = up.raw_tree((FILE, b"f", up.blob(b"x")))
    for _ in range(20):
        tree = up.raw_tree((TREE, b"n" * 250, tree))
    return [(TREE, b"d", tree)]


def both(up: Upstream) -> list[tuple[int, bytes, str]]:
    return [(LINK, b"a", up.blob(b"/etc")), (TREE, b"a", up.raw_tree((FILE, b"passwd", up.blob(b"x"))))]


def twins_of_a_link(up: Upstream) -> list[tuple[int, bytes, str]]:
    return [(TREE, b"D", up.raw_tree((FILE, b"f", up.blob(b"x")))), (LINK, b"d", up.blob(b"sub"))]


def loop(up: Upstream) -> list[tuple[int, bytes, str]]:
    return [(LINK, b"a", up.blob(b"b")), (LINK, b"b", up.blob(b"a")), (LINK, b"c", up.blob(b"."))]


def twins(one: str, other: str) -> tuple[Make, list[str], str]:
    """Two files that are one on many systems: a warning."""
    return names(one.encode(), other.encode()), [one, other], "same name"


HFS_IGNORED = [0x200C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]

REFUSED: list[Row[Make]] = [
    Row((1,), "a folder .git", named(b".git", TREE), DATA),
    Row((1,), "a file .git", named(b".git"), DATA),
    Row((2,), "a folder .GIT", named(b".GIT", TREE), DATA),
    Row((3,), "settings in .Git", lambda up: [(TREE, b".Git", holding(up, b"config"))], DATA),
    Row((4,), "git~1", named(b"git~1", TREE), DATA),
    Row((5,), "GIT~1", named(b"GIT~1", TREE), DATA),
    Row((5,), "a later short name", named(b"git~23", TREE), DATA),
    Row((6,), ".git and a blank", named(b".git ", TREE), DATA),
    Row((7,), ".git and a dot", named(b".git.", TREE), DATA),
    Row((8,), ".git and more dots", named(b".git. ..", TREE), DATA),
    Row((9,), "the stream of .git", named(b".git::$INDEX_ALLOCATION", TREE), DATA),
    Row((9,), "the stream of a short name", named(b"Git~1:$i30:$INDEX_ALLOCATION", TREE), DATA),
    *(
        Row((10,), f"ignored U+{code:04X} in .git", named(f".g{chr(code)}it".encode(), TREE), CONTROL)
        for code in HFS_IGNORED
    ),
    Row((11, 33), ".gitmodules as a link", link(b"x", b".gitmodules"), "git reads a file"),
    Row((11,), "its short name as a link", link(b"x", b"GITMOD~1"), "git reads a file"),
    Row((11,), "its other short name", link(b"x", b"gi7eba~2"), "git reads a file"),
    Row((11,), "its stream as a link", link(b"x", b".gitmodules::$DATA"), "git reads a file"),
    Row((12,), "the folder itself", named(b".", TREE), "leaves its folder"),
    Row((13,), "the folder above", named(b"..", TREE), "leaves its folder"),
    Row((16,), "a name with a slash", named(b"a/../../b"), PATH),
    Row((17,), "an absolute name", named(b"/tmp/evil"), PATH),
    Row((18,), "a way up with backslashes", named(b"a\\..\\..\\evil"), PATH),
    Row((20,), "a line break", named(b"a\nb"), CONTROL),
    Row((20,), "a carriage return", named(b"a\rb"), CONTROL),
    Row((20,), "a tabulator", named(b"a\tb"), CONTROL),
    Row((20,), "an escape sequence", named(b"\x1b[2J"), CONTROL),
    Row((20,), "a turned line", named("\u202etxt.exe".encode()), CONTROL),
    Row((20,), "an isolated turn", named("a\u2066b".encode()), CONTROL),
    Row((28,), "a name of 256 bytes", named(b"n" * 256), "longer than 255 bytes"),
    Row((28,), "a path of 5000 bytes", long_path, "a path of"),
    Row((29,), "3000 folders deep", deep(3000), f"deeper than {MAX_COMPONENT_DEPTH} folders"),
    Row((31,), "a billion files by sharing", shared(9, files(f=b"x")), f"more than {MAX_FILES} files"),
    Row((31,), "a billion empty folders", shared(9, lambda up: []), f"more than {MAX_FILES} files"),
    Row((31,), "long paths by sharing",
        shared(5, names(*(b"%d" % n + b"n" * 250 for n in range(8)))), "bytes together"),
    Row((32,), "an absolute link", link(b"/etc/passwd"), "absolute path"),
    Row((32,), "a link to a drive", link(b"C:/Windows"), "absolute path"),
    Row((33,), "a link out of the component", link(b"../../x"), "leads out"),
    Row((33,), "a link out through a folder", link(b"a/../../x"), INSIDE),
    Row((34,), "a link into git's folder", link(b".git/config"), INSIDE),
    Row((34,), "a link into its disguise", link(b"x/.GIT./hooks"), INSIDE),
    Row((36,), "a link with a line break", link(b"a\nb"), INSIDE),
    Row((36,), "a link with a NUL", link(b"a\0b"), INSIDE),
    Row((36,), "an endless link", link(b"a/" * 3000), "empty or overlong"),
    Row((36,), "an empty link", link(b""), "empty or overlong"),
    Row((38,), "a link and a folder of one name", both, "there twice"),
    Row((38,), "one name twice", names(b"a", b"a"), "there twice"),
    Row((43,), "entries in disorder", names(b"b", b"a"), "not in the order"),
]  # fmt: skip

# What may be released, with the entries that must then lie on disk (a link: its target after ->).
HARMLESS: list[Row[tuple[Make, list[str], str]]] = [
    Row((14, 25), "three dots", (named(b"..."), ["..."], "end with a blank or a dot")),
    Row((21,), "bytes that are no UTF-8", (named(b"a\xff\xfe"), [os.fsdecode(b"a\xff\xfe")], "")),
    Row((21,), "overlong UTF-8", (named(b"a\xc0\xafb"), [os.fsdecode(b"a\xc0\xafb")], "")),
    Row((21,), "half a surrogate pair", (named(b"a\xed\xa0\x80"), [os.fsdecode(b"a\xed\xa0\x80")], "")),
    Row((22,), "two forms of one name", twins("e\u0301", "\u00e9")),
    Row((23,), "twins in case", twins("Makefile", "makefile")),
    Row((23,), "sharp s", twins("strasse", "stra\u00dfe")),
    Row((23,), "the sign of kelvin", twins("k", "\u212a")),
    Row((23,), "a dotted capital i", twins("i\u0307", "\u0130")),
    *(
        Row((24,), f"the device {name}", (named(name.encode()), [name], "device"))
        for name in ("CON", "prn", "AUX.c", "NUL.txt", "COM1", "LPT1.txt", "COM\u00b9")
    ),
    Row((25,), "a dot at the end", (named(b"a."), ["a."], "end with a blank or a dot")),
    Row((25,), "a blank at the end", (named(b"a "), ["a "], "end with a blank or a dot")),
    Row((26,), "a stream", (named(b"a:b"), ["a:b"], "no names with")),
    Row((27,), "a dash", (named(b"-rf"), ["-rf"], "")),
    Row((27,), "an option", (named(b"--upload-pack=x"), ["--upload-pack=x"], "")),
    Row((28,), "a name of 255 bytes", (named(b"n" * 255), ["n" * 255], "")),
    Row((29,), "60 folders deep", (deep(58), ["d/" * 59 + "f"], "")),
    Row((33,), "a link to a sibling", (link(b"./component.toml"), ["link -> ./component.toml"], "")),
    Row((35,), "links in a circle", (loop, ["a -> b", "b -> a", "c -> ."], "")),
    Row((39,), "a folder and a link that differ in case",
        (twins_of_a_link, ["D/f", "d -> sub"], "same name")),
    Row((40, 41), "a submodule", (lambda up: [(GITLINK, b"sub", "1" * 40)], ["sub/.gitlink"], "")),
    Row((41,), "a submodule that is an object of the repository",
        (lambda up: [(GITLINK, b"sub", up.head)], ["sub/.gitlink"], "")),
    Row((42,), "submodules that leave",
        (files(**{".gitmodules": b'[submodule "../../x"]\npath = a\r\nurl = ext::sh -c evil\nurl = -u./evil\n'
                                 b'[submodule "x/hooks"]\nurl = ../../../../etc\nurl = file:///etc\n'}),
         [".gitmodules"], "")),
    Row((43,), "odd modes of files",
        (lambda up: [(mode, b"%o" % mode, up.blob(b"x")) for mode in (0o100600, 0o100664, 0o104755)],
         ["100600", "100664", "104755"], "")),
    Row((43,), "an odd mode of a submodule", (lambda up: [(0o160755, b"s", "1" * 40)], ["s/.gitlink"], "")),
    Row((44,), "twins in the executable bit",
        (lambda up: [(FILE, b"a", up.blob(b"x")), (EXECUTABLE, b"b", up.blob(b"x"))], ["a", "b"], "")),
    Row((45,), "attributes with filters",
        (files(**{".gitattributes": b"* filter=evil export-subst eol=crlf working-tree-encoding=UTF-16\n"
                                    b"[attr]a b\n[attr]b a\n* a\n", "f": b"$Format:%H$\r\n"}),
         [".gitattributes", "f"], "")),
    Row((46,), "settings among the files",
        (files(**{".lfsconfig": b"[lfs]\nurl = https://evil.example\n", ".mailmap": b"x", "HEAD": b"ref: x\n",
                  "config": b"[core]\nfsmonitor = evil\n", "post-checkout": b"#!/bin/sh\n"}),
         ["HEAD", "config", "post-checkout", ".lfsconfig", ".mailmap"], "")),
]  # fmt: skip


@dataclass(frozen=True)
class World:
    up: Upstream
    store: ObjectStore
    report: MirrorReport


def folder_of(row: Row[Any]) -> str:
    return "at-" + "".join(c if c.isalnum() and c.isascii() else "-" for c in row.name)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    """One component for each row, beside one that is good."""
    up = Upstream(tmp_path_factory.mktemp("odd") / "odd.git")
    up.commit(native("program/good"))
    metadata = up.at("program/good/component.toml")
    components = [(TREE, b"good", up.at("program/good"))]
    rows: list[tuple[str, Make]] = [(folder_of(row), row.given) for row in REFUSED]
    rows += [(folder_of(row), row.given[0]) for row in HARMLESS]
    for name, make in rows:
        entries = make(up)
        place = sum(key(entry) < b"component.toml" for entry in entries)
        tree = up.raw_tree(*entries[:place], (FILE, b"component.toml", metadata), *entries[place:])
        components.append((TREE, name.encode(), tree))
    up.commit_tree(up.raw_tree((TREE, b"program", up.raw_tree(*sorted(components, key=key)))))
    return up


def key(entry: tuple[int, bytes, str]) -> bytes:
    return entry[1] + b"/" * (entry[0] == TREE)


@pytest.fixture(scope="module", params=["stock", "library"])
def world(
    request: pytest.FixtureRequest, up: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    engine: Engine | None = LibraryGit() if request.param == "library" else StockGit.find()
    if engine is None:
        pytest.skip("git is not installed")
    store = ObjectStore(tmp_path_factory.mktemp("store") / "store")
    yield World(up, store, mirror(store, up.url, engine=engine))
    remove_tree(store.path)


@pytest.mark.parametrize("row", parameters(REFUSED))
def test_what_could_do_harm_is_refused_in_its_own_words(world: World, row: Row[Make]) -> None:
    told = [line for line in world.report.problems if line.startswith(f"program/{folder_of(row)}: ")]
    assert [row.says in line for line in told] == [True], told
    assert f"program:{folder_of(row)}" not in lines(world.store, "odd")


# The order of entries, and how long all names are together, matter to git and to records, not to disks.
ON_DISK = [row for row in REFUSED if row.name not in ("entries in disorder", "long paths by sharing")]


@pytest.mark.parametrize("row", parameters(ON_DISK))
def test_what_is_refused_is_not_laid_out_either(up: Upstream, store: ObjectStore, row: Row[Make]) -> None:
    """As if it had come into the store on another way, and a lock named it with its true digest."""
    both = _Both(store, up)
    oid = up.at(f"program/{folder_of(row)}")
    with pytest.raises(CorruptData) as caught:
        lay_out(both, oid, both.digests.of_tree(oid))
    assert caught.value.code in (
        "unsafe-path", "bad-symlink", "name-twice", "too-deep", "too-many-files", "path-too-long"
    )  # fmt: skip
    assert not (store.path / "trees").is_dir() or list((store.path / "trees").iterdir()) == []


class _Both(ObjectStore):
    """A store that holds the objects of an upstream."""

    def __init__(self, store: ObjectStore, up: Upstream) -> None:
        super().__init__(store.path, create=False)
        self._up = up

    def read(self, oid: str) -> tuple[str, bytes]:
        found = self._up.repo[oid]
        return found.type_str, found.read_raw()


@pytest.mark.parametrize("row", parameters(HARMLESS))
def test_what_is_only_odd_is_released_and_laid_out_as_it_is(
    world: World, row: Row[tuple[Make, list[str], str]]
) -> None:
    _, expected, warning = row.given
    called = f"program:{folder_of(row)}"
    found = releases(world.store, "odd", called)[0]
    folder = lay_out(world.store, found.tree, found.digest)
    assert digest_of_folder(folder) == found.digest
    assert sorted(on_disk(folder)) == sorted([*expected, "component.toml"])
    said = [note for note in world.report.notes if note.startswith(f"program/{folder_of(row)}: ")]
    assert [warning in note for note in said] == ([True] if warning else []), said


def on_disk(folder: Path) -> Iterator[str]:
    for path, folders, found in os.walk(folder):
        for name in [*folders, *found]:
            place = Path(path, name)
            shown = str(place.relative_to(folder))
            if place.is_symlink():
                yield f"{shown} -> {os.readlink(place)}"
            elif place.is_file():
                yield shown


@stands_for(45, 46)
def test_no_file_is_changed_and_nothing_runs_when_attributes_ask_for_it(world: World) -> None:
    found = releases(world.store, "odd", "program:at-attributes-with-filters")[0]
    assert (lay_out(world.store, found.tree, found.digest) / "f").read_bytes() == b"$Format:%H$\r\n"


@stands_for(44)
def test_the_executable_bit_is_part_of_the_digest(store: ObjectStore) -> None:
    up = Upstream(store.git)
    plain = up.raw_tree((FILE, b"a", up.blob(b"x")))
    runs = up.raw_tree((EXECUTABLE, b"a", up.blob(b"x")))
    assert store.digests.of_tree(plain) != store.digests.of_tree(runs)


def test_the_good_component_is_there(world: World) -> None:
    assert lines(world.store, "odd")["program:good"].versions == ("1.0.0",)
    assert world.report.total == 1 + len(HARMLESS)
