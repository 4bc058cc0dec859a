"""From a query to one SQL statement.

The joins are written in the order in which they shall run (``CROSS JOIN`` in SQLite keeps it): the part
that leaves fewest rows first, the rest as key lookups. Measured at a million releases this is ten to a
hundred times quicker than INTERSECT or GROUP BY … HAVING.
"""

# ruff: noqa: S608 -- only names of tables, columns and placeholders are put together; every value is bound
from __future__ import annotations

from ckstore.index.lineterms import conditions, sets_of_lines, tags_provided
from ckstore.index.tagterms import TagTerms, among, ids, like
from ckstore.model.wildcards import has_wildcards
from ckstore.model.wordtext import split_words

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ckstore.index.tagterms import Held
    from ckstore.model.conditions import Condition

_HIGHEST_LIMIT = 1 << 62  # SQLite counts no further
MAX_PATTERN, MAX_TERMS = 1000, 32  # as in docs/limits.md; model.limits costs more to import
_TOLD = ("all_of", "any_of", "kind", "limit", "name", "none_of", "range", "source", "text")
_OPEN = ("limit", "range")  # do not narrow what is shown; a range that does is not `placed`
_UID_CHARACTERS = frozenset("0123456789abcdef")


class Terms:
    """What ``find`` is asked, as plain values: :class:`~ckstore.model.query.Query` costs more to import."""

    __slots__ = (
        "all_of", "all_versions", "any_of", "asks", "kind", "limit", "name", "none_of", "provides", "range",
        "sort", "source", "text", "where", "withdrawn", "yanked",
    )  # fmt: skip

    def __init__(
        self,
        *,
        source: str = "",
        kind: str = "",
        name: str = "",
        range: str = "*",
        all_of: Iterable[str] = (),
        none_of: Iterable[str] = (),
        any_of: Iterable[Iterable[str]] = (),
        text: str = "",
        all_versions: bool = False,
        withdrawn: bool = False,
        yanked: bool = False,
        limit: int = 0,
        where: Iterable[Condition] = (),
        asks: Iterable[str] | None = None,
        provides: Iterable[str] = (),
        sort: Iterable[str] = (),
    ) -> None:
        """``asks``: requirements of which one must be stated; ``sort``: names, with - for falling order."""
        self.source, self.kind, self.name = (storable(part) for part in (source, kind, name))
        self.range = range
        self.all_of = tuple(storable(tag) for tag in all_of)
        self.none_of = tuple(storable(tag) for tag in none_of)
        self.any_of = tuple(tuple(storable(tag) for tag in group) for group in any_of)
        self.text = storable(text)
        self.all_versions, self.withdrawn, self.yanked = all_versions, withdrawn, yanked
        self.limit = min(limit, _HIGHEST_LIMIT)
        self.where, self.sort = tuple(where), tuple(storable(key) for key in sort)
        self.asks = () if asks is None else ("", *asks)  # no requirement is an empty text
        self.provides = tuple(storable(entry) for entry in provides)

    @property
    def names_exactly(self) -> bool:
        """True when a name (or a UID) is given without wildcards."""
        return bool(self.name) and not has_wildcards(self.name)

    @property
    def any_release(self) -> bool:
        """True when older releases are candidates too."""
        return self.all_versions or self.yanked or self.range != "*"

    @property
    def placed(self) -> bool:
        """True when candidates are newest releases that are neither withdrawn nor yanked: ``entries``."""
        return not (self.any_release or self.withdrawn or self.names_exactly)

    @property
    def shown_alone(self) -> bool:
        """True when nothing is asked that the tables of :mod:`ckstore.index.shown` cannot tell."""
        return self.placed and not any(getattr(self, slot) for slot in self.__slots__ if slot not in _TOLD)

    @property
    def asks_nothing(self) -> bool:
        """True when all that is shown answers."""
        return self.shown_alone and not any(getattr(self, slot) for slot in _TOLD if slot not in _OPEN)

    @property
    def judged(self) -> bool:
        """True when conditions are judged by reading metadata: of older releases, or under former names."""
        return bool(self.where) and (self.any_release or self.names_exactly)


