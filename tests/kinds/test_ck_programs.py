from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ckstore.errors import ActionFailed, NotFound, Unavailable, Unsupported
from tests.actions.world import World, needs_cc

MAIN = """
#include <stdio.h>
int main(int count, char **words) {
  FILE *file = fopen("o.txt", "w");
  fprintf(file, "%d", count);
  return words == NULL;
}
"""
PYTHON = {"python": {"tags": "compiler,lang-python", "sort": 1}}
COMPILER = {"compiler": {"tags": "compiler,lang-c"}}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_shipped()
    return world


def c_program(world: World, run_cmds: Mapping[str, object], **more: object) -> str:
    meta = {
        "compile_deps": COMPILER, "compiler_env": "CK_CC", "extra_ld_vars": "$<<CK_EXTRA_LIB_M>>$",
        "process_in_tmp": "yes", "source_files": ["main.c"], "target_file": "a", "run_cmds": run_cmds, **more,
    }  # fmt: skip
    return world.add_ck("program", "tiny", meta, {"main.c": MAIN})


def script(
    world: World, run_time: Mapping[str, Any], files: Mapping[str, str] = {}, **command: object
) -> str:
    line = {"run_cmd_main": '"$<<CK_ENV_COMPILER_PYTHON_FILE>>$" ../main.py', "run_cmd_out1": "out.log"}
    meta = {
        "no_compile": "yes", "process_in_tmp": "yes", "compile_deps": PYTHON,
        "run_vars": {"N": 3, "CT_REPEAT_MAIN": "1"},
        "run_cmds": {"default": {"run_time": {**line, **run_time}, **command}},
    }  # fmt: skip
    return world.add_ck(
        "program", "scripted", meta, {"main.py": "import os; print(os.environ['N'])", **files}
    )


@needs_cc
def test_a_ck_program_runs_on_its_data_set_with_libraries_and_definitions(world: World) -> None:
    properties = {"run_time": {"run_cmd_main": {"count": "1 2"}}}
    data = {"tags": ["d"], "dataset_files": ["x"], "cm_properties": properties}
    world.add_ck("dataset", "few", data, {"x": ""})
    line = "$#BIN_FILE#$ $#dataset_path#$$#dataset_filename#$ $#count#$"
    run = {"run_cmd_main": line, "run_correctness_output_files": ["o.txt"], "run_output_files": ["o.txt"]}
    name = c_program(
        world, {"a": {"dataset_tags": ["", "d"], "run_time": run}, "b": {"run_time": run}},
        build_compiler_vars={"XOPENME": "", "N": 5},
        compile_deps={**COMPILER, "xopenme": {"tags": "lib,xopenme", "sort": 20}},
    )  # fmt: skip
    outcome = world.run(name)
    assert outcome.status == "ok"
    assert outcome.details["command_taken"] == "the first of a, b; --cmd takes another"
    compiled = str(outcome.details["compile_commands"])
    assert "-DXOPENME " in compiled
    assert "-DN=5 " in compiled
    assert "-lm" in compiled
    assert (world.folder / f"workspace-{world.runs}" / outcome.outputs["o.txt"]).read_text() == "4"


def test_variables_come_from_the_user_then_the_command_then_the_program(world: World) -> None:
    forced = script(world, {"run_set_env2": {"N": "forced"}})
    assert world.run(forced, env={"N": "mine"}).environment["N"] == "forced"
    plain = script(world, {}, run_vars={"N": 4})
    assert world.run(plain).environment["N"] == "4"
    assert world.run(plain, env={"N": "mine"}).environment["N"] == "mine"


def test_the_inner_repetition_is_no_part_of_the_key_when_outputs_do_not_depend_on_it(world: World) -> None:
    invariant = script(world, {"output_invariant_of_repeat": "yes"})
    assert world.run(invariant).key == world.run(invariant, env={"CT_REPEAT_MAIN": "9"}).key
    variant = script(world, {})
    assert world.run(variant).key != world.run(variant, env={"CT_REPEAT_MAIN": "9"}).key


PREPROCESS = """
def ck_preprocess(i):
    i['ck_kernel'].out('seen ' + i['env']['N'])
    return {'return': 0, 'bat': 'export SHELLED=1', 'new_env': {'N': int(i['env']['N']) + 1}}
"""
POSTPROCESS = """
def ck_postprocess(i):
    r = i['ck_kernel'].load_text_file({'text_file': i['run_time']['run_cmd_out1'], 'split_to_list': 'yes'})
    if r['return'] > 0: return r
    return {'return': 0, 'characteristics': {'first': r['lst'][0], 'ratio': 0.5}}
"""


