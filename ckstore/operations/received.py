"""Judging what another store says was published: a tree of the log, read from anywhere.

Nothing in it is believed: records must be canonical and of the right shapes, names must be safe and agree
with the places they are at, and the files of every release must have the digest that its record names.
What this store holds already, entry by entry, is not looked at again.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ckstore.errors import CkstoreError, CorruptData, Unsupported
from ckstore.mirror.readers.safety import Safety
from ckstore.mirror.trees import Objects, Trees
from ckstore.model.counting import plural
from ckstore.model.manifest import LOCK_FILE
from ckstore.model.names import is_uid, unfit_tag, unsafe_component_name, unsafe_file_name
from ckstore.model.records import Absences, Component, Operation, Release, Run, Source, decode
from ckstore.model.shapes import wrong_shape
from ckstore.model.versions import parse_version
from ckstore.objects.digests import Digests
from ckstore.objects.log import RUN_ID_DIGITS
from ckstore.objects.merge import OPERATION
from ckstore.objects.trees import FILE, TREE, TreeEntry

Progress = Callable[[str], None]
_ROOT = ("sources", "runs", "references", "retired", OPERATION, LOCK_FILE)
SOURCE_KINDS = ("git", "folder", "builtin")
MAX_RECORD = 16 * 1024 * 1024
_OID = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KEY = re.compile(r"[0-9a-f]{2,64}")
Record = TypeVar("Record", Absences, Source, Component, Release, Run, Operation)
Entries = Mapping[str, TreeEntry]


def refused(what: str, why: str, *, code: str = "refused-content") -> CorruptData:
    """The error for something that must not be taken: nothing of the whole is."""
    return CorruptData(
        f"{what} cannot be taken: {why}.",
        code=code,
        hints=["nothing was published; ask where it came from for a sound copy"],
        details={"what": what, "reason": why},
    )


@dataclass(slots=True)
class Received:
    """Checks log trees in ``objects``; counts what was new in them.

    ``digests`` may know the digests of files already.
    """

    objects: Objects
    digests: Digests
    progress: Progress
    releases: Counter[str] = field(default_factory=Counter)  # by source
    runs: int = 0
    _safety: Safety = field(init=False)
    _sound: set[str] = field(default_factory=set)  # trees that were found safe, with their digests right

    def __post_init__(self) -> None:
        self._safety = Safety(Trees(self.objects))

    def check(self, root: str, ours: str = "") -> None:
        """Raise unless everything below ``root`` (a log's tree) that ``ours`` does not hold is sound."""
        theirs, known = self._entries(root), self._entries(ours)
        _only_known(theirs, _ROOT, "its log")
        sources, ours_sources = self._folder(theirs, "sources"), self._folder(known, "sources")
        for name, entry in self._new(sources, ours_sources, "sources"):
            self._source(name, self._folder_at(entry), self._folder(ours_sources, name))
        for prefix, name, entry, old in self._fanned(theirs, known, "runs"):
            self._run(prefix, name, self._folder_at(entry), self._folder_of(old))
        for prefix, key, entry, _ in self._fanned(theirs, known, "references"):
            self._reference(theirs, prefix, key, entry)
        for name, entry in self._new(
            self._folder(theirs, "retired"), self._folder(known, "retired"), "retired"
        ):
            self._retired(name, self._folder_at(entry))

    def check_operation(self, root: str) -> None:
        """Raise unless what a commit of a log (of this tree) says of itself can be read."""
        entries = self._entries(root)
        if OPERATION in entries:  # the commit of an exported lock has none
            self._record(Operation, entries[OPERATION], "its operation")

    # -- folders -------------------------------------------------------------------------------------

    def _entries(self, tree: str) -> dict[str, TreeEntry]:
        entries = self.objects.read_tree(tree) if tree else ()
        found = {entry.name: entry for entry in entries}
        if len(found) != len(entries):
            raise refused(f"the tree {tree}", "it has a name twice")
        return found

    def _folder_at(self, entry: TreeEntry) -> dict[str, TreeEntry]:
        if entry.mode != TREE:
            raise refused(entry.name, "a file is where a folder must be")
        return self._entries(entry.oid)

    def _folder_of(self, entry: TreeEntry | None) -> dict[str, TreeEntry]:
        return self._entries(entry.oid) if entry is not None and entry.is_tree else {}

    def _folder(self, entries: Entries, name: str) -> dict[str, TreeEntry]:
        return self._folder_of(entries.get(name))

    def _new(self, theirs: Entries, ours: Entries, what: str) -> list[tuple[str, TreeEntry]]:
        for entry in theirs.values():
            if entry.mode != TREE:
                raise refused(f"{what}/{entry.name}", "a file is where a folder must be")
        return [(name, entry) for name, entry in theirs.items() if ours.get(name) != entry]

    def _fanned(
        self, theirs: Entries, ours: Entries, what: str
    ) -> list[tuple[str, str, TreeEntry, TreeEntry | None]]:
        """(first digits, name, entry, the entry that is there now) of what is new below ``what``."""
        found = []
        before = self._folder(ours, what)
        for prefix, folder in self._new(self._folder(theirs, what), before, what):
            old = self._folder(before, prefix)
            for name, entry in self._folder_at(folder).items():
                if old.get(name) != entry:
                    found.append((prefix, name, entry, old.get(name)))
        return found

    # -- records -------------------------------------------------------------------------------------

    def _record(self, kind: type[Record], entry: TreeEntry | None, what: str) -> Record:
        if entry is None or entry.mode != FILE:
            raise refused(what, "its record is missing")
        record = kind.decode(self._bytes(entry, what), what)
        wrong = wrong_shape(record)
        if wrong:
            raise refused(what, wrong, code="bad-record")
        return record

    def _bytes(self, entry: TreeEntry, what: str) -> bytes:
        if self.objects.size_of(entry.oid) > MAX_RECORD:
            raise refused(what, f"its record is larger than {MAX_RECORD} bytes")
        return self.objects.read_blob(entry.oid)

    def _words(self, entry: TreeEntry, what: str) -> Mapping[str, str]:
        """A record that is a map of texts."""
        if entry.mode != FILE:
            raise refused(what, "a folder is where a record must be")
        record = decode(self._bytes(entry, what), what)
        if not all(isinstance(value, str) for name, value in record.items() if name != "schema"):
            raise refused(what, "its record does not hold texts", code="bad-record")
        return record

    def _retired(self, source: str, entries: Entries) -> None:
        what = f"what was taken back of {source!r}"
        for prefix, folder in entries.items():
            for uid, versions in self._folder_at(folder).items():
                if not is_uid(uid) or uid[:2] != prefix:
                    raise refused(what, f"{uid!r} is no UID")
                for version, entry in self._folder_at(versions).items():
                    words = self._words(entry, f"{what}: {uid}@{version}")
                    if not _DIGEST.fullmatch(words.get("digest", "")):
                        raise refused(what, f"{uid}@{version} has no digest")

    def _source(self, name: str, entries: Entries, ours: Entries) -> None:
        what = f"the source {name!r}"
        _only_known(entries, {"source", "components"}, what)
        if (reason := unsafe_component_name(name)) is not None:
            raise refused(what, reason)
        source = self._record(Source, entries.get("source"), what)
        if source.name != name or source.kind not in SOURCE_KINDS:
            raise refused(what, "its record is that of something else")
        if source.head and not _OID.fullmatch(source.head):
            raise refused(what, "its head is no commit")
        if not source.url.isprintable():
            raise refused(what, "its address has control characters")
        components = self._folder(entries, "components")
        before = self._folder(ours, "components")
        for prefix, folder in self._new(components, before, what):
            old = self._folder(before, prefix)
            for uid, entry in self._new(self._folder_at(folder), old, what):
                if not is_uid(uid) or uid[:2] != prefix:
                    raise refused(what, f"{uid!r} is no UID")
                self._component(f"{name}:{uid}", uid, self._folder_at(entry), self._folder(old, uid))

    def _component(self, what: str, uid: str, entries: Entries, ours: Entries) -> None:
        component = self._record(Component, entries.get("component"), what)
        if component.uid != uid or not _is_called(component.kind, component.name):
            raise refused(what, "its record is that of something else")
        if not all(_is_called(*called.split(":", 1)) for called in component.names if ":" in called):
            raise refused(what, "a former name of it is not allowed")
        versions = {name: entry for name, entry in entries.items() if entry.mode == TREE}
        _only_known(entries, {"component", "absences", *versions}, what)
        if "absences" in entries:
            self._record(Absences, entries["absences"], f"the absences of {what}")
        listed = set(component.versions)
        if not listed or len(listed) != len(component.versions) or listed != versions.keys():
            raise refused(what, "the versions in its record are not those that it has")
        for version, entry in versions.items():
            if ours.get(version) != entry:
                self._release(f"{what}@{version}", uid, version, self._folder_at(entry))

    def _release(self, what: str, uid: str, version: str, entries: Entries) -> None:
        release = self._record(Release, entries.get("record"), what)
        _only_known(entries, {"record", "tree", "yank"}, what)
        if "yank" in entries:
            self._words(entries["yank"], f"the yank of {what}")
        source = what.partition(":")[0]
        what = f"{source}:{release.kind}:{release.name}@{version}"
        try:
            stated = str(parse_version(version))
        except CkstoreError:
            stated = ""
        if stated != version or (release.uid, release.version) != (uid, version):
            raise refused(what, "its record is that of something else")
        wrong = _wrong_release(release)
        if wrong:
            raise refused(what, wrong)
        held = entries.get("tree")
        if held is None or held.mode != TREE or held.oid != release.tree:
            raise refused(what, f"its record names the tree {release.tree}, which is not the one that it has")
        self._files(what, release)
        self.releases[source] += 1
        count = self.releases.total()
        if count % 100 == 0:
            self.progress(f"checked {plural(count, 'release')}")

    def _files(self, what: str, release: Release) -> None:
        self._safe(what, release.tree)
        found = self.digests.of_tree(release.tree)
        if found != release.digest:
            raise refused(
                what, f"its files have the digest {found}, not {release.digest}", code="digest-mismatch"
            )

    def _safe(self, what: str, tree: str) -> None:
        if tree not in self._sound:
            verdict = self._safety.check(tree)
            if verdict.refusal:
                raise refused(what, verdict.refusal)
            self._sound.add(tree)

    # -- runs ----------------------------------------------------------------------------------------

    def _run(self, prefix: str, run_id: str, entries: Entries, ours: Entries) -> None:
        what = f"the run {run_id!r}"
        run = self._record(Run, entries.get("record"), what)
        data = self.objects.read_blob(entries["record"].oid)
        if hashlib.sha256(data).hexdigest()[:RUN_ID_DIGITS] != run_id or run_id[:2] != prefix or ours:
            raise refused(what, "its record is that of another run")
        lock = entries.get("lock")
        if lock is None or lock.mode != FILE:
            raise refused(what, "its lock is missing")
        if hashlib.sha256(self._bytes(lock, what)).hexdigest() != run.lock:
            raise refused(what, "its lock is not the one that it used")
        outputs = entries.get("outputs")
        if (outputs.oid if outputs else "") != run.outputs or entries.keys() - {"record", "lock", "outputs"}:
            raise refused(what, "its outputs are not those that its record names")
        if run.outputs:
            self._names(what, run.outputs)
            self.digests.of_tree(run.outputs)  # every file of it is here
        self.runs += 1

    def _names(self, what: str, tree: str) -> None:
        """Outputs are what a program left: their names must be safe, their links are only kept."""
        pending, seen = [tree], set[str]()
        while pending:
            oid = pending.pop()
            for entry in self._entries(oid).values():
                reason = unsafe_file_name(entry.name)
                if reason is not None:
                    raise refused(what, f"{entry.name!r}: {reason}")
                if entry.is_tree and entry.oid not in seen:
                    seen.add(entry.oid)
                    pending.append(entry.oid)

    def _reference(self, theirs: Entries, prefix: str, key: str, entry: TreeEntry) -> None:
        what = f"the reference {key!r}"
        if not _KEY.fullmatch(key) or key[:2] != prefix or entry.mode != FILE:
            raise refused(what, "its name is malformed")
        run_id = self._bytes(entry, what).decode("utf-8", "replace")
        runs = self._folder(self._folder(theirs, "runs"), run_id[:2])
        if run_id not in runs:
            raise refused(what, "it names a run that is not there")
        run = self._record(Run, self._folder_at(runs[run_id]).get("record"), what)
        if run.key != key:
            raise refused(what, "it names a run with another key")


def _only_known(entries: Entries, known: Collection[str], what: str) -> None:
    unknown = sorted(entries.keys() - set(known))
    if unknown:
        raise Unsupported(
            f"{what} holds {unknown[0]!r}, which a newer ckstore wrote.",
            code="newer-log-entry",
            hints=["install a newer ckstore; nothing was published"],
        )


def _is_called(kind: str, name: str) -> bool:
    return unsafe_component_name(kind) is None and unsafe_component_name(name) is None


def _wrong_release(release: Release) -> str:
    """What is wrong with a release's own words; empty when nothing is."""
    if not _is_called(release.kind, release.name):
        return "its name is not allowed"
    if not (_OID.fullmatch(release.tree) and _DIGEST.fullmatch(release.digest)):
        return "its tree or its digest is malformed"
    if release.commit and not _OID.fullmatch(release.commit):
        return "its commit is malformed"
    if release.path.startswith("/") or ".." in release.path.split("/"):
        return "its path leaves its source"
    unfit = next((tag for tag in release.tags if unfit_tag(tag) is not None), None)
    return "" if unfit is None else f"{unfit!r} cannot be a tag"
