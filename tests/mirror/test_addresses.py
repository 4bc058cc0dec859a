"""Addresses of repositories: one spelling for each, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, NotFound
from ckstore.mirror.tokens import token_for
from ckstore.mirror.urls import parse_url


@pytest.mark.parametrize(
    "text",
    [
        "https://github.com/ctuning/ck-env",
        "https://github.com/ctuning/ck-env.git",
        "https://github.com/ctuning/ck-env/",
        "https://GitHub.com:443/ctuning//ck-env.git/",
        "HTTPS://github.com/ctuning/ck%2Denv",
        "github:ctuning/ck-env",
        " github:ctuning/ck-env.git ",
    ],
)
def test_equal_repositories_have_equal_text(text: str) -> None:
    url = parse_url(text)
    assert url.text == "https://github.com/ctuning/ck-env"
    assert (url.name, url.long_name, url.kind) == ("ck-env", "ctuning.ck-env", "network")


def test_the_short_form_of_ssh_is_the_long_one() -> None:
    assert parse_url("git@host.org:owner/repo.git").text == parse_url("ssh://git@HOST.org:22/owner/repo").text


def test_a_path_relative_to_a_home_folder_is_not_the_same_from_the_root() -> None:
    assert parse_url("me@host.org:repo").text == "ssh://me@host.org/~/repo"
    assert parse_url("me@host.org:/srv/repo").text == "ssh://me@host.org/srv/repo"


def test_the_spelling_that_was_asked_is_tried_first() -> None:
    url = parse_url("http://localhost:8080/a/b.git")
    assert url.spellings == ("http://localhost:8080/a/b.git", "http://localhost:8080/a/b")


def test_a_folder_is_an_address_by_path_and_by_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my repo.git"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    by_url = parse_url(folder.as_uri())
    assert parse_url(str(folder)).text == parse_url("./my repo.git").text == by_url.text
    assert by_url.kind == "folder"
    assert by_url.folder == folder
    assert by_url.name == "", "a name with a blank is not for the command line"


def test_the_git_folder_of_a_checkout_is_the_checkout(tmp_path: Path) -> None:
    (tmp_path / "work" / ".git").mkdir(parents=True)
    assert parse_url(str(tmp_path / "work" / ".git")).text == parse_url(str(tmp_path / "work")).text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-url"),
        ("-oProxyCommand=x", "bad-url"),
        ("--upload-pack=x", "bad-url"),
        ("ext::sh -c x", "bad-url"),
        ("ext::sh", "refused-transport"),
        ("fd::17", "refused-transport"),
        ("git-remote-x::https://h/r", "refused-transport"),
        ("ftp://host/repo", "bad-scheme"),
        ("httsp://host/repo", "bad-scheme"),
        ("https:///owner/repo", "bad-url"),
        ("https://-host/repo", "bad-url"),
        ("ssh://-oProxyCommand=x/repo", "bad-url"),
        ("ssh://git@host/-repo", "bad-url"),
        ("https://host/a/../b", "bad-url"),
        ("https://host/a/%2e%2e/b", "bad-url"),
        ("https://host/a%0aHost:evil", "bad-url"),
        ("https://host/a\nb", "bad-url"),
        ("https://host/a b", "bad-url"),
        ("https://host:99999/a", "bad-url"),
        ("https://host:x/a", "bad-url"),
        ("https://host/a?b=c", "bad-url"),
        ("https://host/a#b", "bad-url"),
        ("https://host", "no-repository-in-url"),
        ("https://host/.git", "no-repository-in-url"),
        ("file://otherhost/path", "bad-url"),
        ("file://relative", "bad-url"),
        ("ctuning/ck-env", "bad-url"),
        ("nowhere", "bad-url"),
        ("github:nosuch", "no-repository-in-url"),
        ("github:", "bad-url"),
        ("github:a/b/c", "bad-url"),
        ("github:a/b c", "bad-url"),
    ],
)
def test_what_is_not_an_address_is_refused(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_url(text)
    assert caught.value.code == code
    assert caught.value.hints


def test_a_malformed_short_form_is_told_the_form() -> None:
    with pytest.raises(InvalidInput, match="'github:a/b/c' is not of the form github:owner/repo"):
        parse_url("github:a/b/c")


@pytest.mark.parametrize("text", ["/nowhere/at/all", "./nowhere", "../nowhere", "~/nowhere"])
def test_a_folder_that_is_not_there_is_not_found(text: str) -> None:
    with pytest.raises(NotFound) as caught:
        parse_url(text)
    assert caught.value.code == "no-folder"


def test_a_file_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    for text in ("file", str(tmp_path / "file")):
        with pytest.raises(NotFound, match="is not a folder"):
            parse_url(text)


@pytest.mark.parametrize("login", ["me:s3cret", "s3cret", ":s3cret", "s3cret:"])
@pytest.mark.parametrize("scheme", ["https", "http", "git"])
def test_credentials_are_refused_and_never_repeated(login: str, scheme: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_url(f"{scheme}://{login}@github.com/owner/repo")
    assert caught.value.code == "credentials-in-url"
    assert "s3cret" not in str(caught.value.as_plain())


def test_a_password_for_ssh_is_refused() -> None:
    with pytest.raises(InvalidInput, match="credentials"):
        parse_url("ssh://git:s3cret@host/repo")


def test_near_misses_are_suggested() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_url("ctuning/ck-env")
    assert "github:ctuning/ck-env" in caught.value.hints[0]
    with pytest.raises(InvalidInput) as caught:
        parse_url("github.com/ctuning/ck-env")
    assert "https://github.com/ctuning/ck-env" in caught.value.hints[0]


def test_unencrypted_transport_is_noted_except_on_this_machine() -> None:
    assert "not encrypted" in parse_url("http://example.org/r").note
    assert parse_url("http://127.0.0.1:8000/r").note == ""
    assert parse_url("http://[::1]:8000/r").note == ""


def test_an_address_may_give_no_name() -> None:
    assert parse_url("https://host/con").name == ""
    assert parse_url("https://host/a:b").name == ""


def test_a_token_goes_to_its_own_host_only() -> None:
    given = {"GITHUB_TOKEN": "g", "CKSTORE_TOKEN": "c", "CKSTORE_TOKEN_HOST": "Forge.example.org"}
    assert token_for(parse_url("https://github.com/a/b"), given) == "g"
    assert token_for(parse_url("https://forge.example.org/a/b"), given) == "c"
    assert token_for(parse_url("https://github.com.evil.org/a/b"), given) == ""
    assert token_for(parse_url("http://github.com/a/b"), given) == ""
    assert token_for(parse_url("https://github.com/a/b"), {"CKSTORE_TOKEN": "c"}) == "c"
    assert token_for(parse_url("https://github.com/a/b"), {"GITHUB_TOKEN": "a\nX: y"}) == ""
