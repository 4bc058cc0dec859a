"""The answer to ``Store.find``: nothing is asked before something of it is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import overload

from ckstore.errors import InvalidInput
from ckstore.index.answer import Answer, Form
from ckstore.index.statement import storable
from ckstore.model.query import Hit
from ckstore.operations.find import find_answer, suggestions
from ckstore.operations.words import Words

Progress = Callable[[str], None]


class Found(Sequence[Hit]):
    """The releases that answer a query, in order; a sequence of :class:`~ckstore.model.query.Hit`.

    ::

        found = store.find("program", where="main_language=c", sort="-version")
        found.count()                  # how many there are, whatever the limit
        found[:10]                     # another answer, of ten; nothing is asked yet
        for hit in found: ...          # asks once, and remembers
        found.facets("tags", limit=5)  # {"tags": {"lang-c": 150, …}}

    Whatever asks raises InvalidInput for what cannot be understood, NotFound ``no-store`` where there is no
    store. A store that changes later does not change what was answered.
    """

    __slots__ = ("_hits", "_progress", "_store", "_words")

    def __init__(self, store: Path, words: Words, progress: Progress) -> None:
        self._store, self._words, self._progress = store, words, progress
        self._hits: tuple[Hit, ...] | None = None

    def count(self, value: object = None) -> int:
        """The number of hits without the limit; with a hit, how often that is among them."""
        if value is not None:
            return self._all().count(value)
        return self._ask(Form(count=True)).total

    def first(self) -> Hit | None:
        """The first hit, None when there is none; only one is looked for."""
        if self._hits is None:
            return next(iter(self[:1]), None)
        return next(iter(self._hits), None)

    def facets(self, *fields: str, limit: int = 0) -> dict[str, dict[str, int]]:
        """How often each value of these fields is there, the most frequent first, at most ``limit`` each."""
        answer = self._ask(Form(facets=fields), limit)
        return {field: dict(answer.facets.get(storable(field), ())) for field in fields}

    def columns(self, *names: str) -> list[tuple[tuple[str, ...], ...]]:
        """For each hit the values that it has under these names: fields, or keys of metadata."""
        return [tuple(map(tuple, cells)) for cells in self._ask(Form(columns=names, counted=0)).cells]

    def suggestions(self) -> tuple[str, ...]:
        """What to try where there are no hits, in sentences."""
        query, _, _ = find_answer(self._store, self._words, Form(count=True), progress=self._progress)
        return suggestions(self._store, query, progress=self._progress)

    def as_plain(self) -> list[dict[str, object]]:
        """JSON-able values: the hits."""
        return [hit.as_plain() for hit in self]

    @overload
    def __getitem__(self, index: int) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Hit]: ...

    def __getitem__(self, index: int | slice) -> Hit | Sequence[Hit]:
        """One hit, or some: ``[:n]`` becomes the limit of a new answer, which asks for no more."""
        if isinstance(index, slice) and self._hits is None and _is_beginning(index):
            limit = min(index.stop, self._words.limit or index.stop)
            return Found(self._store, self._words.limited(limit), self._progress)
        return list(self._all()[index]) if isinstance(index, slice) else self._all()[index]

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._all())

    def __bool__(self) -> bool:
        return self.first() is not None

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __repr__(self) -> str:
        return f"<Found in {self._store}{'' if self._hits is None else f': {len(self._hits)} hits'}>"

    def _all(self) -> tuple[Hit, ...]:
        if self._hits is None:
            self._hits = tuple(Hit(*row) for row in self._ask(Form(counted=0)).rows)
        return self._hits

    def _ask(self, form: Form, limit: int | None = None) -> Answer:
        words = self._words if limit is None else self._words.limited(limit)
        _, answer, _ = find_answer(self._store, words, form, progress=self._progress)
        return answer


def _is_beginning(index: slice) -> bool:
    begins = index.start in (None, 0) and index.step in (None, 1)
    return begins and isinstance(index.stop, int) and index.stop > 0


def words_of(
    words: Sequence[str], tags: str | Sequence[str], where: str | Sequence[str],
    provides: str | Sequence[str], sort: str | Sequence[str], limit: int, **rest: str | bool,
) -> Words:  # fmt: skip
    """What a Python caller asks; one text stands for a list of one."""
    if limit < 0:
        raise InvalidInput("A limit is 0 (none) or more.", code="bad-limit")
    lists = {"tags": tags, "where": where, "provides": provides}
    given = {name: (value,) if isinstance(value, str) and value else value for name, value in lists.items()}
    keys = sort if isinstance(sort, str) else ",".join(sort)
    return Words(words, **given, sort=keys, limit=limit, **rest)  # type: ignore[arg-type]  # the caller's names
