"""When something is needed, and which version of software on the host will do: texts for people.

Both depend on what only the run knows (the machine, the environment, what the user chooses), so that nothing
is decided by them when a lock is made. The texts come from metadata that strangers wrote: they are one line,
and not long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ckstore.model.plain import as_list, as_map, as_text

_MOST = 300  # characters; the metadata itself has the rest
_ALTERNATIVES = 8


def variables(value: object, *, any_of: bool = False) -> str:
    """``A=1|2 and B=on`` (``or`` for ``any_of``): a table of variables and the values that will do."""
    known = [f"{name}={'|'.join(_words(values))}" for name, values in as_map(value).items()]
    return (" or " if any_of else " and ").join(known)


def alternatives(value: object) -> str:
    """The same for a list of tables of which one must hold (CK); a single table is one."""
    tables = [table for item in _items(value) if (table := as_map(item))]
    return any_of([variables(table) for table in tables])


def unless(text: str) -> str:
    """The opposite; empty of empty."""
    return f"not ({text})" if text else ""


def all_of(parts: Iterable[str]) -> str:
    """Every one of the conditions that are not empty."""
    known = list(dict.fromkeys(part for part in parts if part))
    return line_of(known[0] if len(known) == 1 else " and ".join(_one(part, " or ") for part in known))


def any_of(parts: Sequence[str]) -> str:
    """One of the conditions; of very many only the first are named."""
    known = list(dict.fromkeys(part for part in parts if part))
    if len(known) == 1:
        return line_of(known[0])
    named = [_one(part, " and ") for part in known[:_ALTERNATIVES]]
    left = len(known) - len(named)
    return line_of(" or ".join([*named, f"{left} more"] if left else named))


def bounds(low: str = "", high: str = "", exact: str = "", usable: str = "") -> str:
    """``>=3.5,<=3.9.99``, ``=2.0``; ``install=3.9.12`` names what will do where nothing is there."""
    told = [(">=", low), ("<=", high), ("=", exact), ("install=", usable if usable != high else "")]
    return line_of(",".join(operator + text for operator, text in told if text))


def _one(part: str, joint: str) -> str:
    return f"({part})" if joint in part and not part.startswith("not (") else part


def _items(value: object) -> list[object]:
    return [value] if isinstance(value, dict) else as_list(value)


def _words(value: object) -> list[str]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return [_word(item) for item in items]


def _word(item: object) -> str:
    return ("yes" if item else "no") if isinstance(item, bool) else as_text(item)


def line_of(text: str) -> str:
    """The text as one line, cut where it is long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MOST else f"{line[: _MOST - 1].rstrip()}…"
