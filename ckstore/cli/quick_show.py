"""The quick door of ``show``: a component from the index, without click and without the object database.

It answers only the usual: a name without range and wildcards that means one component, in an index at the
head of the log. Everything else (runs, JSON, metadata, what is ambiguous) is left to the other door.
"""

from __future__ import annotations

from ckstore.cli.options import SHOW_OPTIONS, Unusual, parse
from ckstore.cli.output import emit
from ckstore.cli.render_show import render
from ckstore.index.cards import read_card
from ckstore.index.files import open_current
from ckstore.index.rows import rows
from ckstore.index.statement import Terms
from ckstore.objects.peek import peek_head
from ckstore.operations.place import store_path

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3

    from ckstore.index.cards import Card
    from ckstore.index.rows import Row

_MAY_BE_A_RUN = frozenset("0123456789abcdef")  # of which ids of runs are made
_MEANING = frozenset("@[]*?|")  # what makes more of a reference than names
_DONE = 0


class Shown:
    """What :class:`~ckstore.operations.show.ComponentView` has, as far as it is printed."""

    called_now = yanked = ""  # of the newest release of a current line, which is not yanked

    def __init__(self, row: Row, card: Card, elsewhere: list[str]) -> None:
        self.source, self.kind, self.name, self.uid, self.version, tree, self.digest, self.tags = row[:8]
        self.title, self.elsewhere, self.swhid = row[8], elsewhere, f"swh:1:dir:{tree}"
        self.url, self.description = card.url, card.description
        self.commit, self.path = card.commit, card.path
        self.withdrawn, self.names, self.versions = card.withdrawn, card.names, card.lines
        self.commands, self.actions = card.commands, card.actions
        exact = "" if self.version == card.lines[0].version else f"@={self.version}"
        self.run = f"ckstore run {self.kind}:{self.name}{exact}" if card.commands else ""


def try_show(argv: list[str]) -> int | None:
    """Do ``ckstore show <argv>`` and give the exit code; None, and nothing printed, if it is unusual."""
    try:
        values, [reference] = parse(SHOW_OPTIONS, argv)
        text = None if values["json"] or values["metadata"] or values["outputs"] else _text(reference, values)
    except Exception:  # whatever is wrong here, the other door meets it again and says it well
        return None
    if text is None:
        return None
    emit(text)
    return _DONE


def _text(reference: str, values: dict[str, object]) -> str | None:
    terms = _terms(reference)
    store = store_path(str(values["store"]))
    head = peek_head(store)
    connection = open_current(store, head) if head else None
    if connection is None:
        return None
    try:
        row = _meant(list(rows(connection, terms)))
        card = read_card(connection, row[0], row[3])
        if card is None or card.names[-1] != f"{row[1]}:{row[2]}":
            return None
        return render(Shown(row, card, _elsewhere(connection, row)), card.needs, card.versions)
    finally:
        connection.close()


def _terms(reference: str) -> Terms:
    """``[source:]kind:name``, or a bare name that is no id of a run."""
    *place, name = reference.split(":")
    may_be_run = not place and (name == "last" or _MAY_BE_A_RUN.issuperset(name))
    if may_be_run or len(place) > 2 or not all((*place, name)) or not _MEANING.isdisjoint(reference):
        raise Unusual(reference)
    source, kind = ["", "", *place][-2:]
    return Terms(source=source, kind=kind, name=name)


def _meant(found: list[Row]) -> Row:
    """The one that is there, or that is there still, under the name that it has now."""
    living = [row for row in found if not row[10]] or found
    if len(living) != 1 or not all(row[9] and not row[11] for row in found):
        raise Unusual
    return living[0]


def _elsewhere(connection: sqlite3.Connection, row: Row) -> list[str]:
    """As :func:`ckstore.operations.twins.elsewhere` says it, where files are the same; Unusual elsewhere."""
    source, kind, name, uid, *_ = row
    found, seen = [], {(source, uid)}
    for terms in (Terms(name=uid), Terms(kind=kind, name=name)):
        for hit in rows(connection, terms):
            if (hit[0], hit[3]) in seen or not hit[9] or hit[10]:
                continue
            if hit[6] != row[6]:
                raise Unusual
            seen.add((hit[0], hit[3]))
            same = "UID" if hit[3] == uid else "name"
            found.append(f"{hit[0]}:{hit[1]}:{hit[2]}@={hit[4]}: the same {same}, the same files")
    return found
