"""Building libraries that components of kind ``package`` describe, with the compiler of the run.

::

    [package]
    language = "c"                 # or "cpp"
    sources = ["timer.c"]
    include = ["."]                # folders with headers, for those who use it
    flags = ["-O2"]
    [package.env]                  # optional, what it promises: {install} is where it was built
    LIB_TIMER = "{install}"

The objects are linked into the program: nothing needs to be found again when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ckstore.actions.compiling import Step, Workshop, object_names, program_words, run_steps
from ckstore.actions.component import ComponentView
from ckstore.actions.files import copy_tree
from ckstore.errors import InvalidInput, Unavailable, Unsupported
from ckstore.model.names import did_you_mean
from ckstore.model.plain import as_list, as_map, as_text

_COMPILERS = {"c": "CK_CC", "cpp": "CK_CXX"}


@dataclass(frozen=True, slots=True)
class Library:
    """A library that was built: its objects, header folders and variables, and how it was compiled."""

    component: str
    objects: tuple[Path, ...]
    includes: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()


def build_library(
    package: ComponentView, folder: Path, compiler: Mapping[str, str], workshop: Workshop
) -> Library:
    """Copy the package's files to ``folder`` (fresh) and compile them there.

    ``compiler`` holds the variables that the chosen compiler promises. Raises ActionFailed
    (``compile-failed``) and :class:`Unsupported` for packages that only CK's own plugins can build.
    """
    if package.format != "ckstore":
        raise Unsupported(
            f"{package.name} is built by its own CK plugin, which this version cannot run.",
            code="ck-plugin",
            hints=["name a source that has it with a component.toml before this one in [sources]"],
        )
    body = as_map(package.metadata.body.get("package"))
    language = as_text(body.get("language")) or "c"
    if language not in _COMPILERS:
        raise InvalidInput(
            f"{package.name}: the language {language!r} is unknown.",
            code="unknown-language",
            hints=[*did_you_mean(language, _COMPILERS), f"known: {', '.join(_COMPILERS)}"],
        )
    program = compiler.get(_COMPILERS[language], "")
    if not program:
        raise Unavailable(
            f"{package.name} is written in {language!r}, for which the compiler of the run is not installed "
            f"(it has no {_COMPILERS[language]}).",
            code="no-compiler",
        )
    copy_tree(package.path, folder)
    sources = [as_text(source) for source in as_list(body.get("sources"))]
    objects = object_names(sources, ".o")
    flags = [as_text(flag) for flag in as_list(body.get("flags"))]
    steps = [
        Step(source, [*program_words(program), "-c", *flags, source, "-o", target])
        for source, target in zip(sources, objects, strict=True)
    ]
    lines = run_steps(steps, replace(workshop, folder=folder, logs=workshop.logs / package.pin.name))
    promised = as_map(body.get("env"))
    return Library(
        component=package.name,
        objects=tuple(folder / name for name in objects),
        includes=tuple(folder / as_text(name) for name in as_list(body.get("include"))),
        environment={k: as_text(v).replace("{install}", str(folder)) for k, v in promised.items()},
        commands=tuple(lines),
    )
