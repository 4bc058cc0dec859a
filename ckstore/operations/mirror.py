"""Bring a git repository in, or up to date.

Most mirrors are updates that find nothing new: what they need is imported here, the rest when it is needed.
"""

from __future__ import annotations

from ckstore.mirror.listing import find_engine, list_remote
from ckstore.mirror.remote import Engine, Progress
from ckstore.mirror.urls import parse_url
from ckstore.objects.store import ObjectStore
from ckstore.operations.mirror_names import choose_source, known_sources
from ckstore.operations.mirror_report import MirrorReport, is_current, unchanged_report

__all__ = ["MirrorReport", "mirror"]


def mirror(
    store: ObjectStore,
    url: str,
    *,
    name: str = "",
    moved_from: str = "",
    progress: Progress = lambda line: None,
    engine: Engine | None = None,
) -> MirrorReport:
    """Mirror the repository at ``url`` as the source ``name`` (default: the repository's own name).

    Fetches the default branch and all tags, derives the releases of every component and publishes them
    in one operation. Called again, it continues. ``moved_from`` is the former address of a repository
    that moved: its source continues at the new one. ``progress`` gets lines of text. Raises
    :class:`InvalidInput` for a wrong address, :class:`Conflict` when the name belongs to another source,
    ``NotFound`` and ``Unavailable`` when there is nothing at the address or no answer from it.
    """
    remote = parse_url(url)
    source = choose_source(known_sources(store.view()), remote, name, moved_from)

    def told(line: str) -> None:
        progress(f"{source.name}: {line}")

    engine = engine or find_engine()
    told("asking for branches and tags")
    listing = list_remote(engine, store.git, remote)
    if is_current(source, remote, listing.refs) and not (store.path / "incoming" / source.name).exists():
        return unchanged_report(store.view(), source, remote, listing.refs)
    from ckstore.operations.mirror_work import fetch_and_publish  # all that follows is slow to import

    return fetch_and_publish(store, remote, source, listing, engine, told, moved_from)
