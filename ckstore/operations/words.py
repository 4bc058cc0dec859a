"""The words of ``ckstore find`` as terms of a search. Light: the quick path uses it too.

::

    dataset                     a kind, where the index knows such a kind
    program:cbench-*            kind and name          ctuning:program:susan@^1.2    with source and range
    soft[compiler,lang-c]       kind and tags          0123456789abcdef              a UID
    image compression           anything else is free text, also after one of the above

"""

from __future__ import annotations

from ckstore.index.statement import Terms, looks_like_uid
from ckstore.model.tagtext import read_tags
from ckstore.model.wildcards import has_wildcards

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_NEVER_IN_NAMES = frozenset(" \t\n/\\")
_BEGIN_OF_RANGE = tuple("^~<>=*0123456789")


class Words:
    """What a person typed: free words, and the options that narrow the search."""

    __slots__ = ("all_versions", "kind", "limit", "source", "tags", "withdrawn", "words", "yanked")

    def __init__(
        self,
        words: Sequence[str] = (),
        *,
        tags: Iterable[str] = (),
        source: str = "",
        kind: str = "",
        all_versions: bool = False,
        withdrawn: bool = False,
        yanked: bool = False,
        limit: int = 0,
    ) -> None:
        """``tags`` are tag queries like ``image,pgm,-gray``; all of them must hold."""
        self.words, self.tags = tuple(words), tuple(tags)
        self.source, self.kind = source, kind
        self.all_versions, self.withdrawn, self.yanked = all_versions, withdrawn, yanked
        self.limit = limit


def read_words(asked: Words, knows_kind: Callable[[str], bool]) -> Terms:
    """The terms that the words mean; :class:`~ckstore.errors.InvalidInput` when they contradict."""
    first, *rest = [word for word in asked.words if word.strip()] or [""]
    place, tags, text = _first_word(first, knows_kind)
    tag_queries = [*asked.tags, *([tags] if tags else [])]
    wanted, refused, groups = read_tags(",".join(tag_queries)) if tag_queries else ((), (), ())
    return Terms(
        source=_one("source", place.get("source", ""), asked.source),
        kind=_one("kind", place.get("kind", ""), asked.kind),
        name=place.get("name", ""),
        range=place.get("range", "*"),
        all_of=wanted,
        none_of=refused,
        any_of=groups,
        text=" ".join([text, *rest]).strip(),
        all_versions=asked.all_versions,
        withdrawn=asked.withdrawn,
        yanked=asked.yanked,
        limit=asked.limit,
    )


def _first_word(word: str, knows_kind: Callable[[str], bool]) -> tuple[dict[str, str], str, str]:
    """(source, kind, name and range; a tag query; free text) of the first word."""
    kind, bracket, rest = word.partition("[")
    if bracket:
        tags, _, tail = rest.partition("]")
        if kind and tags and rest[len(tags) :] == f"]{tail}" and (not tail or tail[:1] == "@" != tail):
            return {"kind": "" if kind == "*" else kind, "range": tail[1:] or "*"}, tags, ""
        return {}, "", word
    head, at, wanted = word.partition("@")
    if _is_reference(head, at, wanted):
        parts = dict(zip(("name", "kind", "source"), reversed(head.split(":")), strict=False))
        return (
            {**{k: "" if part == "*" else part for k, part in parts.items()}, "range": wanted or "*"},
            "",
            "",
        )
    if word and knows_kind(word):
        return {"kind": word}, "", ""
    return {}, "", word


def _is_reference(head: str, at: str, wanted: str) -> bool:
    """True for ``a:b``, ``a:b:c``, a pattern, a UID, each perhaps with a range; prose has colons, too."""
    parts = head.split(":")
    if len(parts) > 3 or not all(part and _NEVER_IN_NAMES.isdisjoint(part) for part in parts):
        return False
    if len(parts) > 1 or looks_like_uid(head) or has_wildcards(head):
        if at and not wanted:
            from ckstore.model.requirements import Requirement

            Requirement.parse(f"{head}@")  # raises, with what was expected
        return True  # a range that is none is told where ranges are read
    return bool(at) and wanted[:1] in _BEGIN_OF_RANGE


def _one(what: str, word: str, option: str) -> str:
    if word and option and word != option:
        from ckstore.errors import InvalidInput

        raise InvalidInput(
            f"Two {what}s are asked for: {word!r} and {option!r}.",
            code="two-answers",
            hints=[f"leave out --{what}, or give it alone"],
        )
    return word or option
