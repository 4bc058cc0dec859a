"""Programs described by Collective Knowledge metadata (``.cm/meta.json``).

What the keys mean is taken from the behaviour of CK 2.6.4. Keys that would need other parts of CK
(devices, remote targets, other entries' files) are refused by name rather than ignored.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping

from ckstore.actions.ck.limits import REFUSED, REFUSED_AT_RUN
from ckstore.actions.component import ComponentView
from ckstore.actions.looseversion import Loose
from ckstore.errors import Unsupported
from ckstore.model.plain import as_flag, as_int, as_list, as_map, as_text, as_texts

from .spec import Build, Command, Hook, Program, ToolNeed

_COMPILERS = {"c": "CK_CC", "cpp": "CK_CXX", "c++": "CK_CXX", "java": "CK_JAVAC"}
_SYSTEM = {"Linux": "linux", "Darwin": "linux", "Windows": "win"}.get(platform.system(), "linux")
# Tags that CK's descriptions of desktop operating systems carry; those of phones never match here.
_CONDITIONS = ("enable_if_env", "disable_if_env", "only_for_cmd")  # nothing here knows whether they hold
_SYSTEM_TAGS = frozenset(["linux", "unix", "posix"] if _SYSTEM == "linux" else ["windows", "win"])


def read_ck(component: ComponentView) -> Program:
    """The program; :class:`Unsupported` names the first key that this version cannot follow."""
    body = component.metadata.body
    for key in REFUSED:
        if body.get(key):
            raise _unsupported(component.name, key)
    roles = {need.role for need in component.metadata.needs}
    commands = {
        name: _command(component.name, name, as_map(value), body, roles)
        for name, value in as_map(body.get("run_cmds")).items()
    }
    in_tmp = as_flag(body.get("process_in_tmp"))
    return Program("ck", _build(body, roles, in_tmp), commands, in_tmp)


def _build(body: Mapping[str, object], roles: set[str], in_tmp: bool) -> Build:
    deps = body.get("compile_deps") or body.get("deps")
    needs = tuple(_tools("compile", deps, roles))
    lines = _for_system(body.get("compile_cmds"))
    sources = tuple(as_text(name) for name in as_list(body.get("source_files")))
    script = as_flag(body.get("use_compile_script"))
    if as_flag(body.get("no_compile")) or not (sources or (script and lines)):
        return Build("nothing", target=_target(body), prefix=_prefix(body), needs=needs)
    language = as_text(body.get("main_language")).lower()
    return Build(
        how="script" if script else "sources",
        compiler=as_text(body.get("compiler_env")) or _COMPILERS.get(language, "CK_CC"),
        sources=sources,
        defines={} if as_flag(body.get("skip_compiler_vars")) else _defines(body),
        flags=as_text(body.get("compiler_flags_as_env")),
        include_variables=tuple(as_texts(body.get("compiler_add_include_as_env_from_deps"))),
        link_flags=as_text(body.get("extra_ld_vars")),
        link_variables=tuple(as_texts(body.get("linker_add_lib_as_env"))),
        target=_target(body),
        prefix=_prefix(body),
        compile_line=lines or "",
        link_line=_for_system(body.get("link_cmds")),
        include_own_folder=in_tmp and not as_flag(body.get("skip_local_include")),
        needs=needs,
    )


def _defines(body: Mapping[str, object]) -> dict[str, str]:
    defines = {name: as_text(value) for name, value in as_map(body.get("build_compiler_vars")).items()}
    name = "WINDOWS" if _SYSTEM == "win" else "LINUX"
    for side in ("HOST", "TARGET"):
        defines[f"CK_{side}_OS_NAME_{name}"] = "1"
        defines[f"CK_{side}_OS_NAME2_{name}"] = "1"
    return defines


def _target(body: Mapping[str, object]) -> str:
    name = as_text(body.get("target_file"))
    extension = ".exe" if _SYSTEM == "win" else ".out"
    return name if as_flag(body.get("skip_bin_ext")) or not name else name + extension


def _prefix(body: Mapping[str, object]) -> str:
    return "" if as_flag(body.get("skip_add_prefix_for_target_file")) else "./"


def _for_system(value: object) -> str | None:
    """The command of ``{"default": {"cmd": …}, "linux": {…}}`` for this system; None when there is none."""
    table = as_map(value)
    chosen = table.get(_SYSTEM, table.get("default"))
    return as_text(as_map(chosen).get("cmd")) if chosen is not None else None


def _tools(prefix: str, deps: object, roles: set[str]) -> Iterator[ToolNeed]:
    for key, value in as_map(deps).items():
        table = as_map(value)
        role = f"{prefix}.{key}"
        if role not in roles or not _is_for_us(table):
            continue
        tags = ",".join(as_texts(table.get("tags")))
        yield ToolNeed(
            role, key, f"{as_text(table.get('name')) or key} ({tags})", _bound(table.get("version_from")),
            _bound(table.get("version_to")), as_int(table.get("sort"), 0),
            optional=any(table.get(key) for key in _CONDITIONS),
        )  # fmt: skip


def _is_for_us(table: Mapping[str, object]) -> bool:
    for key in ("only_for_target_os_tags", "only_for_host_os_tags"):
        wanted = as_texts(table.get(key))
        if wanted and not _SYSTEM_TAGS & set(wanted):
            return False
    return True


def _bound(value: object) -> Loose:
    return tuple(as_int(as_text(part), 0) for part in as_list(value))


def _command(
    component: str, name: str, table: Mapping[str, object], body: Mapping[str, object], roles: set[str]
) -> Command:
    run = as_map(table.get("run_time"))
    for key in REFUSED_AT_RUN:
        if run.get(key):
            raise _unsupported(component, f"run_cmds.{name}.run_time.{key}")
    general = [] if as_flag(table.get("skip_global_deps")) else [*_tools("run", body.get("run_deps"), roles)]
    role = f"dataset.{name}"
    scripts = _hooks(run, "post", body)
    python_after = as_text(run.get("post_process_via_ck")) == "yes"
    return Command(
        name=name,
        line=as_text(run.get("run_cmd_main")),
        order=as_int(table.get("sort"), 0),
        dataset_role=role if role in roles else "",
        dataset_values_file=as_flag(table.get("add_dataset_file_to_env")),
        environment=_texts(body.get("run_vars")) | _texts(table.get("run_vars")),
        forced=_texts(run.get("run_set_env2")),
        stdout=as_text(run.get("run_cmd_out1")) or "stdout.txt",
        stderr=as_text(run.get("run_cmd_out2")) or "stderr.txt",
        timer=as_text(run.get("fine_grain_timer_file") or body.get("fine_grain_timer_file")),
        outputs=_names(run, "run_output_files"),
        checked=_names(run, "run_correctness_output_files"),
        shown=tuple(as_texts(table.get("print_files_after_run") or body.get("print_files_after_run"))),
        folders=_names(run, "run_make_directories"),
        before=_lines(run, "pre_process_cmd"),
        after=() if python_after else _lines(run, "post_process_cmd"),
        hooks_before=_hooks(run, "pre", body),
        hooks_after=scripts,
        needs=(*general, *_tools(f"run.{name}", table.get("run_deps"), roles)),
        any_exit_code=as_flag(table.get("ignore_return_code")),
        repeat_invariant=as_flag(run.get("output_invariant_of_repeat")),
    )


def _hooks(run: Mapping[str, object], moment: str, body: Mapping[str, object]) -> tuple[Hook, ...]:
    """``{"script_name": …}`` or "yes"; for "yes" after the run, the post-processing commands are scripts."""
    key = f"{moment}_process_via_ck"
    value = run.get(key, body.get(key))
    function = f"ck_{moment}process"
    if isinstance(value, Mapping):
        script = as_text(value.get("script_name")) or f"{moment}process"
        return (Hook(f"{script}.py", function),)
    if not as_flag(value):
        return ()
    if moment == "pre":
        return (Hook("preprocess.py", function),)
    return tuple(Hook(f"{name.removesuffix('.py')}.py", function) for name in _lines(run, "post_process_cmd"))


def _lines(run: Mapping[str, object], key: str) -> tuple[str, ...]:
    """``pre_process_cmds`` (a list), and its older form with one command."""
    several = [as_text(line) for line in as_list(run.get(f"{key}s"))]
    one = as_text(run.get(key))
    return tuple(line for line in [*several, one] if line)


def _names(run: Mapping[str, object], key: str) -> tuple[str, ...]:
    return tuple(as_text(name) for name in as_list(run.get(key)))


def _texts(value: object) -> dict[str, str]:
    return {name: as_text(item) for name, item in as_map(value).items()}


def _unsupported(component: str, key: str) -> Unsupported:
    return Unsupported(
        f"{component} uses {key!r}, which this version cannot follow.",
        code="ck-feature",
        hints=["run it with CK itself, or describe the program in a component.toml"],
    )
