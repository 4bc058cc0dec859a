"""Tag queries: every one of these tags, none of those."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ckstore.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TagQuery:
    """``all_of`` must be present and ``none_of`` absent; both sorted, without duplicates.

    Written ``image,pgm,!gray`` (``-gray`` is read as well: a shell likes it better).
    """

    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()

    @classmethod
    def of(cls, all_of: Iterable[str], none_of: Iterable[str] = ()) -> TagQuery:
        """A query from tags in any order."""
        return cls(tuple(sorted(set(all_of))), tuple(sorted(set(none_of))))

    @classmethod
    def parse(cls, text: str) -> TagQuery:
        """Read ``a,b,!c``; raise :class:`InvalidInput` on an empty tag or on a tag both ways."""
        wanted: list[str] = []
        refused: list[str] = []
        for raw in text.split(","):
            tag = raw.strip()
            target = refused if tag[:1] in ("!", "-") else wanted
            tag = tag[1:].strip() if target is refused else tag
            if not tag:
                raise InvalidInput(
                    f"The tag query {text!r} contains an empty tag.",
                    code="empty-tag",
                    hints=["write tags with commas between them: image,pgm,-gray"],
                )
            target.append(tag)
        both = sorted(set(wanted) & set(refused))
        if both:
            raise InvalidInput(
                f"The tag query {text!r} asks for {both[0]!r} and refuses it.", code="tag-both-ways"
            )
        return cls.of(wanted, refused)

    def matches(self, tags: Collection[str]) -> bool:
        """True when ``tags`` has all that is wanted and nothing that is refused."""
        return all(t in tags for t in self.all_of) and not any(t in tags for t in self.none_of)

    def __bool__(self) -> bool:
        return bool(self.all_of or self.none_of)

    def __str__(self) -> str:
        return ",".join([*self.all_of, *(f"!{tag}" for tag in self.none_of)])
