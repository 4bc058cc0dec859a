"""The action of packages: ``install``."""

from __future__ import annotations

import os

from ckstore.actions import tools
from ckstore.actions.compiling import Workshop
from ckstore.actions.context import Context
from ckstore.actions.libraries import build_library
from ckstore.actions.plan import Outcome
from ckstore.actions.process import MIB
from ckstore.errors import ActionFailed

_HEADERS = (".h", ".hh", ".hpp", ".hxx")


def install(context: Context, *, compiler: str = "", timeout: float = 0.0, max_output: int = 1024) -> Outcome:
    """Build the library in the workspace and keep its objects and headers.

    Args:
        compiler: the compiler to take: a component (compiler.gcc, clang) or a program (gcc-12)
        timeout: seconds after which a compile step is ended, 0 for none
        max_output: MiB that one file may have that is written, 0 for any size
    """
    package = context.component
    tool = tools.choose(context.providers("compiler"), os.environ, tools.Wish(name=compiler), "compiler")
    workshop = Workshop(
        context.workspace, os.environ, context.workspace / "@logs", timeout, context.progress,
        max_output * MIB,
    )  # fmt: skip
    details: dict[str, object] = {"compiler": tool.as_plain()}
    try:
        library = build_library(package, context.workspace / package.pin.name, tool.environment, workshop)
    except ActionFailed as error:
        return Outcome(
            status="timeout" if error.code == "timeout" else "failed", exit_code=1, message=error.message,
            error_code=error.code, details=details | error.details,
        )  # fmt: skip
    headers = [
        path for folder in library.includes for path in sorted(folder.iterdir()) if path.suffix in _HEADERS
    ]
    kept = [*library.objects, *headers]
    return Outcome(
        message=f"{package.pin.name}: built with {tool.path} {tool.version}",
        details=details | {"compile_commands": list(library.commands)},
        environment=dict(library.environment),
        outputs={path.name: path.relative_to(context.workspace).as_posix() for path in kept},
    )
