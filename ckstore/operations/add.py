"""``add``: publish a folder, one component or a whole repository of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ckstore.errors import Conflict, InvalidInput, NotFound
from ckstore.mirror.derive import Line, Where, extend, next_release
from ckstore.mirror.readers import Listed, Listing, file_names, read_root
from ckstore.mirror.trees import Trees
from ckstore.model.metadata_ck import CK_REPOSITORY
from ckstore.model.names import check_name
from ckstore.model.records import Operation, Release, Source
from ckstore.model.versions import next_version, parse_version, read_version
from ckstore.objects.digests import Digests
from ckstore.objects.folders import Seen, Staged, import_folder
from ckstore.objects.head import read_head
from ckstore.objects.log import LogEdit, LogView
from ckstore.objects.packs import PackWriter
from ckstore.objects.statcache import Rows
from ckstore.objects.store import ObjectStore
from ckstore.operations.folder import (
    Stated,
    Unsafe,
    ignored_by_git,
    is_single,
    no_metadata,
    outside_of,
    repository_name,
    single,
)
from ckstore.operations.origins import BUILTIN, FOLDER, KINDS_SOURCE
from ckstore.operations.settled import Memory, Settled, look_at

LOCAL = "local"
_NOTHING = "nothing was published: what is added is one operation"
_SHOWN = 3
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Added:
    """One new release: ``component`` is ``source:kind:name``, ``changes`` the interface difference."""

    component: str
    release: Release

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        release = self.release
        return {
            "component": self.component, "uid": release.uid, "version": release.version,
            "bump": release.bump, "changes": list(release.changes), "tree": release.tree,
            "digest": release.digest,
        }  # fmt: skip


@dataclass(slots=True)
class AddReport:
    """What ``add`` published; ``unchanged`` names the releases that were there already.

    ``versions`` maps the UID of every component of the folder to the version that holds it now.
    """

    source: str
    added: list[Added] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)  # unchanged, and not withdrawn any more
    problems: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {
            "source": self.source, "added": [item.as_plain() for item in self.added],
            "unchanged": self.unchanged, "withdrawn": self.withdrawn,
            "returned": self.returned, "problems": list(self.problems),
        }  # fmt: skip


def add(
    store: ObjectStore, path: Path, *, kind: str = "", name: str = "", version: str = "",
    tags: Sequence[str] = (), source: str = "", command: str = "ckstore add",
    origin: str = FOLDER, version_of: Callable[[str], str] | None = None, rehash: bool = False,
    progress: Progress = lambda line: None,
) -> AddReport:  # fmt: skip
    """Publish the folder ``path``: one operation, all of it or nothing.

    ``kind``, ``name``, ``version`` and ``tags`` say what the metadata of a single component does not;
    ``version_of`` gives the version for a digest where versions are not to be derived. Files that look as
    they did the last time are not read again, unless ``rehash``.
    Raises :class:`InvalidInput` for what cannot be a component, :class:`Conflict` for other content under
    a version that is released.
    """
    if not path.is_dir():
        raise NotFound(
            f"{path} is not a folder.", code="no-folder", hints=["`ckstore add PATH` takes a folder"]
        )
    path = path.resolve()
    stated = Stated(kind, name, str(parse_version(version)) if version else "", tuple(sorted(set(tags))))
    stated.checked()
    asked = (kind, name, version, ",".join(stated.tags), source)
    cached = _Cached(Memory(str(store.path), str(path), asked), rehash or origin != FOLDER)
    settled = cached.answer(store)
    if settled is not None:
        versions = (called.rpartition("@")[2] for called in settled.unchanged)
        return AddReport(
            settled.source, unchanged=settled.unchanged, problems=settled.problems,
            versions=dict(zip(settled.uids, versions, strict=True)),
        )  # fmt: skip
    report, head, here = _publish(
        store, path, stated, source, command, origin, version_of, progress, cached.seen
    )
    cached.keep(head, Settled(report.source, here, list(report.versions), report.problems))
    return report


def _publish(
    store: ObjectStore, path: Path, stated: Stated, source: str, command: str, origin: str,
    version_of: Callable[[str], str] | None, progress: Progress, seen: Seen,
) -> tuple[AddReport, str, list[str]]:  # fmt: skip
    """(report, head of the log, ``source:kind:name@version`` of all that the folder holds)."""
    alone = is_single(path, stated)
    source_name = _checked(source or repository_name(path, alone) or LOCAL)
    report, here = AddReport(source_name), list[str]()

    def prepare(writer: PackWriter) -> tuple[Staged, Listing]:
        # what ships with ckstore is whole wherever it was installed, whatever git thinks of that place
        ignored = (lambda item: False) if origin == BUILTIN else ignored_by_git(path)
        staged = Staged(store, writer)
        if not alone:
            return staged, _repository(staged, path, stated, ignored, progress, seen)
        tree, _ = import_folder(writer, path, ignored=ignored, progress=progress, seen=seen)
        return staged, single(staged, path, tree, stated)

    def edit(view: LogView, change: LogEdit, prepared: tuple[Staged, Listing]) -> None:
        staged, listing = prepared
        url = "" if alone or origin != FOLDER else str(path)
        record = _source(view, source_name, origin, url, listing)
        publisher = _Publisher(view, change, staged, record, report, stated.version, version_of)
        here.extend(publisher.publish(listing, whole=not alone))

    summary = f"{path.name} into {source_name}"
    return report, store.publish(Operation("add", command, summary), prepare, edit, progress), here


class _Cached:
    """What is remembered about a folder, and what is to be remembered after this time."""

    def __init__(self, memory: Memory, forgotten: bool) -> None:
        self._memory, self._forgotten = memory, forgotten
        self._started = time.time_ns()
        self._rules = look_at(outside_of(Path(memory.folder)))
        self.seen = Seen() if forgotten else Seen(memory.rows.by_name())

    def answer(self, store: ObjectStore) -> Settled | None:
        """What was said the last time, when it still holds."""
        return None if self._forgotten else self._memory.answer(read_head(store.path))

    def keep(self, head: str, said: Settled) -> None:
        """Remember this time, unless something of the folder had to be left out."""
        if self.seen.rows.names:
            self._memory.keep(self.seen.rows, self._rules, self._started, head, said)


def _checked(source: str) -> str:
    try:
        return check_name(source, "source")
    except InvalidInput as error:
        raise InvalidInput(
            error.message,
            code=error.code,
            hints=["name the source with --source NAME"],
            details=error.details,
        ) from error


def _repository(
    staged: Staged, path: Path, stated: Stated, ignored: Callable[[str], bool], progress: Progress, seen: Seen
) -> Listing:
    if stated:
        raise InvalidInput(
            f"{path} holds many components: --kind, --name, --version and --tags are for a single one.",
            code="many-components",
            hints=["name the folder of one component"],
        )
    try:
        tree, _ = import_folder(staged.writer, path, ignored=ignored, progress=progress, seen=seen)
        listing = read_root(staged, tree, path.name)
    except InvalidInput:  # something that no tree can hold: it must not stop the components beside it
        seen.rows = Rows.empty()
        unsafe = Unsafe(path, ignored)
        tree, _ = import_folder(staged.writer, path, ignored=unsafe, progress=progress)
        listing = unsafe.without(read_root(staged, tree, path.name))
    if not listing.components and listing.problems:
        raise _all_broken(path, listing.problems)
    if not listing.components and (path / CK_REPOSITORY).is_file():
        raise InvalidInput(f"The repository {path} holds no components.", code="no-components")
    if all(listed.found.format == "plain" for listed in listing.components):
        raise no_metadata(path)  # a name for the kind of what nobody described would be a guess
    reached = _reached(staged, [listed.found.tree for listed in listing.components])
    seen.rows.forget_ids(staged.writer.keep_only(reached))  # of no release: git would find it dangling
    return listing


def _reached(staged: Staged, trees: Iterable[str]) -> set[str]:
    """All that these trees hold, as far as it was written here; what is not, the store has, mostly whole."""
    writer, found, pending = staged.writer, set[str](), list(trees)
    while pending:
        oid = pending.pop()
        if oid not in found and (oid in writer or writer.heals):
            found.add(oid)
            for entry in staged.read_tree(oid):
                (pending.append if entry.is_tree else found.add)(entry.oid)
    return found


def _all_broken(path: Path, problems: Sequence[str]) -> InvalidInput:
    more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return InvalidInput(
        f"Nothing in {path} can be added: {'; '.join(problems[:_SHOWN])}{more}.",
        code="all-broken",
        hints=["mend what is named, then add it again: nothing was published"],
        details={"problems": list(problems)},
    )


def _source(view: LogView, name: str, origin: str, url: str, listing: Listing) -> Source:
    present = view.source(name)
    if name == KINDS_SOURCE and origin != BUILTIN:
        raise Conflict(
            f"The source {name!r} is for the kinds that ship with ckstore.",
            code="source-taken",
            hints=["give this folder another name with --source NAME"],
        )
    if present is not None and (present.kind != origin or (present.url and url and present.url != url)):
        raise Conflict(
            f"The source {name!r} is already {present.url or present.kind}.",
            code="source-taken",
            hints=["give this folder another name with --source NAME"],
        )
    if present is not None and not url:
        return present  # one more component does not change what is known of its source
    return Source(name=name, url=url, kind=origin, problems=listing.problems)


@dataclass(slots=True)
class _Publisher:
    """Turns a listing into releases over what one view of the log holds."""

    view: LogView
    change: LogEdit
    staged: Staged
    source: Source
    report: AddReport
    version: str
    version_of: Callable[[str], str] | None = None

    def publish(self, listing: Listing, *, whole: bool) -> list[str]:
        """Put everything into the change; gives what the folder holds, ``source:kind:name@version``."""
        self.report.problems = (*listing.problems, *listing.warnings)
        staged = self.staged
        digests = Digests(staged.read_tree, staged.read_blob, staged.large_blob, dict(staged.writer.digests))
        here = [self._one(listed, digests.of_tree(listed.found.tree)) for listed in listing.components]
        if whole:
            self._withdraw({listed.uid for listed in listing.components}, listing.problems)
        if self.report.added or self.report.withdrawn or self.view.source(self.source.name) != self.source:
            self.change.put_source(self.source)
        return here

    def _one(self, listed: Listed, digest: str) -> str:
        line = self._line(listed.uid)
        called = f"{self.source.name}:{listed.metadata.kind}:{listed.metadata.name}"
        same = self._unchanged(line, listed, digest)
        if same:
            self.report.versions[listed.uid] = same
            self.report.unchanged.append(f"{called}@{same}")
            if line is not None and line.component.withdrawn:
                back = replace(line.component, withdrawn="")
                self.change.put_component(self.source.name, back, ())
                self.report.returned.append(f"{called}@{same}")
            return f"{called}@{same}"
        files = file_names(Trees(self.staged), listed.found.tree)
        where = Where("", listed.found.path, listed.found.tree, digest)
        release = next_release(line.newest if line else None, listed.uid, listed.metadata, files, where)
        version = self._stated(listed, digest)
        if (
            version and version != release.version
        ):  # next_release follows only a version with a higher precedence
            release = replace(release, version=version, bump="explicit")
        release = release if version else self._free(release)
        self.report.versions[listed.uid] = release.version
        after = extend(line, release)
        self.change.put_component(self.source.name, after.component, [release])
        self.report.added.append(Added(called, release))
        return f"{called}@{release.version}"

    def _free(self, release: Release) -> Release:
        """The release under the first version that never meant other files, also not one taken back."""
        retired = self.view.retired(self.source.name, release.uid)
        version = release.version
        while version in retired and retired[version].digest != release.digest:
            version = str(next_version(parse_version(version), "patch"))
        return replace(release, version=version)

    def _line(self, uid: str) -> Line | None:
        component = self.view.component(self.source.name, uid)
        if component is None:
            return None
        return Line(component, self.view.release(self.source.name, uid, component.newest))

    def _stated(self, listed: Listed, digest: str) -> str:
        """The version that the user or the metadata gives; empty when it is to be derived."""
        if self.version_of is not None:
            return self.version_of(digest)
        return self.version or str(read_version(listed.metadata.version) or "")

    def _unchanged(self, line: Line | None, listed: Listed, digest: str) -> str:
        """The version that already holds exactly this; :class:`Conflict` if it holds something else."""
        if line is None:
            return ""
        stated = self._stated(listed, digest)
        version = stated or line.newest.version
        if version not in line.component.versions:
            if self.version_of is None:
                self._check_forward(line, stated)
            return ""
        present = self.view.release(self.source.name, listed.uid, version)
        called = (listed.metadata.kind, listed.metadata.name, listed.metadata.tags)
        if present.tree == listed.found.tree and called == (present.kind, present.name, present.tags):
            return version
        if stated:
            raise _other_content(f"{self.source.name}:{called[0]}:{called[1]}", present, digest)
        return ""

    def _check_forward(self, line: Line, stated: str) -> None:
        if stated and parse_version(stated) < parse_version(line.newest.version):
            raise Conflict(
                f"{line.component.kind}:{line.component.name} is at {line.newest.version}; "
                f"{stated} would go back.",
                code="version-goes-back",
                hints=["choose a version after the newest one, or leave it out: it is derived", _NOTHING],
            )

    def _withdraw(self, present: set[str], problems: tuple[str, ...]) -> None:
        """What left the folder is withdrawn; what is merely broken in it is not."""
        for component in self.view.components(self.source.name):
            if component.uid in present or component.withdrawn:
                continue
            path = self.view.release(self.source.name, component.uid, component.newest).path or "."
            if any(line.startswith((f"{path}:", f"{path}/")) for line in problems):
                continue
            gone = replace(component, withdrawn="removed from the folder")
            self.change.put_component(self.source.name, gone, ())
            self.report.withdrawn.append(f"{self.source.name}:{component.kind}:{component.name}")


def _other_content(called: str, present: Release, digest: str) -> Conflict:
    same_files = present.digest == digest
    return Conflict(
        f"{called}@{present.version} is released with "
        + ("other tags or another name." if same_files else f"{present.digest}; this folder has {digest}."),
        code="version-released",
        hints=[
            "a released version never changes: raise the version in the metadata, or pass --version",
            "without a stated version, the next one is derived",
            _NOTHING,
        ],
        details={"released": present.digest, "found": digest, "version": present.version},
    )
