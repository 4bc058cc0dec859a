"""Compiling and linking a program in the workspace."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ckstore.actions.compiling import Step, Workshop, object_names, program_words, run_steps
from ckstore.errors import ActionFailed

from .spec import Build
from .substitute import Places, expand_variables, fill, replace_known
from .toolchain import Toolchain


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user says about the build: ``-O3`` or not, more flags, more definitions."""

    speed: bool = False
    flags: str = ""
    defines: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: the commands, the seconds that they took, the program (None when there is none)."""

    commands: tuple[str, ...] = ()
    seconds: float = 0.0
    target: Path | None = None

    @property
    def size(self) -> int:
        """Bytes of the program, 0 when there is none."""
        return self.target.stat().st_size if self.target else 0


def build_program(
    build: Build, chain: Toolchain, choices: Choices, own_folder: str, workshop: Workshop
) -> Built:
    """Build in the folder of the workshop; ``own_folder`` leads from there to the program's files.

    Raises ActionFailed: ``compile-failed``, ``timeout``, or ``no-binary`` when nothing came out.
    """
    if build.how == "nothing":
        return Built()
    recipe = _Recipe(build, chain, choices, own_folder, workshop.folder)
    shop = replace(workshop, environment={**workshop.environment, **chain.environment, **recipe.variables()})
    started = time.perf_counter()
    commands = run_steps(recipe.compile_steps(), shop)
    link = recipe.link_step()
    if link:
        commands += run_steps([link], shop)
    target = shop.folder / build.target
    if link and not target.is_file():
        raise ActionFailed(f"The build went well but made no {build.target}.", code="no-binary")
    seconds = time.perf_counter() - started
    return Built(tuple(commands), seconds, target if build.target and target.is_file() else None)


@dataclass(frozen=True, slots=True)
class _Recipe:
    build: Build
    chain: Toolchain
    choices: Choices
    own_folder: str
    folder: Path

    def compile_steps(self) -> list[Step]:
        if self.build.how == "script":
            return [
                Step(
                    "the compile script", fill(self.build.compile_line, "ck", Places(program=self.own_folder))
                )
            ]
        objects = self.objects()
        return [self._compile(source, name) for source, name in zip(self.build.sources, objects, strict=True)]

    def link_step(self) -> Step | None:
        if self.build.how == "script" or self.build.link_line == "" or not self.build.target:
            return None
        before, objects = [*self._speed(), *self._flag("CK_COMPILER_FLAGS_OBLIGATORY")], self.objects()
        after = [*self._output(self.build.target), *self._objects_of_libraries(), *self._link_flags()]
        if self.build.link_line is None:
            return Step("linking", [*self._compiler(), *before, *objects, *after])
        values = {
            "linker": self._compiler(),
            "flags_before": before,
            "obj_files": objects,
            "flags_after": after,
        }
        return Step("linking", _fill_line(self.build.link_line, values))

    def objects(self) -> list[str]:
        return object_names(self.build.sources, self.chain.environment.get("CK_OBJ_EXT") or ".o")

    def variables(self) -> dict[str, str]:
        """What compile scripts are told (CK's names)."""
        if self.build.how != "script":
            return {}
        return {
            "CK_PROG_COMPILER_FLAGS_BEFORE": shlex.join(self._before()),
            "CK_PROG_COMPILER_VARS": shlex.join(self._defines()),
            "CK_PROG_COMPILER_FLAGS": self.choices.flags,
            "CK_PROG_LINKER_FLAGS_BEFORE": shlex.join(self._speed()),
            "CK_PROG_LINKER_FLAGS_AFTER": "",
            "CK_PROG_LINKER_LIBS": shlex.join([*self._objects_of_libraries(), *self._link_flags()]),
            "CK_PROG_TARGET_EXE": self.build.target,
        }

    def _compile(self, source: str, name: str) -> Step:
        path = f"{self.own_folder}{source}"
        if not self.build.compile_line:
            output = self._output(name)
            return Step(source, [*self._compiler(), *self._before(), *self._user_flags(), path, *output])
        before, after = [*self._before(), *self._user_flags()], self._output(name)
        values = {
            "compiler": self._compiler(),
            "flags_before": before,
            "source_file": [path],
            "flags_after": after,
        }
        return Step(source, _fill_line(self.build.compile_line, values))

    def _compiler(self) -> list[str]:
        return program_words(self.chain.environment.get(self.build.compiler, ""))

    def _before(self) -> list[str]:
        flags = [*self._flag("CK_FLAGS_CREATE_OBJ"), *self._flag("CK_COMPILER_FLAGS_OBLIGATORY")]
        flags += shlex.split(expand_variables(self.build.flags, self.chain.environment))
        flags += self._speed()  # after the program's own flags: the last -O counts
        return flags + self._includes() + self._defines()

    def _includes(self) -> list[str]:
        prefix = self.chain.environment.get("CK_FLAG_PREFIX_INCLUDE", "")
        if not prefix:
            return []
        own = [self.own_folder] if self.build.include_own_folder else []
        libraries = [self._near(path) for library in self.chain.libraries for path in library.includes]
        named = [self.chain.environment.get(name, "") for name in self.build.include_variables]
        return [f"{prefix}{folder}" for folder in [*own, *libraries, *named] if folder]

    def _defines(self) -> list[str]:
        prefix = self.chain.environment.get("CK_FLAG_PREFIX_VAR", "")
        defines = {**self.build.defines, **self.choices.defines}
        return [f"{prefix}{k}={v}" if v else f"{prefix}{k}" for k, v in defines.items()] if prefix else []

    def _link_flags(self) -> list[str]:
        environment = self.chain.environment
        text = " ".join(
            [
                environment.get("CK_LD_FLAGS_MISC", ""), environment.get("CK_LD_FLAGS_EXTRA", ""),
                expand_variables(self.build.link_flags, environment),
                *(environment.get(name, "") for name in self.build.link_variables),
            ]
        )  # fmt: skip
        return [*self._user_flags(), *shlex.split(text)]

    def _objects_of_libraries(self) -> list[str]:
        return [self._near(path) for library in self.chain.libraries for path in library.objects]

    def _near(self, path: Path) -> str:
        """Relative to the working folder: the same command lines, and binaries, in every workspace."""
        return os.path.relpath(path, self.folder)

    def _user_flags(self) -> list[str]:
        return shlex.split(self.choices.flags)

    def _speed(self) -> list[str]:
        return self._flag("CK_OPT_SPEED") if self.choices.speed else []

    def _flag(self, variable: str) -> list[str]:
        return shlex.split(self.chain.environment.get(variable, ""))

    def _output(self, name: str) -> list[str]:
        # "-o " takes the name as a word of its own, "/Fe" has it attached: the blank decides.
        flag = self.chain.environment.get("CK_FLAGS_OUTPUT", "")
        if not flag:
            return []
        return [flag.strip(), name] if flag.endswith(" ") else [f"{flag}{name}"]


def _fill_line(line: str, values: Mapping[str, Sequence[str]]) -> str:
    joined = {name: shlex.join(words) for name, words in values.items()}
    shell = {"script_ext": ".bat" if os.name == "nt" else ".sh", "dir_sep": os.sep}
    return replace_known(line, {**shell, **joined})
