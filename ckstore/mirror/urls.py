"""Addresses of repositories: what may be mirrored, and one spelling for each.

An address comes from a person, a manifest or a lock, so it is read here, against a list of what is
allowed, and never handed to a tool as it came. Refused: transports that start helpers (``ext::``),
option look-alikes, control characters, credentials. Equal repositories get equal text.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from ckstore.errors import InvalidInput, NotFound
from ckstore.mirror.short import read_short
from ckstore.model.names import did_you_mean, unsafe_component_name

SCHEMES = ("https", "http", "ssh", "git", "file")
_PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?!//)(.+)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")
_SECRET_IN_SCP = re.compile(r"[^/@:]+:[^/@]+@[^/@:]+[:/]")
_PATH = re.compile(r"\.{0,2}/|~")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9a-fA-F]|7[fF])")
_FORMS = "write https://host/owner/repo, git@host:owner/repo, github:owner/repo or the path of a folder"
_READABLE = "~@+,=()!"
_CREDENTIALS = (
    "leave them out: a git credential helper gives them without writing them anywhere",
    "or set CKSTORE_TOKEN (with CKSTORE_TOKEN_HOST) or, for github.com, GITHUB_TOKEN",
)


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """``text`` is canonical: equal repositories, equal text. ``asked`` is the spelling to try first.

    ``name`` and ``long_name`` (``owner.repo``) are default names of the source; empty when the address
    gives none that is allowed. ``note`` is a warning for the user.
    """

    text: str
    kind: Literal["network", "folder"]
    asked: str
    name: str = ""
    long_name: str = ""
    note: str = ""

    @property
    def scheme(self) -> str:
        """One of :data:`SCHEMES`."""
        return self.text.partition(":")[0]

    @property
    def host(self) -> str:
        """The host, lower case; empty for a folder."""
        return urlsplit(self.text).hostname or ""

    @property
    def folder(self) -> Path:
        """The folder of a ``folder`` address."""
        return Path(unquote(urlsplit(self.text).path))

    @property
    def spellings(self) -> tuple[str, ...]:
        """What to ask for, in this order: some servers insist on ``.git``, some on its absence."""
        if self.kind == "folder":
            return (self.text,)
        return tuple(dict.fromkeys([self.asked, self.text, f"{self.text}.git"]))


def parse_url(text: str) -> RemoteUrl:
    """Read an address; :class:`InvalidInput` says what is wrong with it, never repeating a secret.

    :class:`NotFound` for the path of a folder that is not there.
    """
    text = text.strip()
    if text.startswith("-") or not text:
        raise _bad("An address cannot be empty or begin with a dash.", "bad-url")
    if "://" not in text and Path(text).is_dir():
        return _folder(Path(text))
    if _CONTROL.search(text) or _ENCODED_CONTROL.search(text):
        raise _bad("The address contains a blank or a control character.", "bad-url")
    if "::" in text.partition("/")[0] and "[" not in text:
        raise _bad(
            f"The transport helper {text.partition('::')[0]}:: is not allowed: it runs programs.",
            "refused-transport",
        )
    text = _expand(text)
    scheme = _SCHEME.match(text)
    if scheme:
        return _with_scheme(scheme[1].lower(), text)
    if _SECRET_IN_SCP.match(text):
        raise InvalidInput("The address contains credentials.", code="credentials-in-url", hints=_CREDENTIALS)
    scp = _SCP.fullmatch(text)
    if scp:
        return _scp(scp[1] or "", scp[2], scp[3], text)
    if _PATH.match(text) or Path(text).exists():
        raise NotFound(
            f"{text} is not a folder.",
            code="no-folder",
            hints=["check the path", _FORMS],
            details={"path": text},
        )
    raise _bad(f"{text!r} is neither an address nor a folder.", "bad-url", _guess(text))


def _expand(text: str) -> str:
    """The address that a short form such as ``github:owner/repo`` stands for; others as they are."""
    short = read_short(text)
    if short is None:
        return text
    if not short.is_repository:
        raise _bad(
            f"{text!r} names an owner, but no repository.",
            "no-repository-in-url",
            (f"`ckstore mirror {text}` mirrors all repositories of {short.path}",),
        )
    return short.url


def _with_scheme(scheme: str, text: str) -> RemoteUrl:
    if scheme not in SCHEMES:
        raise _bad(f"The scheme {scheme}:// is not supported.", "bad-scheme", did_you_mean(scheme, SCHEMES))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _bad("The address has a malformed host or port.", "bad-url") from None
    if parts.password is not None or (parts.username is not None and scheme != "ssh"):
        raise InvalidInput(
            f"The address for {parts.hostname or 'this host'} contains credentials.",
            code="credentials-in-url",
            hints=_CREDENTIALS,
        )
    if parts.query or parts.fragment:
        raise _bad("An address has no '?' or '#' part.", "bad-url")
    if scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise _bad(f"file:// addresses name no host, found {parts.netloc!r}.", "bad-url")
        return _file(Path(unquote(parts.path)))
    host = parts.netloc.rpartition("@")[2]
    host = host if port is None else host.rpartition(":")[0]
    return _network(scheme, parts.username or "", host.rstrip(":"), port, parts.path, text)


def _scp(user: str, host: str, path: str, text: str) -> RemoteUrl:
    """``host:path`` is relative to the home folder; for the user ``git`` of a forge that is the root."""
    inner = path if path.startswith("/") else f"/{path}" if user == "git" else f"/~/{path}"
    return _network("ssh", user, host, None, inner, text)


def _network(scheme: str, user: str, host: str, port: int | None, path: str, asked: str) -> RemoteUrl:
    if not asked.isprintable():
        raise _bad("An address is printable text.", "bad-url")
    if not host or not _HOST.fullmatch(host):
        raise _bad("The address has no valid host name.", "bad-url")
    if user and not _USER.fullmatch(user):
        raise _bad("The user name in the address is not allowed.", "bad-url")
    steps = [quote(unquote(step), safe=_READABLE) for step in path.split("/") if step]
    if any(unquote(step) in (".", "..") or step.startswith("-") for step in steps):
        raise _bad("The path of an address has no '.', '..' or leading dashes.", "bad-url")
    if steps:
        steps[-1] = steps[-1].removesuffix(".git")
    if not steps or not steps[-1]:
        raise _bad(f"{scheme}://{host} names a host, but no repository.", "no-repository-in-url")
    login = f"{user}@" if user else ""
    where = "" if port in (None, _PORTS[scheme]) else f":{port}"
    canonical = f"{scheme}://{login}{host.lower()}{where}/{'/'.join(steps)}"
    return RemoteUrl(
        canonical, "network", asked.rstrip("/"), *_names(steps), note=_plain_note(scheme, host.lower())
    )


def _plain_note(scheme: str, host: str) -> str:
    if scheme not in ("http", "git") or is_loopback(host):
        return ""
    return f"{scheme}:// is not encrypted: anyone on the way to {host} can change what arrives"


def is_loopback(host: str) -> bool:
    """True for this very machine."""
    bare = host.strip("[]")
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _file(path: Path) -> RemoteUrl:
    if not path.is_absolute():
        raise _bad("A file:// address needs the whole path from the root.", "bad-url")
    return _folder(path)


def _folder(path: Path) -> RemoteUrl:
    path = path.resolve()
    if path.name == ".git":
        path = path.parent
    if _CONTROL.sub("", str(path).replace(" ", "")) != str(path).replace(" ", ""):
        raise _bad("The path of the folder contains control characters.", "bad-url")
    text = "file://" + quote(str(path), safe="/" + _READABLE)
    steps = [step for step in path.parts if step != path.anchor]
    steps[-1:] = [step.removesuffix(".git") for step in steps[-1:]]
    return RemoteUrl(text, "folder", text, *_names(steps))


def _names(steps: list[str]) -> tuple[str, str]:
    """(repo, owner.repo), each empty when it cannot be a name."""
    last = [unquote(step) for step in steps[-2:]]
    candidates = (last[-1] if last else "", ".".join(last) if len(last) == 2 else "")
    short, long = ("" if _is_no_name(name) else name for name in candidates)
    return short, long


def _is_no_name(name: str) -> bool:
    return not name or unsafe_component_name(name) is not None or re.search(r"\s", name) is not None


def _guess(text: str) -> tuple[str, ...]:
    if re.fullmatch(r"[\w.-]+/[\w.-]+", text):
        return (f"for a repository on GitHub, write github:{text}",)
    if re.match(r"[\w-]+(\.[\w-]+)+/", text):
        return (f"did you mean https://{text}?",)
    return ()


def _bad(message: str, code: str, hints: tuple[str, ...] = ()) -> InvalidInput:
    return InvalidInput(message, code=code, hints=(*hints, _FORMS))
