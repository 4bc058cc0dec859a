"""All formats of metadata: which files each has, how they are read and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ckstore.errors import InvalidInput
from ckstore.model.metadata import Metadata, Place, Written
from ckstore.model.metadata_ck import CK_BASE, CK_FILE, CK_INFO, describe_ck, inherit_ck, read_ck
from ckstore.model.metadata_cm import (
    CM_BASE,
    CM_FILES,
    MLC_FILES,
    describe_cm,
    describe_mlc,
    inherit_cm,
    read_cm,
    read_mlc,
)
from ckstore.model.metadata_native import NATIVE_FILE, describe_native, read_native
from ckstore.model.plain import Plain


@dataclass(frozen=True, slots=True)
class MetadataFormat:
    """One format. ``marks``: files of which one makes a folder a component; ``files``: all that are read.

    ``base`` is the key under which a component names another one whose metadata it inherits (empty: the
    format has no such thing), ``inherit`` merges (base, own).
    """

    name: str
    marks: tuple[str, ...]
    files: tuple[str, ...]
    read: Callable[[Mapping[str, bytes], str], Written]
    describe: Callable[[Written, Place, str], Metadata]
    base: str = ""
    inherit: Callable[[Plain, Plain], Plain] = lambda base, own: own
    proof: bytes = b""  # must be in a file of that name outside of a repository: others use the name, too


# In the order in which they count where a folder has several.
FORMATS = (
    MetadataFormat("ckstore", (NATIVE_FILE,), (NATIVE_FILE,), read_native, describe_native),
    MetadataFormat("ck", (CK_FILE,), (CK_FILE, CK_INFO), read_ck, describe_ck, CK_BASE, inherit_ck),
    MetadataFormat("cm", CM_FILES, CM_FILES, read_cm, describe_cm, CM_BASE, inherit_cm),
    MetadataFormat("mlc", MLC_FILES, MLC_FILES, read_mlc, describe_mlc, proof=b"automation_alias"),
)
BY_NAME = {entry.name: entry for entry in FORMATS}
METADATA_FILES = tuple(file for entry in FORMATS for file in entry.files)


def format_of(files: Mapping[str, bytes]) -> MetadataFormat | None:
    """The format of a folder by itself, by its ``files`` (paths of :data:`METADATA_FILES` to bytes)."""
    for entry in FORMATS:
        if any(entry.proof in files[mark] for mark in entry.marks if mark in files):
            return entry
    return None


def parse_metadata(files: Mapping[str, bytes], place: Place, where: str) -> Metadata:
    """The metadata in ``files`` (paths of :data:`METADATA_FILES` to bytes) of the folder ``where``.

    What a component inherits from another one is not seen. Raises :class:`InvalidInput` naming the file, the
    line and the reason.
    """
    form = format_of(files)
    if form is not None:
        return form.describe(form.read(files, where), place, where)
    raise InvalidInput(
        f"{where}: no metadata ({NATIVE_FILE} or {CK_FILE}).",
        code="no-metadata",
        hints=["say --kind and --name, or write a component.toml"],
    )
