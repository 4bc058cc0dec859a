"""What a forge is to us: something that lists the repositories of an owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from ckstore.errors import CkstoreError, Unavailable
from ckstore.mirror.urls import is_loopback, parse_url


@dataclass(frozen=True, slots=True)
class Listed:
    """A repository as its forge describes it. ``path`` is ``owner/name``, ``url`` our canonical address."""

    path: str
    url: str
    topics: tuple[str, ...] = ()
    fork: bool = False
    archived: bool = False
    empty: bool = False

    @property
    def name(self) -> str:
        """The last step of the path."""
        return self.path.rpartition("/")[2]

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "path": self.path, "url": self.url, "topics": list(self.topics), "fork": self.fork,
            "archived": self.archived, "empty": self.empty,
        }  # fmt: skip


class Forge(Protocol):
    """Both methods raise ``Unavailable`` when there is no answer, or the limit of requests is reached."""

    host: str

    def repositories(self, owner: str) -> list[Listed]:
        """Everything that the owner has, by path; ``NotFound`` when there is no such owner."""

    def repository(self, path: str) -> Listed | None:
        """One repository, under its present path and address; None when it is gone."""


def listed(value: Any, names: Mapping[str, str], hosts: set[str]) -> Listed | None:
    """A repository from a JSON object; ``names`` says which fields mean what. None for one without code.

    An answer is data of others: an address on another host than ``hosts``, or of a protocol that could
    reach into this machine, is refused, so that no listing makes us fetch something else.
    """
    if not isinstance(value, dict):
        raise malformed("a repository is not an object")
    path, clone = _text(value, names["path"]), _text(value, names["url"])
    if not path or not clone:
        raise malformed("a repository has no name or no address")
    try:
        url = parse_url(clone)
    except CkstoreError as error:
        raise malformed(f"{path}: {error.message}") from error
    if url.host not in hosts or not (
        url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))
    ):
        raise malformed(f"{path} is said to be at {url.text}")
    return Listed(
        path,
        url.text,
        _texts(value.get(names["topics"])),
        fork=bool(value.get(names["fork"])),
        archived=bool(value.get("archived")),
        empty=bool(value.get(names["empty"], False)),
    )


def rows(value: Any) -> list[Any]:
    """A page is a list."""
    if not isinstance(value, list):
        raise malformed("a page is not a list")
    return value


def host_of(base: str) -> str:
    """The host name of an address, lower case."""
    return urlsplit(base).hostname or ""


def malformed(what: str) -> CkstoreError:
    """The forge said something that makes no sense."""
    return Unavailable(
        f"The forge's answer cannot be used: {what}.",
        code="bad-answer",
        hints=["name the repositories one by one: `ckstore mirror URL…`"],
    )


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) and found.isprintable() and len(found) < 2000 else ""


def _texts(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    return tuple(sorted({text for text in found if isinstance(text, str) and text.isprintable()}))
