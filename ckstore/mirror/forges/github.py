"""GitHub and GitHub Enterprise: https://docs.github.com/rest/repos/repos."""

from __future__ import annotations

from typing import Any, ClassVar

from ckstore.errors import NotFound
from ckstore.mirror.forges.forge import Forge, Listed


class GitHub(Forge):
    """Repositories of organisations and users."""

    authorization = "Bearer"
    names: ClassVar = {
        "path": "full_name",
        "url": "clone_url",
        "topics": "topics",
        "fork": "fork",
        "empty": "",
    }
    headers: ClassVar = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}

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

    def _is_closed(self, row: Any) -> bool:
        return isinstance(row, dict) and bool(row.get("disabled"))
