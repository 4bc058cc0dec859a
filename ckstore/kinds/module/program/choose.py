"""Choosing a command and a data set, never by a prompt, always saying what was taken and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ckstore.actions.component import ComponentView
from ckstore.actions.context import Context
from ckstore.errors import InvalidInput, NotFound
from ckstore.model.locks import Pin
from ckstore.model.names import did_you_mean, near_misses
from ckstore.model.plain import as_list, as_map, as_text

from .spec import Command, Program


@dataclass(frozen=True, slots=True)
class Data:
    """A data set that was chosen: its files (the chosen one first) and values for the command line."""

    view: ComponentView
    files: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The chosen file; empty when the data set has only values."""
        return self.files[0] if self.files else ""


def choose_command(program: Program, wanted: str, component: str) -> tuple[Command, str]:
    """The command and why it was taken: the one asked for, the only one, ``default``, or the first."""
    names = list(program.commands)
    if not names:
        raise InvalidInput(f"{component} has no commands: it can be compiled, not run.", code="no-command")
    if wanted:
        if wanted not in program.commands:
            raise NotFound(
                f"{component} has no command {wanted!r}.",
                code="no-command",
                hints=[*did_you_mean(wanted, names), f"it has: {', '.join(names)}"],
            )
        return program.commands[wanted], "asked for"
    if len(names) == 1:
        return program.commands[names[0]], "the only one"
    if "default" in program.commands:
        return program.commands["default"], f"the default of {', '.join(names)}"
    first = min(program.commands.values(), key=lambda command: (command.order, command.name))
    return first, f"the first of {', '.join(sorted(names))}; --cmd takes another"


def choose_data(context: Context, role: str, wanted: str, file: str) -> tuple[Data | None, str]:
    """The data set for a role and why it was taken; None when the command needs none."""
    if not role:
        if wanted or file:
            raise InvalidInput("This command reads no data set.", code="no-dataset-needed")
        return None, ""
    pins = sorted(context.lock.got(context.component.name, role), key=lambda pin: (pin.name, pin.source))
    if not pins:
        raise _no_data(context, role)
    pin = _named(pins, wanted) if wanted else pins[0]
    view = context.view(pin.component)
    why = "asked for" if wanted else "the only one" if len(pins) == 1 else f"the first of {len(pins)} by name"
    return _data(view, file), why


def _named(pins: Sequence[Pin], wanted: str) -> Pin:
    found = [pin for pin in pins if wanted in (pin.name, pin.uid, f"{pin.kind}:{pin.name}", pin.component)]
    if not found:
        names = [pin.name for pin in pins]
        raise NotFound(
            f"The lock has no data set {wanted!r} for this command.",
            code="no-dataset",
            hints=[*did_you_mean(wanted, names), f"it has: {', '.join(names[:12])}"],
        )
    return found[0]


def _no_data(context: Context, role: str) -> NotFound:
    need = next((need for need in context.component.metadata.needs if need.role == role), None)
    ask = need.ask if need else role
    known = sorted(pin.name for pin in context.lock.pins if pin.kind == "dataset")
    tags = ask.partition("[")[2].rstrip("]").split(",")
    near = sorted({name for tag in tags for name in [*near_misses(tag, known), *_with(tag, known)]})
    hints = ["add a source that has one to the store, then `ckstore update` (no project: run again)"]
    return NotFound(
        f"No data set for this command: it asks for {ask}, and the lock has none.",
        code="no-dataset",
        hints=[*hints, *([f"near by name: {', '.join(near[:5])}"] if near else [])],
        details={"role": role, "ask": ask},
    )


def _with(tag: str, names: Sequence[str]) -> list[str]:
    return [name for name in names if tag in name.split("-")]


def _data(view: ComponentView, wanted: str) -> Data:
    body = view.metadata.body if view.format == "ck" else as_map(view.metadata.body.get("dataset"))
    listed = body.get("dataset_files") if view.format == "ck" else body.get("files")
    files = [as_text(name) for name in as_list(listed)]
    if not files and view.format != "ck":
        files = list(view.files())
    if wanted:
        if wanted not in files:
            raise NotFound(
                f"{view.name} has no file {wanted!r}.",
                code="no-dataset-file",
                hints=[*did_you_mean(wanted, files), f"it has: {', '.join(files[:12])}"],
            )
        files = [wanted, *(name for name in files if name != wanted)]
    missing = [name for name in files[:1] if not (view.path / name).is_file()]
    if missing:
        raise NotFound(
            f"{view.name} names the file {missing[0]!r}, which is not there.", code="no-dataset-file"
        )
    return Data(view, tuple(files), _values(body, view.format))


def _values(body: Mapping[str, object], style: str) -> dict[str, str]:
    """Texts for placeholders of the command line, by their names."""
    if style == "ck":
        properties = as_map(as_map(body.get("cm_properties")).get("run_time"))
        return {name: as_text(value) for name, value in as_map(properties.get("run_cmd_main")).items()}
    return {name: as_text(value) for name, value in as_map(body.get("values")).items()}
