"""Which requirements, of all that components state, are meant by ``--needs``."""

from __future__ import annotations

import sqlite3

from ckstore.index.relations import answered_by, answering, asking_for, offer_of
from ckstore.index.statement import looks_like_uid
from ckstore.model.requirements import Requirement
from ckstore.model.wildcards import has_wildcards


def asks_for(connection: sqlite3.Connection, text: str) -> list[str]:
    """The requirements that a component answers, or that ask for at least these tags; each once, sorted.

    ``kind:name``, a UID or a pattern is a reference; ``kind[tags]``, or tags alone, is a tag query. Raises
    InvalidInput for what is neither.
    """
    if "[" in text:
        return asking_for(connection, Requirement.parse(text))
    if ":" in text or looks_like_uid(text) or (has_wildcards(text) and "," not in text):
        hits = answering(connection, Requirement.parse(text))
        return sorted({ask for hit in hits for ask in answered_by(connection, offer_of(hit))})
    return asking_for(connection, Requirement.parse(f"*[{text}]"))
