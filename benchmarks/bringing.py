"""Bringing a repository in without deriving anything: what is asked, fetched or copied, and checked."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Sample


def bring(source: Path, new_store: Callable[[], Path], *, copied: bool) -> Sample:
    """CPU seconds, children included, until everything is in a new store's quarantine.

    ``copied`` False: a marker in the source makes it one that is fetched instead.
    """
    from ckstore.mirror.listing import find_engine, list_remote
    from ckstore.mirror.quarantine import quarantine
    from ckstore.mirror.transport import bring as bring_in
    from ckstore.mirror.urls import parse_url
    from ckstore.objects.store import ObjectStore

    def sample() -> float:
        marker = source / "objects" / "info" / "http-alternates"
        marker.unlink(missing_ok=True) if copied else marker.touch()
        store, url, engine = ObjectStore(new_store()), parse_url(str(source)), find_engine()
        start = _seconds()
        with quarantine(store, "bench", url, _silent) as incoming:
            listing = list_remote(engine, store.git, url)
            bring_in(engine, incoming, url, listing, _silent)
        return _seconds() - start

    return sample


def _silent(line: str) -> None:
    pass


def _seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
