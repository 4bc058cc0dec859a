"""GitLab, at gitlab.com or anywhere else: https://docs.gitlab.com/api/groups and …/api/projects."""

from __future__ import annotations

from urllib.parse import quote

from ckstore.errors import NotFound
from ckstore.mirror.forges.client import Client
from ckstore.mirror.forges.forge import Listed, host_of, listed, rows

_NAMES = {
    "path": "path_with_namespace", "url": "http_url_to_repo", "topics": "topics",
    "fork": "forked_from_project", "empty": "empty_repo",
}  # fmt: skip


class GitLab:
    """Projects of groups, with their subgroups, and of users."""

    authorization = "Bearer"

    def __init__(self, client: Client, host: str) -> None:
        self.host = host
        self._client = client
        self._hosts = {host.partition(":")[0], host_of(client.base)}

    @staticmethod
    def usual_base(host: str) -> str:
        """Where the interface of a host is."""
        return f"https://{host}/api/v4"

    def repositories(self, owner: str) -> list[Listed]:
        """Everything in the group and below it, or of the user."""
        group = quote(owner, safe="")
        try:
            return self._list(f"/groups/{group}/projects?per_page=100&include_subgroups=true&order_by=path")
        except NotFound:
            if "/" in owner:
                raise
            return self._list(f"/users/{group}/projects?per_page=100&order_by=path")

    def repository(self, path: str) -> Listed | None:
        """One project; GitLab finds it under its former paths, too."""
        try:
            return self._listed(self._client.get(f"/projects/{quote(path, safe='')}").value)
        except NotFound:
            return None

    def _list(self, address: str) -> list[Listed]:
        found = [self._listed(row) for page in self._client.pages(address) for row in rows(page)]
        return sorted((one for one in found if one is not None), key=lambda one: one.path)

    def _listed(self, row: object) -> Listed | None:
        closed = isinstance(row, dict) and row.get("repository_access_level") == "disabled"
        return None if closed else listed(row, _NAMES, self._hosts)
