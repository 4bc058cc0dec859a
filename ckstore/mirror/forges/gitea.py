"""Gitea and Forgejo, as at codeberg.org: https://codeberg.org/api/swagger."""

from __future__ import annotations

from ckstore.errors import NotFound
from ckstore.mirror.forges.client import Client
from ckstore.mirror.forges.forge import Listed, host_of, listed, rows

_NAMES = {"path": "full_name", "url": "clone_url", "topics": "topics", "fork": "fork", "empty": "empty"}


class Gitea:
    """Repositories of organisations and users."""

    authorization = "token"

    def __init__(self, client: Client, host: str) -> None:
        self.host = host
        self._client = client
        self._hosts = {host.partition(":")[0], host_of(client.base)}

    @staticmethod
    def usual_base(host: str) -> str:
        """Where the interface of a host is."""
        return f"https://{host}/api/v1"

    def repositories(self, owner: str) -> list[Listed]:
        """Everything that the organisation or user has; one address serves both."""
        try:
            pages = list(self._client.pages(f"/orgs/{owner}/repos?limit=50"))
        except NotFound:
            pages = list(self._client.pages(f"/users/{owner}/repos?limit=50"))
        found = [listed(row, _NAMES, self._hosts) for page in pages for row in rows(page)]
        return sorted((one for one in found if one is not None), key=lambda one: one.path)

    def repository(self, path: str) -> Listed | None:
        """One repository; Gitea redirects from former names."""
        try:
            return listed(self._client.get(f"/repos/{path}").value, _NAMES, self._hosts)
        except NotFound:
            return None
