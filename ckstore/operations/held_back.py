"""Who in a lock asks for what, and what newer releases than the pinned ones lack of it."""

from __future__ import annotations

from collections.abc import Iterator

from ckstore.model.answers import Offer, admits, lacks, read_ask
from ckstore.model.lockgraph import Asked, LockGraph
from ckstore.model.locks import Pin
from ckstore.objects.log import LogView
from ckstore.operations.relations import offer_of_release


def users(graph: LockGraph, component: str) -> tuple[str, ...]:
    """Who asks for a pin: ``source:kind:name (role, role)``, or ``you``."""
    roles: dict[str, dict[str, None]] = {}
    for asked in graph.required_by(component):
        roles.setdefault(asked.asker, {})[asked.role] = None
    return tuple(f"{who} ({', '.join(roles[who])})" if who else "you" for who in roles)


def reasons(graph: LockGraph, pin: Pin, newer: Offer) -> tuple[str, ...]:
    """Sentences: who asks for what a newer release than the pinned one has not; none: it could be had."""
    return tuple(dict.fromkeys(_reasons(graph, pin, newer)))


def _reasons(graph: LockGraph, pin: Pin, newer: Offer) -> Iterator[str]:
    for asked in graph.required_by(pin.component):
        requirement = read_ask(asked.ask)
        if requirement is None:
            continue
        missing = lacks(requirement, newer)
        if missing:
            yield f"{_who(asked)} for {asked.ask}, and it lacks {', '.join(missing)}"
        elif not admits(requirement.range, newer.version):
            yield f"{_who(asked)} for {asked.ask}"


def lacking(view: LogView, graph: LockGraph, pin: Pin) -> str:
    """What its newest release lacks: ``lacks tag:x, which program:y (role) asks for``; empty for nothing.

    Its name is not told here: a component keeps it until the requirement is changed.
    """
    line = view.component(pin.source, pin.uid)
    if line is None or not view.has_release(pin.source, pin.uid, line.newest):
        return ""
    newest = offer_of_release(pin.source, view.release(pin.source, pin.uid, line.newest))
    for asked in graph.required_by(pin.component):
        requirement = read_ask(asked.ask)
        missing = lacks(requirement, newest) if requirement and requirement.tags else ()
        if missing:
            return f"lacks {', '.join(missing)}, which {_who(asked)} for"
    return ""


def _who(asked: Asked) -> str:
    return f"{asked.asker} ({asked.role}) asks" if asked.asker else "you ask"
