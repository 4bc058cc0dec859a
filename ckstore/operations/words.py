"""The words of ``ckstore find`` as terms of a search. Light: the quick path uses it too.

::

    dataset                     a kind, where the index knows such a kind and it is the first word
    program:cbench-*            kind and name          ctuning:program:susan@^1.2    with source and range
    soft[compiler,lang-c]       kind and tags          0123456789abcdef              a UID
    main_language=c             a condition on metadata
    image "edge detector"       anything else is free text; a phrase in quotes

All words must hold. ``docs/find.md`` teaches them.
"""

from __future__ import annotations

from ckstore.index.statement import Terms, looks_like_uid
from ckstore.model.conditions import MAX_CONDITIONS, condition_of_word, parse_condition
from ckstore.model.tagtext import read_tags
from ckstore.model.wildcards import has_wildcards
from ckstore.model.wordtext import split_words

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ckstore.model.conditions import Condition
    from ckstore.model.wordtext import Word

_NEVER_IN_NAMES = frozenset("\t\n/\\")
_BEGIN_OF_RANGE = tuple("^~<>=*0123456789")


class Words:
    """What a person typed: free words, and the options that narrow the search."""

    __slots__ = (
        "all_versions", "kind", "limit", "needs", "provides", "sort", "source", "tags", "where", "withdrawn",
        "words", "yanked",
    )  # fmt: skip

    def __init__(
        self,
        words: Sequence[str] = (),
        *,
        tags: Iterable[str] = (),
        source: str = "",
        kind: str = "",
        where: Iterable[str] = (),
        needs: str = "",
        provides: Iterable[str] = (),
        all_versions: bool = False,
        withdrawn: bool = False,
        yanked: bool = False,
        sort: str = "",
        limit: int = 0,
    ) -> None:
        """``tags`` are tag queries like ``image,pgm,-gray``, ``where`` conditions; all of them must hold.

        ``sort`` is ``[-]key,…``; without it, free text puts the most relevant first.
        """
        self.words, self.tags = tuple(words), tuple(tags)
        self.source, self.kind, self.needs = source, kind, needs
        self.where, self.provides = tuple(where), tuple(provides)
        self.all_versions, self.withdrawn, self.yanked = all_versions, withdrawn, yanked
        self.sort, self.limit = sort, limit

    def limited(self, limit: int) -> Words:
        """The same, but for the limit."""
        given = {name: getattr(self, name) for name in self.__slots__ if name != "limit"}
        return Words(**given, limit=limit)


def read_words(asked: Words, knows_kind: Callable[[str], bool]) -> Terms:
    """The terms that the words mean; :class:`~ckstore.errors.InvalidInput` when they contradict."""
    place, tags, where, text = _sorted_out(split_words(asked.words), knows_kind)
    wanted, refused, groups = (
        read_tags(",".join([*asked.tags, *tags])) if asked.tags or tags else ((), (), ())
    )
    where = [*where, *map(parse_condition, asked.where)]
    if len(where) > MAX_CONDITIONS or len(asked.provides) > MAX_CONDITIONS:
        _too_many()
    return Terms(
        source=_one("source", place.get("source", ""), asked.source),
        kind=_one("kind", place.get("kind", ""), asked.kind),
        name=place.get("name", ""),
        range=place.get("range", "*"),
        all_of=wanted,
        none_of=refused,
        any_of=groups,
        text=text,
        where=where,
        provides=asked.provides,
        all_versions=asked.all_versions,
        withdrawn=asked.withdrawn,
        yanked=asked.yanked,
        sort=read_sort(asked.sort) or (("relevance",) if text else ()),
        limit=asked.limit,
    )


def read_sort(text: str) -> tuple[str, ...]:
    """The keys of ``--sort name,-version``."""
    return tuple(key for part in text.split(",") if (key := part.strip()).strip("-"))


def _sorted_out(
    words: list[Word], knows_kind: Callable[[str], bool]
) -> tuple[dict[str, str], list[str], list[Condition], str]:
    """(source, kind, name and range; tag queries; conditions; free text) of all words."""
    place: dict[str, str] = {}
    queries: list[str] = []
    where: list[Condition] = []
    text: list[str] = []
    for number, word in enumerate(words):
        condition = None if word.phrase else condition_of_word(word.text)
        if condition is not None:
            where.append(condition)
            continue
        found, tags = ({}, "") if word.phrase else _reference(word.text)
        if not found and not number and not word.phrase and knows_kind(word.text):
            found = {"kind": word.text}
        for part, value in found.items():
            place[part] = _one(part, place.get(part, ""), value)
        queries += [tags] if tags else []
        text += [] if found or tags else [repr(word)]
    return place, queries, where, " ".join(text)


def _reference(word: str) -> tuple[dict[str, str], str]:
    """(source, kind, name and range; a tag query) of a word; nothing when it is no reference."""
    kind, bracket, rest = word.partition("[")
    if bracket:
        tags, _, tail = rest.partition("]")
        if kind and tags and rest[len(tags) :] == f"]{tail}" and (not tail or tail[:1] == "@" != tail):
            return _given({"kind": kind, "range": tail[1:]}), tags
        return {}, ""
    head, at, wanted = word.partition("@")
    if not _is_reference(head, at, wanted):
        return {}, ""
    parts = dict(zip(("name", "kind", "source"), reversed(head.split(":")), strict=False))
    return _given({**parts, "range": wanted}) or {"name": ""}, ""


def _given(parts: dict[str, str]) -> dict[str, str]:
    return {part: value for part, value in parts.items() if value not in ("", "*")}


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
            hints=[f"give one {what}, in a word or with its option", "in quotes, a word is free text"],
        )
    return word or option


def _too_many() -> None:
    from ckstore.errors import InvalidInput

    raise InvalidInput(f"A query has at most {MAX_CONDITIONS} conditions.", code="query-too-large")
