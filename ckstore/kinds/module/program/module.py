"""The actions of programs: ``compile`` and ``run``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from ckstore.actions.context import Context
from ckstore.actions.plan import Outcome

from .build import Choices
from .work import Job, Limits, Request


def compile(
    context: Context,
    *,
    compiler: str = "",
    speed: bool = False,
    flags: str = "",
    define: Mapping[str, str] = {},
    timeout: float = 0.0,
    max_output: int = 1024,
) -> Outcome:
    """Build the program in the workspace with a compiler that this machine has.

    Args:
        compiler: the compiler to take: a component (compiler.gcc, clang) or a program (gcc-12)
        speed: compile for speed (-O3)
        flags: more flags for the compiler, in one text
        define: a definition for the compiler: --define.NAME=VALUE
        timeout: seconds after which a compile step is ended, 0 for none
        max_output: MiB that one file may have that is written, 0 for any size
    """
    choices = Choices(speed, flags, define)
    return Job(context, choices, compiler, Limits(timeout, max_output), dict(os.environ)).compile()


def run(
    context: Context,
    *,
    cmd: str = "",
    dataset: str = "",
    dataset_file: str = "",
    repeat: int = 1,
    timeout: float = 0.0,
    max_output: int = 1024,
    env: Mapping[str, str] = {},
    arguments: Sequence[str] = (),
    compiler: str = "",
    speed: bool = False,
    flags: str = "",
    define: Mapping[str, str] = {},
) -> Outcome:
    """Build the program, run one of its commands and measure it.

    Args:
        cmd: the command to run; else the only one, the one called default, or the first
        dataset: the data set to run it on; else the first by name that the lock has for the command
        dataset_file: the file of the data set to take; else the first
        repeat: how many times the command is run and measured, each time as a new process
        timeout: seconds after which the command, or a compile step, is ended, 0 for none
        max_output: MiB that one file may have that is written or printed, 0 for any size
        env: a variable for the program: --env.NAME=VALUE
        arguments: what comes after -- is appended to the command line
        compiler: the compiler to take: a component (compiler.gcc, clang) or a program (gcc-12)
        speed: compile for speed (-O3)
        flags: more flags for the compiler, in one text
        define: a definition for the compiler: --define.NAME=VALUE
    """
    choices = Choices(speed, flags, define)
    request = Request(cmd, dataset, dataset_file, repeat, env, shlex.join(arguments))
    return Job(context, choices, compiler, Limits(timeout, max_output), dict(os.environ)).run(request)
