"""From what was typed to repositories: owners are asked for theirs, sources are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ckstore.errors import CkstoreError, InvalidInput
from ckstore.mirror.forges.patience import Patience
from ckstore.mirror.short import read_short
from ckstore.mirror.urls import parse_url
from ckstore.model.counting import plural
from ckstore.model.records import Source
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror_many import Job, Outcome
from ckstore.operations.mirror_selection import Group, Selection
from ckstore.operations.mirror_update import jobs_of_update


@dataclass(slots=True)
class Plan:
    """What is to be mirrored. ``failures`` are addresses that name nothing; they do not stop the others.

    ``gone`` are sources whose repository was deleted, ``several`` is True where one address means many,
    ``known`` maps the addresses that are mirrored already to their sources.
    """

    jobs: list[Job] = field(default_factory=list)
    failures: list[Outcome] = field(default_factory=list)
    gone: list[Source] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    several: bool = False

    def add(self, group: Group) -> None:
        """Everything of an owner."""
        self.jobs += group.jobs
        self.gone += group.gone
        self.notes += group.notes
        self.several = True
        if not group.jobs and not group.gone:
            self.notes.append(
                f"{group.address}: none of {plural(group.listed, 'repository', 'repositories')} is wanted"
            )

    def source_of(self, job: Job) -> str:
        """The source that a job continues; empty when it makes a new one."""
        return job.name or self.known.get(parse_url(job.address).text, "")

    def gone_as_plain(self) -> list[dict[str, object]]:
        """JSON-able values."""
        return [{"source": source.name, "url": source.url, "gone": True} for source in self.gone]


def plan(
    store: ObjectStore, addresses: Sequence[str], *, selection: Selection, patience: Patience,
    name: str = "", update: bool = False,
) -> Plan:  # fmt: skip
    """Read what was typed. A single address that names nothing raises; of several, it is reported."""
    known = {source.url: source.name for source in store.view().sources() if source.url}
    planned = Plan(known=known, several=update)
    if update and not addresses:
        planned.jobs = jobs_of_update(store)
        if not planned.jobs:
            planned.notes.append("nothing was mirrored yet; `ckstore mirror ADDRESS` begins")
        return planned
    for address in addresses:
        try:
            _read(planned, store, address, selection, patience, update=update)
        except CkstoreError as error:
            if len(addresses) == 1:
                raise
            planned.failures.append(Outcome(Job(address), "", error=error))
    if name:
        if len(planned.jobs) + len(planned.failures) != 1 or planned.several:
            raise InvalidInput("--name goes with a single repository.", code="name-for-many")
        planned.jobs = [Job(planned.jobs[0].address, name)]
    return planned


def _read(
    planned: Plan, store: ObjectStore, address: str, selection: Selection, patience: Patience, *, update: bool
) -> None:
    short = read_short(address)
    if short is not None and short.may_be_group:
        from ckstore.operations.mirror_groups import read_group  # HTTP is slow to import

        planned.add(read_group(store, short, selection, patience))
    elif update:
        planned.jobs += jobs_of_update(store, [address])
    else:
        parse_url(address)
        planned.jobs.append(Job(address))
