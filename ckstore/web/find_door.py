"""``GET /find``: queries over HTTP, in the words of the command line; answers as ``ckstore find --json``."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

from ckstore.errors import CkstoreError, InvalidInput, NotFound, Unsupported
from ckstore.index.answer import Form
from ckstore.operations.find import find_answer
from ckstore.operations.words import Words

TEXTS = ("source", "kind", "needs", "sort")
LISTS = ("q", "tags", "where", "provides", "facet", "columns")
FLAGS = ("all_versions", "withdrawn", "yanked", "count")
USUAL, MOST = 100, 10_000  # hits in one answer, as in docs/find.md
_MOST_PARAMETERS = 200
_YES, _NO = ("", "1", "true", "yes"), ("0", "false", "no")
_STATUS: dict[type[CkstoreError], int] = {InvalidInput: 400, NotFound: 404, Unsupported: 400}


def find_response(store: Path, query: str) -> tuple[int, bytes, dict[str, str]]:
    """(status, JSON, header fields) for the part of an address after ``?``; errors are JSON, too."""
    try:
        asked = _parameters(query)
        limit = _limit(asked.get("limit", [str(USUAL)]))
        words = Words(
            asked.get("q", []), tags=asked.get("tags", []), where=asked.get("where", []),
            provides=asked.get("provides", []), limit=limit,
            **{name: asked[name][-1] for name in TEXTS if name in asked},  # type: ignore[arg-type]  # texts
            **{name: name in asked for name in FLAGS[:-1]},  # type: ignore[arg-type]  # flags
        )  # fmt: skip
        form = Form(count="count" in asked, facets=_split(asked, "facet"), columns=_split(asked, "columns"))
        _, answer, _ = find_answer(store, words, form)
    except CkstoreError as error:
        return _STATUS.get(type(error), 500), _json(error.as_plain()), {}
    return 200, _json(answer.as_plain()), {"X-Total-Count": str(answer.total)}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _parameters(query: str) -> dict[str, list[str]]:
    """The values by name; a flag that says no is as good as none."""
    known = (*TEXTS, *LISTS, *FLAGS, "limit")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError as error:
        raise InvalidInput("There are too many parameters.", code="query-too-large") from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        name = name.replace("-", "_")
        if name not in known:
            raise InvalidInput(
                f"There is no parameter {name[:100]!r}.", code="unknown-parameter",
                hints=[f"there are {', '.join(known)}"],
            )  # fmt: skip
        if name not in FLAGS:
            found.setdefault(name, []).append(value)
        elif value in _YES:
            found[name] = [value]
        elif value not in _NO:
            raise InvalidInput(f"{name} is 1 or 0, not {value[:100]!r}.", code="bad-flag")
    return found


def _limit(values: list[str]) -> int:
    text = values[-1]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= MOST):
        raise InvalidInput(f"limit is a number from 1 to {MOST}.", code="bad-limit")
    return int(text)


def _split(asked: dict[str, list[str]], name: str) -> list[str]:
    return [part.strip() for text in asked.get(name, []) for part in text.split(",") if part.strip()]
