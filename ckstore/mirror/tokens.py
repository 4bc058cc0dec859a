"""Tokens: each for exactly one host, for encrypted connections only, and never written anywhere.

From the environment first: ``CKSTORE_TOKEN`` belongs to the host that ``CKSTORE_TOKEN_HOST`` names
(github.com when it names none) and goes before; ``GITHUB_TOKEN`` and ``GH_TOKEN`` belong to github.com,
``GITLAB_TOKEN`` to gitlab.com, ``CODEBERG_TOKEN`` to codeberg.org. Only when a host refuses, the user's
git credential helpers are asked, and then the keyring of the system, where the package ``keyring`` is
installed; nothing ever prompts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

from ckstore.mirror.urls import RemoteUrl, is_loopback

_OF_HOST = {
    "github.com": ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "codeberg.org": ("CODEBERG_TOKEN",),
}
_SAME = {"api.github.com": "github.com"}
_HELPER_SECONDS = 20


def token_for(url: RemoteUrl, environment: Mapping[str, str] | None = None) -> str:
    """The token in the environment for an address; empty when there is none for its host."""
    return _given(url.text, os.environ if environment is None else environment)


class Secrets:
    """The tokens for one address: what the environment has, and what is stored."""

    def __init__(self, address: str, environment: Mapping[str, str] | None = None) -> None:
        self._address = address
        self._environment = os.environ if environment is None else environment

    def given(self) -> str:
        """From the environment; empty when there is none."""
        return _given(self._address, self._environment)

    def stored(self) -> str:
        """From git's credential helpers, else from the keyring; empty when neither has one."""
        scheme, host = _place(self._address)
        if scheme != "https":
            return ""
        return _one_line(_from_helpers(host, self._environment) or _from_keyring(host))


def _place(address: str) -> tuple[str, str]:
    """(scheme, host) whose token counts."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    return parts.scheme, _SAME.get(host, host)


def _given(address: str, environment: Mapping[str, str]) -> str:
    scheme, host = _place(address)
    named = environment.get("CKSTORE_TOKEN_HOST", "").strip().lower()
    # In clear text a token goes to this very machine alone, and only if its host was named.
    if scheme != "https" and not (scheme == "http" and is_loopback(host) and host == named):
        return ""
    ours = environment.get("CKSTORE_TOKEN", "")
    if ours and host == (named or "github.com"):
        return _one_line(ours)
    return next(
        (token for name in _OF_HOST.get(host, ()) if (token := _one_line(environment.get(name, "")))), ""
    )


def _from_helpers(host: str, environment: Mapping[str, str]) -> str:
    """What the user's helpers have: ``git credential fill``, which may neither ask nor open a window."""
    program = shutil.which("git")
    if program is None:
        return ""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "GCM_INTERACTIVE": "never"}
    try:
        done = subprocess.run(
            [program, "-c", "core.askPass=", "credential", "fill"], input=f"protocol=https\nhost={host}\n\n",
            capture_output=True, text=True, check=False, timeout=_HELPER_SECONDS,
            env={**environment, **quiet}, start_new_session=True, cwd="/" if os.name != "nt" else None,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    fields = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return fields.get("password", "") if done.returncode == 0 else ""


def _from_keyring(host: str) -> str:
    """The password kept for the service ``ckstore`` and this host: ``keyring set ckstore github.com``."""
    try:
        import keyring  # an extra: ckstore[keyring]
    except ImportError:
        return ""
    try:
        return keyring.get_password("ckstore", host) or ""
    except Exception:  # a backend may fail in any way of its own, and then there is simply no token
        return ""


def _one_line(token: str) -> str:
    """A token goes into a header; a line break in it would begin another one."""
    return token.strip() if token.strip().isprintable() else ""
