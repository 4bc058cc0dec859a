"""Readers: which folders of a git tree are components, and what their metadata says.

One small module per format, all behind :class:`~ckstore.mirror.readers.found.Reader`. They work on git
trees only, so a mirrored commit and an added folder are read alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from ckstore.mirror.readers.choice import Readers, file_names, metadata_at
from ckstore.mirror.readers.claims import Claims as _Claims
from ckstore.mirror.readers.claims import problem as _problem
from ckstore.mirror.readers.claims import read_claim
from ckstore.mirror.readers.found import Found, Reader
from ckstore.mirror.readers.safety import Safety
from ckstore.mirror.trees import Objects, Trees
from ckstore.model.metadata import Metadata

__all__ = ["Found", "Listed", "Listing", "choose", "file_names", "metadata_at", "read_claim", "read_root"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One component of a root tree; ``uid`` is its identity in the source, whatever the metadata says."""

    uid: str
    found: Found
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Listing:
    """Components by path; ``problems`` are lines ``path: reason`` about folders that were left out."""

    components: tuple[Listed, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def choose(objects: Objects, root: str, name: str) -> Reader:
    """The reader for a root tree; ``name`` is that of the repository or folder."""
    return Readers(name).choose(Trees(objects), root)


def read_root(objects: Objects, root: str, name: str) -> Listing:
    """All components of a root tree, with their metadata, checked; never raises for a bad one of them.

    ``name`` is that of the repository or folder: a component at the root without a name gets it.
    """
    trees = Trees(objects)
    claims, safety, readers = _Claims(), Safety(trees), Readers(name)
    for found in readers.changes(trees, "", root).found:
        claims.put(read_claim(trees, found, readers.metadata))
    claims.settle(lambda uid: None)
    listed, refused, warnings = [], [], []
    for uid, claim in claims.held():
        verdict = safety.check(claim.found.tree)
        if verdict.refusal:
            refused.append(_problem(claim.path, verdict.refusal))
        elif claim.metadata is not None:
            listed.append(Listed(uid, claim.found, claim.metadata))
        if verdict.warning:
            warnings.append(_problem(claim.path, verdict.warning))
    problems = sorted([*claims.problems(), *refused, *readers.remarks(trees, root)])
    return Listing(tuple(listed), tuple(problems), tuple(warnings))