def storable(text: str) -> str:
    """``text`` as SQLite can take it: bytes of the command line that are no text become U+FFFD."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def looks_like_uid(text: str) -> bool:
    """True for 16 lower-case hexadecimal digits."""
    return len(text) == 16 and _UID_CHARACTERS.issuperset(text)


class Statement:
    """SQL under construction. Rows: see :data:`COLUMNS`."""

    def __init__(self) -> None:
        self.tables: list[str] = []
        self.where: list[str] = []
        self.values: dict[str, str | float] = {}

    def bind(self, value: str | float) -> str:
        """The placeholder of a value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def text(self, own: str) -> str:
        """The statement; ``own`` is the alias of the line that the release belongs to."""
        return self.selecting(COLUMNS.format(own=own))

    def selecting(self, columns: str) -> str:
        """The statement for other columns."""
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return f"SELECT {columns} FROM {' CROSS JOIN '.join(self.tables)}{where}"


# A row: the fields of a Hit (tags packed), then the component, the rank of the version in it, and the line.
COLUMNS = (
    "s.name AS source, {own}.kind AS kind, {own}.name AS name, c.uid AS uid, r.version AS version, r.tree, "
    "r.digest, r.tags AS tags, r.title AS title, {own}.current AND r.id = {own}.newest AS newest, "
    "c.withdrawn AS withdrawn, r.yanked AS yanked, c.id, r.rank, {own}.id AS line"
)


def select(connection: sqlite3.Connection, terms: Terms) -> tuple[str, dict[str, str | float]] | None:
    """(SQL, values) for ``terms``, neither ordered nor limited; None when nothing can answer them."""
    check_size(terms)
    wanted = [*terms.all_of, *tags_provided(terms)]
    tags = TagTerms(connection, wanted, terms.any_of, terms.none_of, newest=terms.placed)
    phrase = phrase_of(terms.text)
    if tags.hopeless or phrase is None:
        return None
    built = Statement()
    drive = _by_name if terms.names_exactly else _by_tags if tags else _by_text if phrase else _by_place
    lines = sets_of_lines(connection, built.bind, terms) if drive is _by_place else ""
    if lines:
        built.tables += [f"{lines} f0", "lines l ON l.id = f0.line", "components c ON c.id = l.component"]
    else:
        drive(built, terms, tags, phrase)
    own = _releases(built, terms)
    _filters(built, terms)
    for held in _still_wanted(tags, drive is _by_tags):
        built.where.append(_tagged(built, terms, held))
    if phrase and drive is not _by_text:
        match = f"SELECT rowid FROM texts WHERE texts MATCH {built.bind(phrase)}"
        built.where.append(f"c.id IN ({match})")
    built.where += conditions(connection, built.bind, terms, driven=bool(lines))
    for held in tags.refused:
        built.where.append(f"NOT {_tagged(built, terms, held)}")
    return built.text(own), built.values


def check_size(terms: Terms) -> None:
    """SQLite's own limits lie somewhat higher, and its words for them say nothing to a user."""
    patterns = (terms.source, terms.kind, terms.name)
    if (
        max(map(len, patterns)) <= MAX_PATTERN
        and terms.kind.count("|") < MAX_TERMS
        and max(len(terms.all_of), len(terms.none_of), sum(map(len, terms.any_of))) <= MAX_TERMS
        and max(map(len, (*terms.all_of, *terms.none_of, *sum(terms.any_of, ()), ""))) <= MAX_PATTERN
    ):
        return
    from ckstore.errors import InvalidInput  # only where something went wrong: this module must load at once

    raise InvalidInput(
        f"A search has at most {MAX_TERMS} tags or kinds, and names of at most {MAX_PATTERN} characters.",
        code="query-too-large",
    )


def _still_wanted(tags: TagTerms, driven: bool) -> list[Held]:
    """The sets of which one tag each must be there; the first is left out where the search starts from it."""
    single: list[Held] = [(tag,) for tag in tags.single]
    if not driven:
        return [*single, *tags.groups]
    return tags.groups if tags.single else tags.groups[1:]


def phrase_of(text: str) -> str | None:
    """An FTS5 expression for all words of ``text``, the last as a prefix; None when it has no word in it.

    Words in quotes follow each other, and are whole. Each word is quoted for SQLite, so that nothing in it is
    an operator. A word without letter or digit cannot match.
    """
    if not text:
        return ""
    words = split_words([text.replace("\0", " ")], strict=False)
    usable = [word for word in words if any(letter.isalnum() for letter in word.text)]
    if not usable:
        return None if text.strip() else ""
    expression = " ".join('"' + word.text.replace('"', '""') + '"' for word in usable)
    return expression if usable[-1].phrase else f"{expression}*"


# -- what the statement starts from -------------------------------------------------------------------


