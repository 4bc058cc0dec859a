"""What is typed by mistake: options without effect, a store for a repository, two sources with one name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.errors import Conflict
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.urls import RemoteUrl
from ckstore.objects.head import LOG_REF, read_head
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import mirror
from tests.cli.session import Session
from tests.mirror.upstream import Upstream, native
from tests.objects.helpers import add, make_folder
from tests.web.test_git_server import serving


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "here" / "up.git")
    made.commit(native("program/p"))
    return made


@pytest.fixture
def ck(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Session:
    """A person at a prompt, with the store of the fixture ``store``."""
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return Session(tmp_path, capsys)


class TestOptions:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--match", "x"], "--match goes with an owner's repositories"),
            (["--topic", "x", "--forks"], "--topic and --forks go with"),
            (["--no-archived"], "--archived goes with"),
            (["--archived"], "--archived goes with"),
            (["--at", "https://example.org/{name}"], "--at goes with --deps"),
            (["--update", "--name", "x"], "--name does not go with --update"),
        ],
    )
    def test_that_have_no_effect_are_refused(
        self, ck: Session, up: Upstream, store: ObjectStore, words: list[str], said: str
    ) -> None:
        assert said in ck("mirror", up.url, *words, code=2).err
        assert store.view().head == ""

    def test_a_choice_among_an_owners_repositories_is_none_for_an_update_of_all(self, ck: Session) -> None:
        assert "no owner is named" in ck("mirror", "--update", "--forks", code=2).err

    def test_an_update_of_nothing_says_how_to_begin(self, ck: Session, store: ObjectStore) -> None:
        for words in ([], ["--dry-run"]):
            assert "`ckstore mirror ADDRESS` begins" in ck("mirror", "--update", *words).err
        assert ck("mirror", "--update", "--json").json == []


class TestAStore:
    @pytest.fixture
    def other(self, tmp_path: Path) -> ObjectStore:
        made = ObjectStore(tmp_path / "other")
        add(made, "one", make_folder(tmp_path / "one", {"file": b"1\n"}))
        return made

    @pytest.mark.parametrize("below", ["", "objects.git"])
    def test_in_a_folder_is_not_mirrored(
        self, ck: Session, store: ObjectStore, other: ObjectStore, below: str
    ) -> None:
        answer = ck("mirror", str(other.path / below), code=2)
        assert f"hint: ckstore pull {'file://' if below else ''}{other.path / below}" in answer.err
        assert store.view().head == ""

    def test_that_is_served_is_not_mirrored(self, ck: Session, other: ObjectStore, have_git: str) -> None:
        with serving(other) as server:
            assert f"ckstore pull {server.url}" in ck("mirror", server.url, code=2).err

    def test_that_was_pushed_to_a_repository_of_components_leaves_that_one_as_it_is(
        self, store: ObjectStore, other: ObjectStore, up: Upstream
    ) -> None:
        up.repo.references.create(LOG_REF, up.commit_tree(up.root(up.head), branch="log", parents=[]))
        assert mirror(store, up.url).releases == 1


def test_of_two_that_take_one_name_at_once_the_second_is_told_and_leaves_nothing(
    store: ObjectStore, up: Upstream, tmp_path: Path
) -> None:
    second = Upstream(tmp_path / "there" / "up.git")
    second.commit(native("program/q"))

    class Slow(LibraryGit):
        """Before it asks the second repository, another process mirrors the first."""

        def list_refs(self, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
            if url.text == second.url and read_head(store.path) == "":
                mirror(ObjectStore(store.path), up.url)
            return super().list_refs(git, url, spelling)

    with pytest.raises(Conflict) as refused:
        mirror(store, second.url, engine=Slow())
    assert refused.value.hints == (f"ckstore mirror {second.url} --name <another name>",)
    assert list((store.path / "incoming").iterdir()) == []
    assert mirror(store, second.url).source == "there.up"
