"""What is wanted of an owner's repositories, and what was found."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from ckstore.mirror.forges.forge import Listed
from ckstore.model.records import Source
from ckstore.operations.mirror_many import Job


@dataclass(frozen=True, slots=True)
class Selection:
    """Which repositories of an owner: names that match one of the globs, and have one of the topics.

    Forks are left out unless ``forks``; archived ones are taken unless ``archived`` is False: old work is
    what a store is for.
    """

    match: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    forks: bool = False
    archived: bool = True

    def takes(self, one: Listed) -> bool:
        """True for a repository to mirror."""
        kind = (self.forks or not one.fork) and (self.archived or not one.archived)
        topics = {topic.lower() for topic in self.topics}
        return kind and self.takes_name(one.name) and (not topics or bool(topics & set(one.topics)))

    def takes_name(self, name: str) -> bool:
        """True when the name matches, whatever its case."""
        globs = [glob.lower() for glob in self.match]
        return not globs or any(fnmatch.fnmatchcase(name.lower(), glob) for glob in globs)


@dataclass(frozen=True, slots=True)
class Group:
    """What an owner has: ``listed`` counts everything, ``gone`` names sources whose repository is deleted."""

    address: str
    listed: int
    jobs: tuple[Job, ...]
    gone: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
