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
from pathlib import Path
from urllib.parse import urlsplit

from ckstore.mirror.urls import RemoteUrl, is_loopback

_OF_HOST = {
    "github.com": ("GITHUB_TOKEN", "GH_TOKEN"),
    "gitlab.com": ("GITLAB_TOKEN",),
    "codeberg.org": ("CODEBERG_TOKEN",),
}
_SAME = {"api.github.com": "github.com"}
_HELPER_SECONDS = 20
# What says where git's settings are; other GIT_ variables steer it elsewhere.
CONFIGURING = frozenset(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"])


def token_for(url: RemoteUrl, environment: Mapping[str, str] | None = None) -> str:
    """The token in the environment for an address; empty when there is none for its host."""
    return Secrets(url.text, environment).given()


class Secrets:
    """The tokens for one address: what the environment has, and what is stored."""

    def __init__(self, address: str, environment: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(address)
        self._scheme, self._host = parts.scheme, (parts.hostname or "").lower()
        self._host = _SAME.get(self._host, self._host)
        self._port = "" if parts.port is None else f":{parts.port}"
        self._environment = os.environ if environment is None else environment
        self._named = self._environment.get("CKSTORE_TOKEN_HOST", "").strip().lower()

    def given(self) -> str:
        """From the environment; empty when there is none."""
        if not self._is_safe:
            return ""
        ours = _one_line(self._environment.get("CKSTORE_TOKEN", ""))
        if ours and self._host == (self._named or "github.com"):
            return ours
        found = (_one_line(self._environment.get(name, "")) for name in _OF_HOST.get(self._host, ()))
        return next(filter(None, found), "")

    def stored(self) -> str:
        """From git's credential helpers, else from the keyring; empty when neither has one."""
        return (self._from_helpers() or self.kept()) if self._is_safe else ""

    def kept(self) -> str:
        """From the keyring alone."""
        return _one_line(_from_keyring(self._host)) if self._is_safe else ""

    @property
    def _is_safe(self) -> bool:
        """In clear text a token goes to this very machine alone, and only if its host was named."""
        local = self._scheme == "http" and is_loopback(self._host) and self._host == self._named
        return self._scheme == "https" or local

    def _from_helpers(self) -> str:
        """What the user's helpers have: ``git credential fill``, which may neither ask nor open a window."""
        program = shutil.which("git")
        if program is None:
            return ""
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "GCM_INTERACTIVE": "never"}
        clean = {k: v for k, v in self._environment.items() if not k.startswith("GIT_") or k in CONFIGURING}
        try:
            done = subprocess.run(
                [program, "-c", "core.askPass=", "credential", "fill"],
                input=f"protocol={self._scheme}\nhost={self._host}{self._port}\n\n",
                capture_output=True, text=True, check=False, timeout=_HELPER_SECONDS,
                env={**clean, **quiet}, start_new_session=True, cwd=Path.home().anchor,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
            return ""
        fields = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
        return _one_line(fields.get("password", "")) if done.returncode == 0 else ""


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
