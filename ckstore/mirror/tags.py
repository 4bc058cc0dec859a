"""Version tags: the releases of a repository that is one component (see docs/design, "Version tags").

Only a plain repository's tags are versions. Those of a repository with many components are labels
(labels.py), as one number cannot say what changed in each of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from semver import Version

from ckstore.errors import CkstoreError
from ckstore.mirror.walk import Step, parents_of
from ckstore.model.versions import parse_version
from ckstore.objects.store import ObjectStore

_WORDS = "releases?|rel|version|ver"
_NUMBERS = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?![\d])(?!\.\d)", re.ASCII)
_SEMVER_TAIL = re.compile(r"(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_LOOSE_TAIL = re.compile(
    r"[-_.]?(alpha|a|beta|b|rc|c|preview|pre|dev)[-_.]?(\d{1,9})?", re.IGNORECASE | re.ASCII
)
_LOOSE = {"a": "alpha", "b": "beta", "c": "rc", "pre": "rc", "preview": "rc"}


def version_of(tag: str, repository: str) -> Version | None:
    """The version that a tag states; None when it states none.

    Before the numbers may stand a word (``release``, ``rel``, ``version``, ``ver``, or the name of the
    repository) with ``-``, ``_`` or ``/``, and a ``v``. Two or three numbers follow, zeros in front of them
    do not count, a missing third is 0. One number alone is no version: it is as often a date. A
    pre-release may be written as SemVer does, or loosely: ``1.2rc1``, ``1.2.0.beta2``.
    """
    prefix = re.match(rf"(?:(?:{_WORDS}|{re.escape(repository)})[-_/])?v?", tag, re.IGNORECASE)
    numbers = _NUMBERS.match(tag, prefix.end() if prefix else 0)
    if numbers is None:
        return None
    core, tail = Version(*(int(part or 0) for part in numbers.groups())), tag[numbers.end() :]
    loose = _LOOSE_TAIL.fullmatch(tail)
    if loose and not tail.startswith("-"):
        word = loose[1].lower()
        return core.replace(prerelease=f"{_LOOSE.get(word, word)}.{int(loose[2] or 0)}")
    if not _SEMVER_TAIL.fullmatch(tail):
        return None
    try:
        return parse_version(f"{core}{tail}")
    except CkstoreError:  # -01 and the like
        return None


@dataclass(frozen=True, slots=True)
class VersionTag:
    """A tag that states a version. ``position`` on the line is that of the first commit that contains it."""

    name: str
    version: Version
    commit: str
    root: str
    position: int

    @property
    def rank(self) -> tuple[bool, bool, int, str]:
        """Of several tags with one version the first by this counts: ``1.2.3``, ``v1.2.3``, the shortest."""
        text = str(self.version)
        return self.name != text, self.name != f"v{text}", len(self.name), self.name


def version_tags(
    objects: ObjectStore, labels: Mapping[str, str], repository: str, line: Sequence[Step]
) -> list[VersionTag]:
    """The version tags on commits that the line contains, merged branches included; by position, version."""
    stated = {tag: version for tag in labels if (version := version_of(tag, repository)) is not None}
    positions = contained(objects, line, {labels[tag] for tag in stated})
    found = [
        VersionTag(tag, version, commit, objects.root_of(commit), positions[commit])
        for tag, version in stated.items()
        if (commit := labels[tag]) in positions
    ]
    return sorted(found, key=lambda tag: (tag.position, tag.version, tag.rank))


def contained(objects: ObjectStore, line: Sequence[Step], wanted: Iterable[str]) -> dict[str, int]:
    """For those of ``wanted`` (commits) that a line contains, the position of the first commit with it."""
    on_line = {commit: n for n, (commit, _) in enumerate(line)}
    found = {commit: on_line[commit] for commit in wanted if commit in on_line}
    missing = set(wanted) - found.keys()
    seen: set[str] = set()
    for position, (commit, _) in enumerate(line) if missing else ():
        pending = list(_parents(objects, commit)[1:])
        while pending:
            at = pending.pop()
            if at in seen or at in on_line:
                continue
            seen.add(at)
            if at in missing:
                missing.discard(at)
                found[at] = position
            pending += _parents(objects, at)
        if not missing:
            break
    return found


def _parents(objects: ObjectStore, commit: str) -> tuple[str, ...]:
    try:
        return parents_of(objects, commit)
    except CkstoreError:  # beyond the edge of a shallow clone
        return ()


def by_version(tags: Iterable[VersionTag]) -> dict[str, list[VersionTag]]:
    """Tags with equal precedence together, the one that counts first."""
    groups: defaultdict[str, list[VersionTag]] = defaultdict(list)
    for tag in tags:
        groups[str(tag.version.replace(build=None))].append(tag)
    return {version: sorted(group, key=lambda tag: tag.rank) for version, group in groups.items()}
