"""``ckstore find``: the full door; the quick one (``ckstore.cli.quick``) answers the ordinary cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ckstore.cli.common import Progress, declare, note
from ckstore.cli.options import FIND_OPTIONS
from ckstore.cli.render_find import emit, limit_note, render, rows_of, terminal_width
from ckstore.errors import NotFound
from ckstore.operations.place import store_path


def find(
    words: tuple[str, ...], store: str, json: bool, count: bool, ids: bool, long: bool, **asked: Any
) -> int:
    """Find components by kind and name, tags, UID, source or free text.

    \b
    ckstore find "program:cbench-*"
    ckstore find dataset --tags image,pgm,-gray
    ckstore find compression --count
    """
    from ckstore.operations.find import find_words, suggestions
    from ckstore.operations.words import Words

    place = Path(store_path(store))
    with Progress() as progress:
        result = find_words(place, Words(words, **asked), progress=progress)
    for text in result.notes:
        note(text)
    if not result.hits and not json and not count:
        raise NotFound(
            "Nothing matches.", code="no-hits", hints=list(suggestions(place, result.query)),
        )  # fmt: skip
    if count:
        emit(f"{result.total}\n")
    else:
        emit(render(rows_of(result.hits), json=json, ids=ids, long=long, width=terminal_width()))
        if result.total > len(result.hits):
            note(limit_note(len(result.hits), result.total).rstrip())
    return 0 if result.hits else NotFound.exit_code


command = click.Command(
    "find",
    callback=find,
    help=find.__doc__,
    params=[click.Argument(["words"], nargs=-1, metavar="[WORDS]..."), *map(declare, FIND_OPTIONS)],
)
