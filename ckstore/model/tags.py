"""Tag queries: every one of these tags, one of each of those groups, none of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ckstore.model.tagtext import normal, read_tags
from ckstore.model.wildcards import fits, has_wildcards


@dataclass(frozen=True, slots=True)
class TagQuery:
    """``all_of`` must be present, ``none_of`` absent, and of each group in ``any_of`` one must be there.

    All are sorted, without duplicates; ``*`` and ``?`` in a tag are wildcards. Written
    ``image,pgm|png,lib-*,!gray`` (``-gray`` is read as well: a shell likes it better).
    """

    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(
        cls, all_of: Iterable[str], none_of: Iterable[str] = (), any_of: Iterable[Iterable[str]] = ()
    ) -> TagQuery:
        """A query from tags in any order."""
        return cls(*normal(all_of, none_of, any_of))

    @classmethod
    def parse(cls, text: str) -> TagQuery:
        """Read ``a,b|c,!d``; raise :class:`InvalidInput` as :func:`ckstore.model.tagtext.read_tags` does."""
        return cls(*read_tags(text))

    def matches(self, tags: Collection[str]) -> bool:
        """True when ``tags`` has all that is wanted and nothing that is refused."""
        return (
            all(_among(tag, tags) for tag in self.all_of)
            and all(any(_among(tag, tags) for tag in group) for group in self.any_of)
            and not any(_among(tag, tags) for tag in self.none_of)
        )

    def __bool__(self) -> bool:
        return bool(self.all_of or self.none_of or self.any_of)

    def __str__(self) -> str:
        groups = ("|".join(group) for group in self.any_of)
        return ",".join([*self.all_of, *groups, *(f"!{tag}" for tag in self.none_of)])


def _among(wanted: str, tags: Collection[str]) -> bool:
    return wanted in tags or (has_wildcards(wanted) and any(fits(wanted, tag) for tag in tags))
