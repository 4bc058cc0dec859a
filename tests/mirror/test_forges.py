"""Asking forges: pages, quota, limits, renamed and deleted repositories, and answers of all bad kinds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ckstore.errors import CkstoreError, InvalidInput, NotFound, Unavailable
from ckstore.mirror.forges import exchange
from ckstore.mirror.forges.answers import Answers
from ckstore.mirror.forges.forge import Forge as Opened
from ckstore.mirror.forges.limits import pause_asked
from ckstore.mirror.forges.opening import open_forge
from ckstore.mirror.forges.patience import Patience
from ckstore.mirror.short import read_short
from tests.mirror.forge_double import Forge, forge

CLONE = "http://127.0.0.1:9/lab/{}.git"


@pytest.fixture
def double() -> Iterator[Forge]:
    with forge() as made:
        for name in ("alpha", "beta", "gamma", "delta", "epsilon"):
            made.has(f"lab/{name}", CLONE.format(name))
        yield made


class Asking:
    """``asking.forge()`` opens the forge of an address; ``lines`` and ``slept`` say how it waited."""

    def __init__(self, double: Forge, folder: Path) -> None:
        self.lines: list[str] = []
        self.slept: list[float] = []
        self._double, self._answers = double, Answers(folder / "answers")

    def forge(self, address: str = "github:lab", patience: float = 100, **environment: str) -> Opened:
        short = read_short(address)
        assert short is not None
        waits = Patience(patience, self.lines.append, self.slept.append)
        name = f"CKSTORE_{short.forge.upper()}_API"
        return open_forge(short, self._answers, waits, {name: f"{self._double.url}/api/v3", **environment})

    def names(self, owner: str = "lab", address: str = "github:lab") -> list[str]:
        return [one.name for one in self.forge(address).repositories(owner)]


@pytest.fixture
def asking(double: Forge, tmp_path: Path) -> Asking:
    return Asking(double, tmp_path)


class TestListing:
    def test_every_page_is_read(self, asking: Asking, double: Forge) -> None:
        assert asking.names() == ["alpha", "beta", "delta", "epsilon", "gamma"]
        assert len(double.asked) == 3
        assert "page 3" in asking.lines[-1]

    def test_what_did_not_change_costs_no_quota(self, asking: Asking, double: Forge) -> None:
        first = asking.names()
        used = double.quota_used
        assert asking.names() == first
        assert double.quota_used == used
        double.has("lab/zeta", CLONE.format("zeta"))
        assert asking.names() == [*first, "zeta"]
        assert double.quota_used == used + 1, "two of three pages are as they were"

    def test_damaged_memory_of_answers_costs_a_request_and_nothing_else(
        self, asking: Asking, double: Forge, tmp_path: Path
    ) -> None:
        asking.names()
        for path in (tmp_path / "answers").iterdir():
            path.write_bytes(path.read_bytes()[:-9])
        used = double.quota_used
        assert len(asking.names()) == 5
        assert double.quota_used == used + 3

    def test_a_user_is_found_where_no_organisation_is(self, asking: Asking, double: Forge) -> None:
        double.users.add("lab")
        assert len(asking.names()) == 5
        assert double.asked[0].startswith("/api/v3/orgs/")

    def test_an_unknown_owner_is_not_found(self, asking: Asking) -> None:
        with pytest.raises(NotFound) as caught:
            asking.names("nobody")
        assert caught.value.code == "no-owner"

    @pytest.mark.parametrize("address", ["gitlab:lab", "gitea:git.example.org/lab", "codeberg:lab"])
    def test_other_kinds_of_forges_are_asked_alike(self, asking: Asking, address: str) -> None:
        assert asking.names(address=address) == ["alpha", "beta", "delta", "epsilon", "gamma"]

    def test_a_repository_that_the_forge_closed_is_left_out(self, asking: Asking, double: Forge) -> None:
        double.repositories["lab/beta"]["disabled"] = True
        assert "beta" not in asking.names()

    def test_one_repository_is_found_under_its_former_name(self, asking: Asking, double: Forge) -> None:
        double.renamed["lab/old"] = "lab/beta"
        found = asking.forge().repository("lab/old")
        assert found is not None
        assert found.url == CLONE.format("beta").removesuffix(".git")
        assert asking.forge().repository("lab/never") is None


class TestLimits:
    @pytest.mark.parametrize("status", [403, 429])
    def test_the_time_to_wait_is_kept_and_shown(self, asking: Asking, double: Forge, status: int) -> None:
        double.first = [(status, {"Retry-After": "3"})]
        assert len(asking.names()) == 5
        assert sum(asking.slept) == 3
        assert [line.rpartition(", ")[2] for line in asking.lines if "waiting" in line] == [
            "waiting 3 s", "waiting 2 s", "waiting 1 s",
        ]  # fmt: skip

    def test_a_reset_in_the_future_is_waited_for(self, asking: Asking, double: Forge) -> None:
        reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 20)}
        double.first = [(403, reset)]
        asking.names()
        assert 15 < sum(asking.slept) < 25

    def test_a_limit_beyond_patience_is_told_with_what_would_help(
        self, asking: Asking, double: Forge
    ) -> None:
        double.first = [(429, {"Retry-After": "3000"})]
        with pytest.raises(Unavailable) as caught:
            asking.names()
        assert caught.value.code == "rate-limited"
        assert "50 minutes" in caught.value.message
        assert asking.slept == []
        assert any("--wait 3000" in hint for hint in caught.value.hints)

    def test_a_host_that_always_says_later_is_given_up_on(self, asking: Asking, double: Forge) -> None:
        double.first = [(429, {"Retry-After": "0"})] * 500
        with pytest.raises(Unavailable) as caught:
            asking.names()
        assert caught.value.code == "rate-limited"
        assert len(double.asked) < 110

    def test_a_host_in_trouble_is_tried_again_with_growing_pauses(
        self, asking: Asking, double: Forge
    ) -> None:
        double.first = [(502, {}), (500, {}), (503, {})]
        assert len(asking.names()) == 5
        assert sum(asking.slept) == 1 + 2 + 4

    def test_a_host_that_stays_in_trouble_is_given_up_on(self, asking: Asking, double: Forge) -> None:
        double.first = [(502, {})] * 9
        with pytest.raises(Unavailable) as caught:
            asking.names()
        assert caught.value.code == "host-unreachable"
        assert len(double.asked) == 4

    @pytest.mark.parametrize(
        ("status", "fields", "pause"),
        [
            (429, {}, 60), (403, {}, None), (200, {"retry-after": "9"}, None), (503, {"retry-after": "9"}, 9),
            (403, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": "1900"}, None),
            (429, {"ratelimit-remaining": "0", "ratelimit-reset": "1030"}, 31),
            (429, {"retry-after": "Thu, 01 Jan 1970 00:17:00 GMT"}, 20), (429, {"retry-after": "soon"}, 60),
            (429, {"retry-after": "9" * 12}, 86400), (403, {"retry-after": "-5"}, None),
        ],
    )  # fmt: skip
    def test_a_pause_is_read_from_what_is_said(
        self, status: int, fields: dict[str, str], pause: float | None
    ) -> None:
        assert pause_asked(status, fields, now=1000) == pause


class TestBadAnswers:
    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b'{"message": "hello"}', b"[1]", b"[{}]", b'[{"full_name": "lab/x"}]',
         b"[" * 200_000, b'\xff\xfe[]', b'[{"full_name": "lab/\\u001b[2J", "clone_url": "https://127.0.0.1/a/b"}]'],
    )  # fmt: skip
    def test_what_is_no_listing_is_refused(self, asking: Asking, double: Forge, body: bytes) -> None:
        double.body = body
        with pytest.raises(Unavailable) as caught:
            asking.names()
        assert caught.value.code == "bad-answer"

    @pytest.mark.parametrize(
        "clone",
        ["file:///etc", "/etc", "ext::sh -c id", "https://evil.example/lab/x", "https://me:pw@127.0.0.1/lab/x",
         "git://127.0.0.1/lab/x", "ssh://127.0.0.1/lab/x", "--upload-pack=touch /tmp/x", "http://127.0.0.1/"],
    )  # fmt: skip
    def test_an_address_that_leads_elsewhere_is_refused(
        self, asking: Asking, double: Forge, clone: str
    ) -> None:
        double.has("lab/x", clone)
        with pytest.raises(Unavailable) as caught:
            asking.names()
        assert caught.value.code == "bad-answer"

    def test_an_endless_answer_is_cut_off(
        self, asking: Asking, double: Forge, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        double.endless = True
        with pytest.raises(Unavailable) as caught:
            exchange.exchange(f"{double.url}/orgs/lab/repos", {}, most=1_000_000)
        assert caught.value.code == "answer-too-large"

    def test_a_dripping_answer_is_cut_off(self, double: Forge) -> None:
        double.drip, double.body = True, b"x" * 100_000
        with pytest.raises(Unavailable) as caught:
            exchange.exchange(f"{double.url}/orgs/lab/repos", {}, seconds=0.3)
        assert caught.value.code == "answer-too-slow"

    @pytest.mark.parametrize(
        "target", ["file:///etc/passwd", "http://192.0.2.1/x", "ftp://127.0.0.1/x", "http://[", "", "//x@y/z"]
    )
    def test_a_redirect_to_elsewhere_is_not_followed(
        self, asking: Asking, double: Forge, target: str
    ) -> None:
        double.first = [(302, {"Location": target})]
        with pytest.raises(Unavailable) as caught:
            asking.names()
        assert caught.value.code == "bad-answer"

    def test_redirects_in_a_circle_end(self, asking: Asking, double: Forge) -> None:
        double.first = [(302, {"Location": "/orgs/lab/repos"})] * 9
        with pytest.raises(Unavailable, match="without end"):
            asking.names()

    @pytest.mark.parametrize(
        "link", ["<http://127.0.0.1:9/x>", "<https://evil.example/p2>", "</other?page=2>"]
    )
    def test_a_next_page_elsewhere_is_not_asked_for(self, asking: Asking, double: Forge, link: str) -> None:
        double.first, double.body = [(200, {"Link": f'{link}; rel="next"'})], b"[]"
        with pytest.raises(CkstoreError) as caught:
            asking.names()
        assert caught.value.code == "bad-answer"

    def test_pages_in_a_circle_end(self, asking: Asking, double: Forge) -> None:
        double.body = b"[]"
        double.first = []
        double.page_size = 1
        double.repositories = {f"lab/{n}": {} for n in range(3)}
        here = f"{double.url}/api/v3/orgs/lab/repos?per_page=100&type=all"
        double.renamed = {}
        double.first = [(200, {"Link": f'<{here}>; rel="next"'})]
        with pytest.raises(Unavailable) as caught:
            asking.names()
        assert caught.value.code == "bad-answer"


class TestTokens:
    def test_a_token_from_the_environment_goes_to_its_host_alone(
        self, asking: Asking, double: Forge, tmp_path: Path
    ) -> None:
        double.token = "s3cret"
        given = {"CKSTORE_TOKEN": "s3cret", "CKSTORE_TOKEN_HOST": "127.0.0.1"}
        assert len(asking.forge(**given).repositories("lab")) == 5  # type: ignore[arg-type]  # the rest is environment
        assert set(double.tokens) == {"Bearer s3cret"}
        assert not [path for path in (tmp_path / "answers").iterdir() if b"s3cret" in path.read_bytes()]

    def test_a_token_of_another_host_is_not_sent(self, asking: Asking, double: Forge) -> None:
        asking.forge(GITHUB_TOKEN="s3cret", CKSTORE_TOKEN="other").repositories("lab")
        assert set(double.tokens) == {""}

    def test_a_redirect_to_another_host_takes_no_token_along(self, asking: Asking, double: Forge) -> None:
        given = {"CKSTORE_TOKEN": "s3cret", "CKSTORE_TOKEN_HOST": "127.0.0.1"}
        with forge() as other:
            other.has("lab/alpha", CLONE.format("alpha"))
            double.first = [(307, {"Location": f"{other.url}/orgs/lab/repos"})]
            asking.forge(**given).repositories("lab")  # type: ignore[arg-type]  # the rest is environment
            assert double.tokens == ["Bearer s3cret"]
            assert other.tokens == [""]

    def test_an_error_never_repeats_the_token(self, asking: Asking, double: Forge) -> None:
        double.first = [(401, {})]
        given = {"CKSTORE_TOKEN": "s3cret", "CKSTORE_TOKEN_HOST": "127.0.0.1"}
        with pytest.raises(Unavailable) as caught:
            asking.forge(**given).repositories("lab")  # type: ignore[arg-type]  # the rest is environment
        assert caught.value.code == "authentication-needed"
        assert "s3cret" not in str(caught.value.as_plain())


class TestWhere:
    @pytest.mark.parametrize(
        ("address", "base"),
        [
            ("github:lab", "https://api.github.com"), ("github:git.example.org/lab", "https://git.example.org/api/v3"),
            ("gitlab:lab", "https://gitlab.com/api/v4"), ("gitlab:git.example.org:8443/a", "https://git.example.org:8443/api/v4"),
            ("codeberg:lab", "https://codeberg.org/api/v1"), ("forgejo:git.example.org/lab", "https://git.example.org/api/v1"),
        ],
    )  # fmt: skip
    def test_every_forge_has_its_usual_place(self, address: str, base: str) -> None:
        short = read_short(address)
        assert short is not None
        opened = open_forge(short, None, Patience(), {})
        assert opened._client.base == base

    @pytest.mark.parametrize(
        "base",
        ["http://git.example.org", "ftp://127.0.0.1", "https://", "https://a b", "https://me:pw@h/x", "x"],
    )
    def test_an_interface_is_asked_over_https(self, base: str) -> None:
        short = read_short("github:lab")
        assert short is not None
        with pytest.raises(InvalidInput) as caught:
            open_forge(short, None, Patience(), {"CKSTORE_GITHUB_API": base})
        assert "pw" not in caught.value.message

    @pytest.mark.parametrize(
        "text", ["github:", "github:a/b/c", "gitea:lab", "github:..", "gitlab:a b", "github:-x"]
    )
    def test_malformed_short_addresses_are_refused(self, text: str) -> None:
        with pytest.raises(InvalidInput):
            read_short(text)


def test_mirroring_by_address_imports_no_http() -> None:
    code = "import sys, ckstore.operations.mirror_plan as it; print('urllib.request' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
