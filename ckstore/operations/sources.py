"""``sources``: where the components of a store come from."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from ckstore.errors import NotFound
from ckstore.model.query import Query
from ckstore.model.records import Source
from ckstore.objects.log import LogView
from ckstore.objects.store import ObjectStore
from ckstore.operations.find import find
from ckstore.operations.yank import because


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source with the number of components that it has now, and ``kind:name@version: reason`` of yanks."""

    source: Source
    components: int
    yanked: tuple[str, ...] = ()

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self.source), "problems": list(self.source.problems), "components": self.components,
                "yanked": list(self.yanked)}  # fmt: skip


def sources(store: ObjectStore, names: Sequence[str] = ()) -> list[SourceEntry]:
    """All sources, or those named, by name; :class:`NotFound` when one of these is not there."""
    view = store.view()
    known = {source.name: source for source in view.sources()}
    for name in names:
        if name not in known:
            raise no_source(name, known)
    yanked = _yanked(store, view)
    return [
        SourceEntry(
            source,
            sum(not component.withdrawn for component in view.components(name)),
            tuple(yanked.get(name, ())),
        )
        for name, source in known.items()
        if not names or name in names
    ]


def no_source(name: str, known: Iterable[str]) -> NotFound:
    """The error for a name that no source has."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return NotFound(
        f"There is no source {name!r}.",
        code="no-source",
        hints=[*(f"did you mean {other}?" for other in near), "`ckstore sources` lists them"],
    )


def _yanked(store: ObjectStore, view: LogView) -> dict[str, list[str]]:
    """Source → ``kind:name@version: reason`` of what was yanked in it."""
    found: dict[str, list[str]] = {}
    for hit in find(store.path, Query(yanked=True, withdrawn=True)).hits if view.head else ():
        why = view.yank(hit.source, hit.uid, hit.version)
        found.setdefault(hit.source, []).append(
            f"{hit.kind}:{hit.name}@{hit.version}{because(why) if why else ''}"
        )
    return found
