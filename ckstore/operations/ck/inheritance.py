"""What the metadata of an entry inherits from another entry of its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckstore.errors import InvalidInput
from ckstore.model.metadata_ck import CK_BASE, inherit_ck
from ckstore.model.plain import Plain, as_text
from ckstore.model.query import Hit, Query
from ckstore.operations.find import find

if TYPE_CHECKING:
    from ckstore.operations.ck.entries import Entries

_LEVELS = 10


def inherited(entries: Entries, hit: Hit, own: Plain, level: int = 0) -> Plain:
    """``own`` over the metadata of its base, if it names one; InvalidInput for a base that is missing."""
    base = as_text(own.get(CK_BASE))
    if not base:
        return own
    if level >= _LEVELS:
        raise InvalidInput(f"more than {_LEVELS} levels of inheritance", code="bad-base")
    *_, kind, name = [hit.kind, *base.split(":")] if ":" not in base else base.split(":")
    query = Query(source=hit.source, kind=entries.repositories.kind_named(kind), name=name, limit=1)
    found = find(entries.store.path, query).hits
    if not found:
        raise InvalidInput(f'can\'t find the base entry "{base}"', code="bad-base")
    merged = inherit_ck(inherited(entries, found[0], entries.written(found[0]), level + 1), own)
    return {key: value for key, value in merged.items() if key.rstrip("#") != CK_BASE}
