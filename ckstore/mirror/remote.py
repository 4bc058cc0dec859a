"""What a remote is to us: its default branch and its tags, and the engine that fetches them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ckstore.errors import NotFound
from ckstore.mirror.urls import RemoteUrl

Progress = Callable[[str], None]

_HEADS, _TAGS, _PEELED = "refs/heads/", "refs/tags/", "^{}"
_USUAL = ("main", "master", "trunk", "develop")
_OID = re.compile(r"[0-9a-f]{40}")


class Engine(Protocol):
    """Speaks to remotes. ``git`` is the folder of the bare repository that fetches.

    ``checks_arrivals``: it refuses what is incomplete by itself. Both methods raise the errors of
    :mod:`ckstore.mirror.failures`. ``spelling`` is one of ``url.spellings``.
    """

    checks_arrivals: bool

    def list_refs(self, git: Path, url: RemoteUrl, spelling: str) -> list[tuple[str, str]]:
        """(ref, id) of what the remote has; ``HEAD`` may come twice, with an id and as ``ref: …``."""

    def fetch(
        self, git: Path, url: RemoteUrl, spelling: str, refspecs: Sequence[str], progress: Progress
    ) -> None:
        """Bring these refs, with all they reach, into the repository."""

    def stop(self) -> None:
        """End what is under way in any thread, as soon as possible; this engine is not used again."""


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """``branch`` is empty when HEAD is detached from all branches; ``tags`` maps names to commit ids.

    ``note`` says how the branch was chosen where HEAD does not say it.
    """

    branch: str
    head: str
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def head_ref(self) -> str:
        """The ref to fetch for the head."""
        return _HEADS + self.branch if self.branch else "HEAD"


def read_refs(pairs: Iterable[tuple[str, str]], where: str) -> RemoteRefs:
    """The refs of a remote from its (name, id) pairs; :class:`NotFound` when the repository is empty."""
    listed = list(pairs)
    targets = [oid[5:] for name, oid in listed if name == "HEAD" and oid.startswith("ref: ")]
    target = targets[0] if targets else ""
    oids = {name: oid for name, oid in listed if _OID.fullmatch(oid)}
    branches = {n.removeprefix(_HEADS): oid for n, oid in oids.items() if n.startswith(_HEADS)}
    branch, note = _default(target.removeprefix(_HEADS), oids.get("HEAD", ""), branches)
    head = branches[branch] if branch else oids.get("HEAD", "")
    if not head:
        raise NotFound(
            f"The repository at {where} is empty.",
            code="empty-repository",
            hints=["mirror it again when something was committed and pushed"],
        )
    return RemoteRefs(branch, head, _tags(oids), note)


def _default(named: str, head: str, branches: Mapping[str, str]) -> tuple[str, str]:
    """(branch, note): what HEAD names, else the branch that it stands on, else a usual name."""
    if named in branches:
        return named, ""
    candidates = [name for name in branches if branches[name] == head] if head else list(branches)
    usual = [name for name in _USUAL if name in candidates]
    chosen = (usual or sorted(candidates))[:1]
    if not chosen:
        return "", "the remote's HEAD is on no branch; it is mirrored as it is" if head else ""
    return chosen[0], f"the remote's HEAD names no branch; took {chosen[0]}"


def _tags(oids: Mapping[str, str]) -> dict[str, str]:
    """Annotated tags are listed twice; the peeled line names the commit."""
    tags = {n.removeprefix(_TAGS): oid for n, oid in oids.items() if n.startswith(_TAGS)}
    plain = {name: oid for name, oid in tags.items() if not name.endswith(_PEELED)}
    return {name: tags.get(name + _PEELED, oid) for name, oid in sorted(plain.items())}
