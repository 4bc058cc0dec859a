"""Folders of one's own: their packs are copied where that is safe; everything else is fetched, as ever."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.remote import Progress
from ckstore.mirror.stock_git import StockGit
from ckstore.mirror.urls import RemoteUrl
from ckstore.objects.store import ObjectStore
from ckstore.objects.stream import LARGE
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, all_bytes, lines, native


class Counting:
    """An engine that counts its fetches."""

    def __init__(self, engine: StockGit | LibraryGit) -> None:
        self._engine = engine
        self.checks_arrivals = engine.checks_arrivals
        self.fetches = 0

    def list_refs(self, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
        return self._engine.list_refs(git, url, spelling)

    def fetch(
        self, git: Path, url: RemoteUrl, spelling: str, refspecs: Sequence[str], progress: Progress
    ) -> None:
        self.fetches += 1
        self._engine.fetch(git, url, spelling, refspecs, progress)

    def is_connected(self, git: Path, url: RemoteUrl, commits: Iterable[str]) -> bool:
        return self._engine.is_connected(git, url, commits)

    def stop(self) -> None:
        self._engine.stop()


@pytest.fixture(params=["git", "libgit2"])
def engine(request: pytest.FixtureRequest, have_git: str) -> Counting:
    return Counting(LibraryGit() if request.param == "libgit2" else StockGit(have_git))


@pytest.fixture
def up(tmp_path: Path, have_git: str) -> Upstream:
    """A history of six commits and two tags, in one pack."""
    made = Upstream(tmp_path / "up.git")
    for number in range(6):
        made.commit(native("program/a", body=f"{number}" * 900))
    made.tag("v1")
    made.tag("v2", annotated=True)
    repack(made)
    return made


def repack(up: Upstream) -> None:
    subprocess.run(["git", f"--git-dir={up.path}", "repack", "-adqk"], check=True)


def files(up: Upstream, ending: str) -> list[Path]:
    return sorted((up.path / "objects" / "pack").glob(f"*{ending}"))


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def fsck(store: ObjectStore) -> str:
    """What is wrong with the store, as git says; it reads and hashes everything."""
    command = ["git", f"--git-dir={store.git}", "fsck", "--full", "--strict", "--no-dangling"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_a_copy_is_as_good_as_a_fetch(
    up: Upstream, engine: Counting, store: ObjectStore, tmp_path: Path, have_git: str
) -> None:
    assert mirror(store, str(up.path), engine=engine).releases == 6
    assert engine.fetches == 0
    shutil.copytree(up.path, tmp_path / "odd" / "up.git")
    (tmp_path / "odd" / "up.git" / "objects" / "info" / "alternates").write_text("")
    fetched = ObjectStore(tmp_path / "fetched")
    mirror(fetched, str(tmp_path / "odd" / "up.git"), engine=engine)
    assert engine.fetches == 1
    assert all_bytes(store, "up") == all_bytes(fetched, "up")
    assert lines(store, "up")["program:a"].labels == {"v1": "1.0.5", "v2": "1.0.5"}
    assert fsck(store) == ""


def test_nothing_is_shared_with_the_source(up: Upstream, engine: Counting, store: ObjectStore) -> None:
    mirror(store, str(up.path), engine=engine)
    theirs = {os.stat(path).st_ino for path in files(up, "")}
    assert not theirs & {os.stat(path).st_ino for path in (store.git / "objects" / "pack").iterdir()}
    shutil.rmtree(up.path)
    assert fsck(store) == ""


def test_what_is_not_packed_yet_is_fetched_on_top(up: Upstream, engine: Counting, store: ObjectStore) -> None:
    up.commit(native("program/a", body="loose"))
    up.tag("v3")
    report = mirror(store, str(up.path), engine=engine)
    assert (report.releases, report.head, engine.fetches) == (7, up.head, 1)
    if engine.checks_arrivals:  # libgit2 packs a folder's history as a whole
        packs = [path.read_bytes()[8:12] for path in (store.git / "objects" / "pack").glob("*.pack")]
        assert min(int.from_bytes(count, "big") for count in packs) <= 5, "the history was fetched again"
    assert fsck(store) == ""


def test_an_update_fetches_what_is_new(up: Upstream, engine: Counting, store: ObjectStore) -> None:
    mirror(store, str(up.path), engine=engine)
    up.commit(native("program/a", body="new"))
    assert mirror(store, str(up.path), engine=engine).releases == 1
    assert engine.fetches == 1


def test_a_fork_is_read_through_before_it_is_copied(
    up: Upstream, engine: Counting, store: ObjectStore, tmp_path: Path
) -> None:
    mirror(store, str(up.path), engine=engine)
    fork = Upstream(tmp_path / "fork.git")
    shutil.copytree(up.path, fork.path, dirs_exist_ok=True)
    fork.files = dict(up.files)
    fork.commit(native("program/b"))
    repack(fork)
    mirror(store, str(fork.path), engine=engine)
    assert sorted(lines(store, "fork")) == ["program:a", "program:b"]
    assert fsck(store) == ""


def symlinked(up: Upstream) -> None:
    [pack] = files(up, ".pack")
    pack.rename(up.path / "elsewhere")
    pack.symlink_to(up.path / "elsewhere")


def linked_folder(up: Upstream) -> None:
    (up.path / "objects" / "pack").rename(up.path / "packs")
    (up.path / "objects" / "pack").symlink_to(up.path / "packs")


def partial(up: Upstream) -> None:
    files(up, ".pack")[0].with_suffix(".promisor").touch()


def of_another_pack(up: Upstream) -> None:
    [index] = files(up, ".idx")
    data = index.read_bytes()
    body = data[:-40] + b"\1" * 20
    rewrite(index, body + hashlib.sha1(body).digest())


def damaged_index(up: Upstream) -> None:
    [index] = files(up, ".idx")
    data = bytearray(index.read_bytes())
    data[1100] ^= 1
    rewrite(index, bytes(data))


def without_index(up: Upstream) -> None:
    """As it looks while another program packs."""
    files(up, ".idx")[0].unlink()


@pytest.mark.parametrize("spoil", [symlinked, linked_folder, partial])
def test_what_is_not_plain_is_left_to_a_fetch(
    up: Upstream, engine: Counting, store: ObjectStore, spoil: object
) -> None:
    assert callable(spoil)
    spoil(up)
    assert mirror(store, str(up.path), engine=engine).releases == 6
    assert engine.fetches == 1
    assert fsck(store) == ""


@pytest.mark.parametrize("spoil", [of_another_pack, damaged_index, without_index])
def test_a_damaged_index_is_not_copied(
    up: Upstream, engine: Counting, store: ObjectStore, spoil: object
) -> None:
    assert callable(spoil)
    keep = Upstream(up.path.with_name("keep.git"))
    keep.commit(native("program/z"))
    mirror(store, str(keep.path), engine=engine)
    before = engine.fetches
    spoil(up)
    try:
        mirror(store, str(up.path), engine=engine)
    except Exception:
        assert store.view().source("up") is None
    assert engine.fetches >= before
    assert fsck(store) == ""


def test_a_pack_with_a_flipped_bit_does_not_get_in(
    up: Upstream, engine: Counting, store: ObjectStore
) -> None:
    [pack] = files(up, ".pack")
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    rewrite(pack, bytes(data))
    report = mirror(store, str(up.path), engine=engine)
    assert engine.fetches == 1
    assert report.problems
    assert fsck(store) == ""


def test_a_lying_index_cannot_hide_what_the_store_has(
    up: Upstream, engine: Counting, store: ObjectStore, tmp_path: Path
) -> None:
    """The index of the hostile repository says that an object of ours is where another one is."""
    mirror(store, str(up.path), engine=engine)
    victim = up.at("program/a/main.c")
    evil = Upstream(tmp_path / "evil.git")
    evil.commit(native("program/e"))
    other = evil.blob(b"of nothing")
    evil.repo.references.create("refs/other", other)
    repack(evil)
    evil.repo.references.delete("refs/other")
    [index] = files(evil, ".idx")
    data = bytearray(index.read_bytes())
    count = int.from_bytes(data[1028:1032], "big")
    ids = [bytes(data[at : at + 20]) for at in range(1032, 1032 + 20 * count, 20)]
    number = ids.index(bytes.fromhex(other))
    ids[number] = bytes.fromhex(victim)
    order = sorted(range(count), key=lambda n: ids[n])
    table = 1032 + 20 * count
    rows = [(data[table + 4 * n : table + 4 * n + 4], data[table + 4 * (count + n) :][:4]) for n in order]
    fan = b"".join(sum(one[0] <= first for one in ids).to_bytes(4, "big") for first in range(256))
    body = bytes(data[:8]) + fan + b"".join(ids[n] for n in order)
    body += b"".join(bytes(crc) for crc, _ in rows) + b"".join(bytes(at) for _, at in rows)
    body += bytes(data[-40:-20])
    rewrite(index, body + hashlib.sha1(body).digest())
    mirror(store, str(evil.path), engine=engine)
    assert engine.fetches == 1
    assert store.read_blob(victim) == b"5" * 900
    assert fsck(store) == ""


def test_what_is_missing_in_the_source_is_named_as_ever(
    up: Upstream, engine: Counting, store: ObjectStore
) -> None:
    up.commit({**native("program/b"), "program/b/lost": "lost"})
    up.lose(up.blob(b"lost"))
    report = mirror(store, str(up.path), engine=engine)
    assert any("lost" in problem for problem in report.problems)
    assert "program:a" in lines(store, "up")
    assert fsck(store) == ""


def test_a_copy_that_lacks_objects_is_not_taken_for_whole(
    up: Upstream, engine: Counting, store: ObjectStore, tmp_path: Path
) -> None:
    """All tips are packed, but a file of an old commit is nowhere."""
    lost = str(up.repo.revparse_single("main~3:program/a/main.c").id)
    names = subprocess.run(
        ["git", f"--git-dir={up.path}", "rev-list", "--objects", "--all"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    given = "".join(f"{line[:40]}\n" for line in names if not line.startswith(lost))
    given += f"{up.repo.references['refs/tags/v2'].target}\n"
    base = str(tmp_path / "pack")
    subprocess.run(
        ["git", f"--git-dir={up.path}", "pack-objects", "-q", base], input=given, text=True, check=True,
        capture_output=True,
    )  # fmt: skip
    for path in files(up, ""):
        path.unlink()
    for path in tmp_path.glob("pack-*"):
        path.rename(up.path / "objects" / "pack" / path.name)
    report = mirror(store, str(up.path), engine=engine)
    assert any("is missing in the source" in problem for problem in report.problems)
    assert fsck(store) == ""


class TestALargeLooseFile:
    """Fetched, it would be held in memory by whoever packs it."""

    @pytest.fixture
    def large(self, up: Upstream) -> str:
        """Its id; its commit and all others are loose, too."""
        up.commit({"program/a/large.bin": hashlib.shake_128(b"large").digest(LARGE + 1000)})
        return up.at("program/a/large.bin")

    def test_is_copied_like_a_pack(
        self, up: Upstream, large: str, engine: Counting, store: ObjectStore
    ) -> None:
        mirror(store, str(up.path), engine=engine)
        assert engine.fetches == 0
        assert store.large_blob(large) is not None
        assert fsck(store) == ""
        assert mirror(store, str(up.path), engine=engine).releases == 0

    def test_that_is_damaged_is_not_copied(
        self, up: Upstream, large: str, engine: Counting, store: ObjectStore
    ) -> None:
        loose = next(path for path in up.path.rglob(large[2:]))
        data = bytearray(loose.read_bytes())
        data[len(data) // 2] ^= 1
        rewrite(loose, bytes(data))
        mirror(store, str(up.path), engine=engine)
        assert not store.has(large)

    def test_that_is_a_link_is_left_to_a_fetch(
        self, up: Upstream, large: str, engine: Counting, store: ObjectStore
    ) -> None:
        loose = next(path for path in up.path.rglob(large[2:]))
        loose.rename(up.path / "elsewhere")
        loose.symlink_to(up.path / "elsewhere")
        mirror(store, str(up.path), engine=engine)
        assert engine.fetches == 1
