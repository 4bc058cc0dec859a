"""Following what a mirrored repository says that it needs, to the end, cycles and all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from ckstore.errors import CkstoreError, InvalidInput, Unavailable
from ckstore.mirror.readers.neighbours import RepositoryNeed, neighbours
from ckstore.mirror.redirects import may_name
from ckstore.mirror.trees import Trees
from ckstore.mirror.urls import RemoteUrl, parse_url
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import MirrorReport
from ckstore.operations.mirror_many import Job

USUAL_PLACE = "https://github.com/ctuning/{name}"  # where repositories that are named without address live


@dataclass(frozen=True, slots=True)
class Unmet:
    """A need that is not followed, or (``name``, ``uid`` and ``url`` empty) one that cannot be read."""

    needed_by: str  # the source
    message: str
    name: str = ""
    uid: str = ""
    url: str = ""

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"error": "need-not-followed", **asdict(self)}


@dataclass(slots=True)
class Dependencies:
    """The ``follow`` of :func:`~ckstore.operations.mirror_many.mirror_many`.

    ``place`` says where repositories are that are named without an address: ``{name}`` stands for the name.
    ``unmet`` collects what cannot be followed. A need of a certain branch or tag is met by the whole
    repository: all tags come with it. A repository that came from outside cannot lead to folders of
    this machine or to hosts in its own network: that would lend strangers the reach of whoever mirrors.
    """

    place: str = USUAL_PLACE
    unmet: list[Unmet] = field(default_factory=list)

    def __post_init__(self) -> None:
        if "{name}" not in self.place:
            raise _bad_place(f"{self.place!r} does not say where {{name}} goes.")
        try:
            url = parse_url(self.place.replace("{name}", "name"))
        except CkstoreError as error:
            raise _bad_place(f"{self.place!r} is no address of repositories: {error.message}") from error
        if url.kind == "folder":  # names that strangers choose must not lead through this machine's folders
            raise _bad_place(f"{self.place!r} is a folder of this machine; needs are not looked up there.")

    def __call__(self, store: ObjectStore, report: MirrorReport) -> Sequence[Job]:
        """The repositories that this one needs; :class:`Unavailable` when that cannot be read."""
        if not store.has(report.head):
            raise _unread(report, "objects of it are missing or refused, so its history is not in the store")
        try:
            found = neighbours(Trees(store), store.root_of(report.head))
        except CkstoreError as error:
            raise _unread(report, error.message.rstrip(".")) from error
        for problem in found.problems:
            self._leave(Unmet(report.source, f"{report.source}: {problem}"))
        return [job for need in found.needs if (job := self._job(report, need))]

    def _job(self, report: MirrorReport, need: RepositoryNeed) -> Job | None:
        if need.conflict:
            return None
        address = need.url or (self.place.replace("{name}", need.name) if need.name else "")
        try:
            url = parse_url(address) if address else None
            reason = self._why_not(report, need, url)
        except CkstoreError as error:
            reason = f"{report.source} needs {need.name or need.uid or 'a repository'}: {error.message}"
        if reason or url is None:
            self._leave(Unmet(report.source, reason, need.name, need.uid, address))
            return None
        return Job(url.text)

    def _why_not(self, report: MirrorReport, need: RepositoryNeed, url: RemoteUrl | None) -> str:
        """Why a need is not followed; empty when it is."""
        source = report.source
        if url is None:
            return f"{source} needs the repository {need.uid}, but does not say where it is"
        if url.kind == "folder":  # what a repository says must not reach into this machine
            return f"{source} needs {url.text}, which is a folder: mirror it yourself if you want it"
        if need.url and not may_name(parse_url(report.url), url):  # --at is the user's own word
            return (
                f"{source} ({report.url}) needs {url.text}, which is inside this machine's own network:"
                " mirror it yourself if you want it"
            )
        return ""

    def _leave(self, unmet: Unmet) -> None:
        if unmet not in self.unmet:
            self.unmet.append(unmet)


def _bad_place(message: str) -> InvalidInput:
    return InvalidInput(message, code="bad-place", hints=[f"like {USUAL_PLACE}"])


def _unread(report: MirrorReport, reason: str) -> Unavailable:
    return Unavailable(
        f"What {report.source} needs cannot be read: {reason}.",
        code="needs-unreadable",
        hints=["mirror what it needs by its addresses; its README may name them"],
        details={"source": report.source, "url": report.url},
    )
