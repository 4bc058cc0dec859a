"""Rows 37, 46 and 59 to 66: whole repositories, on this machine, that somebody prepared."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pygit2.enums import ObjectType

from ckstore.errors import CkstoreError, Unsupported
from ckstore.mirror.borrowing import object_folders
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.remote import Engine
from ckstore.mirror.stock_git import StockGit
from ckstore.model.limits import MAX_ALTERNATES
from ckstore.objects.layout import lay_out
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.hostile.catalogue import Row, parameters, stands_for
from tests.mirror.upstream import Upstream, lines, native, quickly, releases

FILE, TREE, LINK = 0o100644, 0o40000, 0o120000
WHO = b"A <a@example.org> 1600000000 +0000"


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    up = Upstream(tmp_path / "up.git")
    up.commit(native("program/a"))
    return up


@pytest.fixture(params=["stock", "library"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine | None = LibraryGit() if request.param == "library" else StockGit.find()
    if found is None:
        pytest.skip("git is not installed")
    return found


@quickly
def write(up: Upstream, kind: ObjectType, data: bytes) -> str:
    return str(up.repo.write(kind, data))


def root(up: Upstream, oid: str) -> str:
    """The root tree of a commit."""
    return str(up.repo.revparse_single(f"{oid}^{{tree}}").id)


def commit(up: Upstream, tree: str, parent: str) -> str:
    """A commit that is in order, written without looking at its parent, as the new head."""
    data = f"tree {tree}\nparent {parent}\n".encode() + b"author %s\ncommitter %s\n\nx\n" % (WHO, WHO)
    oid = write(up, ObjectType.COMMIT, data)
    (up.path / "refs" / "heads" / "main").write_text(f"{oid}\n")
    return oid


def git(up: Upstream, *arguments: str) -> str:
    done = subprocess.run(
        ["git", f"--git-dir={up.path}", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- commits ---------------------------------------------------------------------------------------------

ENDS = b"author %s\ncommitter %s\n" % (WHO, WHO)
START = b"tree {tree}\nparent {head}\n" + ENDS
COMMITS: list[Row[bytes]] = [
    Row((59,), "no author", b"tree {tree}\nparent {head}\ncommitter %s\n\nx\n" % WHO),
    Row((59,), "no committer", b"tree {tree}\nparent {head}\nauthor %s\n\nx\n" % WHO),
    Row((59,), "an author without a time", b"tree {tree}\nparent {head}\nauthor A <a>\ncommitter A <a>\n\nx"),
    *(
        Row((59,), f"the time {time.decode()[:12]}",
            b"tree {tree}\nparent {head}\nauthor A <a> %s +0\ncommitter A <a> %s +0\n\nx" % (time, time))
        for time in (b"-1", b"--1", b"9223372036854775808", b"9" * 5000, b"1e9", b"\xc2\xb2", b"nan")
    ),
    Row((59,), "a zone of nowhere",
        b"tree {tree}\nparent {head}\nauthor A <a> 1 +9999999\ncommitter A <a> 1 x\n\nx"),
    Row((59,), "a signature", START + b"gpgsig -----BEGIN\n tree x\n\n parent x\nmergetag object x\n\nx"),
    Row((59,), "a NUL in the message", START + b"\na\0b"),
    Row((59,), "no message", START),
    Row((59,), "one parent a thousand times",
        b"tree {tree}\n" + b"parent {head}\n" * 1000 + b"author %s\ncommitter %s\n\nx" % (WHO, WHO)),
    Row((20, 59), "an author that steers a terminal",
        b"tree {tree}\nparent {head}\nauthor \x1b[2J\xff <a> 1 +0000\ncommitter %s\n\n\x1b]0;x\x07" % WHO),
]  # fmt: skip


def made(up: Upstream, template: bytes) -> bytes:
    return template.replace(b"{tree}", root(up, up.head).encode()).replace(b"{head}", up.head.encode())


@pytest.mark.parametrize("row", parameters(COMMITS))
def test_an_odd_commit_stops_nothing(
    store: ObjectStore, up: Upstream, engine: Engine, row: Row[bytes]
) -> None:
    """It lies on the line, and a tag names it: both ways of reading a commit."""
    odd = write(up, ObjectType.COMMIT, made(up, row.given))
    up.repo.references.create("refs/tags/odd", odd, force=True)
    up.commit(native("program/a", body="new"))
    commit(up, root(up, up.head), odd)
    mirror(store, up.url, engine=engine)
    component = lines(store, "up")["program:a"]
    assert component.versions == ("1.0.0", "1.0.1")
    assert component.labels == {"odd": "1.0.0"}


BROKEN: list[Row[bytes]] = [
    Row((59,), "no tree", b"parent {head}\n" + ENDS),
    Row((59,), "a tree that is a commit", b"tree {head}\nparent {head}\n" + ENDS),
    Row((59,), "a tree that is no id", b"tree ../../../etc/passwd\n" + ENDS),
    Row((59,), "nothing at all", b""),
    Row((59,), "more than a mebibyte of parents", b"tree {tree}\n" + b"parent {head}\n" * 100_000 + ENDS),
]  # fmt: skip


@pytest.mark.parametrize("row", parameters(BROKEN))
def test_a_broken_commit_ends_the_line_and_is_named(
    store: ObjectStore, up: Upstream, engine: Engine, row: Row[bytes]
) -> None:
    broken = write(up, ObjectType.COMMIT, made(up, row.given))
    commit(up, root(up, up.head), broken)
    report = mirror(store, up.url, engine=engine)
    assert lines(store, "up")["program:a"].versions == ("1.0.0",)
    told = " ".join([*report.notes, *report.problems])
    assert broken[:12] in told, report


@pytest.mark.parametrize("row", parameters(BROKEN[:4]))
def test_nothing_is_released_from_a_broken_head(
    store: ObjectStore, up: Upstream, engine: Engine, row: Row[bytes]
) -> None:
    broken = write(up, ObjectType.COMMIT, made(up, row.given))
    (up.path / "refs" / "heads" / "main").write_text(f"{broken}\n")
    try:
        report = mirror(store, up.url, engine=engine)
    except CkstoreError as error:
        assert error.message
        assert store.view().sources() == []
    else:
        assert report.releases == 0 or "missing" in " ".join(report.notes)
        assert broken[:12] in " ".join([*report.problems, *report.notes])


# -- tags ------------------------------------------------------------------------------------------------


def tag(up: Upstream, oid: str, kind: str = "commit", name: str = "x") -> str:
    text = f"object {oid}\ntype {kind}\ntag {name}\ntagger A <a@example.org> 1 +0000\n\nx\n"
    return write(up, ObjectType.TAG, text.encode())


@stands_for(60)
def test_tags_of_tags_name_their_commit_and_lies_about_types_name_nothing(
    store: ObjectStore, up: Upstream, engine: Engine
) -> None:
    chained = up.head
    for number in range(200):
        chained = tag(up, chained, "tag" if number else "commit")
    wanted = {
        "two": tag(up, tag(up, up.head), "tag"),
        "chain": chained,
        "liar": tag(up, up.head, "tree"),
        "file": tag(up, up.blob(b"x"), "blob"),
        "lying-file": tag(up, up.blob(b"x"), "commit"),
    }
    for name, oid in wanted.items():
        (up.path / "refs" / "tags").mkdir(exist_ok=True)
        (up.path / "refs" / "tags" / name).write_text(f"{oid}\n")
    mirror(store, up.url, engine=engine)
    labels = lines(store, "up")["program:a"].labels
    assert labels["two"] == "1.0.0"
    assert not {"file", "lying-file"} & set(labels)
    assert set(labels.values()) == {"1.0.0"}


# -- repositories ----------------------------------------------------------------------------------------


@stands_for(37)
def test_a_link_that_becomes_a_folder_and_back_is_laid_out_as_each(store: ObjectStore, up: Upstream) -> None:
    metadata = up.at("program/a/component.toml")
    folder = up.raw_tree((FILE, b"f", up.blob(b"x")))
    for mode, oid in ((LINK, up.blob(b"component.toml")), (TREE, folder), (LINK, up.blob(b"."))):
        component = up.raw_tree((FILE, b"component.toml", metadata), (mode, b"d", oid))
        up.commit_tree(up.raw_tree((TREE, b"program", up.raw_tree((TREE, b"a", component)))))
    mirror(store, up.url)
    found = releases(store, "up", "program:a")[-3:]
    kinds = [(lay_out(store, r.tree, r.digest) / "d").is_symlink() for r in found]
    assert kinds == [True, False, True]
    assert (lay_out(store, found[1].tree, found[1].digest) / "d" / "f").read_bytes() == b"x"


@stands_for(46, 64)
def test_nothing_that_a_repository_is_configured_to_run_is_run(
    store: ObjectStore, up: Upstream, tmp_path: Path, have_git: str
) -> None:
    """Hooks, monitors, filters, helpers, and a promised remote behind a program for what is missing."""
    marker, script = tmp_path / "was-run", tmp_path / "evil"
    script.write_text(f"#!/bin/sh\ntouch {marker}\n")
    script.chmod(0o755)
    up.commit({"program/a/lost": "lost"})
    up.lose(up.blob(b"lost"))
    for key in (
        "core.fsmonitor", "core.sshCommand", "core.askPass", "core.alternateRefsCommand", "core.pager",
        "uploadpack.packObjectsHook", "credential.helper", "diff.external", "filter.x.smudge", "gpg.program",
        "remote.origin.uploadpack",
    ):  # fmt: skip
        git(up, "config", key, str(script))
    git(up, "config", "remote.origin.url", f"ext::{script}")
    git(up, "config", "remote.origin.promisor", "true")
    git(up, "config", "extensions.partialClone", "origin")
    git(up, "config", "core.repositoryFormatVersion", "1")
    for hook in ("post-checkout", "pre-auto-gc", "reference-transaction", "update", "post-index-change"):
        (up.path / "hooks" / hook).parent.mkdir(exist_ok=True)
        (up.path / "hooks" / hook).write_bytes(script.read_bytes())
        (up.path / "hooks" / hook).chmod(0o755)
    report = mirror(store, up.url)
    assert lines(store, "up")["program:a"].versions == ("1.0.0",)
    assert "missing in the source" in report.problems[0]
    assert not marker.exists()


@stands_for(62)
def test_a_repository_of_the_other_kind_of_ids_is_said_to_be_one(
    store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    other = tmp_path / "other"
    made = subprocess.run([have_git, "init", "-q", "--object-format=sha256", str(other)], check=False)
    if made.returncode:
        pytest.skip("this git knows SHA-1 only")
    subprocess.run([have_git, "-C", str(other), "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    with pytest.raises(Unsupported) as caught:
        mirror(store, str(other))
    assert caught.value.code == "sha256-repository"
    assert store.view().sources() == []


@stands_for(63)
@pytest.mark.parametrize("how", ["replace", "grafts"])
def test_what_was_committed_counts_whatever_replaces_it(
    store: ObjectStore, up: Upstream, engine: Engine, how: str
) -> None:
    first = up.head
    second = up.commit(native("program/a", body="real"))
    other = up.commit_tree(root(up, first), branch="other", parents=[])
    if how == "replace":
        (up.path / "refs" / "replace").mkdir()
        (up.path / "refs" / "replace" / second).write_text(f"{other}\n")
    else:
        (up.path / "info").mkdir(exist_ok=True)
        (up.path / "info" / "grafts").write_text(f"{second}\n")
    mirror(store, up.url, engine=engine)
    found = releases(store, "up", "program:a")
    if isinstance(engine, StockGit):  # libgit2 takes grafts of a repository on disk for a shallow clone
        assert [release.commit for release in found] == [first, second]
    assert store.read_blob(_file(store, found[-1].tree, "main.c")) == b"real"


def _file(store: ObjectStore, tree: str, name: str) -> str:
    return next(entry.oid for entry in store.read_tree(tree) if entry.name == name)


@stands_for(65)
def test_folders_that_lend_to_each_other_are_each_named_once(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) / "objects" for number in range(MAX_ALTERNATES + 5)]
    for folder in folders:
        (folder / "info").mkdir(parents=True)
        listed = "".join(f"{other}\n" for other in folders) + "../../nowhere\n#x\n\0\n"
        (folder / "info" / "alternates").write_text(listed * 3)
    found = list(object_folders(folders[0]))
    assert len(found) == len(set(found)) == MAX_ALTERNATES + 1


@stands_for(65)
def test_only_what_its_refs_name_comes_from_a_folder_that_a_repository_borrows_from(
    store: ObjectStore, up: Upstream, tmp_path: Path, engine: Engine
) -> None:
    private = Upstream(tmp_path / "private.git")
    private.commit(native("program/secret"))
    secret = private.at("program/secret/component.toml")
    (up.path / "objects" / "info" / "alternates").write_text(f"{private.path}/objects\n")
    mirror(store, up.url, engine=engine)
    assert list(lines(store, "up")) == ["program:a"]
    assert not store.has(private.head)
    assert not store.has(secret) or secret == up.at("program/a/component.toml")
    assert not (store.git / "objects" / "info" / "alternates").exists()


@stands_for(64)
def test_a_repository_with_marks_of_a_shallow_clone_keeps_no_history(
    store: ObjectStore, up: Upstream, engine: Engine
) -> None:
    up.commit(native("program/a", body="new"))
    (up.path / "shallow").write_text(f"{up.head}\n")
    mirror(store, up.url, engine=engine)
    source = store.view().source("up")
    assert source is not None
    assert lines(store, "up")["program:a"].newest in ("1.0.0", "1.0.1")
    assert not (store.git / "shallow").exists()


@stands_for(66)
def test_derived_files_of_a_repository_are_not_taken_over(
    store: ObjectStore, up: Upstream, have_git: str
) -> None:
    git(up, "repack", "-adqb")
    git(up, "multi-pack-index", "write")
    git(up, "commit-graph", "write", "--reachable")
    graph = up.path / "objects" / "info" / "commit-graph"
    graph.chmod(0o644)
    graph.write_bytes(bytes(reversed(graph.read_bytes())))
    for path in (up.path / "objects" / "pack").glob("*"):
        if path.suffix in (".bitmap", ".rev", ""):
            path.chmod(0o644)
            path.write_bytes(b"lies")
    mirror(store, up.url)
    assert lines(store, "up")["program:a"].versions == ("1.0.0",)
    ours = {path.suffix for path in (store.git / "objects").rglob("*") if path.is_file()}
    assert ours <= {".pack", ".idx", ".rev"}


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"
POINTERS: list[Row[str]] = [
    Row((76,), "a pointer", POINTER.format(oid="a" * 64, size=123)),
    Row((76,), "a pointer to a path", POINTER.format(oid="../../../etc/passwd", size=1)),
    Row((76,), "a pointer to far too much", POINTER.format(oid="a" * 64, size=10**18)),
    Row((76,), "a pointer with a size below zero", POINTER.format(oid="a" * 64, size=-1)),
]


@pytest.mark.parametrize("row", parameters(POINTERS))
def test_a_pointer_to_a_large_file_stays_a_pointer_and_is_told(
    store: ObjectStore, up: Upstream, row: Row[str]
) -> None:
    """Nothing is fetched, whatever the repository names as the place."""
    up.commit(
        {
            "program/a/deep/model.bin": row.given,
            "program/a/other.bin": row.given,
            ".lfsconfig": "[lfs]\nurl = http://127.0.0.1:9/evil\n",
            ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        }
    )
    report = mirror(store, up.url)
    told = (
        "program/a: deep/model.bin and 1 more are pointers of Git LFS: the content is not in the repository"
    )
    assert told in report.notes
    found = releases(store, "up", "program:a")[-1]
    assert (lay_out(store, found.tree, found.digest) / "other.bin").read_text() == row.given


@stands_for(76)
def test_what_only_mentions_the_format_is_no_pointer(store: ObjectStore, up: Upstream) -> None:
    up.commit({"program/a/notes": "see version https://git-lfs.github.com/spec/v1"})
    assert not any("LFS" in note for note in mirror(store, up.url).notes)
