"""Which forge answers for a short address, and where its interface is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from ckstore.errors import InvalidInput
from ckstore.mirror.forges.answers import Answers
from ckstore.mirror.forges.client import Client
from ckstore.mirror.forges.forge import Forge
from ckstore.mirror.forges.gitea import Gitea
from ckstore.mirror.forges.github import GitHub
from ckstore.mirror.forges.gitlab import GitLab
from ckstore.mirror.forges.patience import Patience
from ckstore.mirror.short import Short
from ckstore.mirror.tokens import Secrets
from ckstore.mirror.urls import is_loopback

_FORGES: dict[str, type[GitHub | GitLab | Gitea]] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}


def open_forge(
    short: Short, answers: Answers | None, patience: Patience, environment: Mapping[str, str] | None = None
) -> Forge:
    """The forge of a short address.

    ``CKSTORE_GITHUB_API``, ``CKSTORE_GITLAB_API`` and ``CKSTORE_GITEA_API`` in the environment (default:
    the process's) name the base address of the interface where it is not at its usual place.
    """
    given = os.environ if environment is None else environment
    kind = _FORGES[short.forge]
    base = _checked(
        given.get(f"CKSTORE_{short.forge.upper()}_API", "").strip() or kind.usual_base(short.host)
    )
    client = Client(base, Secrets(base, given), answers, patience, kind.authorization)
    return kind(client, short.host)


def _checked(base: str) -> str:
    """``https://host/path`` without a slash at the end; ``http`` for this very machine alone."""
    try:
        parts = urlsplit(base)
        host, plain = parts.hostname or "", parts.username is None and not parts.query and not parts.fragment
        _ = parts.port
    except ValueError:
        host, plain = "", False
    if not host or not plain or not base.isprintable() or " " in base:
        raise _bad("The address of the forge's interface is malformed.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _bad(f"The interface of {host} must be asked over https.")
    return base.rstrip("/")


def _bad(message: str) -> InvalidInput:
    return InvalidInput(
        message, code="bad-api-address", hints=["CKSTORE_GITHUB_API is like https://git.example.org/api/v3"]
    )
