"""``sources``: where the components of a store come from."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ckstore.model.records import Source
from ckstore.objects.store import ObjectStore


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source with the number of components that it has now."""

    source: Source
    components: int

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {**asdict(self.source), "problems": list(self.source.problems), "components": self.components}


def sources(store: ObjectStore) -> list[SourceEntry]:
    """All sources, by name."""
    view = store.view()
    return [
        SourceEntry(source, sum(not component.withdrawn for component in view.components(source.name)))
        for source in view.sources()
    ]
