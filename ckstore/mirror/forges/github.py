"""GitHub and GitHub Enterprise: https://docs.github.com/rest/repos/repos."""

from __future__ import annotations

from ckstore.errors import NotFound
from ckstore.mirror.forges.client import Client
from ckstore.mirror.forges.forge import Listed, host_of, listed, rows

_NAMES = {"path": "full_name", "url": "clone_url", "topics": "topics", "fork": "fork", "empty": ""}
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class GitHub:
    """Repositories of organisations and users."""

    authorization = "Bearer"

    def __init__(self, client: Client, host: str) -> None:
        self.host = host
        self._client = client
        self._hosts = {host.partition(":")[0], host_of(client.base)}

    @staticmethod
    def usual_base(host: str) -> str:
        """Where the interface of a host is."""
        return "https://api.github.com" if host == "github.com" else f"https://{host}/api/v3"

    def repositories(self, owner: str) -> list[Listed]:
        """Everything that the organisation or user has and the token, if any, may see."""
        try:
            return self._list(f"/orgs/{owner}/repos?per_page=100&type=all")
        except NotFound:
            return self._list(f"/users/{owner}/repos?per_page=100&type=owner")

    def repository(self, path: str) -> Listed | None:
        """One repository; GitHub redirects from former names."""
        try:
            return self._listed(self._client.get(f"/repos/{path}", _HEADERS).value)
        except NotFound:
            return None

    def _list(self, address: str) -> list[Listed]:
        pages = self._client.pages(address, _HEADERS)
        found = [self._listed(row) for page in pages for row in rows(page)]
        return sorted((one for one in found if one is not None), key=lambda one: one.path)

    def _listed(self, row: object) -> Listed | None:
        disabled = isinstance(row, dict) and row.get("disabled")
        return None if disabled else listed(row, _NAMES, self._hosts)
