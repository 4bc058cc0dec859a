"""Gitea and Forgejo, as at codeberg.org: https://codeberg.org/api/swagger."""

from __future__ import annotations

from typing import ClassVar

from ckstore.errors import NotFound
from ckstore.mirror.forges.forge import Forge, Listed


class Gitea(Forge):
    """Repositories of organisations and users."""

    authorization = "token"
    names: ClassVar = {
        "path": "full_name",
        "url": "clone_url",
        "topics": "topics",
        "fork": "fork",
        "empty": "empty",
    }

    @staticmethod
    def usual_base(host: str) -> str:
        """Where the interface of a host is."""
        return f"https://{host}/api/v1"

    def repositories(self, owner: str) -> list[Listed]:
        """Everything that the organisation or user has."""
        try:
            return self._list(f"/orgs/{owner}/repos?limit=50")
        except NotFound:
            return self._list(f"/users/{owner}/repos?limit=50")
