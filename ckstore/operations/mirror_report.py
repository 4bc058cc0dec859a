"""What a mirror did, and whether there was anything to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from ckstore.mirror.remote import RemoteRefs
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.counting import plural
from ckstore.model.records import Source
from ckstore.objects.log import LogView


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """What a mirror did. Counts are of components, but for ``releases``; ``total`` has a release now.

    What was here before, by an import too, is not new. ``withdrawn`` and ``returned``: as against before.
    """

    source: str
    url: str
    head: str
    branch: str
    total: int = 0
    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    returned: int = 0
    releases: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: bool = False

    def in_numbers(self) -> str:
        """``2 new releases (1 new, 1 changed, 0 withdrawn)``: what it did to components."""
        returned = f", {self.returned} returned" if self.returned else ""
        return (
            f"{plural(self.releases, 'new release')} "
            f"({self.new} new, {self.changed} changed, {self.withdrawn} withdrawn{returned})"
        )

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self), "problems": list(self.problems), "notes": list(self.notes)}


def plain_report(source: Source, url: RemoteUrl, refs: RemoteRefs, *, unchanged: bool) -> MirrorReport:
    """What can be said without looking at components."""
    notes = tuple(note for note in (url.note, refs.note) if note)
    return MirrorReport(
        source.name, url.text, source.head, source.branch, problems=source.problems, unchanged=unchanged,
        notes=notes,
    )  # fmt: skip


def unchanged_report(view: LogView, source: Source, url: RemoteUrl, refs: RemoteRefs) -> MirrorReport:
    """There was nothing new."""
    total = sum(not component.withdrawn for component in view.components(source.name))
    return replace(plain_report(source, url, refs, unchanged=True), total=total)


def is_current(source: Source, url: RemoteUrl, refs: RemoteRefs) -> bool:
    """True when there is nothing to fetch, and nothing to write about the source."""
    return source.url == url.text and refs.head == source.head and not _new_tags(source, refs.tags)


def _new_tags(source: Source, tags: Mapping[str, str]) -> bool:
    return any(source.labels.get(tag) != oid for tag, oid in tags.items())
