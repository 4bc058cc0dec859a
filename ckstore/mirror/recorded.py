"""What components claimed at the commit where the work was left, from their records.

An update knows that commit only by its tree, and reading the metadata of all of it would cost more than what
changed since. Kind, name and UID of a component are those of its newest release as long as its place, its
tree and whatever its place says are what was released. Where anything else may have to be said of it (it
inherits, a problem is reported, its UID is a derived one), there is no answer, and its metadata is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.readers.claims import Claim
from ckstore.mirror.readers.files import read_files
from ckstore.mirror.readers.found import PLAIN, Found
from ckstore.mirror.trees import Trees
from ckstore.model.limits import MAX_PROBLEM_CHARACTERS
from ckstore.model.metadata import Metadata
from ckstore.model.metadata_formats import BY_NAME
from ckstore.model.names import derive_uid
from ckstore.model.records import Component, Release

LEFT_OUT = "(more problems are left out)"
_ESCAPES = {".json": b"\\u", ".yaml": b"\\"}  # how a key can be written otherwise than it reads


class Recorded:
    """Answers for the components of one source.

    ``newest`` are their records and newest releases, ``left`` the UIDs of those that are not derived any
    more, ``problems`` the lines that the source had at that commit.
    """

    def __init__(
        self, newest: Mapping[str, tuple[Component, Release]], left: Collection[str], problems: Sequence[str]
    ) -> None:
        self._by_path: defaultdict[str, list[Release]] = defaultdict(list)
        for uid, (component, release) in newest.items():
            if not component.withdrawn and uid not in left:
                self._by_path[release.path].append(release)
        self._problems = "\n".join(["", *problems])
        self._all_told = LEFT_OUT not in problems

    def claim(self, trees: Trees, found: Found) -> Claim | None:
        """What a component claims, without its needs, tags and texts; None where that must be read."""
        releases = self._by_path.get(found.path, [])
        if len(releases) != 1 or not self._tells_all(found, releases[0]) or _may_inherit(trees, found):
            return None
        kind, name, uid = releases[0].kind, releases[0].name, releases[0].uid
        return Claim(found, Metadata(kind, name, uid, found.format), recorded=True)

    def _tells_all(self, found: Found, release: Release) -> bool:
        place, same = found.place, (release.tree, release.format) == (found.tree, found.format)
        if not same or found.format == PLAIN or not found.path or not self._all_told:
            return False
        # only there does the place say more than the path does, and it is not part of the tree
        if found.format == "ck" and (place.kind, place.uid) != (release.kind, release.uid):
            return False
        if f"\n{found.path[:MAX_PROBLEM_CHARACTERS]}" in self._problems:
            return False
        return release.uid != derive_uid(release.kind, release.name)


def _may_inherit(trees: Trees, found: Found) -> bool:
    """False when the metadata cannot name a base."""
    form = BY_NAME[found.format]
    base = form.base.encode("ascii")
    try:
        files = read_files(trees, found.tree, form.files) if base else {}
    except (NotFound, CorruptData):
        return True
    return any(base in data or _ESCAPES[name[name.rindex(".") :]] in data for name, data in files.items())
