"""The kinds that ckstore ships: components of the source ``ckstore``, released and locked like all others."""

from __future__ import annotations

from pathlib import Path

import ckstore
from ckstore.actions.signature import ActionSpec, read_actions
from ckstore.objects.store import ObjectStore
from ckstore.operations.origins import BUILTIN, KINDS_SOURCE, SHIPPED

SHIPPED_FOLDER = Path(ckstore.__file__).parent / "kinds"


def ensure_kinds(store: ObjectStore) -> dict[str, str]:
    """Publish the shipped kinds if the store does not have them yet as they are now.

    Gives the version of each, by ``source:uid``. It is made of the version of ckstore and of the files, and
    not counted as elsewhere: two stores must call the same files the same, whatever they held before.
    """
    from ckstore.operations.add import add  # run needs neither readers nor derivation

    report = add(
        store, SHIPPED_FOLDER, source=KINDS_SOURCE, origin=BUILTIN, command=SHIPPED,
        version_of=_version_of,
    )  # fmt: skip
    return {f"{KINDS_SOURCE}:{uid}": version for uid, version in report.versions.items()}


def _version_of(digest: str) -> str:
    return f"{ckstore.__version__}+{digest.removeprefix('sha256:')[:12]}"


def shipped_actions(kind: str) -> dict[str, ActionSpec]:
    """The actions that the shipped module of a kind offers; none when there is no such module."""
    path = SHIPPED_FOLDER / "module" / kind / "module.py"
    return read_actions(path.read_text("utf-8"), f"{KINDS_SOURCE}:module:{kind}") if path.is_file() else {}
