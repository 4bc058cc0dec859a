"""Short forms of addresses: ``github:OWNER/REPOSITORY``, ``gitlab:GROUP``, ``codeberg:OWNER`` and so on.

A forge is a kind of host: github.com and GitHub Enterprise are ``github``, any GitLab is ``gitlab``, any
Gitea or Forgejo (Codeberg) is ``gitea``. After the colon may come a host of one's own; it is known by its
dot or its port: ``gitlab:git.example.org/group``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ckstore.errors import InvalidInput

# short form → (forge, its usual host; empty: the host must be named)
_FORGES = {
    "github": ("github", "github.com"),
    "gitlab": ("gitlab", "gitlab.com"),
    "codeberg": ("gitea", "codeberg.org"),
    "gitea": ("gitea", ""),
    "forgejo": ("gitea", ""),
}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_STEP = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*")


@dataclass(frozen=True, slots=True)
class Short:
    """``forge`` is "github", "gitlab" or "gitea", ``host`` may carry a port, ``steps`` are of the path."""

    forge: str
    host: str
    steps: tuple[str, ...]

    @property
    def path(self) -> str:
        """``owner`` or ``owner/repository``; in GitLab, groups may nest."""
        return "/".join(self.steps)

    @property
    def is_repository(self) -> bool:
        """True for one repository. In GitLab two steps may also be a group; the host is asked first."""
        return len(self.steps) >= 2

    @property
    def may_be_group(self) -> bool:
        """True when the host could list repositories below this path."""
        return len(self.steps) == 1 or self.forge == "gitlab"

    @property
    def url(self) -> str:
        """The address of the repository (or the page of the owner)."""
        return f"https://{self.host}/{self.path}"


def read_short(text: str) -> Short | None:
    """Read a short form; None when it is none. :class:`InvalidInput` for a malformed one."""
    prefix, colon, rest = text.strip().partition(":")
    if not colon or prefix not in _FORGES or rest.startswith("//"):
        return None
    forge, host = _FORGES[prefix]
    steps = [step for step in rest.split("/") if step]
    if steps and (not host or (len(steps) > 1 and re.search(r"[.:]", steps[0]))):
        host, steps = steps[0].lower(), steps[1:]
    if steps:
        steps[-1] = steps[-1].removesuffix(".git")
    most = 20 if forge == "gitlab" else 2
    bad = [step for step in steps if not _STEP.fullmatch(step) or step in (".", "..")]
    if bad or not 1 <= len(steps) <= most or not _HOST.fullmatch(host):
        raise _malformed(prefix, text)
    return Short(forge, host, tuple(steps))


def _malformed(prefix: str, text: str) -> InvalidInput:
    owner = {"gitlab": "group", "gitea": "host/owner", "forgejo": "host/owner"}.get(prefix, "owner")
    last = "project" if prefix == "gitlab" else "repo"
    return InvalidInput(
        f"{text.strip()!r} is not of the form {prefix}:{owner}/{last} or {prefix}:{owner}.",
        code="bad-url",
        hints=["write https://host/owner/repo, git@host:owner/repo, github:owner/repo or a folder's path"],
    )
