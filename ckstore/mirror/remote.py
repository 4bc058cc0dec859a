"""What a remote is to us: its default branch and its tags, and the engine that fetches them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from ckstore.errors import InvalidInput, NotFound, Unsupported
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.counting import plural
from ckstore.model.limits import MAX_REF_BYTES, MAX_REFS, MAX_TAGS
from ckstore.objects.head import LOG_REF

Progress = Callable[[str], None]

_HEADS, _TAGS, _PEELED = "refs/heads/", "refs/tags/", "^{}"
_USUAL = ("main", "master", "trunk", "develop")
_OID, _SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
_NOT_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{")


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

    def is_connected(self, git: Path, url: RemoteUrl, commits: Iterable[str]) -> bool:
        """True when nothing is missing that these commits reach; or when that is seen later anyway."""

    def stop(self) -> None:
        """End what is under way in any thread, as soon as possible; this engine is not used again."""


@runtime_checkable
class RecentEngine(Protocol):
    """An engine that can bring the newest part of a history alone."""

    def fetch_recent(
        self, git: Path, url: RemoteUrl, spelling: str, refspec: str, depth: int, progress: Progress
    ) -> None:
        """Bring one ref with its newest ``depth`` commits, or deepen what is there to so many."""


class PushingEngine(Engine, Protocol):
    """An engine that also writes to remotes."""

    def push(self, git: Path, url: RemoteUrl, spelling: str, refspec: str) -> str:
        """Move a ref of the remote forward, never by force; what was said when that failed, else nothing."""


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """``branch`` is empty when HEAD is detached from all branches; ``tags`` maps names to commit ids.

    ``note`` says how the branch was chosen where HEAD does not say it. ``branches`` are the commits of all
    branches, ``tag_objects`` the ids of annotated tags: neither is asked for, but a copied pack holds them.
    """

    branch: str
    head: str
    tags: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    branches: frozenset[str] = frozenset()
    tag_objects: Mapping[str, str] = field(default_factory=dict)  # id → commit

    @property
    def head_ref(self) -> str:
        """The ref to fetch for the head."""
        return _HEADS + self.branch if self.branch else "HEAD"


def read_refs(pairs: Iterable[tuple[str, str]], where: str) -> RemoteRefs:
    """The refs of a remote from its (name, id) pairs; :class:`NotFound` when the repository is empty."""
    listed = list(pairs)
    _check_refs(listed, where)
    targets = [oid[5:] for name, oid in listed if name == "HEAD" and oid.startswith("ref: ")]
    target = targets[0] if targets else ""
    oids = {name: oid for name, oid in listed if _OID.fullmatch(oid) and is_ref(name.removesuffix(_PEELED))}
    odd = sum(not is_ref(name.removesuffix(_PEELED)) for name, _ in listed)
    branches = {n.removeprefix(_HEADS): oid for n, oid in oids.items() if n.startswith(_HEADS)}
    branch, note = _default(target.removeprefix(_HEADS), oids.get("HEAD", ""), branches)
    head = branches[branch] if branch else oids.get("HEAD", "")
    if LOG_REF in oids and (not branch or head == oids[LOG_REF]):
        raise is_a_store(where)
    if not head:
        raise NotFound(
            f"The repository at {where} is empty.",
            code="empty-repository",
            hints=["mirror it again when something was committed and pushed"],
        )
    tags = _tags(oids)
    notes = [note] if note else []
    if odd:
        notes.append(f"left out: {plural(odd, 'ref')} with names that git does not allow")
    if len(tags) > MAX_TAGS:
        notes.append(f"the remote has {len(tags)} tags; the newest {MAX_TAGS}, as versions, are taken")
        from ckstore.mirror.labels import version_order  # slow to import, and hardly ever needed

        tags = {tag: tags[tag] for tag in sorted(tags, key=version_order)[-MAX_TAGS:]}
    annotated = {oids[_TAGS + tag]: commit for tag, commit in tags.items() if oids[_TAGS + tag] != commit}
    return RemoteRefs(branch, head, tags, "; ".join(notes), frozenset(branches.values()), annotated)


def is_a_store(where: str) -> InvalidInput:
    """Its log is no history of components: other commands exchange it."""
    return InvalidInput(
        f"What is at {where} is a store of ckstore, not a repository of components.",
        code="is-a-store",
        hints=[f"ckstore pull {where}"],
    )


def _check_refs(listed: Sequence[tuple[str, str]], where: str) -> None:
    if len(listed) > MAX_REFS:
        raise Unsupported(
            f"The repository at {where} has more than {MAX_REFS} branches and tags.", code="too-many-refs"
        )
    if any(_SHA256.fullmatch(oid) for _, oid in listed):
        raise Unsupported(
            f"The repository at {where} names its objects by SHA-256; only SHA-1 repositories are read.",
            code="sha256-repository",
        )


def is_ref(name: str) -> bool:
    """True when git allows a ref of this name (git-check-ref-format(1)), and it is not overlong."""
    return (
        len(name.encode("utf-8", "surrogateescape")) <= MAX_REF_BYTES
        and not _NOT_IN_REFS.search(name)
        and not any(step == "" or step[0] == "." or step.endswith(".lock") for step in name.split("/"))
        and not name.endswith(".")
        and name != "@"
    )


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
