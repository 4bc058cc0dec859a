"""Trees that must not be laid out anywhere: the component is skipped, named, and nothing else stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.mirror.readers import read_root
from ckstore.mirror.readers.safety import Safety
from ckstore.mirror.trees import RawTrees, Trees
from ckstore.model.limits import MAX_COMPONENT_DEPTH
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, lines, native

FILE, EXECUTABLE, TREE, LINK, GITLINK = 0o100644, 0o100755, 0o40000, 0o120000, 0o160000


@pytest.fixture
def up(store: ObjectStore) -> Upstream:
    """An upstream whose objects are those of the store: no transport is needed here."""
    return Upstream(store.git)


def refusal(store: ObjectStore, tree: str) -> str:
    return Safety(Trees(store)).check(tree).refusal


@pytest.mark.parametrize(
    "name",
    [b".git", b".GIT", b".git ", b".git.", b"git~1", b".git::$INDEX_ALLOCATION", b".g\xe2\x80\x8cit", b".",
     b"..", b"", b"a/b", b"a\\b", b"a\nb", b"\x1b[31m", b"\xe2\x80\xaegnp", b"x" * 256],
)  # fmt: skip
@pytest.mark.parametrize("mode", [FILE, TREE])
def test_unsafe_names_are_refused_at_any_depth(
    store: ObjectStore, up: Upstream, name: bytes, mode: int
) -> None:
    oid = up.blob(b"") if mode == FILE else up.raw_tree()
    inner = up.raw_tree((mode, name, oid))
    assert refusal(store, inner)
    assert refusal(store, up.raw_tree((TREE, b"sub", inner))).startswith("sub/")


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        (b"file", True), (b"../file", True), (b"./a/b", True), (b"../../file", False), (b"a/../file", False),
        (b"../other/../../x", False), (b"/etc/passwd", False), (b"C:/x", False), (b"", False),
        (b"a\nb", False), (b"../.git/config", False), (b"x" * 5000, False), (b"..", True), (b"../..", False),
    ],
)  # fmt: skip
def test_links_must_stay_inside(store: ObjectStore, up: Upstream, target: bytes, safe: bool) -> None:
    folder = up.raw_tree((LINK, b"link", up.blob(target)))
    assert (refusal(store, up.raw_tree((TREE, b"sub", folder))) == "") is safe


def test_the_same_folder_may_be_safe_in_one_place_and_not_in_another(
    store: ObjectStore, up: Upstream
) -> None:
    folder = up.raw_tree((LINK, b"link", up.blob(b"../x")))
    checks = Safety(Trees(store))
    assert checks.check(up.raw_tree((TREE, b"sub", folder))).refusal == ""
    assert checks.check(folder).refusal == "link: the symlink leads out of the component"


def test_a_name_twice_is_refused_and_twins_are_a_warning(store: ObjectStore, up: Upstream) -> None:
    blob = up.blob(b"")
    assert "twice" in refusal(store, up.raw_tree((LINK, b"a", up.blob(b"b")), (TREE, b"a", up.raw_tree())))
    verdict = Safety(Trees(store)).check(up.raw_tree((FILE, b"Makefile", blob), (FILE, b"makefile", blob)))
    assert verdict.refusal == ""
    assert "Makefile" in verdict.warning


def test_depth_and_number_of_files_are_limited(store: ObjectStore, up: Upstream) -> None:
    deep = up.raw_tree()
    for _ in range(3000):
        deep = up.raw_tree((TREE, b"d", deep))
    assert f"deeper than {MAX_COMPONENT_DEPTH}" in refusal(store, deep)
    bomb = up.raw_tree((FILE, b"f", up.blob(b"")))
    for _ in range(20):
        bomb = up.raw_tree((TREE, b"a", bomb), (TREE, b"b", bomb))
    assert "files" in refusal(store, bomb)


def test_submodules_and_executables_are_fine(store: ObjectStore, up: Upstream) -> None:
    assert refusal(store, up.raw_tree((EXECUTABLE, b"run", up.blob(b"")), (GITLINK, b"sub", "1" * 40))) == ""


def test_an_unsafe_component_is_skipped_and_keeps_its_last_release(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    up, store = Upstream(folder / "up.git"), ObjectStore(folder / "store")
    up.commit({**native("program/a"), **native("program/b")})
    metadata, link = up.at("program/a/component.toml"), up.blob(b"/etc/passwd")
    bad = up.raw_tree((FILE, b"component.toml", metadata), (LINK, b"passwd", link))
    program = up.raw_tree((TREE, b"a", bad), (TREE, b"b", up.at("program/b")))
    up.commit_tree(up.raw_tree((TREE, b"program", program)))
    report = mirror(store, up.url)
    assert report.problems == ("program/a: passwd: a symlink, and it leads to an absolute path",)
    by_name = lines(store, "up")
    assert by_name["program:a"].versions == ("1.0.0",)
    assert by_name["program:a"].withdrawn == ""
    assert by_name["program:b"].versions == ("1.0.0",)


def test_unsafe_kinds_and_names_are_problems(store: ObjectStore, up: Upstream) -> None:
    up.commit({**native("program/fine"), **native("program/con"), **native("program/a:b")})
    listing = read_root(store, up.write_tree(), "x")
    assert [listed.metadata.name for listed in listing.components] == ["fine"]
    assert [problem.split(": ")[0] for problem in listing.problems] == ["program/a:b", "program/con"]


def test_both_ways_of_reading_trees_agree(store: ObjectStore, up: Upstream) -> None:
    up.commit({f"d/f{n}": str(n) for n in range(50)})
    old = up.write_tree()
    up.commit({"d/f7": "other", "d/f9": None, "d/new": "", "d/f1/": None})
    new = up.write_tree()
    plain, raw = Trees(store), RawTrees(store, store.read)
    d_old, d_new = plain.subtree(old, "d"), raw.subtree(new, "d")
    assert plain.difference(d_old, d_new) == raw.difference(d_old, d_new)
    assert plain.difference("", d_new) == raw.difference("", d_new)
    for name in ("f7", "f9", "new", "nothing", ""):
        assert plain.child(d_new, name) == raw.child(d_new, name)


def test_a_name_hidden_in_an_object_id_is_no_entry(store: ObjectStore, up: Upstream) -> None:
    trick = (b" evil\0" + b"\1" * 14).hex()
    tree = up.raw_tree((GITLINK, b"sub", trick), (FILE, b"x", up.blob(b"")))
    raw = RawTrees(store, store.read)
    assert raw.child(tree, "evil") is None
    assert raw.child(tree, "x") is not None


def test_an_object_of_another_type_than_its_entry_says_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    up = Upstream(tmp_path / "up.git")
    up.commit({**native("program/a"), **native("program/b")})
    metadata = up.at("program/a/component.toml")
    bad = up.raw_tree((FILE, b"component.toml", metadata), (FILE, b"file", up.raw_tree()))
    up.commit_tree(up.raw_tree((TREE, b"program", up.raw_tree((TREE, b"a", bad), (TREE, b"b", bad)))))
    report = mirror(store, up.url)
    assert len(report.problems) == 2
    assert lines(store, "up")["program:a"].versions == ("1.0.0",)


def test_a_file_with_the_name_of_the_submodule_note_is_a_problem(store: ObjectStore, up: Upstream) -> None:
    up.commit({**native("program/fine"), **native("program/odd"), "program/odd/sub/.gitlink": "1" * 40})
    listing = read_root(store, up.write_tree(), "x")
    assert [listed.metadata.name for listed in listing.components] == ["fine"]
    assert "submodule" in listing.problems[0]
