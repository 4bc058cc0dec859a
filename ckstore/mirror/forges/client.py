"""Asking a forge: pages, conditional requests, limits that are waited for, failures that are tried again.

Nothing here trusts the other side: an answer has a greatest size and a longest time, redirects lead to
encrypted addresses only and take no token to another host, pages stay where the first one was.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from ckstore.errors import CkstoreError, NotFound, Unavailable
from ckstore.mirror.forges.answers import Answers, Remembered
from ckstore.mirror.forges.exchange import Reply, exchange
from ckstore.mirror.forges.forge import malformed
from ckstore.mirror.forges.limits import pause_asked
from ckstore.mirror.forges.patience import Patience
from ckstore.mirror.tokens import Secrets
from ckstore.mirror.urls import is_loopback

_MOST_REDIRECTS = 5
_MOST_PAGES = 1000
_TRIES = 4
_NEXT = re.compile(r'<([^<>]*)>\s*;[^<>]*?\brel="?next"?')
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed JSON value; ``following`` is the address of the next page, empty on the last one."""

    value: Any
    following: str = ""


@dataclass(slots=True)
class Client:
    """Asks below ``base``. ``scheme`` is the word before the token in the Authorization field."""

    base: str
    secrets: Secrets
    answers: Answers | None
    patience: Patience
    scheme: str = "Bearer"
    _token: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._token = self.secrets.given()

    def pages(self, path: str, headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """The values of all pages, from ``path`` on."""
        address, seen = self.base + path, set[str]()
        while address:
            if address in seen or len(seen) >= _MOST_PAGES:
                raise malformed("its pages have no end")
            seen.add(address)
            self.patience.progress(f"{_host(self.base)}: page {len(seen)} of repositories")
            answer = self.get(address.removeprefix(self.base), headers)
            yield answer.value
            address = answer.following
            if address and not address.startswith(f"{self.base}/"):
                raise malformed(f"its next page is outside of its interface, at {_host(address)}")

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The JSON at ``path`` (from the base on). ``NotFound`` for 404, ``Unavailable`` for the rest."""
        address = self.base + path
        known = self.answers.recall(address) if self.answers else None
        reply = self._ask(address, {**(headers or {}), **({"If-None-Match": known.etag} if known else {})})
        if reply.status == 304 and known is not None:
            return Answer(_parse(known.body), known.following)
        following = _following(reply, address)
        answer = Answer(_parse(reply.body), following)
        if self.answers and reply.fields.get("etag"):
            self.answers.remember(address, Remembered(reply.fields["etag"], following, reply.body))
        return answer

    def _ask(self, address: str, headers: dict[str, str]) -> Reply:
        """A reply of status 200 or 304; others are waited for, tried again or raised."""
        for attempt in range(_TRIES):
            reply, failed = self._try(address, headers)
            if reply is not None:
                return reply
            last = attempt == _TRIES - 1
            if last or not self.patience.wait(2.0**attempt, _host(self.base), "no answer"):
                break
        raise failed

    def _try(self, address: str, headers: dict[str, str]) -> tuple[Reply | None, CkstoreError]:
        """A usable reply, or what went wrong and may be tried again. Waits for limits as they say."""
        while True:
            try:
                reply = self._follow(address, headers)
            except Unavailable as error:
                if error.code not in ("host-unreachable", "transfer-cut"):
                    raise
                return None, error
            failed = self._failure(reply)
            if reply.status in (200, 304):
                return reply, failed
            if self._found_token(reply.status):
                continue
            pause = pause_asked(reply.status, reply.fields, time.time())
            if pause is None and reply.status < 500:
                raise failed
            if pause is None:
                return None, failed
            self._wait(max(pause, 1.0), failed)

    def _found_token(self, status: int) -> bool:
        """Look for a token where that costs something, once, when there is a reason to."""
        if self._token or status not in (401, 403, 404, 429):
            return False
        self._token = self.secrets.stored()
        return bool(self._token)

    def _wait(self, pause: float, failed: CkstoreError) -> None:
        if not self.patience.wait(pause, _host(self.base), "limit of requests reached"):
            raise Unavailable(
                f"{_host(self.base)} answers no more requests for {_duration(pause)}.",
                code="rate-limited",
                hints=[
                    "a token raises the limit: set GITHUB_TOKEN, GITLAB_TOKEN or CKSTORE_TOKEN",
                    f"wait for it: --wait {pause:.0f}",
                ],
                details={**failed.details, "seconds": int(pause)},
            )

    def _follow(self, address: str, headers: dict[str, str]) -> Reply:
        start = address
        for _ in range(_MOST_REDIRECTS):
            own = _origin(address) == _origin(self.base)
            secret = {"Authorization": f"{self.scheme} {self._token}"} if self._token and own else {}
            reply = exchange(address, {**headers, **secret})
            if reply.status not in _REDIRECTS:
                return reply
            address = _target(address, reply.fields.get("location", ""))
        raise malformed(f"{_host(start)} redirects without end")

    def _failure(self, reply: Reply) -> CkstoreError:
        host, details = _host(self.base), {"status": reply.status, "url": reply.address}
        if reply.status in (404, 410, 451):
            return NotFound(f"{host} knows nothing of this name.", code="no-owner", details=details,
                            hints=["check the spelling", "what is private needs a token"])  # fmt: skip
        if reply.status in (401, 403):
            return Unavailable(
                f"{host} refuses: it wants {'another' if self._token else 'a'} token.",
                code="authentication-needed", details=details,
                hints=["set GITHUB_TOKEN, GITLAB_TOKEN or CKSTORE_TOKEN (with CKSTORE_TOKEN_HOST)"],
            )  # fmt: skip
        return Unavailable(
            f"{host} answers with status {reply.status}.", code="host-unreachable", details=details,
            hints=["repeat later", "or name the repositories one by one"],
        )  # fmt: skip


def _target(address: str, location: str) -> str:
    """Where a redirect leads: https from anywhere, http only between addresses of this very machine."""
    try:
        target = urljoin(address, location)
        parts = urlsplit(target)
        local = is_loopback(parts.hostname or "") and is_loopback(urlsplit(address).hostname or "")
        allowed = bool(parts.hostname) and parts.username is None and bool(location)
    except ValueError:
        raise malformed("it redirects to a malformed address") from None
    if not allowed or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise malformed(f"it redirects to {parts.scheme or 'nothing'}://, which is not followed")
    return target


def _following(reply: Reply, address: str) -> str:
    found = _NEXT.search(reply.fields.get("link", ""))
    try:
        return urljoin(address, found[1]) if found else ""
    except ValueError:
        raise malformed("its next page has a malformed address") from None


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise malformed("it is not JSON") from None


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()


def _host(address: str) -> str:
    return urlsplit(address).hostname or "the forge"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
