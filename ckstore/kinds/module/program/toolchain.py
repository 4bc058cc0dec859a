"""What the lock found for a program's tools and libraries, and what the host has of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ckstore.actions.compiling import Workshop
from ckstore.actions.component import ComponentView
from ckstore.actions.context import Context
from ckstore.actions.libraries import Library, build_library
from ckstore.actions.tools import Tool, Wish, choose, is_compiler
from ckstore.errors import InvalidInput, NotFound, Unavailable, Unsupported

from .spec import ToolNeed

LIBRARIES = "@lib"  # in the workspace; no component can have a name with @


@dataclass(slots=True)
class Toolchain:
    """Tools by the key of their need, libraries, and all the variables that they promise."""

    tools: dict[str, Tool] = field(default_factory=dict)
    libraries: list[Library] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    compiler: Tool | None = None

    def as_plain(self) -> dict[str, object]:
        """JSON-able values for the details of a run."""
        plain: dict[str, object] = {
            "tools": {key: tool.as_plain() for key, tool in sorted(self.tools.items())}
        }
        if self.compiler:
            plain["compiler"] = self.compiler.as_plain()
        if self.libraries:
            plain["libraries"] = {lib.component: list(lib.commands) for lib in self.libraries}
        return plain


def gather(
    context: Context,
    needs: Iterable[ToolNeed],
    compiler_variable: str,
    compiler_name: str,
    workshop: Workshop,
) -> Toolchain:
    """Find or build everything that is needed: compilers first, then in the order that the needs give.

    ``compiler_variable`` is what the compiler must promise; ``compiler_name`` is the user's choice.
    One compiler serves the program and its libraries.
    """
    chain = Toolchain()
    found = [(need, _providers(context, need)) for need in needs]
    software = [item for item in found if any(view.pin.kind in _SOFTWARE for view in item[1])]
    ordered = sorted(software, key=lambda item: (not _all_compilers(item[1]), item[0].order, item[0].key))
    for need, providers in ordered:
        try:
            _meet(chain, need, providers, (compiler_variable, compiler_name), workshop, context.workspace)
        except (Unavailable, Unsupported):
            if not need.optional:
                raise
    if compiler_name and chain.compiler is None:
        raise InvalidInput(
            f"{context.component.name} needs no compiler, so --compiler has no meaning.",
            code="no-compiler-needed",
        )
    return chain


_SOFTWARE = ("soft", "package")  # what else is needed is data, and taken by the command that names it


def _providers(context: Context, need: ToolNeed) -> list[ComponentView]:
    providers = context.providers(need.role)
    if not providers and not need.optional:
        raise NotFound(
            f"{context.component.name} needs {need.what}, and the lock names nothing for it.",
            code="no-provider",
            hints=["`ckstore update` looks for what can provide it now"],
        )
    return providers


def _all_compilers(providers: Sequence[ComponentView]) -> bool:
    return all(provider.pin.kind == "soft" and is_compiler(provider) for provider in providers)


def _meet(
    chain: Toolchain, need: ToolNeed, providers: Sequence[ComponentView], wanted: tuple[str, str],
    workshop: Workshop, workspace: Path,
) -> None:  # fmt: skip
    softs = [provider for provider in providers if provider.pin.kind == "soft"]
    packages = [provider for provider in providers if provider.pin.kind == "package"]
    native = [package for package in packages if package.format == "ckstore"]
    if softs:
        try:
            _use_tool(chain, need, softs, wanted, workshop.environment)
            return
        except (Unavailable, Unsupported):
            if not native:  # others' packages cannot be built: what failed first says more
                raise
    package = (native or packages)[0]
    where = workspace / LIBRARIES / package.pin.name
    library = build_library(package, where, _compiler(chain, need) if native else {}, workshop)
    chain.libraries.append(library)
    chain.environment |= library.environment


def _use_tool(
    chain: Toolchain, need: ToolNeed, softs: Sequence[ComponentView], wanted: tuple[str, str],
    environment: Mapping[str, str],
) -> None:  # fmt: skip
    variable, name = wanted
    main = need.key == "compiler"
    wish = Wish(need.low, need.high, (variable,) if main and variable else (), name if main else "")
    tool = choose(softs, environment, wish, need.what)
    chain.tools[need.key] = tool
    chain.environment |= tool.environment
    if main:
        chain.compiler = tool


def _compiler(chain: Toolchain, need: ToolNeed) -> Mapping[str, str]:
    if chain.compiler is None:
        raise InvalidInput(
            f"{need.what} must be built, and the program names no compiler among its needs.",
            code="needs-compiler",
            hints=['add compiler = "soft[compiler,lang-c]" to [needs]'],
        )
    return chain.compiler.environment
