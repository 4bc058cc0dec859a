"""What a forge is to us: something that lists the repositories of an owner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from ckstore.errors import CkstoreError, NotFound, Unavailable
from ckstore.mirror.urls import is_loopback, parse_url

if TYPE_CHECKING:
    from ckstore.mirror.forges.client import Client


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


class Forge(ABC):
    """Both methods raise ``Unavailable`` when there is no answer, or the limit of requests is reached."""

    authorization: ClassVar[str]  # the word before a token in a header
    names: ClassVar[Mapping[str, str]]  # which fields of an answer mean what, see `listed`
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, client: Client, host: str) -> None:
        self.host = host
        self._client = client
        self._hosts = {host.partition(":")[0], host_of(client.base)}

    @abstractmethod
    def repositories(self, owner: str) -> list[Listed]:
        """Everything that the owner has, by path; ``NotFound`` when there is no such owner."""

    def repository(self, path: str) -> Listed | None:
        """One repository, under its present path and address; None when it is gone."""
        try:
            return self._listed(self._client.get(self._address(path), self.headers).value)
        except NotFound:
            return None

    def _address(self, path: str) -> str:
        """Where one repository is described; forges lead on from its former names."""
        return f"/repos/{path}"

    def _list(self, address: str) -> list[Listed]:
        pages = self._client.pages(address, self.headers)
        found = [self._listed(row) for page in pages for row in rows(page)]
        return sorted((one for one in found if one is not None), key=lambda one: one.path)

    def _listed(self, row: Any) -> Listed | None:
        return None if self._is_closed(row) else listed(row, self.names, self._hosts)

    def _is_closed(self, row: Any) -> bool:
        """True for a repository whose code nobody may see."""
        return False


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
