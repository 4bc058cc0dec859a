"""The hostile inputs by number, each in a few words, and the rows that stand for them.

A row is one way to make such an input and what must come of it. Every number has a row in one of the
modules ``test_*.py`` beside this one, or a reason in :data:`LATER` why what it attacks is not there yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest
from _pytest.mark.structures import ParameterSet

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

INPUTS = {
    1: "git's own folder as an entry",
    2: "the same in capitals",
    3: "git's settings, one folder deeper, in mixed case",
    4: "the short name that NTFS gives to git's folder",
    5: "the short name in capitals",
    6: "git's folder with a blank behind it, which NTFS drops",
    7: "git's folder with a dot behind it, which NTFS drops",
    8: "git's folder with several dots behind it",
    9: "git's folder through its NTFS stream",
    10: "git's folder with characters that HFS+ ignores",
    11: "git's list of submodules under other names",
    12: "a folder as its own entry",
    13: "the folder above as an entry",
    14: "a name of three dots",
    15: "an empty name",
    16: "a name with a slash",
    17: "an absolute name",
    18: "a way up with backslashes",
    19: "a NUL inside a name",
    20: "characters that steer a terminal or turn a line around",
    21: "names that are no UTF-8",
    22: "one name in two Unicode forms",
    23: "names that differ only in case, by the rules of several languages",
    24: "names of devices on Windows",
    25: "a dot or a blank at the end",
    26: "a colon: an NTFS stream",
    27: "a name that looks like an option",
    28: "names and paths that are too long",
    29: "folders nested without end",
    30: "a folder with a million entries",
    31: "a few folders that hold each other a billion times",
    32: "a symlink to an absolute path",
    33: "a symlink to the folder above",
    34: "a symlink into git's folder",
    35: "symlinks in a circle",
    36: "symlinks to what is no path",
    37: "a symlink that becomes a folder, and back",
    38: "a symlink and a folder with one name",
    39: "a file behind a symlink",
    40: "a submodule that nothing describes",
    41: "a submodule that is the repository itself",
    42: "submodules with names and addresses that do harm to git",
    43: "modes that git does not write",
    44: "files that differ in the executable bit alone",
    45: "attributes that would change files or run programs",
    46: "hooks, settings and the like among the files",
    47: "a few kilobytes that become gigabytes",
    48: "differences that become gigabytes, or that build upon each other without end",
    49: "differences whose base is missing, circular or outside",
    50: "objects that are longer or shorter than they say",
    51: "packs that hold another number of objects than they say",
    52: "packs with a wrong checksum",
    53: "packs that end in the middle",
    54: "indexes that do not fit their pack, or are old",
    55: "two contents with one id",
    56: "a loose object with another id",
    57: "an empty loose object",
    58: "objects of unknown type",
    59: "commits with parts missing, odd, or far too many",
    60: "tags of tags, and tags that lie about what they tag",
    61: "a file where a folder should be",
    62: "repositories with SHA-256 ids",
    63: "replaced objects and grafts",
    64: "repositories that have not all their history or objects",
    65: "repositories that borrow objects from elsewhere",
    66: "derived files of git that lie",
    67: "refs with names that do harm, or far too many",
    68: "a HEAD that points outside",
    69: "a tag that moves",
    70: "a tag that is deleted",
    71: "a branch that is set back",
    72: "two spellings of one version as tags",
    73: "addresses that run programs, hide where they lead, or lead inside",
    74: "credentials in an address",
    75: "servers that never come to an end",
    76: "pointers to large files elsewhere",
    77: "names of components that do harm",
    78: "versions that are none, or that only look equal",
    79: "components that need themselves",
    80: "TOML, JSON and YAML made to be costly or ambiguous",
    81: "records made to be costly or ambiguous",
    82: "locks that were changed by hand",
    83: "characters of SQL in tags and names",
    84: "searches made to be costly",
    85: "an index that somebody else made",
    86: "actions that use up the machine or leave what does harm",
    87: "processes that outlive their action",
    88: "actions that write to their inputs",
}
LATER: dict[int, str] = {}


@dataclass(frozen=True, slots=True)
class Row(Generic[T]):
    """``given`` is what the test of its table makes the input from.

    ``says`` is part of the message of a refusal (empty: it must be made harmless, as ``given`` says how),
    ``code`` that of its error.
    """

    numbers: tuple[int, ...]
    name: str
    given: T
    says: str = ""
    code: str = ""


def parameters(rows: list[Row[T]]) -> list[ParameterSet]:
    """The rows for ``pytest.mark.parametrize``, under their names."""
    return [pytest.param(row, id=row.name.replace(" ", "-")) for row in rows]


def stands_for(*numbers: int) -> Callable[[F], F]:
    """Mark a test that is a row by itself."""

    def mark(test: F) -> F:
        test.inputs = numbers  # type: ignore[attr-defined]  # read by test_every_input_has_a_row
        return test

    return mark
