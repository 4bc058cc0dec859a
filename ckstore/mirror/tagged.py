"""Releases of a plain repository from its version tags, while its history is derived.

The line of the component holds the versions in the order of precedence, so it does not matter when a tag
came: a fix of an old series that is tagged late has its place before the newer series, as in a mirror
made at once. What was released stays, whatever becomes of its tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from semver import Version

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.derive import Derivation, Line, insert, next_release
from ckstore.mirror.readers.choice import Readers
from ckstore.mirror.readers.plain import KIND, PlainReader, plain_metadata
from ckstore.mirror.tags import VersionTag, by_version
from ckstore.mirror.trees import Trees
from ckstore.mirror.walk import Step
from ckstore.model.metadata import Place
from ckstore.model.names import derive_uid
from ckstore.model.records import Absences, Release
from ckstore.model.versions import parse_version

_SHOWN = 5


class TaggedReleases:
    """``tags`` are those of the repository ``name`` whose own root trees are plain.

    ``release_of`` gives a recorded release by UID and version. Two kinds of lines: one that began with tags
    has releases from tags alone; one that was derived from history before there were tags goes on from
    history up to the first tag with a higher version, and from tags alone after it.
    """

    def __init__(
        self,
        work: Derivation,
        name: str,
        tags: Sequence[VersionTag],
        release_of: Callable[[str, str], Release],
    ) -> None:
        self.uid = derive_uid(KIND, name)
        self._metadata = plain_metadata(Place(KIND, name))
        self._work, self._recorded = work, release_of
        self._groups = by_version(tags)
        self._chosen = sorted((g[0] for g in self._groups.values()), key=lambda t: (t.position, t.version))
        self.positions = {tag.commit: tag.position for tag in tags}
        self._refused: dict[str, str] = {}  # tag → reason
        self._floor = self._highest_from_history()

    def _highest_from_history(self) -> Version | None:
        """The highest version of the line that no tag gave; tags up to there come too late."""
        line = self._line
        for version in reversed(line.component.versions if line else ()):
            if self._release(version).bump != "explicit":
                return parse_version(version)
        return None

    @property
    def _line(self) -> Line | None:
        return self._work.lines.get(self.uid)

    def _release(self, version: str) -> Release:
        added = self._line.added if self._line else ()
        new = next((release for release in added if release.version == version), None)
        return new or self._recorded(self.uid, version)

    def decide(self, uid: str) -> bool:
        """True when commits make no releases of this component, but tags do."""
        if uid != self.uid:
            return False
        return self._line.newest.bump == "explicit" if self._line else bool(self._groups)

    def up_to(self, position: int) -> None:
        """Release the tags up to a position of the line that are not released yet."""
        while self._chosen and self._chosen[0].position <= position:
            self._put(self._chosen.pop(0))

    def _put(self, tag: VersionTag) -> None:
        if self._held(tag) or self._is_late(tag):
            return
        try:
            refusal, warning, where = self._work.look_at(tag.commit, "", tag.root)
        except (NotFound, CorruptData):
            refusal, warning = self._work.where_missing(tag.root), ""
        if refusal:
            self._refused[tag.name] = refusal
            return
        if warning:
            self._work.warnings[""] = warning
        metadata = replace(self._metadata, version=str(tag.version))
        release = next_release(self._before(tag.version), self.uid, metadata, (), where)
        clash = self._work.clashes.explain(release)
        if clash:  # the other tags say themselves which versions they are
            self._refused[tag.name] = clash
            return
        self._work.lines[self.uid] = insert(self._line, release)

    def _is_late(self, tag: VersionTag) -> bool:
        if self._line is not None and self._line.newest.bump != "explicit":
            self._floor = parse_version(self._line.newest.version)
        return self._floor is not None and tag.version <= self._floor

    def _before(self, version: Version) -> Release | None:
        versions = self._line.component.versions if self._line else ()
        lower = [text for text in versions if parse_version(text) < version]
        return self._release(lower[-1]) if lower else None

    def _held(self, tag: VersionTag) -> str:
        """The released version that a tag stands for, build metadata aside; empty when there is none."""
        versions = self._line.component.versions if self._line else ()
        return next((text for text in versions if parse_version(text) == tag.version), "")

    def labels(self) -> dict[str, str]:
        """Tag → version, for the tags that are releases themselves."""
        tags = [tag for group in self._groups.values() for tag in group]
        held = {tag.name: (version, tag.root) for tag in tags if (version := self._held(tag))}
        return {name: v for name, (v, root) in held.items() if self._release(v).tree == root}

    def retell(self, positions: Mapping[str, int]) -> None:
        """Name the newest version before each absence by the tags known now; ``positions`` are the line's."""
        line = self._line
        if line is None or line.newest.bump != "explicit" or not line.absences.spans:
            return
        places = {**positions, **self.positions}
        made = [(places.get(self._release(v).commit, -1), v) for v in line.component.versions]
        spans = []
        for newest, gone, back in line.absences.spans:
            before = [version for place, version in made if place <= positions.get(gone, -1)]
            spans.append((before[-1] if before else newest, gone, back))
        self._work.lines[self.uid] = replace(line, absences=Absences(tuple(spans)))

    def notes(self, line: Sequence[Step]) -> Iterator[str]:
        """About what waits for the next tag; ``line`` are the commits of the default branch."""
        ours = self._line
        if ours is None or ours.component.withdrawn or ours.newest.bump != "explicit" or not self.positions:
            return
        ahead = len(line) - 1 - max(self.positions.values())
        if ahead > 0 and line[-1][1] != ours.newest.tree:
            yield f"commits after the last version tag: {ahead}; they are released by the next one"

    def problems(self) -> Iterator[str]:
        """What tags say and releases do not, one line each."""
        late: list[VersionTag] = []
        for group in self._groups.values():
            version = self._held(group[0])
            other = [tag for tag in group if not version or self._release(version).tree != tag.root]
            if self._is_late(group[0]):
                late += other
            elif version:
                yield from (self._other_files(tag, version) for tag in other)
        for name, reason in sorted(self._refused.items()):
            yield f"tag {name}: {reason}"
        if late:
            names = [tag.name for tag in sorted(late, key=lambda tag: tag.version, reverse=True)]
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            yield (
                f"tag {', '.join(names[:_SHOWN])}{more}: not above {self._floor}, which was released before"
                " the repository had version tags; a label only"
            )

    def _other_files(self, tag: VersionTag, version: str) -> str:
        released = self._release(version).commit[:12]
        return (
            f"tag {tag.name}: its commit {tag.commit[:12]} has other files than {version}, which was released"
            f" from {released} and stays"
        )


def plain_only(trees: Trees, readers: Readers, tags: Sequence[VersionTag]) -> list[VersionTag]:
    """The tags whose root tree is one plain component, and more than a readme."""
    return [tag for tag in tags if _is_plain(trees, readers, tag.root)]


def _is_plain(trees: Trees, readers: Readers, root: str) -> bool:
    try:
        reader = readers.choose(trees, root)
        return isinstance(reader, PlainReader) and bool(reader.changes(trees, "", root).found)
    except (NotFound, CorruptData):
        return False
