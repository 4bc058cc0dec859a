"""What a program component says, in one shape for every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ckstore.actions.looseversion import Loose

Style = Literal["ck", "native"]


@dataclass(frozen=True, slots=True)
class ToolNeed:
    """A tool or library. ``role`` is its name in the lock, ``low`` and ``high`` are inclusive bounds.

    What is ``optional`` is used where it can be had: nothing here knows whether its condition holds.
    """

    role: str
    key: str
    what: str
    low: Loose = ()
    high: Loose = ()
    order: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Hook:
    """A function of a Python script beside the program."""

    script: str
    function: str


@dataclass(frozen=True, slots=True)
class Build:
    """How the program is built.

    ``how``: *sources* are compiled one by one and linked; a *script* does it all; *nothing* is built.
    Texts may refer to variables of the tools (``$<<NAME>>$``). ``compile_line`` and ``link_line`` replace
    the usual commands; a ``link_line`` of "" means that nothing is linked.
    """

    how: Literal["sources", "script", "nothing"]
    compiler: str = ""  # the variable that holds the compiler's path: CK_CC, CK_CXX, CK_JAVAC
    sources: tuple[str, ...] = ()
    defines: Mapping[str, str] = field(default_factory=dict)
    flags: str = ""
    include_variables: tuple[str, ...] = ()
    link_flags: str = ""
    link_variables: tuple[str, ...] = ()
    target: str = ""
    prefix: str = "./"
    compile_line: str = ""
    link_line: str | None = None
    include_own_folder: bool = True
    needs: tuple[ToolNeed, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One way to run the program. ``line`` is for the shell; its placeholders have the program's style.

    ``environment`` gives defaults, ``forced`` cannot be overridden. ``timer``: a JSON file, written by
    the program, whose ``execution_time`` (seconds) counts instead of the wall time.
    """

    name: str
    line: str
    order: int = 0
    dataset_role: str = ""
    dataset_values_file: bool = False  # FILE.json beside the data file FILE adds variables
    environment: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    stdout: str = "stdout.txt"
    stderr: str = "stderr.txt"
    timer: str = ""
    outputs: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    hooks_before: tuple[Hook, ...] = ()
    hooks_after: tuple[Hook, ...] = ()
    needs: tuple[ToolNeed, ...] = ()
    any_exit_code: bool = False
    repeat_invariant: bool = False  # CT_REPEAT_MAIN does not change the outputs


@dataclass(frozen=True, slots=True)
class Program:
    """A program: how it is built and its commands by name. ``in_tmp``: it works in the folder ``tmp``."""

    style: Style
    build: Build
    commands: Mapping[str, Command]
    in_tmp: bool = True
