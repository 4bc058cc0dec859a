"""GitLab, at gitlab.com or anywhere else: https://docs.gitlab.com/api/groups and …/api/projects."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import quote

from ckstore.errors import NotFound
from ckstore.mirror.forges.forge import Forge, Listed


class GitLab(Forge):
    """Projects of groups, with their subgroups, and of users."""

    authorization = "Bearer"
    names: ClassVar = {
        "path": "path_with_namespace", "url": "http_url_to_repo", "topics": "topics",
        "fork": "forked_from_project", "empty": "empty_repo",
    }  # fmt: skip

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

    def _address(self, path: str) -> str:
        return f"/projects/{quote(path, safe='')}"

    def _is_closed(self, row: Any) -> bool:
        return isinstance(row, dict) and row.get("repository_access_level") == "disabled"
