"""Following a host that says that a repository is elsewhere, ourselves.

git and libgit2 would follow too, but git takes along the token that was meant for the first host, and
neither looks at where it is led. So both are told not to. A redirect is followed when it leaves no
encrypted connection for an open one, when what it names is an address that could have been given, and
when it does not lead from the outside into this machine's own network.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import urllib.error
import urllib.request
from dataclasses import replace
from email.message import Message
from typing import IO
from urllib.parse import urljoin, urlsplit

from ckstore.errors import CkstoreError, Unavailable
from ckstore.mirror.urls import RemoteUrl, parse_url

CODE = "redirected"  # of the error with which an engine says so
_LISTING = "/info/refs?service=git-upload-pack"
_SECONDS = 30


def follow(url: RemoteUrl, spelling: str) -> RemoteUrl:
    """Where the host of an address leads to, under which nothing was asked for yet.

    Raises :class:`Unavailable` when it must not be followed there.
    """
    location = _location(spelling + _LISTING)
    if not location:
        raise _refused(url, "it does not say where")
    target = urljoin(spelling + _LISTING, location)
    if not target.endswith(_LISTING):
        raise _refused(url, "what it leads to is no repository")
    try:
        found = parse_url(target.removesuffix(_LISTING))
    except CkstoreError as error:
        raise _refused(url, error.message) from error
    reason = why_not(url, found)
    if reason:
        raise _refused(url, reason)
    return replace(found, name=url.name, long_name=url.long_name)


def why_not(url: RemoteUrl, target: RemoteUrl) -> str:
    """Why a redirect must not be followed; empty when it may."""
    if target.scheme not in ("http", "https"):
        return f"it leads to {target.scheme}://"
    if (url.scheme, target.scheme) == ("https", "http"):
        return "it leaves the encrypted connection"
    if target.host != url.host and is_inside(target.host) and not is_inside(url.host):
        return f"it leads to {target.host}, inside this machine's own network"
    return ""


def is_inside(host: str) -> bool:
    """True when a host has an address that is not of the public internet (or none that is known)."""
    found = _addresses(host)
    return not found or any(not address.is_global for address in found)


def may_name(naming: RemoteUrl, named: RemoteUrl) -> bool:
    """True unless a repository from the outside names a host in this machine's own network.

    Where no address is known (behind a proxy most names have none), the naming one counts as outside; a
    named host is then left to the proxy if it can only be one of the internet: a full name, asked by HTTP.
    """
    if naming.kind == "folder" or named.host == naming.host:
        return True
    ours = _addresses(naming.host)
    if ours and any(not address.is_global for address in ours):
        return True
    theirs = _addresses(named.host)
    if not theirs:
        return named.scheme in ("http", "https") and "." in named.host.strip(".")
    return all(address.is_global for address in theirs)


def _addresses(host: str) -> set[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return set()
    return {ipaddress.ip_address(text) for text in found}


class _Stay(urllib.request.HTTPRedirectHandler):
    """Answers a redirect with the redirect."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
        headers: http.client.HTTPMessage | Message, newurl: str,
    ) -> None:  # fmt: skip
        """Never another request."""


def _location(address: str) -> str:
    """The ``Location`` of the answer; empty when there is none. No credential is sent."""
    request = urllib.request.Request(address, headers={"User-Agent": "git/2 ckstore"})  # noqa: S310 - http(s) only
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        with error:
            return str(error.headers.get("Location", ""))
    except (OSError, http.client.HTTPException, ValueError):
        return ""


def _refused(url: RemoteUrl, reason: str) -> Unavailable:
    return Unavailable(
        f"{urlsplit(url.text).hostname} redirects {url.text} elsewhere, where it is not followed: {reason}.",
        code="redirect-refused",
        hints=["if the repository has moved, give its new address"],
    )
