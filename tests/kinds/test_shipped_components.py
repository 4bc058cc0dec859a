from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ckstore.actions import tools
from ckstore.actions.signature import read_actions
from ckstore.model.plain import as_map
from tests.actions.world import KINDS, World, needs_cc

ANY = tools.Wish()
PLACES = sorted(path.parent.relative_to(KINDS).as_posix() for path in KINDS.glob("*/*/component.toml"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_shipped(*PLACES)
    return world


def test_every_shipped_component_can_be_read(world: World) -> None:
    assert [name.split(":", 1)[1].replace(":", "/") for name in world.metadata] == PLACES


@pytest.mark.parametrize("place", [place for place in PLACES if place.startswith("module/")])
def test_a_module_declares_exactly_the_actions_that_it_has(world: World, place: str) -> None:
    metadata = world.metadata["ckstore:" + place.replace("/", ":")]
    declared = as_map(as_map(metadata.body["module"])["actions"])
    actions = read_actions((KINDS / place / "module.py").read_text(), place)
    assert set(declared) == set(actions)
    assert all(spec.help and all(p.help for p in spec.parameters) for spec in actions.values())


def fake(folder: Path, name: str, answer: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


class TestDetection:
    @pytest.fixture
    def bin(self, tmp_path: Path) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for version in ("9", "12", "11"):
            fake(folder, f"gcc-{version}", f"gcc (Free Software Foundation) {version}.1.0")
        fake(folder, "gcc", "Apple clang version 15.0.0")
        fake(folder, "g++-12", "")
        fake(folder, "clang", "clang version 14.0.6")
        return folder

    def find(self, world: World, bin: Path, wish: tools.Wish = ANY, **variables: str) -> str:
        context = world.context("ckstore:module:program")
        softs = [context.view(f"ckstore:soft:compiler.{name}") for name in ("clang", "gcc")]
        return Path(tools.choose(softs, {"PATH": str(bin), **variables}, wish, "compiler").path).name

    def test_an_impostor_is_passed_over_and_the_newest_version_taken(self, world: World, bin: Path) -> None:
        assert self.find(world, bin) == "gcc-12"

    def test_bounds_choose_an_older_version(self, world: World, bin: Path) -> None:
        assert self.find(world, bin, tools.Wish((10,), (11, 999))) == "gcc-11"

    def test_a_variable_that_must_be_promised_excludes_what_lacks_it(self, world: World, bin: Path) -> None:
        (bin / "g++-12").rename(bin / "g++-9")
        assert self.find(world, bin, tools.Wish(variables=("CK_CXX",))) == "gcc-9"

    def test_the_users_own_variable_beats_every_priority(self, world: World, bin: Path) -> None:
        assert self.find(world, bin, CC="clang") == "clang"
        assert self.find(world, bin, CC="gcc-9") == "gcc-9"

    @pytest.mark.parametrize(
        ("name", "taken"), [("clang", "clang"), ("compiler.gcc", "gcc-12"), ("gcc-11", "gcc-11")]
    )
    def test_a_compiler_is_chosen_by_name(self, world: World, bin: Path, name: str, taken: str) -> None:
        assert self.find(world, bin, tools.Wish(name=name)) == taken


@needs_cc
class TestXopenme:
    def build(self, tmp_path: Path, code: str, compiler: str = "gcc") -> Path:
        library = KINDS / "package" / "lib-xopenme"
        suffix = "c" if compiler == "gcc" else "cpp"
        (tmp_path / f"main.{suffix}").write_text(
            f"#include <xopenme.h>\nint main(void) {{ {code} return 0; }}\n"
        )
        subprocess.run(
            ["gcc", "-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic", "-c", library / "xopenme.c"],
            cwd=tmp_path,
            check=True,
        )
        command = [compiler, "-Wall", f"-I{library}", f"main.{suffix}", "xopenme.o", "-o", "main"]
        subprocess.run(command, cwd=tmp_path, check=True)
        return tmp_path / "main"

    def state(self, tmp_path: Path, code: str, compiler: str = "gcc") -> dict[str, object]:
        subprocess.run([self.build(tmp_path, code, compiler)], cwd=tmp_path, check=True)
        return dict(json.loads((tmp_path / "tmp-ck-timer.json").read_text()))

    def test_timers_and_variables_become_json(self, tmp_path: Path) -> None:
        code = (
            "xopenme_init(2, 5); xopenme_clock_start(0); xopenme_clock_end(0);"
            'xopenme_add_var_i(0, "\\"i\\":%d", -3); xopenme_add_var_f(1, "\\"f\\":%.1f", 0.5f);'
            'xopenme_add_var_d(2, "\\"d\\":%.2f", 0.25); xopenme_add_var_s(4, "\\"s\\":\\"%s\\"", "word");'
            'xopenme_add_var_i(9, "", 1); xopenme_dump_state(); xopenme_finish();'
        )
        state = self.state(tmp_path, code)
        assert state["run_time_state"] == {"i": -3, "f": 0.5, "d": 0.25, "s": "word"}
        assert state["execution_time"] == state["execution_time_kernel_0"]
        assert state["execution_time_kernel_1"] == 0

    def test_of_several_intervals_the_last_one_counts(self, tmp_path: Path) -> None:
        burn = "{ volatile long i; for (i = 0; i < 20000000; i++); }"
        code = f"xopenme_init(2, 0); xopenme_clock_start(0); xopenme_clock_start(1); {burn}"
        code += "xopenme_clock_end(0);"
        code += "xopenme_clock_end(1); xopenme_clock_start(0); xopenme_clock_end(0); xopenme_dump_state();"
        state = self.state(tmp_path, code)
        assert float(str(state["execution_time"])) < float(str(state["execution_time_kernel_1"]))
        assert "run_time_state" not in state

    @pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
    def test_a_cpp_program_can_use_it(self, tmp_path: Path) -> None:
        assert self.state(tmp_path, "xopenme_init(1, 0); xopenme_dump_state(); xopenme_finish();", "g++")

    def test_it_is_a_package_that_can_be_installed(self, world: World) -> None:
        outcome = world.run("ckstore:package:lib-xopenme", "install", "ckstore:module:package")
        assert set(outcome.outputs) == {"xopenme.h", "xopenme.o"}


def test_a_data_set_lists_its_files(world: World) -> None:
    name = world.add(
        "dataset", "d", {"component.toml": 'kind = "dataset"\nname = "d"\n', "a.txt": "abc", "b/c.jpg": ""}
    )
    outcome = world.run(name, "list_files", "ckstore:module:dataset", match="*.txt")
    assert outcome.message == "1 file, 3 bytes"


def test_a_module_describes_its_actions_without_running_them(world: World) -> None:
    outcome = world.run("ckstore:module:program", "describe", "ckstore:module:module", action="run")
    assert outcome.message == "run: Build the program, run one of its commands and measure it."


def test_software_and_platform_are_detected(world: World) -> None:
    python = world.run("ckstore:soft:compiler.python", "detect", "ckstore:module:soft")
    assert python.environment["CK_ENV_COMPILER_PYTHON_FILE"]
    machine = world.run("ckstore:module:platform", "detect", "ckstore:module:platform")
    assert machine.details["machine"] == machine.host["machine"]
