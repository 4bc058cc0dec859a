"""``ckstore find``: the full door; the quick one (``ckstore.cli.quick``) answers the ordinary cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ckstore.cli.common import Progress, declare, note
from ckstore.cli.options import FIND_OPTIONS
from ckstore.cli.output import emit, terminal_width
from ckstore.cli.render_find import form_of, hidden, limit_note, render_answer
from ckstore.errors import NotFound
from ckstore.operations.place import store_path


def find(words: tuple[str, ...], store: str, **asked: Any) -> int:
    """Find components by kind and name, tags, metadata, UID, source or free text. All words must hold.

    \b
    ckstore find "program:cbench-*"               a kind, and a name with wildcards
    ckstore find "dataset[image,pgm|png,-gray]"   tags: all of, one of, none of
    ckstore find main_language=c compression      metadata, and text
    ckstore find --facet tags program             how often each tag is there
    """
    from ckstore.operations.find import find_answer, suggestions
    from ckstore.operations.words import Words

    place = Path(store_path(store))
    form = form_of(asked)
    look = {name: asked.pop(name) for name in ("json", "ids", "long")}
    meant = Words(words, **{name: asked[name] for name in Words.__slots__ if name in asked})
    with Progress() as progress:
        query, found, notes = find_answer(place, meant, form, progress=progress)
    for text in notes:
        note(text)
    if not found.total and not look["json"] and not form.count:
        raise NotFound("Nothing matches.", code="no-hits", hints=list(suggestions(place, query)))
    emit(render_answer(found, **look, width=terminal_width()))
    if hidden(found):
        note(limit_note(found).rstrip())
    return 0 if found.total else NotFound.exit_code


command = click.Command(
    "find",
    callback=find,
    help=find.__doc__,
    params=[click.Argument(["words"], nargs=-1, metavar="[WORDS]..."), *map(declare, FIND_OPTIONS)],
)
