"""Owners, updates and what repositories need: many mirrors at once, against a forge and a git server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pygit2
import pytest

from ckstore import Store
from ckstore.cli.main import main
from ckstore.errors import InvalidInput, NotFound
from ckstore.mirror.library_git import LibraryGit
from ckstore.mirror.quarantine import Quarantine
from ckstore.mirror.remote import Engine
from ckstore.mirror.transport import bring
from ckstore.mirror.urls import RemoteUrl
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import MirrorReport, mirror
from ckstore.operations.mirror_deps import Dependencies
from ckstore.operations.mirror_many import Board, Job, Outcome, mirror_many
from ckstore.operations.mirror_update import jobs_of_update
from tests.cli.session import Session
from tests.mirror.forge_double import Forge, forge
from tests.mirror.server import GitServer, serving
from tests.mirror.upstream import Upstream, lines, native

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture
def ups(tmp_path: Path) -> dict[str, Upstream]:
    """Repositories of the owner ``lab``, each with one component that is called as it is."""
    made = {name: Upstream(tmp_path / "served" / "lab" / f"{name}.git") for name in NAMES}
    for name, up in made.items():
        up.commit(native(f"program/{name}"))
    return made


@pytest.fixture
def server(ups: dict[str, Upstream], tmp_path: Path, have_git: str) -> Iterator[GitServer]:
    with serving(tmp_path / "served") as running:
        yield running


@pytest.fixture
def lab(server: GitServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    with forge() as made:
        for name in NAMES:
            made.has(f"lab/{name}", f"{server.url}/lab/{name}.git")
        monkeypatch.setenv("CKSTORE_GITHUB_API", f"{made.url}/api/v3")
        yield made


@pytest.fixture
def ck(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Session:
    """A person at a prompt, with the store of the fixture ``store``."""
    monkeypatch.setenv("CKSTORE_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return Session(tmp_path, capsys)


def names(store: ObjectStore) -> list[str]:
    return [source.name for source in store.view().sources() if source.kind == "git"]


class TestOwners:
    def test_every_repository_of_an_owner_is_mirrored(
        self, ck: Session, lab: Forge, store: ObjectStore
    ) -> None:
        answer = ck("mirror", "github:lab")
        assert sorted(line.partition(":")[0] for line in answer.out.splitlines()) == list(NAMES)
        assert names(store) == list(NAMES)
        assert list(lines(store, "beta")) == ["program:beta"]

    def test_the_second_time_costs_no_quota_and_finds_nothing_new(
        self, ck: Session, lab: Forge, store: ObjectStore
    ) -> None:
        ck("mirror", "github:lab")
        used, head = lab.quota_used, store.view().head
        assert [entry["unchanged"] for entry in ck("mirror", "github:lab", "--json").json] == [True] * 3
        assert (lab.quota_used, store.view().head) == (used, head)

    @pytest.mark.parametrize(
        ("words", "chosen"),
        [
            (["--match", "a*"], ["alpha"]),
            (["--match", "A*", "--match", "*mm*"], ["alpha", "gamma"]),
            (["--topic", "Science"], ["beta"]),
            (["--topic", "science", "--topic", "art"], ["beta", "gamma"]),
            (["--topic", "art", "--match", "b*"], []),
            (["--no-archived"], ["alpha", "gamma"]),
            (["--forks"], ["alpha", "beta", "fork", "gamma"]),
            ([], ["alpha", "beta", "gamma"]),
        ],
    )
    def test_what_is_wanted_is_chosen_and_a_dry_run_only_lists_it(
        self, ck: Session, lab: Forge, store: ObjectStore, words: list[str], chosen: list[str]
    ) -> None:
        lab.repositories["lab/beta"] |= {"topics": ["science"], "archived": True}
        lab.repositories["lab/gamma"] |= {"topics": ["art"]}
        fork = lab.repositories["lab/alpha"]["clone_url"].replace("alpha", "fork")
        lab.has("lab/fork", fork, fork=True)
        listed = ck("mirror", "github:lab", "--dry-run", "--json", *words).json
        assert [entry["url"].rpartition("/")[2] for entry in listed] == chosen
        assert names(store) == []

    def test_an_empty_repository_is_said_and_is_no_failure(
        self, ck: Session, lab: Forge, tmp_path: Path, server: GitServer
    ) -> None:
        Upstream(tmp_path / "served" / "lab" / "new.git")
        lab.has("lab/new", f"{server.url}/lab/new.git")
        answer = ck("mirror", "github:lab")
        assert "new" in answer.err
        assert "empty" in answer.err

    def test_a_renamed_repository_continues_as_the_same_source(
        self, ck: Session, lab: Forge, server: GitServer, store: ObjectStore, ups: dict[str, Upstream]
    ) -> None:
        ck("mirror", "github:lab")
        former = lab.repositories.pop("lab/beta")["clone_url"]
        lab.has("lab/omega", f"{server.url}/lab/omega.git")
        lab.renamed["lab/beta"] = "lab/omega"
        ups["beta"].path.rename(ups["beta"].path.with_name("omega.git"))
        answer = ck("mirror", "github:lab", "--dry-run")
        assert "continues beta" in answer.out
        answer = ck("mirror", "github:lab")
        assert f"the repository was at {former.removesuffix('.git')}" in answer.out
        assert names(store) == list(NAMES)
        source = store.view().source("beta")
        assert source is not None
        assert source.url == f"{server.url}/lab/omega"
        assert lines(store, "beta")["program:beta"].versions == ("1.0.0",)
        assert all(entry["unchanged"] for entry in ck("mirror", "--update", "--json").json)

    def test_a_deleted_repository_keeps_everything_and_is_said_to_be_gone(
        self, ck: Session, lab: Forge, store: ObjectStore
    ) -> None:
        ck("mirror", "github:lab")
        del lab.repositories["lab/beta"]
        answer = ck("mirror", "github:lab")
        assert "beta: its repository is gone" in answer.out
        assert list(lines(store, "beta")) == ["program:beta"]
        assert {"source": "beta", "gone": True}.items() <= ck("mirror", "github:lab", "--json").json[
            -1
        ].items()

    def test_one_that_fails_does_not_stop_the_others(
        self, ck: Session, lab: Forge, server: GitServer, store: ObjectStore
    ) -> None:
        lab.has("lab/broken", f"{server.url}/lab/broken.git")
        answer = ck("mirror", "github:lab", "--jobs", "2", code=10)
        assert "broken: There is no repository at" in answer.err
        assert "1 failed, 3 done" in answer.err
        assert names(store) == list(NAMES)

    def test_an_unknown_owner_is_said_with_its_host(self, ck: Session, lab: Forge) -> None:
        assert "github.com has no owner 'nobody'" in ck("mirror", "github:nobody", code=10).err

    def test_two_repositories_of_one_name_get_different_sources(
        self, ck: Session, lab: Forge, server: GitServer, tmp_path: Path, store: ObjectStore
    ) -> None:
        Upstream(tmp_path / "served" / "other" / "alpha.git").commit(native("program/x"))
        ck("mirror", f"{server.url}/lab/alpha", f"{server.url}/other/alpha")
        assert sorted(names(store)) == ["alpha", "other.alpha"]

    def test_a_path_in_gitlab_may_be_a_project(
        self, ck: Session, lab: Forge, monkeypatch: pytest.MonkeyPatch, store: ObjectStore
    ) -> None:
        monkeypatch.setenv("CKSTORE_GITLAB_API", f"{lab.url}/api/v3")
        ck("mirror", "gitlab:lab/beta")
        assert names(store) == ["beta"]

    def test_a_name_is_for_one_repository(self, ck: Session, lab: Forge) -> None:
        assert "--name" in ck("mirror", "github:lab", "--name", "x", code=2).err


class TestUpdates:
    def test_everything_known_is_brought_up_to_date(
        self, ck: Session, server: GitServer, ups: dict[str, Upstream]
    ) -> None:
        ck("mirror", *(f"{server.url}/lab/{name}" for name in NAMES))
        ups["gamma"].commit(native("program/gamma", body="new"))
        found = {entry["source"]: entry["releases"] for entry in ck("mirror", "--update", "--json").json}
        assert found == {"alpha": 0, "beta": 0, "gamma": 1}

    def test_the_first_failure_is_the_exit_code_and_the_others_are_done(
        self, ck: Session, server: GitServer, ups: dict[str, Upstream]
    ) -> None:
        ck("mirror", *(f"{server.url}/lab/{name}" for name in NAMES))
        ups["gamma"].commit(native("program/gamma", body="new"))
        ups["alpha"].path.rename(ups["alpha"].path.with_name("elsewhere"))
        answer = ck("mirror", "--update", code=10)
        assert "gamma: 1 component" in answer.out
        assert "alpha: There is no repository" in answer.err
        assert "what was mirrored stays" in answer.err

    def test_the_python_door_updates_too(self, store: ObjectStore, ups: dict[str, Upstream]) -> None:
        door = Store(store.path)
        for name in NAMES:
            door.mirror(ups[name].url)
        ups["beta"].commit(native("program/beta", body="new"))
        found = [outcome.report.releases for outcome in door.update() if outcome.report]
        assert found == [0, 1, 0]
        assert [outcome.source for outcome in door.update("gamma")] == ["gamma"]

    def test_one_source_is_named(self, ck: Session, server: GitServer, store: ObjectStore) -> None:
        ck("mirror", *(f"{server.url}/lab/{name}" for name in NAMES))
        assert [job.name for job in jobs_of_update(store, ["beta"])] == ["beta"]
        assert [job.name for job in jobs_of_update(store, [f"{server.url}/lab/beta.git"])] == ["beta"]
        with pytest.raises(NotFound) as caught:
            jobs_of_update(store, ["betta"])
        assert "did you mean beta?" in caught.value.hints

    def test_a_source_that_is_no_repository_cannot_be_updated(self, ck: Session, store: ObjectStore) -> None:
        ck.write("dataset/x/component.toml", "")
        ck("add", "dataset/x", "--kind", "dataset", "--name", "x")
        [folder] = [source for source in store.view().sources() if source.kind == "folder"]
        with pytest.raises(InvalidInput):
            jobs_of_update(store, [folder.name])
        assert jobs_of_update(store) == []

    def test_without_an_address_the_way_on_is_said(self, ck: Session) -> None:
        assert "--update" in ck("mirror", code=2).err


class TestNeeds:
    @staticmethod
    def needing(up: Upstream, *needs: str) -> None:
        up.commit({"cmr.yaml": "\n".join(["alias: x", "deps:", *(f"- {need}" for need in needs)])})

    def test_what_a_repository_needs_comes_along_in_circles_too(
        self, ck: Session, server: GitServer, ups: dict[str, Upstream], store: ObjectStore
    ) -> None:
        self.needing(ups["alpha"], f"{{alias: beta, url: {server.url}/lab/beta.git}}")
        self.needing(ups["beta"], "{alias: gamma}")
        self.needing(ups["gamma"], f"{{alias: a, url: {server.url}/lab/alpha}}")
        answer = ck("mirror", f"{server.url}/lab/alpha", "--deps", "--at", f"{server.url}/lab/{{name}}")
        told = [line.partition(":")[0] for line in answer.out.splitlines() if not line.startswith(" ")]
        assert told == ["alpha", "beta", "gamma"]
        assert names(store) == list(NAMES)

    def test_what_is_not_found_is_named_and_the_rest_is_done(
        self, ck: Session, server: GitServer, ups: dict[str, Upstream], store: ObjectStore
    ) -> None:
        self.needing(
            ups["alpha"], f"{{alias: x, url: {server.url}/lab/nothing}}", f"{{url: {server.url}/lab/beta}}",
            "{uid: 0123456789abcdef}", "{alias: y, url: 'ext::sh -c id'}",
        )  # fmt: skip
        answer = ck("mirror", f"{server.url}/lab/alpha", "--deps", code=10)
        assert "nothing: There is no repository" in answer.err
        assert "alpha needs the repository 0123456789abcdef" in answer.err
        assert names(store) == ["alpha", "beta"]

    def test_a_repository_cannot_make_us_read_a_folder(
        self, ups: dict[str, Upstream], store: ObjectStore
    ) -> None:
        self.needing(ups["alpha"], f"{{alias: x, url: {ups['beta'].url}}}")
        report = mirror(store, ups["alpha"].url)
        follow = Dependencies()
        assert follow(store, report) == []
        assert "is a folder" in follow.unmet[0].message

    def test_one_from_outside_cannot_lead_into_our_own_network(
        self, ups: dict[str, Upstream], store: ObjectStore
    ) -> None:
        self.needing(ups["alpha"], "{alias: x, url: 'http://127.0.0.1:9/x/y'}")
        report = mirror(store, ups["alpha"].url)
        follow = Dependencies()
        assert (
            follow(store, replace(report, url="https://203.0.113.1/lab/alpha")) != []
        )  # not of the internet
        assert follow(store, replace(report, url="https://8.8.8.8/lab/alpha")) == []
        assert [need.message for need in follow.unmet] == [
            "alpha (https://8.8.8.8/lab/alpha) needs http://127.0.0.1:9/x/y, which is inside this machine's"
            " own network: mirror it yourself if you want it"
        ]

    @pytest.mark.parametrize("place", ["https://example.org/x", "file://{name}", "file:///{name}", "{name}"])
    def test_a_place_without_a_name_or_within_this_machine_is_refused(self, ck: Session, place: str) -> None:
        assert "like https://" in ck("mirror", "https://example.org/x/y", "--deps", "--at", place, code=2).err

    def test_json_names_what_is_not_followed(self, ck: Session, ups: dict[str, Upstream]) -> None:
        self.needing(ups["alpha"], "{uid: 0123456789abcdef}", f"{{alias: x, url: {ups['beta'].url}}}")
        entries = ck("mirror", ups["alpha"].url, "--deps", "--json").json
        unmet = [entry for entry in entries if entry.get("error") == "need-not-followed"]
        assert [(entry["needed_by"], entry["name"], entry["uid"], entry["url"]) for entry in unmet] == [
            ("alpha", "", "0123456789abcdef", ""), ("alpha", "x", "", ups["beta"].url),
        ]  # fmt: skip
        assert "is a folder" in unmet[1]["message"]

    @pytest.mark.parametrize("again", [False, True])
    def test_needs_that_cannot_be_read_are_a_failure(
        self, ck: Session, ups: dict[str, Upstream], store: ObjectStore, again: bool
    ) -> None:
        up = ups["alpha"]
        self.needing(up, "{alias: beta}")
        lost = up.at("program/alpha/main.c")
        up.commit({"program/alpha/main.c": "another"})
        up.lose(lost)
        if again:
            ck("mirror", up.url)
        answer = ck("mirror", up.url, "--deps", code=13)
        assert answer.out.startswith("alpha: ")
        assert "What alpha needs cannot be read" in answer.err
        entries = ck("mirror", up.url, "--deps", "--json", code=13).json
        assert [entry.get("error") for entry in entries] == [None, "needs-unreadable"]


class TestTogether:
    def test_a_repository_that_is_named_twice_is_mirrored_once(
        self, store: ObjectStore, ups: dict[str, Upstream]
    ) -> None:
        url = ups["alpha"].url
        outcomes = mirror_many(store, [Job(url), Job(url), Job(str(ups["alpha"].path))])
        assert len(outcomes) == 1

    def test_many_at_once_leave_the_store_as_one_after_the_other(
        self, tmp_path: Path, ups: dict[str, Upstream]
    ) -> None:
        one, two = ObjectStore(tmp_path / "one"), ObjectStore(tmp_path / "two")
        jobs = [Job(up.url) for up in ups.values()]
        mirror_many(one, jobs, at_once=1)
        mirror_many(two, jobs, at_once=3, engine=LibraryGit())
        for name in NAMES:
            [a], [b] = list(one.view().components(name)), list(two.view().components(name))
            assert a.encode() == b.encode()

    @pytest.mark.parametrize(
        "error", [OSError(28, "No space left on device"), pygit2.GitError("odd"), ValueError("unforeseen")]
    )
    def test_an_error_that_nobody_foresaw_costs_one_job(
        self, store: ObjectStore, ups: dict[str, Upstream], monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        def receive(engine: Engine, incoming: Quarantine, url: RemoteUrl, *rest: Any) -> None:
            if url.name == "alpha":
                raise error
            bring(engine, incoming, url, *rest)

        monkeypatch.setattr("ckstore.operations.mirror_work.bring", receive)
        first, *others = mirror_many(store, [Job(up.url) for up in ups.values()], at_once=1)
        assert first.error is not None
        assert (first.error.code, first.error.exit_code) == ("job-failed", 13)
        assert "alpha was not mirrored: " in first.error.message
        assert [outcome.error for outcome in others] == [None, None]
        monkeypatch.undo()
        assert mirror_many(store, [Job(ups["alpha"].url)])[0].error is None

    def test_an_error_while_needs_are_read_costs_what_it_needs(
        self, store: ObjectStore, ups: dict[str, Upstream]
    ) -> None:
        def follow(store: ObjectStore, report: MirrorReport) -> list[Job]:
            raise OSError(5, "Input/output error")

        outcomes = mirror_many(store, [Job(ups["alpha"].url), Job(ups["beta"].url)], follow=follow)
        assert names(store) == ["alpha", "beta"]
        assert [outcome.error.code for outcome in outcomes if outcome.error] == ["job-failed"] * 2

    def test_stopping_ends_all_of_them_and_leaves_a_whole_store(
        self, store: ObjectStore, ups: dict[str, Upstream]
    ) -> None:
        def stop(outcome: Outcome) -> None:
            raise KeyboardInterrupt

        jobs = [Job(up.url) for up in ups.values()]
        before = threading.active_count()
        with pytest.raises(KeyboardInterrupt):
            mirror_many(store, jobs, at_once=1, done=stop)
        assert threading.active_count() == before
        assert len(names(store)) < len(jobs)
        assert len(mirror_many(store, jobs)) == 3
        assert names(store) == list(NAMES)

    def test_progress_of_several_is_one_line(self) -> None:
        told: list[str] = []
        board = Board(told.append)
        board.expect()
        board.expect()
        board.tell("a", "receiving 3 %")
        board.tell("b", "reading")
        assert told[-1] == "0/2 done · a: receiving 3 % · b: reading"
        board.end("a")
        assert told[-1] == "1/2 done · b: reading"


def test_help_names_what_an_address_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mirror", "--help"]) == 0
    assert "github:OWNER" in capsys.readouterr().out