def _by_name(built: Statement, terms: Terms, tags: TagTerms, phrase: str) -> None:
    """An exact name, also a former one unless another component of that source has it now; or a UID."""
    name = built.bind(terms.name)
    built.tables += ["lines l", "components c ON c.id = l.component"]
    if looks_like_uid(terms.name):
        by_uid = f"SELECT line FROM components WHERE uid = {name}"
        built.where.append(f"l.id IN ({by_uid} UNION ALL SELECT id FROM lines WHERE name = {name})")
    else:
        built.where.append(f"l.name = {name}")
    built.where.append(
        "(l.current OR NOT EXISTS (SELECT 1 FROM lines k CROSS JOIN components o ON o.id = k.component "
        "WHERE k.name = l.name AND k.kind = l.kind AND k.current AND o.source = c.source))"
    )


def _by_tags(built: Statement, terms: Terms, tags: TagTerms, phrase: str) -> None:
    """The rarest tag, and each other one by key; a group where there are groups alone."""
    table, column = ("newest_tags", "place") if terms.placed else ("release_tags", "release")
    if tags.single:
        built.tables.append(f"{table} t0")
        built.where.append(f"t0.tag = {built.bind(tags.single[0])}")
    else:
        some = ids(built.bind, tags.groups[0])
        built.tables.append(f"(SELECT DISTINCT {column} FROM {table} WHERE tag IN ({some})) t0")
    for n, tag in enumerate(tags.single[1:], 1):
        built.tables.append(f"{table} t{n} ON t{n}.tag = {built.bind(tag)} AND t{n}.{column} = t0.{column}")
    if terms.any_release:
        built.tables += ["releases r ON r.id = t0.release", "components c ON c.id = r.component"]
        built.tables.append("lines l ON l.id = c.line")
    elif terms.placed:
        built.tables += ["entries e ON e.place = t0.place", "lines l ON l.id = e.line"]
        built.tables.append("components c ON c.id = l.component")
    else:
        built.tables += ["releases r ON r.id = t0.release", "lines l ON l.id = r.line AND l.newest = r.id"]
        built.tables.append("components c ON c.id = l.component AND c.line = l.id")


def _by_text(built: Statement, terms: Terms, tags: TagTerms, phrase: str) -> None:
    built.tables += ["texts", "components c ON c.id = texts.rowid", "lines l ON l.id = c.line"]
    built.where.append(f"texts MATCH {built.bind(phrase)}")


def _by_place(built: Statement, terms: Terms, tags: TagTerms, phrase: str) -> None:
    """Kind, name pattern or source; a source alone is found by its key."""
    if terms.source and not has_wildcards(terms.source) and not terms.kind and not terms.name:
        built.tables += ["components c", "lines l ON l.id = c.line"]
        wanted = f"SELECT id FROM sources WHERE name = {built.bind(terms.source)}"
        built.where.append(f"c.source = ({wanted})")
    else:
        built.tables += ["lines l", "components c ON c.id = l.component"]
        built.where.append("l.current")


# -- the rest -------------------------------------------------------------------------------------------


def _releases(built: Statement, terms: Terms) -> str:
    """Join the releases; gives the alias of the line that a release belongs to."""
    own = "l"
    if terms.any_release:
        own = "own"
        if not any(table.startswith("releases ") for table in built.tables):
            built.tables.append("releases r ON r.component = c.id AND (l.current OR r.line = l.id)")
        built.tables.append("lines own ON own.id = r.line")
    elif not any(table.startswith("releases ") for table in built.tables):
        built.tables.append("releases r ON r.id = l.newest")
    built.tables.append("sources s ON s.id = c.source")
    return own


def _filters(built: Statement, terms: Terms) -> None:
    if terms.source:
        built.where.append(like(built.bind, "s.name", terms.source))
    if terms.kind:
        kinds = [like(built.bind, "l.kind", kind) for kind in terms.kind.split("|")]
        built.where.append(f"({' OR '.join(kinds)})")
    if terms.name and not terms.names_exactly:
        built.where.append(like(built.bind, "l.name", terms.name))
    if not terms.withdrawn and not terms.names_exactly:
        built.where.append("c.withdrawn = 0")
    if terms.yanked:
        built.where.append("r.yanked = 1")
    elif not terms.all_versions and not terms.names_exactly:
        built.where.append("r.yanked = 0")


def _tagged(built: Statement, terms: Terms, held: Held) -> str:
    """The condition that a release has one tag of a set."""
    if terms.placed:
        return among(built.bind, held, "newest_tags", "place", "l.place")
    return among(built.bind, held, "release_tags", "release", "r.id")
