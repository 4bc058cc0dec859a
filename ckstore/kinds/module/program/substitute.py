"""Placeholders in command lines, in the style of CK and in our own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ckstore.errors import InvalidInput, Unsupported
from ckstore.model.names import did_you_mean

from .spec import Style

_VARIABLE = re.compile(r"\$<<\??(\w*)>>\$")
_CK = re.compile(r"\$#([^#\s]+)#\$")
_OURS = re.compile(r"\{\{|\}\}|\{(\w[\w-]*)\}")
_REFERENCE = ("%", "%") if os.name == "nt" else ("${", "}")


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are, as a command in the working folder writes them.

    Folders end with a separator. ``extra`` are values that a data set defines, ``tools`` the programs that
    were found for needs, by role.
    """

    binary: str = ""
    program: str = ""
    dataset: str = ""
    files: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)


def fill(line: str, style: Style, places: Places) -> str:
    """The line with every placeholder replaced.

    Raises :class:`InvalidInput` (``unknown-placeholder``) or, for CK's placeholders that reach into
    other entries, :class:`Unsupported`.
    """
    return _fill_ck(line, places) if style == "ck" else _fill_native(line, places)


def expand_variables(text: str, environment: Mapping[str, str]) -> str:
    """``$<<NAME>>$`` replaced by the variable's value, empty when it is not set."""
    return _VARIABLE.sub(lambda match: environment.get(match[1], ""), text)


def replace_known(line: str, values: Mapping[str, str]) -> str:
    """``$#name#$`` replaced by the value; :class:`InvalidInput` for a name that has none."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name in values:
            return values[name]
        if name.startswith("ck_take_from_"):
            raise Unsupported(
                f"The placeholder {match[0]!r} takes files from another CK entry.", code="ck-placeholder"
            )
        raise _unknown(match[0], name, values)

    return _CK.sub(value, line)


def _fill_ck(line: str, places: Places) -> str:
    values = {
        "BIN_FILE": places.binary, "ONLY_BIN_FILE": PurePosixPath(places.binary).name,
        "src_path": places.program, "src_path_local": places.program, "previous_dir": "..",
        "up_dir": f"..{os.sep}", "os_dir_separator": os.sep, "dir_sep": os.sep, "ck_host_os_sep": os.sep,
        "script_ext": ".bat" if os.name == "nt" else ".sh", "env1": _REFERENCE[0], "env2": _REFERENCE[1],
        **places.extra,
    }  # fmt: skip
    if places.dataset:
        values["dataset_path"] = places.dataset
        for number, file in enumerate(places.files):
            values["dataset_filename" + (f"_{number}" if number else "")] = file
    # Twice: what a data set defines may itself hold placeholders.
    filled = replace_known(replace_known(line, values), values)
    return _VARIABLE.sub(lambda match: match[1].join(_REFERENCE), filled)


def _fill_native(line: str, places: Places) -> str:
    # The program's own words come before those of a data set, which somebody else may have written.
    own = {"bin": places.binary, "src": places.program.rstrip(os.sep), "out": "."}
    values = {**places.extra, **places.tools, **own}
    if places.dataset:
        values["dataset_dir"] = places.dataset.rstrip(os.sep)
        values |= {"dataset": places.dataset + places.files[0]} if places.files else {}

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        if match[1] not in values:
            raise _unknown(match[0], match[1], values)
        text = values[match[1]]
        return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)

    return _OURS.sub(value, line)


def _unknown(text: str, name: str, values: Mapping[str, str]) -> InvalidInput:
    return InvalidInput(
        f"The command line has the placeholder {text!r}, which has no value here.",
        code="unknown-placeholder",
        hints=[*did_you_mean(name, values), f"known here: {', '.join(sorted(values))}"],
    )
