"""Branches of a project: locks that git merges, cannot merge, or tears apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, NotFound, Unsupported
from ckstore.model.locks import Lock
from ckstore.model.manifest import FILE, LOCK_FILE
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.lock import check_project, lock_project
from ckstore.operations.lock_merge import install_driver, merge_files
from tests.operations.folders import component, write

TRUNK = ("soft:one", "soft:two")


class Branches:
    """A project under git, whose branches lock different things."""

    def __init__(self, store: ObjectStore, folder: Path, git: str) -> None:
        self.store, self.folder, self._git = store, folder, git
        self.known_store = str(store.path)
        folder.mkdir()
        self.git("init", "-q", "-b", "trunk")
        self.commit(*TRUNK)

    def git(self, *words: str, ok: bool = True) -> str:
        done = subprocess.run(
            [self._git, *words], cwd=self.folder, capture_output=True, text=True, check=False,
            env={**os.environ, "CKSTORE_STORE": self.known_store},
        )  # fmt: skip
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    def commit(self, *asks: str) -> Lock:
        write(self.folder, {FILE: f"requires = {list(asks)!r}\n"})
        lock = lock_project(self.store, self.folder).lock
        self.git("add", "-A")
        self.git("commit", "-q", "-m", ", ".join(asks))
        return lock

    def branch(self, name: str, *asks: str) -> Lock:
        self.git("checkout", "-q", "-b", name, "trunk")
        return self.commit(*asks)

    @property
    def text(self) -> str:
        return (self.folder / LOCK_FILE).read_text()

    def versions(self) -> dict[str, str]:
        return {p.name: p.version for p in Lock.parse(self.text).pins if p.source == "lab"}


def publish(store: ObjectStore, lab: Path, **versions: str) -> None:
    for name, version in versions.items():
        needs = f'[needs]\nx = "soft:base@^{version[0]}"\n' if name in ("one", "two") else ""
        component(lab / name, "soft", name, head=f'version = "{version}"', body=needs)
    add(store, lab, source="lab")


@pytest.fixture
def branches(store: ObjectStore, tmp_path: Path, have_git: str) -> Branches:
    lab = tmp_path / "lab"
    publish(store, lab, one="1.0.0", two="1.0.0", base="1.0.0", lone="1.0.0", other="1.0.0")
    made = Branches(store, tmp_path / "project", have_git)
    publish(store, lab, one="1.1.0", two="1.1.0", base="1.1.0")
    publish(store, lab, one="1.2.0", base="2.0.0")
    return made


def pin_only(branches: Branches, name: str, *asks: str) -> None:
    """A branch whose lock has these answers, and whose manifest stays that of the trunk."""
    branches.git("checkout", "-q", "-b", name, "trunk")
    before = (branches.folder / FILE).read_text()
    write(branches.folder, {FILE: f"requires = {list(asks)!r}\n"})
    text = lock_project(branches.store, branches.folder).lock.emit()
    for ask in asks:
        wish = ask.partition("@")[0]
        text = text.replace(f'ask = "{ask}"', f'ask = "{wish}"')
    write(branches.folder, {FILE: before, LOCK_FILE: text})
    branches.git("commit", "-q", "-a", "-m", name)


class TestStockGit:
    def test_branches_that_change_different_components_merge_as_text(self, branches: Branches) -> None:
        pin_only(branches, "left", "soft:one@=1.1.0", "soft:two@=1.0.0")
        pin_only(branches, "right", "soft:one@=1.0.0", "soft:two@=1.1.0")
        branches.git("merge", "-q", "-m", "both", "left")
        assert branches.versions() == {"one": "1.1.0", "two": "1.1.0", "base": "1.0.0"}
        assert Lock.parse(branches.text).emit() == branches.text

    @pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
    def test_a_conflict_is_repaired_with_the_choices_of_both_sides(
        self, branches: Branches, style: str
    ) -> None:
        branches.git("config", "merge.conflictStyle", style)
        write(branches.folder, {".gitattributes": f"{FILE} merge=union\n"})
        branches.git("add", "-A")
        branches.git("commit", "-q", "-m", "manifests are lists")
        branches.branch("left", "soft:one@=1.1.0", "soft:two@=1.0.0", "soft:lone")
        branches.branch("right", "soft:one@=1.2.0", "soft:two@=1.0.0", "soft:other")
        assert "CONFLICT" in branches.git("merge", "left", ok=False)
        assert "<<<<<<<" in branches.text
        with pytest.raises(InvalidInput) as caught:
            check_project(branches.store, branches.folder)
        assert caught.value.code == "lock-in-conflict"
        asks = ["soft:one@=1.2.0", "soft:two@=1.0.0", "soft:lone", "soft:other"]
        write(branches.folder, {FILE: f"requires = {asks!r}\n"})
        report = lock_project(branches.store, branches.folder)
        assert report.written and "conflict markers" in report.notes[0]
        assert any("lab:soft:one: 1.2.0, not 1.1.0" in note for note in report.notes)
        assert branches.versions() == {
            "one": "1.2.0", "two": "1.0.0", "base": "1.0.0", "lone": "1.0.0", "other": "1.0.0",
        }  # fmt: skip
        check_project(branches.store, branches.folder)

    def test_a_need_that_a_text_merge_left_without_its_pin_is_pinned_again(self, branches: Branches) -> None:
        whole = branches.text
        start = whole.index('[[pin]]\ncomponent = "lab:soft:base"')
        end = whole.index("[[pin]]", start + 1)
        write(branches.folder, {LOCK_FILE: whole[:start] + whole[end:]})
        with pytest.raises(InvalidInput, match="is needed, but has no pin"):
            check_project(branches.store, branches.folder)
        report = lock_project(branches.store, branches.folder)
        assert branches.versions() == {"one": "1.0.0", "two": "1.0.0", "base": "1.1.0"}
        assert "needs without a pin" in report.notes[0]

    def test_what_is_no_conflict_of_locks_is_left_alone(self, branches: Branches) -> None:
        write(branches.folder, {LOCK_FILE: "<<<<<<< a\nnot a lock\n=======\nnor this\n>>>>>>> b\n"})
        with pytest.raises(InvalidInput):
            lock_project(branches.store, branches.folder)
        assert "not a lock" in branches.text


class TestTheDriver:
    @pytest.fixture(autouse=True)
    def installed(self, branches: Branches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        command = tmp_path / "bin" / "ckstore"
        write(command.parent, {"ckstore": f'#!/bin/sh\nexec "{sys.executable}" -m ckstore "$@"\n'})
        command.chmod(0o755)
        root = Path(__file__).resolve().parents[2]
        monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", str(root))
        assert len(install_driver(branches.folder)) == 3
        assert install_driver(branches.folder) == ()
        branches.git("add", "-A")
        branches.git("commit", "-q", "-m", "locks are merged")

    def test_git_merges_branches_that_moved_the_same_component(self, branches: Branches) -> None:
        pin_only(branches, "left", "soft:one@=1.1.0", "soft:two@=1.1.0")
        pin_only(branches, "right", "soft:one@=1.2.0", "soft:two@=1.0.0")
        said = branches.git("merge", "-m", "both", "left")
        assert "both sides changed lab:soft:one: 1.2.0, not 1.1.0" in said
        assert branches.versions() == {"one": "1.2.0", "two": "1.1.0", "base": "1.0.0"}
        assert Lock.parse(branches.text).emit() == branches.text

    def test_the_same_lock_comes_of_merging_the_other_way_round(self, branches: Branches) -> None:
        pin_only(branches, "left", "soft:one@=1.1.0", "soft:two@=1.1.0")
        pin_only(branches, "right", "soft:one@=1.2.0", "soft:two@=1.0.0")
        texts = []
        for mine, other in (("left", "right"), ("right", "left")):
            branches.git("checkout", "-q", "-b", f"{mine}-first", mine)
            branches.git("merge", "-q", "-m", "both", other)
            texts.append(branches.text)
        assert texts[0] == texts[1]

    @pytest.fixture
    def apart(self, branches: Branches) -> None:
        """Two branches, one of which has a release that the other one's range does not admit."""
        pin_only(branches, "left", "soft:one@=1.1.0", "soft:two@=1.0.0")
        text = branches.text
        start = text.index('component = "lab:soft:base"')
        write(branches.folder, {LOCK_FILE: text[:start] + text[start:].replace("1.0.0", "2.0.0", 1)})
        branches.git("commit", "-q", "-a", "-m", "moved by hand")
        pin_only(branches, "right", "soft:one@=1.2.0", "soft:two@=1.0.0")

    def test_the_store_of_a_project_below_the_top_is_asked(
        self, branches: Branches, apart: None, store: ObjectStore, tmp_path: Path
    ) -> None:
        names = ["base", "ours", "theirs"]
        for name, commit in zip(names, ["trunk", "right", "left"], strict=True):
            write(tmp_path, {name: branches.git("show", f"{commit}:{LOCK_FILE}")})
        below = write(tmp_path / "below", {FILE: f'[store]\npath = "{store.path}"\n'})
        words = [sys.executable, "-m", "ckstore", "merge-lock", *names]
        for path, code in ((below / LOCK_FILE, 0), (tmp_path / LOCK_FILE, 1)):
            write(tmp_path, {"ours": branches.git("show", f"right:{LOCK_FILE}")})
            done = subprocess.run([*words, str(path)], cwd=tmp_path, capture_output=True, check=False)
            assert done.returncode == code, done.stderr

    def test_what_does_not_go_together_is_resolved_anew(self, branches: Branches, apart: None) -> None:
        branches.git("merge", "-m", "both", "left")
        assert branches.versions() == {"one": "1.2.0", "two": "1.0.0", "base": "1.1.0"}

    def test_where_nothing_can_resolve_it_stays_a_conflict_with_a_whole_lock(
        self, branches: Branches, apart: None, tmp_path: Path
    ) -> None:
        branches.known_store = str(tmp_path / "nowhere")
        said = branches.git("merge", "-m", "both", "left", ok=False)
        assert "asked for soft:base@^1; lab:soft:base is 2.0.0" in said and "run `ckstore lock`" in said
        assert not (tmp_path / "nowhere").exists()
        assert Lock.parse(branches.text).emit() == branches.text
        lock_project(branches.store, branches.folder)
        assert branches.versions()["base"] == "1.1.0"

    def test_a_side_that_is_no_lock_is_told_and_nothing_is_written(
        self, branches: Branches, tmp_path: Path
    ) -> None:
        names = {"base": branches.text, "ours": branches.text, "theirs": "lock = 1\n[[pin]]\n"}
        place = write(tmp_path / "sides", names)
        with pytest.raises(InvalidInput, match="theirs: 'component' is missing"):
            merge_files(place / "base", place / "ours", place / "theirs", None)
        assert (place / "ours").read_text() == branches.text
        write(place, {"theirs": "lock = 2\n"})
        with pytest.raises(Unsupported, match="theirs has format 2"):
            merge_files(place / "base", place / "ours", place / "theirs", None)

    def test_branches_that_both_made_a_lock_have_no_base(self, branches: Branches, tmp_path: Path) -> None:
        place = write(tmp_path / "sides", {"base": "", "ours": branches.text, "theirs": branches.text})
        report = merge_files(place / "base", place / "ours", place / "theirs", None)
        assert (report.decided, report.left) == ((), ())
        assert (place / "ours").read_text() == branches.text

    def test_outside_of_a_repository_there_is_nothing_to_install(self, tmp_path: Path) -> None:
        (tmp_path / "plain").mkdir()
        with pytest.raises(NotFound, match="in no git repository"):
            install_driver(tmp_path / "plain")
