"""Programs described by ``component.toml``; the format is in docs/components.md."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from ckstore.actions.component import ComponentView
from ckstore.errors import InvalidInput
from ckstore.model.metadata import Need
from ckstore.model.names import did_you_mean
from ckstore.model.plain import as_flag, as_int, as_list, as_map, as_text

from .spec import Build, Command, Program, ToolNeed

_COMPILERS = {"c": "CK_CC", "cpp": "CK_CXX", "java": "CK_JAVAC", "python": "", "shell": ""}
_KEYS = ("language", "sources", "defines", "flags", "libraries", "binary", "env", "commands")
_COMMAND_KEYS = (
    "run", "dataset", "outputs", "check", "show", "timer", "env", "stdout", "stderr", "any_exit_code",
    "order",
)  # fmt: skip


def read_native(component: ComponentView) -> Program:
    """The program; :class:`InvalidInput` names the key that is wrong."""
    where = f"{component.name}/component.toml"
    body = as_map(component.metadata.body.get("program"))
    _known(body, _KEYS, f"{where}, [program]")
    language = as_text(body.get("language")) or "c"
    if language not in _COMPILERS:
        raise InvalidInput(
            f"{where}: the language {language!r} is unknown.",
            code="unknown-language",
            hints=[*did_you_mean(language, _COMPILERS), f"known: {', '.join(_COMPILERS)}"],
        )
    commands = {
        name: _command(name, as_map(value), body, component, where)
        for name, value in as_map(body.get("commands")).items()
    }
    return Program("native", _build(language, body, component), commands)


def _build(language: str, body: Mapping[str, object], component: ComponentView) -> Build:
    sources = _items(body, "sources")
    needs = tuple(_tool(need) for need in component.metadata.needs if need.scope != "every")
    if not sources:
        return Build("nothing", needs=needs)
    java = language == "java"
    libraries = "" if java else shlex.join(f"-l{name}" for name in _items(body, "libraries"))
    binary = as_text(body.get("binary"))
    return Build(
        how="sources",
        compiler=_COMPILERS[language],
        sources=sources,
        defines={name: as_text(value) for name, value in as_map(body.get("defines")).items()},
        flags=shlex.join(_items(body, "flags")),
        link_flags=libraries,
        target=binary or "a.out",
        prefix="" if java else "./",
        compile_line="$#compiler#$ $#flags_before#$ -d . $#source_file#$" if java else "",
        link_line="" if java else None,
        include_own_folder=not java,
        needs=needs,
    )


def _tool(need: Need) -> ToolNeed:
    what = "compiler" if need.role == "compiler" else need.role
    return ToolNeed(need.role, need.role, f"{what} ({need.ask})", optional=need.scope == "maybe")


def _command(
    name: str, table: Mapping[str, object], body: Mapping[str, object], component: ComponentView, where: str
) -> Command:
    place = f"{where}, [program.commands.{name}]"
    _known(table, _COMMAND_KEYS, place)
    line, role = as_text(table.get("run")), as_text(table.get("dataset"))
    if not line:
        raise InvalidInput(f"{place}: 'run' is missing.", code="no-command-line")
    roles = [need.role for need in component.metadata.needs]
    if role and role not in roles:
        raise InvalidInput(
            f"{place}: the data set {role!r} is not among [needs].",
            code="unknown-role",
            hints=did_you_mean(role, roles),
        )
    environment = {**as_map(body.get("env")), **as_map(table.get("env"))}
    stdout = as_text(table.get("stdout")) or "stdout.txt"
    return Command(
        name=name, line=line, order=as_int(table.get("order"), 0), dataset_role=role,
        environment={key: as_text(value) for key, value in environment.items()},
        stdout=stdout, stderr=as_text(table.get("stderr")) or "stderr.txt",
        timer=as_text(table.get("timer")), outputs=_items(table, "outputs"), checked=_items(table, "check"),
        shown=_items(table, "show") or (stdout,), any_exit_code=as_flag(table.get("any_exit_code")),
    )  # fmt: skip


def _items(table: Mapping[str, object], key: str) -> tuple[str, ...]:
    return tuple(as_text(item) for item in as_list(table.get(key)))


def _known(table: Mapping[str, object], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise InvalidInput(
                f"{where}: unknown key {key!r}.",
                code="unknown-key",
                hints=[*did_you_mean(key, keys), f"known: {', '.join(keys)}"],
            )
