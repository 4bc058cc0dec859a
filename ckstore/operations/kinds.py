"""The kinds that ckstore ships: components of the source ``ckstore``, released and locked like all others."""

from __future__ import annotations

from pathlib import Path

import ckstore
from ckstore.actions.signature import ActionSpec, read_actions
from ckstore.objects.store import ObjectStore

KINDS_SOURCE = "ckstore"
_FOLDER = Path(ckstore.__file__).parent / "kinds"


def ensure_kinds(store: ObjectStore) -> None:
    """Publish the shipped kinds if the store does not have them yet as they are now."""
    from ckstore.operations.add import add  # a store that has them needs neither readers nor derivation

    add(store, _FOLDER, source=KINDS_SOURCE, origin="builtin", command="(shipped with ckstore)")


def shipped_actions(kind: str) -> dict[str, ActionSpec]:
    """The actions that the shipped module of a kind offers; none when there is no such module."""
    path = _FOLDER / "module" / kind / "module.py"
    return read_actions(path.read_text("utf-8"), f"{KINDS_SOURCE}:module:{kind}") if path.is_file() else {}
