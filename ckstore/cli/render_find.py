"""How the hits of ``find`` look. Both doors of ``find`` print through here, so they print the same."""

from __future__ import annotations

from ckstore.cli.output import visible
from ckstore.index.cells import FIELDS

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckstore.index.answer import Answer, Form

    Row = tuple[str, str, str, str, str, str, str, tuple[str, ...], str, bool, bool, bool]

_TREE_DIGITS = 12
_LEAST_COLUMN = 16
_TITLE_SHOWN = 100
_COUNTED = 200  # beside hits that a limit cuts: of a common tag, two thousand take as long as to start


def render(
    rows: Sequence[Row], *, json: bool = False, ids: bool = False, long: bool = False, width: int = 0
) -> str:
    """The text for standard output, one line a hit; ``width`` in characters, 0 for as wide as it gets."""
    if json:
        return _json([dict(zip(FIELDS, row, strict=True)) for row in rows])
    if ids:
        return "".join(f"{visible(row[0])}:{row[1]}:{row[2]}@={row[4]}\n" for row in rows)
    lines = [_cells(row, long) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(_line(cells, widths, width) for cells in lines)


def form_of(values: dict[str, object]) -> Form:
    """What the options ``--count``, ``--facet`` and ``--columns`` ask for."""
    from ckstore.index.answer import Form

    facets, columns = values["facet"], str(values["columns"])
    named = facets if isinstance(facets, tuple) else ()
    return Form(
        count=bool(values["count"]),
        facets=[name.strip() for text in named for name in text.split(",") if name.strip()],
        columns=[name.strip() for name in columns.split(",") if name.strip()],
        counted=0 if values["json"] else _COUNTED,
    )


def render_answer(answer: Answer, *, json: bool, ids: bool, long: bool, width: int) -> str:
    """What standard output gets."""
    form = answer.form
    if form.facets:
        return _json(answer.as_plain()) if json else _facets(answer)
    if form.count:
        return f"{answer.total}\n"
    if form.columns and not ids:
        return _json(answer.as_plain()) if json else _columns(answer, width)
    return render(answer.rows, json=json, ids=ids, long=long, width=width)


def hidden(answer: Answer) -> bool:
    """True when a limit hid hits."""
    return 0 < len(answer.rows) < answer.total


def limit_note(answer: Answer) -> str:
    """What is said on standard error when a limit hid hits."""
    shown, total = len(answer.rows), answer.total
    counted = max(shown, answer.form.counted or total)
    how_many = f"more than {counted}" if total > counted else f"{total}"
    return f"{shown} of {how_many} shown; --limit raises that.\n"


def _json(plain: object) -> str:
    from json import dumps  # its decoder imports `re`: only where asked for

    return dumps(plain, indent=2, ensure_ascii=False) + "\n"


def _facets(answer: Answer) -> str:
    """Each field, and below it its values with their counts, the most frequent first."""
    lines: list[str] = []
    for field, values in answer.facets.items():
        size = len(str(values[0][1])) if values else 0
        lines += [
            visible(field),
            *(f"  {str(number).rjust(size)}  {visible(value)}" for value, number in values),
        ]
    return "".join(f"{line}\n" for line in lines)


def _columns(answer: Answer, width: int) -> str:
    lines = [tuple(visible(",".join(values)) for values in cells) for cells in answer.cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(_line(cells, widths, width) for cells in lines)


def _cells(row: Row, long: bool) -> tuple[str, ...]:
    source, kind, name, uid, version, tree, _, tags, title, newest, withdrawn, yanked = row
    mark = " (yanked)" if yanked else " (withdrawn)" if withdrawn else "" if newest else " (older)"
    more = (uid, tree[:_TREE_DIGITS], ",".join(tags), title[:_TITLE_SHOWN]) if long else (",".join(tags),)
    return tuple(visible(cell) for cell in (f"{source}:{kind}:{name}", version + mark, *more))


def _line(cells: tuple[str, ...], widths: list[int], width: int) -> str:
    """Aligned columns; at a terminal the tags, which come last, are cut to fit."""
    *columns, last = cells
    text = "  ".join(
        [*(cell.ljust(size) for cell, size in zip(columns, widths, strict=False)), last]
    ).rstrip()
    if width and len(text) > max(width, _LEAST_COLUMN):
        text = text[: max(width, _LEAST_COLUMN) - 1] + "…"
    return text + "\n"
