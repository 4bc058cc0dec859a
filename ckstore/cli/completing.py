"""What may come next on a command line: commands, options and their values, names and tags from the index.

No click: the commands and their options are in :mod:`ckstore.cli.grammar` and :mod:`ckstore.cli.options`.
"""

from __future__ import annotations

from ckstore.cli.grammar import GRAMMAR
from ckstore.cli.options import ADD_OPTIONS, FIND_OPTIONS, SHOW_OPTIONS
from ckstore.index import beginnings

TYPE_CHECKING = False  # `typing` would double the start-up of the quick path
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from ckstore.cli.options import Option

    Candidate = tuple[str, str]  # the whole word, and what it is
    Look = Callable[[], sqlite3.Connection]  # opens the index, when it is needed
    Known = dict[str, tuple[str, str]]  # flag → (sort of its value, empty for none; help)

DECLARED = {"find": FIND_OPTIONS, "add": ADD_OPTIONS, "show": SHOW_OPTIONS}
FILES, FOLDERS, WORDS = "files", "folders", "words"
_GLOBAL: Known = {"--version": ("", "Show the version and exit."), "--help": ("", "Show help and exit.")}
_SORTS = {  # by the name of an option: what its value is
    "tags": "tags", "source": "source", "kind": "kind", "where": "where", "needs": "component",
    "provides": "entry", "sort": "sort", "facet": "field", "columns": "fields", "store": FOLDERS,
    "outputs": FOLDERS,
}  # fmt: skip
_FIELDS = ("source", "kind", "name", "uid", "version", "title", "tags", "tree", "digest")
_FACETS = ("tags", "kind", "source", "version")
_SORTED_BY = ("source", "kind", "name", "uid", "version", "title", "relevance")
_LEAST_UID = 4  # digits that must be there before UIDs are offered
_HEX = frozenset("0123456789abcdef")


def complete(words: Sequence[str], look: Look) -> tuple[str, list[Candidate]]:
    """(files, folders or words; candidates) for the last of ``words``, those after the program's name.

    Raises what opening the index raises.
    """
    *before, current = words
    at = next((n for n, word in enumerate(before) if not word.startswith("-")), -1)
    if at < 0:
        return WORDS, [*_commands(current), *(_flags(_GLOBAL, current) if current.startswith("-") else ())]
    command = before[at]
    known = _known(command)
    waiting, arguments, ended = _read(known, before[at + 1 :])
    if waiting:
        return _values(known[waiting][0], current, look)
    flag, equals, value = current.partition("=")
    if not ended and equals and known.get(flag, ("", ""))[0]:
        what, found = _values(known[flag][0], value, look)
        return what, [(f"{flag}={text}", told) for text, told in found]
    if not ended and current.startswith("-"):
        return WORDS, list(_flags({**known, "--help": _GLOBAL["--help"]}, current))
    return _values(_sort_of_argument(command, len(arguments), before), current, look)