def test_python_hooks_before_and_after_see_and_change_the_run(world: World) -> None:
    run_time = {"pre_process_via_ck": {}, "post_process_via_ck": {"script_name": "after"}}
    name = script(world, run_time, {"preprocess.py": PREPROCESS, "after.py": POSTPROCESS})
    outcome = world.run(name)
    assert outcome.details["state"] == {"first": "4", "ratio": "0.5"}
    assert outcome.environment["N"] == "4"
    assert "seen 3" in world.lines


def test_a_hook_that_needs_the_ck_kernel_is_refused_by_name(world: World) -> None:
    hook = "def ck_preprocess(i): return i['ck_kernel'].access({'action': 'load'})"
    name = script(world, {"pre_process_via_ck": {}}, {"preprocess.py": hook})
    with pytest.raises(Unsupported, match=r"preprocess\.py:ck_preprocess calls ck\.access"):
        world.run(name)


@pytest.mark.parametrize(
    "hook",
    ["def ck_preprocess(i): return {'return': 1, 'error': 'not today'}", "def ck_preprocess(i): 1 / 0"],
)
def test_a_hook_that_fails_fails_the_run(world: World, hook: str) -> None:
    outcome = world.run(script(world, {"pre_process_via_ck": {}}, {"preprocess.py": hook}))
    assert (outcome.status, outcome.error_code) == ("failed", ActionFailed("", code="hook-failed").code)


def test_commands_around_the_run_are_shell_lines(world: World) -> None:
    run_time = {
        "pre_process_cmds": ["echo before > made.txt"],
        "post_process_cmds": ["cat made.txt out.log > both.txt"],
        "run_correctness_output_files": ["both.txt"],
    }  # fmt: skip
    outcome = world.run(script(world, run_time))
    text = (world.folder / f"workspace-{world.runs}" / outcome.outputs["both.txt"]).read_text()
    assert text == "before\n3\n"
    failing = script(world, {"pre_process_cmds": ["exit 3"]})
    assert world.run(failing).error_code == "side-command-failed"


@needs_cc
def test_a_compile_script_is_told_compiler_and_target(world: World) -> None:
    name = c_program(
        world, {"default": {"run_time": {"run_cmd_main": "$#BIN_FILE#$"}}}, source_files=[],
        use_compile_script="yes",
        compile_cmds={"default": {"cmd": "$CK_CC ../main.c -o $CK_PROG_TARGET_EXE"}},
    )  # fmt: skip
    assert world.run(name).status == "ok"


def test_a_tool_that_only_a_ck_plugin_could_find_is_unsupported(world: World) -> None:
    world.add_ck("soft", "lib.special", {"tags": ["lib", "special"]})
    meta = {
        "compile_deps": {"lib": {"tags": "lib,special"}},
        "run_cmds": {"default": {"run_time": {"run_cmd_main": "true"}}},
    }
    name = world.add_ck("program", "needy", meta)
    with pytest.raises(Unsupported, match=r"theirs:soft:lib\.special") as caught:
        world.run(name)
    assert caught.value.code == "ck-plugin"


def test_a_need_that_only_plugins_meet_says_so_before_anything_is_built(world: World) -> None:
    for number in range(5):
        world.add_ck("soft", f"compiler.f{number}", {"tags": ["compiler", "lang-f77"]})
    world.add_ck("package", "compiler-f", {"tags": ["compiler", "lang-f77"]})
    meta = {
        "compile_deps": {"compiler": {"tags": "compiler,lang-f77"}},
        "run_cmds": {"default": {"run_time": {"run_cmd_main": "true"}}},
    }
    with pytest.raises(Unsupported, match=r"only plugins of CK could find it.*and 2 more"):
        world.run(world.add_ck("program", "fortran", meta))


def test_a_need_that_the_lock_does_not_answer_is_named(world: World) -> None:
    meta = {
        "compile_deps": {"f": {"tags": "compiler,lang-f77"}},
        "run_cmds": {"d": {"run_time": {"run_cmd_main": "true"}}},
    }
    with pytest.raises(NotFound, match="lang-f77"):
        world.run(world.add_ck("program", "fortran", meta))


def test_version_bounds_of_a_need_hold(world: World) -> None:
    meta = {
        "compile_deps": {"python": {"tags": "compiler,lang-python", "version_from": [99]}},
        "run_cmds": {"d": {"run_time": {"run_cmd_main": "true"}}},
    }
    with pytest.raises(Unavailable, match="from version 99"):
        world.run(world.add_ck("program", "future", meta))


@pytest.mark.parametrize(
    ("meta", "word"),
    [
        ({"base_uoa": "other"}, "base_uoa"),
        (
            {"run_cmds": {"d": {"run_time": {"run_cmd_main": "x", "need_compute_device": "cuda"}}}},
            "need_compute_device",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused_by_name(world: World, meta: dict[str, object], word: str) -> None:
    with pytest.raises(Unsupported, match=word):
        world.run(world.add_ck("program", "odd", meta))
