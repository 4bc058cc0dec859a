"""Whether a release is what a requirement asks for: the rule that finding, locking and linting share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ckstore.errors import InvalidInput
from ckstore.model.requirements import Requirement
from ckstore.model.tags import TagQuery
from ckstore.model.versions import VersionRange, parse_version
from ckstore.model.wildcards import fits

_REMEMBERED = 10_000  # requirements: a corpus has far more needs than different ones


@dataclass(frozen=True, slots=True)
class Offer:
    """What of a release a requirement can ask for."""

    source: str
    kind: str
    name: str
    uid: str
    version: str
    tags: frozenset[str]

    @property
    def reference(self) -> str:
        """``source:kind:name@=version``."""
        return f"{self.source}:{self.kind}:{self.name}@={self.version}"

    @property
    def key(self) -> tuple[str, str]:
        """Source and UID: the component."""
        return self.source, self.uid


@lru_cache(_REMEMBERED)
def read_ask(ask: str) -> Requirement | None:
    """The requirement that a record states; None for what cannot be understood, which nothing answers."""
    try:
        found = Requirement.parse(ask)
        VersionRange.parse(found.range)
    except InvalidInput:
        return None
    return found


def answers(requirement: Requirement, offer: Offer) -> bool:
    """True when the release has the kind, the name or the tags, and a version in the range."""
    return means(requirement, offer) and admits(requirement.range, offer.version)


def means(requirement: Requirement, offer: Offer) -> bool:
    """The same, whatever the version is."""
    if requirement.kinds and not any(fits(kind, offer.kind) for kind in requirement.kinds):
        return False
    if requirement.tags:
        return requirement.tags.matches(offer.tags)
    if requirement.source and not fits(requirement.source, offer.source):
        return False
    return requirement.name == offer.uid or fits(requirement.name, offer.name)


def lacks(requirement: Requirement, offer: Offer) -> tuple[str, ...]:
    """What of a requirement a release lacks, but for its version: ``tag:a``, ``no tag:b``, ``name:c``."""
    tags = requirement.tags
    if not tags:
        return () if means(requirement, offer) else (f"name:{requirement.name}",)
    absent = [f"tag:{tag}" for tag in tags.all_of if not TagQuery.of([tag]).matches(offer.tags)]
    absent += [
        f"tag:{'|'.join(group)}"
        for group in tags.any_of
        if not TagQuery.of([], [], [group]).matches(offer.tags)
    ]
    refused = [f"no tag:{tag}" for tag in tags.none_of if TagQuery.of([tag]).matches(offer.tags)]
    return (*absent, *refused)


def admits(wanted: str, version: str) -> bool:
    """True when a version lies in a range; a pre-release only in one that names one of the same version."""
    if wanted == "*":
        return "-" not in version.partition("+")[0]
    return VersionRange.parse(wanted).admits(parse_version(version))
