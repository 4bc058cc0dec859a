"""Tokens from the environment, for exactly one host each and for encrypted connections only.

``GITHUB_TOKEN`` belongs to github.com; ``CKSTORE_TOKEN`` to the host that ``CKSTORE_TOKEN_HOST`` names
(github.com when it names none), and goes before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ckstore.mirror.urls import RemoteUrl

_GITHUB = "github.com"


def token_for(url: RemoteUrl, environment: Mapping[str, str] | None = None) -> str:
    """The token for an address; empty when there is none for its host."""
    given = os.environ if environment is None else environment
    if url.scheme != "https":
        return ""
    ours = given.get("CKSTORE_TOKEN", "")
    if ours and url.host == given.get("CKSTORE_TOKEN_HOST", _GITHUB).lower():
        return _one_line(ours)
    return _one_line(given.get("GITHUB_TOKEN", "")) if url.host == _GITHUB else ""


def _one_line(token: str) -> str:
    """A token goes into a header; a line break in it would begin another one."""
    return token.strip() if token.strip().isprintable() else ""
