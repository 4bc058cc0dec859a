"""Which source an address continues, and what a new one is called."""

from __future__ import annotations

from collections.abc import Mapping

from ckstore.errors import Conflict, InvalidInput
from ckstore.mirror.clashes import left_components
from ckstore.mirror.urls import RemoteUrl
from ckstore.model.names import check_name
from ckstore.model.records import Source
from ckstore.objects.log import LogView
from ckstore.operations.origins import KINDS_SOURCE


def known_sources(view: LogView) -> dict[str, Source]:
    """All names that are taken, with what has them."""
    shipped = Source(KINDS_SOURCE, "the kinds that ckstore ships", "builtin")
    return {KINDS_SOURCE: shipped, **{source.name: source for source in view.sources()}}


def choose_source(
    known: Mapping[str, Source], url: RemoteUrl, name: str = "", moved_from: str = ""
) -> Source:
    """The record to continue, or a new one under a name that is free.

    ``name`` is what the user wants it to be called (empty: what the address gives), ``moved_from`` the
    former address of a repository that moved. :class:`Conflict` when the name, or the address, is taken;
    a repository of which a clash stopped something may be mirrored under a second name.
    """
    of_it = [source for source in known.values() if source.url == url.text]
    same = next((source for source in of_it if source.name == name), of_it[0] if of_it else None)
    if same is None and moved_from:
        same = next((source for source in known.values() if source.url == moved_from), None)
    if same is not None and name in ("", same.name):
        return same
    if same is not None and not left_components(same.problems):
        raise Conflict(
            f"{url.text} is already mirrored as {same.name}.",
            code="already-mirrored",
            hints=[f"leave --name out to bring {same.name} up to date"],
        )
    wanted = name or url.name
    if not name and wanted in known:
        wanted = url.long_name
    if not wanted and not url.name:
        raise InvalidInput(
            f"{url.text} gives no name for the source.", code="no-name", hints=["say --name <name>"]
        )
    if not wanted or wanted in known:
        raise taken(known[wanted or url.name], url)
    return Source(_checked(wanted), url.text, "git")


def taken(other: Source, url: RemoteUrl) -> Conflict:
    """The name that ``url`` would have belongs to another source."""
    return Conflict(
        f"The name {other.name} belongs to another source, {other.url or other.kind}.",
        code="name-taken",
        hints=[f"ckstore mirror {url.text} --name <another name>"],
    )


def _checked(name: str) -> str:
    try:
        return check_name(name, "source")
    except InvalidInput as error:
        raise InvalidInput(
            error.message, code=error.code, hints=["say --name <another name>"], details=error.details
        ) from error
