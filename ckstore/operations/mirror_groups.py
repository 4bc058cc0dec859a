"""All repositories of an owner on a forge: which of them to mirror, and what became of those we know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ckstore.errors import NotFound
from ckstore.mirror.forges.answers import Answers
from ckstore.mirror.forges.forge import Forge, Listed
from ckstore.mirror.forges.opening import open_forge
from ckstore.mirror.forges.patience import Patience
from ckstore.mirror.short import Short
from ckstore.mirror.urls import parse_url
from ckstore.model.counting import plural
from ckstore.model.records import Source
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror_many import Job
from ckstore.operations.mirror_selection import Group, Selection


def read_group(store: ObjectStore, short: Short, selection: Selection, patience: Patience) -> Group:
    """Ask the forge what the owner has. Raises ``NotFound``, and ``Unavailable`` when it does not answer.

    In GitLab, a path of several steps is a group or a project: both are asked for.
    """
    forge = open_forge(short, Answers(store.path / "cache" / "forges"), patience)
    try:
        found = forge.repositories(short.path)
    except NotFound as error:
        one = forge.repository(short.path) if short.is_repository else None
        if one is None:
            raise NotFound(
                f"{short.host} has no owner {short.path!r}.", code="no-owner", hints=error.hints,
                details={"host": short.host, "owner": short.path},
            ) from error  # fmt: skip
        return Group(short.url, 1, (Job(one.url),))
    known = [source for source in store.view().sources() if source.kind == "git"]
    return _Reading(forge, short, selection, found, known).group()


@dataclass(slots=True)
class _Reading:
    forge: Forge
    short: Short
    selection: Selection
    found: Sequence[Listed]
    known: Sequence[Source]

    def group(self) -> Group:
        """What to do, in the order of names."""
        jobs, gone, notes = self._lost()
        taken = {job.address for job in jobs}
        for one in self.found:
            if self.selection.takes(one) and one.url not in taken:
                if one.empty:
                    notes.append(f"{one.path} is empty")
                else:
                    jobs.append(Job(one.url, listed=True))
        forks = sum(one.fork for one in self.found) if not self.selection.forks else 0
        if forks:
            notes.append(f"{plural(forks, 'fork')} left out; --forks takes forks, too")
        ordered = sorted(jobs, key=lambda job: job.address.lower())
        return Group(self.short.url, len(self.found), tuple(ordered), tuple(gone), tuple(notes))

    def _lost(self) -> tuple[list[Job], list[Source], list[str]]:
        """Sources of this owner that are not in the list: renamed, moved away, hidden or deleted."""
        jobs: list[Job] = []
        gone: list[Source] = []
        notes: list[str] = []
        listed = {one.url.lower() for one in self.found}
        urls = {source.url: source.name for source in self.known}
        for source in self.known:
            path = self._path_of(source)
            if not path or source.url.lower() in listed:
                continue
            if not self.selection.takes_name(path.rpartition("/")[2]):
                continue
            now = self.forge.repository(path)
            if now is None:
                gone.append(source)
            elif now.url == source.url:
                jobs.append(Job(now.url, source.name))
            elif now.url in urls:
                notes.append(f"{source.name} is now at {now.url}, which is mirrored as {urls[now.url]}")
            else:
                jobs.append(Job(now.url, source.name, moved_from=source.url))
        return jobs, gone, notes

    def _path_of(self, source: Source) -> str:
        """``owner/name`` of a source of this owner; empty for all others."""
        hosts = {parse_url(one.url).host for one in self.found} | {self.short.host.partition(":")[0]}
        parts = urlsplit(source.url)
        path = parts.path.strip("/")
        below = path.lower().startswith(f"{self.short.path.lower()}/")
        return path if below and (parts.hostname or "") in hosts else ""
