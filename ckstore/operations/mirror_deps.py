"""Following what a mirrored repository says that it needs, to the end, cycles and all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ckstore.errors import CkstoreError, InvalidInput
from ckstore.mirror.readers.neighbours import RepositoryNeed, neighbours
from ckstore.mirror.redirects import may_name
from ckstore.mirror.trees import Trees
from ckstore.mirror.urls import parse_url
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror import MirrorReport
from ckstore.operations.mirror_many import Job

USUAL_PLACE = "https://github.com/ctuning/{name}"  # where repositories that are named without address live


@dataclass(slots=True)
class Dependencies:
    """The ``follow`` of :func:`~ckstore.operations.mirror_many.mirror_many`.

    ``place`` says where repositories are that are named without an address: ``{name}`` stands for the name.
    ``notes`` collects what cannot be followed. A need of a certain branch or tag is met by the whole
    repository: all tags come with it. A repository that came from outside cannot lead to folders of
    this machine or to hosts in its own network: that would lend strangers the reach of whoever mirrors.
    """

    place: str = USUAL_PLACE
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if "{name}" not in self.place:
            raise InvalidInput(
                f"{self.place!r} does not say where {{name}} goes.",
                code="bad-place",
                hints=[f"like {USUAL_PLACE}"],
            )

    def __call__(self, store: ObjectStore, report: MirrorReport) -> Sequence[Job]:
        """The repositories that this one needs."""
        try:
            found = neighbours(Trees(store), store.root_of(report.head))
        except CkstoreError as error:
            self._note(f"{report.source}: what it needs cannot be read: {error.message}")
            return []
        for problem in found.problems:
            self._note(f"{report.source}: {problem}")
        return [job for need in found.needs if (job := self._job(report, need))]

    def _job(self, report: MirrorReport, need: RepositoryNeed) -> Job | None:
        source = report.source
        if need.conflict:
            return None
        address = need.url or (self.place.replace("{name}", need.name) if need.name else "")
        if not address:
            self._note(f"{source} needs the repository {need.uid}, but does not say where it is")
            return None
        try:
            url = parse_url(address)
        except CkstoreError as error:
            self._note(f"{source} needs {need.name or need.uid or 'a repository'}: {error.message}")
            return None
        if url.kind == "folder":  # what a repository says must not reach into this machine
            self._note(f"{source} needs {url.text}, which is a folder: mirror it yourself if you want it")
            return None
        if need.url and not may_name(parse_url(report.url), url):  # --at is the user's own word
            self._note(
                f"{source} ({report.url}) needs {url.text}, which is inside this machine's own network:"
                " mirror it yourself if you want it"
            )
            return None
        return Job(url.text)

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