def store_in(words: Sequence[str]) -> str:
    """The store that ``--store`` names; empty when it names none."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    named = [
        after if word == "--store" else word[8:] for word, after in pairs if word[:8].rstrip("=") == "--store"
    ]
    return named[-1] if named else ""


def _commands(start: str) -> Iterator[Candidate]:
    return ((name, entry[0]) for name, entry in GRAMMAR.items() if name.startswith(start))


def _flags(known: Known, start: str) -> Iterator[Candidate]:
    return (
        (flag, told) for flag, (_, told) in known.items() if flag.startswith(start) and len(flag) > len("-x")
    )


def _known(command: str) -> Known:
    """The options of a command; one that is none is an action: ``ckstore compile program:NAME``."""
    declared: Sequence[Option] | None = DECLARED.get(command)
    if declared is not None:
        return {flag: (_sort(option), option.help) for option in declared for flag in option.flags}
    entry = GRAMMAR.get(command) or GRAMMAR["run"]
    return {flag: (sort, told) for flags, sort, told in entry[2] for flag in flags}


def _sort(option: Option) -> str:
    return "" if option.kind == "flag" else _SORTS.get(option.name, "word")


def _read(known: Known, words: Sequence[str]) -> tuple[str, list[str], bool]:
    """(the option that waits for its value, the arguments so far, whether ``--`` ended the options)."""
    waiting = ""
    arguments: list[str] = []
    for number, word in enumerate(words):
        if waiting:
            waiting = ""
        elif word == "--":
            return "", [*arguments, *words[number + 1 :]], True
        elif word.startswith("-") and word != "-":
            waiting = word if known.get(word, ("", ""))[0] else ""
        else:
            arguments.append(word)
    return waiting, arguments, False


def _sort_of_argument(command: str, number: int, words: Sequence[str]) -> str:
    if command == "mirror" and "--update" in words:
        return "source"
    arguments = GRAMMAR[command][1] if command in GRAMMAR else ("component*",)
    if number < len(arguments):
        return arguments[number].rstrip("*")
    return arguments[-1][:-1] if arguments and arguments[-1].endswith("*") else "word"


# -- values ---------------------------------------------------------------------------------------------


def _values(sort: str, start: str, look: Look) -> tuple[str, list[Candidate]]:
    if sort in (FILES, FOLDERS):
        return sort, []
    if sort == "word":
        return WORDS, []
    if sort in _INDEXED:
        found = _INDEXED[sort](look(), start)
    else:
        found = [text for text in sort.split("|") if text.startswith(start)]
    return WORDS, [(text, "") for text in dict.fromkeys(found)]


def _component(index: sqlite3.Connection, start: str) -> list[str]:
    head, bracket, tags = start.partition("[")
    if bracket:
        return [] if "]" in tags else [f"{head}[{text}" for text in _tags(index, tags)]
    head, at, wanted = start.partition("@")
    if at:
        return [f"{head}@{text}" for text in _versions(index, head, wanted)]
    *place, name = start.split(":")
    if not place:
        return _beginnings(index, name)
    if len(place) == 1:
        kinds = beginnings.kinds(index, name, source=place[0])
        names = beginnings.names(index, name, place[0])
        return [f"{place[0]}:{text}" for text in (*names, *(f"{kind}:" for kind in kinds))]
    return [f"{place[0]}:{place[1]}:{text}" for text in beginnings.names(index, name, place[1], place[0])]


def _beginnings(index: sqlite3.Connection, start: str) -> list[str]:
    """What a reference begins with: a kind or a source; or it is a bare name or a UID."""
    found = [f"{kind}:" for kind in beginnings.kinds(index, start)]
    found += [f"{source}:" for source in beginnings.sources(index, start)]
    if start:
        found += beginnings.names(index, start, "")
    if len(start) >= _LEAST_UID and _HEX.issuperset(start):
        found += beginnings.uids(index, start)
    return found


def _versions(index: sqlite3.Connection, head: str, wanted: str) -> list[str]:
    """``=1.2.0``, for an empty ``wanted``; otherwise after the operators that it has."""
    number = wanted.lstrip("^~<>=")
    operator = wanted[: len(wanted) - len(number)] or ("" if wanted else "=")
    source, kind, name = ["", "", *head.split(":")][-3:]
    found = beginnings.versions(index, name, "" if kind == "*" else kind, "" if source == "*" else source)
    return [f"{operator}{version}" for version in found if version.startswith(number)]


def _query(index: sqlite3.Connection, start: str) -> list[str]:
    """A word of ``find``: a kind alone is one, too."""
    kinds = [kind for kind in beginnings.kinds(index, start) if "[" not in start]
    return [*kinds, *(text for text in _component(index, start) if start in kinds or text[:-1] not in kinds)]


def _tags(index: sqlite3.Connection, start: str) -> list[str]:
    """The tag that is being typed in ``a,-b|c``; those that are there already are not offered again."""
    before, tag = _after_last(start, ",|")
    if tag[:1] in ("-", "!"):
        before, tag = before + tag[0], tag[1:]
    there = {text.lstrip("-!") for text in before.replace("|", ",").split(",")}
    return [before + text for text in beginnings.tags(index, tag) if text not in there]


def _kinds(index: sqlite3.Connection, start: str) -> list[str]:
    before, kind = _after_last(start, "|")
    return [before + text for text in beginnings.kinds(index, kind)]


def _where(index: sqlite3.Connection, start: str) -> list[str]:
    """``KEY``, ``!KEY`` or ``KEY=VALUE``."""
    key, equals, value = start.partition("=")
    if equals:
        return [f"{key}={text}" for text in beginnings.values_of(index, key.rstrip("!<>"), value)]
    no = "!" if start.startswith("!") else ""
    return [no + text for text in beginnings.keys(index, start.removeprefix("!"))]


def _fields(own: Sequence[str], many: bool) -> Callable[[sqlite3.Connection, str], list[str]]:
    def found(index: sqlite3.Connection, start: str) -> list[str]:
        before, field = _after_last(start, ",") if many else ("", start)
        if field.startswith("-"):
            before, field = f"{before}-", field[1:]
        named = [text for text in own if text.startswith(field)]
        return [before + text for text in (*named, *(beginnings.keys(index, field) if field else ()))]

    return found


def _after_last(text: str, marks: str) -> tuple[str, str]:
    """``text`` in two, after the last of ``marks``."""
    cut = max(text.rfind(mark) for mark in marks) + 1
    return text[:cut], text[cut:]


_INDEXED: dict[str, Callable[[sqlite3.Connection, str], list[str]]] = {
    "component": _component, "query": _query, "tags": _tags, "kind": _kinds, "where": _where,
    "source": beginnings.sources, "entry": beginnings.entries, "sort": _fields(_SORTED_BY, True),
    "field": _fields(_FACETS, True), "fields": _fields(_FIELDS, True),
}  # fmt: skip
