"""Versions that nobody had to write: releases derived, one commit after the other (design, section 4).

The state is nothing but the lines of releases so far and the claims at the commit reached. Both can be
had from the log and from that commit, so continuing later gives what one long walk would have given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ckstore.errors import CorruptData, NotFound
from ckstore.mirror.clashes import Clashes
from ckstore.mirror.readers.choice import Readers, file_names
from ckstore.mirror.readers.claims import Claim, Claims, problem, read_claim
from ckstore.mirror.readers.found import Found
from ckstore.mirror.readers.safety import Safety
from ckstore.mirror.trees import Trees
from ckstore.model.interface import KINDS_OF_FILES, Interface, compare, interface_of
from ckstore.model.metadata import Metadata
from ckstore.model.records import Absences, Component, Release
from ckstore.model.versions import FIRST, Bump, next_version, parse_version, read_version

_COMMIT = re.compile(r"@[0-9a-f]{12}: ")


@dataclass(frozen=True, slots=True)
class Line:
    """One component while releases are derived: its record so far, its newest release, what is new."""

    component: Component
    newest: Release
    added: tuple[Release, ...] = ()
    absences: Absences = Absences()

    def withdrawn(self, commit: str) -> Line:
        """The line after a commit that removed the component."""
        component = replace(self.component, withdrawn=commit)
        return replace(self, component=component, absences=self.absences.begin(self.newest.version, commit))

    def returned(self, commit: str) -> Line:
        """The line after a commit that brought the component back as it was."""
        component = replace(self.component, withdrawn="")
        return replace(self, component=component, absences=self.absences.end(commit))


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a release: commit and tree are git ids, ``digest`` is that of the tree."""

    commit: str
    path: str
    tree: str
    digest: str


def next_release(
    previous: Release | None, uid: str, metadata: Metadata, files: Iterable[str], where: Where,
    interface: Interface | None = None,
) -> Release:  # fmt: skip
    """The release that follows ``previous`` (None: the first one). Pure.

    ``interface`` is what metadata and files give, where that is known already.
    """
    interface = interface_of(metadata, files) if interface is None else interface
    change = compare(frozenset(previous.interface) if previous else frozenset(), interface)
    lines = change.as_lines() if previous else []
    renamed = previous is not None and (previous.kind, previous.name) != (metadata.kind, metadata.name)
    if previous is not None and previous.kind != metadata.kind:
        lines = [f"-kind:{previous.kind}", f"+kind:{metadata.kind}", *lines]
    version, bump = _version(previous, metadata, "major" if renamed else change.bump)
    return Release(
        uid=uid, kind=metadata.kind, name=metadata.name, version=version, tree=where.tree,
        digest=where.digest, commit=where.commit, path=where.path, format=metadata.format, bump=bump,
        changes=tuple(lines), interface=tuple(sorted(interface)), title=metadata.title,
        description=metadata.description, tags=metadata.tags, needs=metadata.needs,
    )  # fmt: skip


def _version(previous: Release | None, metadata: Metadata, bump: Bump) -> tuple[str, Bump]:
    """A version that the metadata states wins where it moves forward."""
    stated = read_version(metadata.version)
    current = parse_version(previous.version) if previous else None
    if stated is not None and (current is None or stated > current):
        return str(stated), "explicit"
    if current is None:
        return str(FIRST), "first"
    return str(next_version(current, bump)), bump


def insert(line: Line | None, release: Release) -> Line:
    """The line with a release at its place in the order of precedence, which need not be the last."""
    if line is None or parse_version(release.version) > parse_version(line.component.newest):
        away = line.component.withdrawn if line else ""
        after = extend(
            replace(line, component=replace(line.component, withdrawn="")) if line else None, release
        )
        return replace(after, component=replace(after.component, withdrawn=away))
    versions = sorted([*line.component.versions, release.version], key=parse_version)
    component = replace(line.component, versions=tuple(versions))
    return replace(line, component=component, added=(*line.added, release))


