"""One compilation or one run, from the component to the outcome."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ckstore.actions.ck.hooks import hook_input
from ckstore.actions.compiling import Workshop
from ckstore.actions.context import Context
from ckstore.actions.files import copy_or_link, copy_tree
from ckstore.actions.plan import Outcome, Status
from ckstore.actions.process import MIB
from ckstore.errors import ActionFailed, InvalidInput
from ckstore.model.plain import as_int, as_text, parse_json

from .build import Built, Choices, build_program
from .choose import Data, choose_command, choose_data
from .ck_format import read_ck
from .execute import Measured, Stage, execute, prepare, produced, said_by_a_failure, shown
from .native_format import read_native
from .spec import Command, Program, ToolNeed
from .substitute import Places, fill
from .toolchain import Toolchain, gather

INPUTS, LOGS = "@inputs", "@logs"  # in the workspace; no component can have a name with @


@dataclass(frozen=True, slots=True)
class Limits:
    """What one command may take: seconds, and MiB of one file that it writes; 0 is any."""

    seconds: float = 0.0
    file_mib: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks of a run; ``arguments`` is text for the shell, appended to the command."""

    command: str = ""
    dataset: str = ""
    file: str = ""
    repeat: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: str = ""


class Job:
    """The program in its workspace. Made for one call of :meth:`compile` or :meth:`run`."""

    def __init__(
        self, context: Context, choices: Choices, compiler: str, limits: Limits,
        environment: Mapping[str, str],
    ) -> None:  # fmt: skip
        if limits.seconds < 0:
            raise InvalidInput("--timeout must not be negative.", code="bad-value")
        if limits.file_mib < 0:
            raise InvalidInput("--max-output must not be negative.", code="bad-value")
        component = context.component
        self.context = context
        self.choices = choices
        self.compiler = compiler
        self.limit, self.most = limits.seconds, limits.file_mib * MIB
        self.program: Program = (read_ck if component.format == "ck" else read_native)(component)
        self.own = context.workspace / component.pin.name
        self.folder = self.own / "tmp" if self.program.in_tmp else self.own
        self.to_own = f"..{os.sep}" if self.program.in_tmp else f".{os.sep}"
        self.environment = dict(environment)
        self.details: dict[str, object] = {}
        self.measured = Measured()
        self.stage: Stage | None = None  # once a command is about to run

    def compile(self) -> Outcome:
        """Build; a program that does not compile is a failed outcome, not an error."""
        try:
            built = self._build(())[1]
        except ActionFailed as error:
            return self._failed(error)
        if built.target is None:
            return self._outcome(message=f"{self.context.component.name}: nothing to compile.")
        name = built.target.name
        return self._outcome(
            message=f"{name}: {built.size} bytes in {built.seconds:.1f} s.",
            measurements={"compile_time": f"{built.seconds:.6f}"},
            outputs={name: built.target.relative_to(self.context.workspace).as_posix()},
        )

    def run(self, request: Request) -> Outcome:
        """Choose, build, run and measure; what fails in the program is a failed outcome, not an error."""
        if request.repeat < 1:
            raise InvalidInput(f"--repeat must be at least 1, not {request.repeat}.", code="bad-value")
        name = self.context.component.name
        command, why = choose_command(self.program, request.command, name)
        data, why_data = choose_data(self.context, command.dataset_role, request.dataset, request.file)
        self.details["command"], self.details["command_taken"] = command.name, why
        if data:
            self.details["dataset"], self.details["dataset_taken"] = data.view.name, why_data
            self.details["dataset_file"] = data.file
        self.context.progress(_announce(command, why, data, why_data))
        self.measured = Measured()
        try:
            chain, built = self._build(command.needs)
            self.details["compile_time"] = f"{built.seconds:.6f}"
            return self._execute(command, data, chain, request)
        except ActionFailed as error:
            return self._failed(error)

    def _build(self, more_needs: tuple[ToolNeed, ...]) -> tuple[Toolchain, Built]:
        copy_tree(self.context.component.path, self.own)
        self.folder.mkdir(exist_ok=True)
        workshop = Workshop(
            self.folder, self.environment, self.context.workspace / LOGS, self.limit, self.context.progress,
            self.most,
        )  # fmt: skip
        build = self.program.build
        chain = gather(self.context, [*build.needs, *more_needs], build.compiler, self.compiler, workshop)
        self.details |= chain.as_plain()
        built = build_program(build, chain, self.choices, self.to_own, workshop)
        self.details["compile_commands"] = list(built.commands)
        if built.target:
            self.details["binary_size"] = built.size
        return chain, built

    def _execute(self, command: Command, data: Data | None, chain: Toolchain, request: Request) -> Outcome:
        places = Places(
            binary=f"{self.program.build.prefix}{self.program.build.target}", program=self.to_own,
            dataset=self._bring(data) if data else "", files=data.files if data else (),
            extra=data.values if data else {},
            tools={role: tool.path for role, tool in chain.tools.items()},
        )  # fmt: skip
        line = fill(command.line, self.program.style, places)
        line = f"{line} {request.arguments}" if request.arguments else line
        variables = self._variables(command, data, request)
        promised = {**chain.environment, **_dataset_variables(places, self.folder)}
        self.details["command_line"] = line
        before = {**self.environment, **promised}
        stage = Stage(
            command, line, self.folder, self.own, {**before, **variables}, self.limit,
            self.context.progress, self.context.settle, self.most,
            self._told_to_hooks(command, data, chain),
        )  # fmt: skip
        self.stage = stage = prepare(stage)
        try:
            execute(stage, request.repeat, self.measured)
        finally:
            self.details["shown"] = shown(stage)
        if self.measured.unstable:
            self.details["unstable_outputs"] = self.measured.unstable
        self.details |= {"state": self.measured.state} if self.measured.state else {}
        return self._outcome(
            message=self._summary(command, data),
            measurements=dict(self.measured.numbers),
            environment={k: v for k, v in stage.environment.items() if k in variables or k not in before},
            outputs={name: self._in_workspace(name) for name in produced(stage)},
            checked=tuple(sorted(set(command.checked))),
            key=self._key(command, data, variables, request),
        )

    def _bring(self, data: Data) -> str:
        """Bring the data set into the workspace; its folder, relative to where the command runs."""
        place = self.context.workspace / INPUTS / data.view.pin.name
        place.parent.mkdir()
        if not copy_or_link(data.view.path, place):
            self.details["dataset_linked"] = "the files are large: the program reads the snapshot's own"
        return os.path.relpath(place, self.folder) + os.sep

    def _variables(self, command: Command, data: Data | None, request: Request) -> dict[str, str]:
        beside: dict[str, str] = {}
        if command.dataset_values_file and data and data.file:
            path = data.view.path / f"{data.file}.json"
            values = parse_json(path.read_bytes(), path.name) if path.is_file() else {}
            beside = {name: as_text(value) for name, value in values.items()}
        return {**command.environment, **beside, **request.environment, **command.forced}

    def _told_to_hooks(self, command: Command, data: Data | None, chain: Toolchain) -> dict[str, object]:
        dataset = (data.view.pin.name, data.file) if data else ("", "")
        return hook_input(self.context.component.metadata.body, command.name, chain.tools, dataset)

    def _key(
        self, command: Command, data: Data | None, variables: Mapping[str, str], request: Request
    ) -> str:
        """SHA-256 over all that determines the outputs; compilers, flags and the host do not."""
        counted = {
            k: v for k, v in variables.items() if not command.repeat_invariant or k != "CT_REPEAT_MAIN"
        }
        parts = {
            "program": self.context.component.pin.digest,
            "command": command.name,
            "dataset": data.view.pin.digest if data else "",
            "file": data.file if data else "",
            "variables": counted,
            "arguments": request.arguments,
            "defines": dict(self.choices.defines),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _summary(self, command: Command, data: Data | None) -> str:
        times = sorted(float(text) for text in self.measured.numbers["execution_time"])
        where = f" on {data.view.pin.name}" if data else ""
        spread = f" (median of {len(times)}: {times[0]:.6f} to {times[-1]:.6f})" if len(times) > 1 else ""
        wall = sorted(float(text) for text in self.measured.numbers["wall_time"])
        # A program may measure a part of itself, or nothing: what it took as a whole is said beside it.
        whole = f", {statistics.median(wall):.6f} s in all" if command.timer else ""
        return f"{command.name}{where}: {statistics.median(times):.6f} s{spread}{whole}."

    def _in_workspace(self, name: str) -> str:
        path = Path(os.path.normpath(self.folder / name))
        return path.relative_to(self.context.workspace).as_posix()

    def _failed(self, error: ActionFailed) -> Outcome:
        self.details |= {name: value for name, value in error.details.items() if name != "exit_code"}
        return self._outcome(
            status="timeout" if error.code == "timeout" else "failed",
            exit_code=as_int(error.details.get("exit_code"), 1) or 1,
            message=error.message,
            hints=error.hints,
            error_code=error.code,
            measurements=dict(self.measured.numbers),
            outputs=self._said(),
        )

    def _said(self) -> dict[str, str]:
        """What the failed command printed, as outputs."""
        if self.stage is None:
            return {}
        workspace = self.context.workspace
        said = said_by_a_failure(self.stage, workspace / LOGS)
        return {name: path.relative_to(workspace).as_posix() for name, path in said.items()}

    def _outcome(
        self, *, status: Status = "ok", exit_code: int = 0, message: str = "", hints: tuple[str, ...] = (),
        error_code: str = "", measurements: Mapping[str, list[str] | str] | None = None,
        environment: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None,
        checked: tuple[str, ...] = (), key: str = "",
    ) -> Outcome:  # fmt: skip
        return Outcome(
            status=status, exit_code=exit_code, message=message, hints=hints, error_code=error_code,
            measurements=measurements or {}, details=dict(self.details), environment=environment or {},
            outputs=outputs or {}, checked=checked, key=key,
        )  # fmt: skip


def _announce(command: Command, why: str, data: Data | None, why_data: str) -> str:
    text = f"command {command.name} ({why})"
    return f"{text}, data set {data.view.pin.name} ({why_data})" if data else text


def _dataset_variables(places: Places, folder: Path) -> dict[str, str]:
    """CK's variables for scripts; the folder is absolute, since scripts may go elsewhere."""
    if not places.dataset:
        return {}
    path = os.path.normpath(folder / places.dataset) + os.sep
    return {"CK_DATASET_PATH": path, "CK_DATASET_FILENAME": places.files[0] if places.files else ""}
