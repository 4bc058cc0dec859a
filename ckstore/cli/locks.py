"""What the commands that read a lock share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ckstore.cli.common import open_store
from ckstore.errors import CkstoreError
from ckstore.operations.place import store_path as place_of_store

if TYPE_CHECKING:
    from ckstore.objects.store import ObjectStore

F = TypeVar("F", bound=Callable[..., Any])


def lock_option(function: F) -> F:
    """``--lock FILE``."""
    return click.option(
        "--lock",
        "lock_path",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The lock to read, instead of that of the project here.",
    )(function)


def store_if_any(store_path: str | None, folder: Path | None = None) -> ObjectStore | None:
    """The store (of the project around ``folder``), if there is one: a lock says much without."""
    try:
        return open_store(place_of_store(store_path or "", str(folder or "")), create=False)
    except CkstoreError:
        return None