def extend(line: Line | None, release: Release) -> Line:
    """The line with one more release."""
    called = f"{release.kind}:{release.name}"
    if line is None:
        component = Component(release.uid, release.kind, release.name, (called,), (release.version,))
        return Line(component, release, (release,))
    line = line.returned(release.commit) if line.component.withdrawn else line
    old = line.component
    component = replace(
        old, kind=release.kind, name=release.name, versions=(*old.versions, release.version),
        names=old.names if called == old.names[-1] else (*old.names, called),
    )  # fmt: skip
    return Line(component, release, (*line.added, release), line.absences)


@dataclass(slots=True)
class Derivation:
    """Steps through commits; ``lines`` by UID is both where it starts from and what it gives.

    ``digest_of`` gives the SHA-256 digest of a tree, and raises when an object is missing. ``where_missing``
    names the first object missing below a tree (path and id).
    """

    trees: Trees
    readers: Readers
    digest_of: Callable[[str], str]
    where_missing: Callable[[str], str]
    lines: dict[str, Line]
    clashes: Clashes
    from_tags: Callable[[str], bool] = lambda uid: False  # of a plain repository: only tags make releases
    pointers_in: Callable[[str], str] = lambda tree: ""  # a warning about files that are kept elsewhere
    recorded: Callable[[Trees, Found], Claim | None] = lambda trees, found: None  # at the start
    claims: Claims = field(default_factory=Claims)
    skipped: list[str] = field(default_factory=list)  # releases of the past that are incomplete
    warnings: dict[str, str] = field(default_factory=dict)
    _refused: dict[str, str] = field(default_factory=dict)  # path → reason, for what is there now
    _orphans: set[str] = field(default_factory=set)  # UIDs of lines whose component is not to be seen
    _described: dict[str, Metadata] = field(default_factory=dict)  # UID → what its last release says
    _safety: Safety | None = None
    _at_the_start: bool = False
    _root: str = ""  # the tree of the commit reached

    def start(self, commit: str, root: str) -> None:
        """Take up the work at a commit whose releases are derived already (empty: at the beginning)."""
        if root:
            self._at_the_start = True
            self._read(commit, "", root)
            self._at_the_start = False
        for uid, line in self.lines.items():
            if not line.component.withdrawn and uid not in self.claims.owners:
                self._orphans.add(uid)

    def step(self, commit: str, old: str, new: str) -> bool:
        """Derive the releases of a commit from the root trees before and at it.

        False, and nothing done, when the commit's trees cannot be read: the next step begins at ``old``.
        """
        if old == new:
            return True
        try:
            self._read(commit, old, new)
        except (NotFound, CorruptData) as error:
            self.skipped.append(f"(root)@{commit[:12]}: {error.message}")
            return False
        self.withdraw(commit)
        return True

    def _read(self, commit: str, old: str, new: str) -> None:
        changes = self.readers.changes(self.trees, old, new)
        for path in changes.gone:
            self.claims.drop(path)
            self._refused.pop(path, None)
            self.warnings.pop(path, None)
        for found in changes.found:
            known = self.recorded(self.trees, found) if self._at_the_start else None
            self.claims.put(known or self._claim(found))
        self._root = new
        for uid, claim in self.claims.settle(self._called):
            if claim is None:
                self._orphans.add(uid)
            else:
                self._orphans.discard(uid)
                self._visit(uid, claim, commit)

    def _claim(self, found: Found) -> Claim:
        return read_claim(self.trees, found, self.readers.metadata)

    def _called(self, uid: str) -> tuple[str, str] | None:
        line = self.lines.get(uid)
        return (line.newest.kind, line.newest.name) if line else None

    def _visit(self, uid: str, claim: Claim, commit: str) -> None:
        """A component may have changed, or be back."""
        if uid in self.clashes.left:
            return
        line = self.lines.get(uid)
        same = line is not None and (line.newest.tree, self._called(uid)) == (claim.found.tree, claim.called)
        if line is not None and same and not self._inherits_otherwise(line.newest, claim):
            if line.component.withdrawn:
                self.lines[uid] = line.returned(commit)
            return
        if claim.found.format == "plain" and self.from_tags(uid):
            if line is not None and line.component.withdrawn:
                self.lines[uid] = line.returned(commit)
            return
        release = self._release(uid, self._claim(claim.found) if claim.recorded else claim, commit)
        if release is None:
            return
        clash = self.clashes.stop(release)
        if clash:
            self.skipped.insert(0, clash)  # what must not be lost comes first: problems are bounded
        else:
            self.lines[uid] = extend(line, release)

    def _inherits_otherwise(self, newest: Release, claim: Claim) -> bool:
        """True when a component says something else because one changed that it inherits from."""
        metadata = claim.metadata
        if metadata is None or not metadata.inherits:
            return False
        files = file_names(self.trees, claim.found.tree) if metadata.kind in KINDS_OF_FILES else ()
        said = (metadata.title, metadata.description, metadata.tags, metadata.needs)
        before = (newest.title, newest.description, newest.tags, newest.needs)
        return said != before or interface_of(metadata, files) != frozenset(newest.interface)

    def _release(self, uid: str, claim: Claim, commit: str) -> Release | None:
        """The next release, or None when the tree is unsafe or incomplete."""
        tree, line, metadata = claim.found.tree, self.lines.get(uid), claim.metadata
        if metadata is None:  # it was recorded once, and cannot be read any more
            self._refused[claim.path] = claim.reason
            return None
        try:
            refusal, warning, where = self.look_at(commit, claim.path, tree)
            if refusal:
                self._refused[claim.path] = refusal
                return None
            files = file_names(self.trees, tree) if metadata.kind in KINDS_OF_FILES else ()
        except (NotFound, CorruptData) as error:
            lost = self.where_missing(tree) or error.message
            self._refused[claim.path] = lost
            if not self._at_the_start:  # else it was said when it happened
                self.skipped.append(f"{claim.path or '.'}@{commit[:12]}: {lost}")
            return None
        if warning:
            self.warnings[claim.path] = warning
        previous = line.newest if line else None
        interface = self._interface(uid, metadata, files, previous)
        return next_release(previous, uid, metadata, files, where, interface)

    def _interface(
        self, uid: str, metadata: Metadata, files: Iterable[str], previous: Release | None
    ) -> Interface:
        """Readers give the same value for the same metadata files, and most commits change other files."""
        same = self._described.get(uid) is metadata and metadata.kind not in KINDS_OF_FILES
        self._described[uid] = metadata
        return frozenset(previous.interface) if same and previous else interface_of(metadata, files)

    def look_at(self, commit: str, path: str, tree: str) -> tuple[str, str, Where]:
        """(why it must not be released, what is odd about it, the place of a release).

        Raises NotFound or CorruptData when the tree is incomplete.
        """
        if self._safety is None:
            self._safety = Safety(self.trees)
        verdict = self._safety.check(tree)
        digest = "" if verdict.refusal else self.digest_of(tree)
        warning = verdict.warning or (self.pointers_in(tree) if digest else "")
        return verdict.refusal, warning, Where(commit, path, tree, digest)

    def withdraw(self, commit: str) -> None:
        """What is gone is withdrawn; what is merely broken keeps its last release."""
        if not self._orphans:
            return
        broken = self.claims.broken()
        for uid in list(self._orphans):
            line = self.lines.get(uid)
            if line is None or line.component.withdrawn or uid in self.clashes.left:
                self._orphans.discard(uid)
            elif not any(c.found.place.uid == uid or c.path == line.newest.path for c in broken):
                self.lines[uid] = line.withdrawn(commit)
                self._orphans.discard(uid)

    def problems(self) -> tuple[str, ...]:
        """Lines about folders of the commit reached that are left out, and releases of the past that are."""
        said = {_COMMIT.sub(": ", line, count=1) for line in self.skipped}
        refused = {problem(path, why) for path, why in self._refused.items()}
        remarks = self.readers.remarks(self.trees, self._root)
        return (*sorted([*self.claims.problems(), *remarks, *(refused - said)]), *self.skipped)

    def changed(self, before: Mapping[str, Line]) -> dict[str, Line]:
        """The lines that differ from what was recorded."""
        return {uid: line for uid, line in self.lines.items() if before.get(uid) != line}
