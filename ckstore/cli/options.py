"""The options of hot commands as plain data, from which both doors are made: click's and the quick one."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` and `dataclasses` would more than double the start-up of the quick path
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    Kind = Literal["value", "number", "flag", "multi"]


class Option:
    """One option. ``kind``: a text, a whole number of at least 0, present or absent, a text many times.

    ``name`` is the key under which its value is passed on, ``metavar`` what help calls the value.
    """

    __slots__ = ("flags", "help", "kind", "metavar", "name")

    def __init__(self, flags: Sequence[str], name: str, kind: Kind, help: str, metavar: str = "") -> None:
        self.flags, self.name, self.kind, self.help = tuple(flags), name, kind, help
        self.metavar = metavar

    @property
    def default(self) -> str | int | bool | tuple[str, ...]:
        """The value when the option is not given."""
        defaults: dict[str, str | int | bool | tuple[str, ...]]
        defaults = {"value": "", "number": 0, "flag": False, "multi": ()}
        return defaults[self.kind]


STORE = Option(("--store",), "store", "value", "The folder of the store to use.", "FOLDER")
JSON = Option(("--json",), "json", "flag", "Print JSON.")

FIND_OPTIONS = (
    Option(("--tags", "-t"), "tags", "multi", "Tags to have, or with - to lack: image,-gray.", "TAGS"),
    Option(("--source", "-s"), "source", "value", "Only this source; * and ? are wildcards.", "SOURCE"),
    Option(("--kind", "-k"), "kind", "value", "Only this kind, or kinds: dataset|model.", "KIND"),
    Option(("--where", "-w"), "where", "multi", "A condition on metadata: language=c, a.b>=2, key, !key.",
           "CONDITION"),
    Option(("--needs",), "needs", "value", "What needs this component, or asks for these tags.", "REF|TAGS"),
    Option(("--provides",), "provides", "multi", "What others can use: env:CK_*, action:run, file:*.pgm.",
           "ENTRY"),
    Option(("--all-versions", "-a"), "all_versions", "flag", "Older releases, too."),
    Option(("--withdrawn",), "withdrawn", "flag", "Components that their source has removed, too."),
    Option(("--yanked",), "yanked", "flag", "Only releases that were yanked."),
    Option(("--sort",), "sort", "value", "By these fields or keys of metadata: name,-version, relevance.",
           "[-]KEY,…"),
    Option(("--limit", "-n"), "limit", "number", "At most this many.", "N"),
    Option(("--count",), "count", "flag", "Print only how many there are."),
    Option(("--facet",), "facet", "multi", "Count the values of a field instead: tags, kind, main_language.",
           "FIELD"),
    Option(("--columns",), "columns", "value", "Print these fields or keys of metadata: name,version,a.b.",
           "A,B,…"),
    Option(("--ids",), "ids", "flag", "Print source:kind:name@=version, one a line, for other commands."),
    Option(("--long", "-l"), "long", "flag", "UID, tree and title, too."),
    JSON,
    STORE,
)  # fmt: skip

ADD_OPTIONS = (
    Option(("--kind",), "kind", "value", "The kind, where the metadata does not say it: program, dataset …"),
    Option(("--name",), "name", "value", "The name, where the metadata does not say it."),
    Option(("--version",), "version", "value", "The semantic version of this release."),
    Option(("--tags",), "tags", "value", "More tags, with commas between them."),
    Option(("--source",), "source", "value", "The source to add to, instead of the folder's own or `local`."),
    Option(("--rehash",), "rehash", "flag", "Read every file again, not only those that look changed."),
    STORE,
    JSON,
)  # fmt: skip

SHOW_OPTIONS = (
    Option(("--metadata",), "metadata", "flag", "The metadata as its author wrote it, too."),
    Option(("--outputs",), "outputs", "value", "Write a run's files to FOLDER.", "FOLDER"),
    STORE,
    JSON,
)


class Unusual(Exception):
    """The quick parser does not understand; the other door says what is wrong."""


def parse(options: Sequence[Option], argv: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    """(values by name, words) of a command line, as click reads it; :class:`Unusual` for the rest of it.

    Understands ``--flag``, ``--option value``, ``--option=value``, ``-o value`` and ``--``; no joined
    short options.
    """
    known = {flag: option for option in options for flag in option.flags}
    values: dict[str, object] = {option.name: option.default for option in options}
    words: list[str] = []
    rest = iter(argv)
    for word in rest:
        if word == "--":
            return values, words + list(rest)
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        flag, equals, value = word.partition("=")
        option = known.get(flag)
        if option is None or (equals and (option.kind == "flag" or not flag.startswith("--"))):
            raise Unusual(word)
        _set(values, option, "" if option.kind == "flag" else value if equals else next(rest, None))
    return values, words


def _set(values: dict[str, object], option: Option, value: str | None) -> None:
    if value is None:
        raise Unusual(option.flags[0])
    if option.kind == "flag":
        values[option.name] = True
    elif option.kind == "multi":
        values[option.name] = (*values[option.name], value)  # type: ignore[misc]  # begins as a tuple
    elif option.kind == "number":
        if not (value.isascii() and value.isdigit()):
            raise Unusual(value)
        values[option.name] = int(value)
    else:
        values[option.name] = value


def split_tags(text: str) -> list[str]:
    """The tags of ``--tags a,b``."""
    return [tag.strip() for tag in text.split(",") if tag.strip()]
