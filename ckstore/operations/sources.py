"""``sources``: where the components of a store come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ckstore.model.query import Query
from ckstore.model.records import Source
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


def sources(store: ObjectStore) -> list[SourceEntry]:
    """All sources, by name."""
    view = store.view()
    yanked: dict[str, list[str]] = {}
    for hit in find(store.path, Query(yanked=True, withdrawn=True)).hits if view.head else ():
        why = view.yank(hit.source, hit.uid, hit.version)
        yanked.setdefault(hit.source, []).append(
            f"{hit.kind}:{hit.name}@{hit.version}{because(why) if why else ''}"
        )
    return [
        SourceEntry(
            source,
            sum(not component.withdrawn for component in view.components(source.name)),
            tuple(yanked.get(source.name, ())),
        )
        for source in view.sources()
    ]
