"""Which sources an update means: by name, by address, or all that have one."""

from __future__ import annotations

from collections.abc import Sequence

from ckstore.errors import CkstoreError, InvalidInput
from ckstore.mirror.urls import parse_url
from ckstore.model.records import Source
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror_many import Job
from ckstore.operations.sources import no_source


def jobs_of_update(store: ObjectStore, wanted: Sequence[str] = ()) -> list[Job]:
    """A job for every mirrored source, or for these. :class:`NotFound` for one that is not there."""
    sources = {source.name: source for source in store.view().sources()}
    chosen = [_chosen(sources, text) for text in wanted]
    if not wanted:
        chosen = [source for source in sources.values() if source.kind == "git"]
    return [Job(source.url, source.name) for source in chosen]


def _chosen(sources: dict[str, Source], text: str) -> Source:
    source = sources.get(text) or next((s for s in sources.values() if s.url == _address(text)), None)
    if source is None:
        raise no_source(text, sources)
    if source.kind != "git":
        raise InvalidInput(
            f"The source {source.name} is not mirrored, it is a {source.kind}.",
            code="not-mirrored",
            hints=["`ckstore add` its folder again"] if source.kind == "folder" else [],
        )
    return source


def _address(text: str) -> str:
    try:
        return parse_url(text).text
    except CkstoreError:
        return text
