"""One component as an action sees it: its files on disk, its metadata, its pin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ckstore.errors import NotFound, Unsupported
from ckstore.model.locks import Lock, Pin
from ckstore.model.metadata import Metadata, Place
from ckstore.model.metadata_formats import BY_NAME, METADATA_FILES, parse_metadata
from ckstore.model.plain import as_text


@dataclass(frozen=True, slots=True)
class ComponentView:
    """``name`` is ``source:kind:name``; ``path`` holds the files and must not be written to."""

    name: str
    path: Path
    metadata: Metadata
    pin: Pin

    @property
    def format(self) -> str:
        """``ckstore`` or ``ck``."""
        return self.metadata.format

    def files(self) -> Iterator[str]:
        """The paths of its files, ``/`` between parts, sorted; metadata is left out."""
        own = BY_NAME[self.format].files
        for path in sorted(self.path.rglob("*")):
            relative = path.relative_to(self.path).as_posix()
            if path.is_file() and relative not in own and not relative.startswith(".cm/"):
                yield relative


def load_component(snapshot: Path, lock: Lock, name: str) -> ComponentView:
    """The component ``source:kind:name``; :class:`NotFound` when the lock or the snapshot lacks it.

    :class:`Unsupported` for one that inherits: its base may be pinned at any version, or not at all.
    """
    pin = lock.pin(name)
    path = snapshot / pin.source / pin.kind / pin.name
    if not path.is_dir():
        raise NotFound(
            f"The snapshot has no folder for {name}.",
            code="not-in-snapshot",
            hints=["lay the snapshot out again"],
            details={"path": str(path)},
        )
    files = {file: (path / file).read_bytes() for file in METADATA_FILES if (path / file).is_file()}
    metadata = parse_metadata(files, Place(pin.kind, pin.name, pin.uid), name)
    base = as_text(metadata.body.get(BY_NAME[metadata.format].base))
    if base:
        raise Unsupported(
            f"{name} inherits from {base!r}: its own files do not say all that an action must know.",
            code="inherits",
            hints=["a copy of the component that holds the metadata of both can be used"],
        )
    return ComponentView(name, path.resolve(), metadata, pin)
