from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ckstore.actions.plan import Outcome
from ckstore.errors import InvalidInput, NotFound, Unavailable
from tests.actions.world import World, needs_cc

posix = pytest.mark.skipif(os.name == "nt", reason="file sizes are limited on POSIX alone")
COPY = """
#include <stdio.h>
#include <stdlib.h>
#ifdef XOPENME
#include <xopenme.h>
#endif
int main(int argc, char **argv) {
  int sign;
  FILE *in, *out;
#ifdef XOPENME
  xopenme_init(2, 2);
  xopenme_clock_start(0);
#endif
  in = fopen(argv[1], "r");
  out = fopen("copy.txt", "w");
  if (in == NULL || out == NULL) return 4;
  while ((sign = getc(in)) != EOF) putc(sign, out);
  fclose(out);
#ifdef XOPENME
  xopenme_clock_end(0);
  xopenme_add_var_i(0, "\\"answer\\":%d", 42);
  xopenme_add_var_s(1, "\\"word\\":\\"%s\\"", "yes");
  xopenme_dump_state();
  xopenme_finish();
#endif
  printf("%s %s\\n", getenv("MODE"), argc > 2 ? argv[2] : "-");
  return 0;
}
"""
TOML = """
kind = "program"
name = "copy"
[needs]
compiler = "soft[compiler,lang-c]"
timer = "package[lib,xopenme]"
text = {every = "dataset[text]"}
[program]
language = "c"
sources = ["copy.c"]
defines = {XOPENME = ""}
env = {MODE = "plain"}
[program.commands.copy]
run = "{bin} {dataset}"
dataset = "text"
outputs = ["copy.txt"]
check = ["copy.txt"]
timer = "tmp-ck-timer.json"
[program.commands.twice]
run = "{bin} {dataset} 2"
dataset = "text"
env = {MODE = "twice"}
"""
TEXT = 'kind = "dataset"\nname = "{}"\ntags = ["text"]\n'


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_shipped()
    for name in ("text-b", "text-a"):
        world.add(
            "dataset",
            name,
            {"component.toml": TEXT.format(name), "one.txt": f"in {name}\n", "two.txt": "2\n"},
        )
    return world


def python_program(world: World, body: str, command: str = "", needs: str = "") -> str:
    toml = f"""
kind = "program"
name = "script"
[needs]
python = "soft[compiler,lang-python]"
{needs}
[program]
language = "python"
[program.commands.default]
run = '"$CK_PYTHON_BIN" {{src}}/script.py'
{command}
"""
    return world.add("program", "script", {"component.toml": toml, "script.py": body})


def kept(world: World, outcome: Outcome, name: str) -> str:
    return (world.folder / f"workspace-{world.runs}" / outcome.outputs[name]).read_text()


@needs_cc
class TestCPrograms:
    @pytest.fixture
    def program(self, world: World) -> str:
        return world.add("program", "copy", {"component.toml": TOML, "copy.c": COPY})

    def test_a_program_is_built_run_and_measured_on_the_first_data_set(
        self, world: World, program: str
    ) -> None:
        outcome = world.run(program, repeat=2)
        assert (outcome.status, outcome.message[:13]) == ("ok", "copy on text-")
        assert outcome.details["dataset"] == "ours:dataset:text-a"
        assert kept(world, outcome, "copy.txt") == "in text-a\n"
        assert kept(world, outcome, "stdout.txt") == "plain -\n"
        assert outcome.checked == ("copy.txt",)
        assert {len(values) for values in outcome.measurements.values()} == {2}
        assert {"execution_time", "execution_time_kernel_1", "wall_time"} <= set(outcome.measurements)
        assert outcome.details["state"] == {"answer": 42, "word": "yes"}
        assert outcome.environment == {"MODE": "plain"}
        assert "ours:dataset:text-b" not in outcome.touched

    def test_command_data_file_variables_and_arguments_can_be_chosen(
        self, world: World, program: str
    ) -> None:
        outcome = world.run(
            program, cmd="twice", dataset="text-b", dataset_file="two.txt", env={"MODE": "mine"},
            arguments=["a b"], flags="-O1", define={"EXTRA": "1"}, speed=True,
        )  # fmt: skip
        assert outcome.details["command_line"] == "./a.out ../../@inputs/text-b/two.txt 2 'a b'"
        assert outcome.details["compile_commands"][0].split()[1:4] == ["-c", "-O3", "-I../"]  # type: ignore[index]  # a list of texts
        assert kept(world, outcome, "stdout.txt") == "mine 2\n"

    def test_a_program_that_does_not_compile_fails_with_what_the_compiler_said(self, world: World) -> None:
        broken = world.add(
            "program", "copy", {"component.toml": TOML, "copy.c": "int main() { return oops; }"}
        )
        outcome = world.run(broken)
        assert (outcome.status, outcome.error_code) == ("failed", "compile-failed")
        assert "oops" in outcome.message
        assert any("oops" in line for line in outcome.details["compiler_output"])  # type: ignore[attr-defined]  # a list
        assert outcome.details["command"] == "copy"
        assert "copy.c" in str(outcome.details["command_line"])

    def test_a_crash_names_the_signal(self, world: World) -> None:
        crash = "#include <stdlib.h>\nint main(void) { abort(); }"
        outcome = world.run(world.add("program", "copy", {"component.toml": TOML, "copy.c": crash}))
        assert (outcome.status, outcome.error_code, outcome.exit_code) == ("failed", "crashed", 134)
        assert "SIGABRT" in outcome.message

    def test_a_program_without_its_timer_file_fails(self, world: World) -> None:
        silent = "int main(void) { return 0; }"
        outcome = world.run(world.add("program", "copy", {"component.toml": TOML, "copy.c": silent}))
        assert (outcome.status, outcome.error_code) == ("failed", "no-timer")

    def test_without_a_compiler_on_path_it_says_what_was_looked_for(self, world: World, program: str) -> None:
        with pytest.raises(Unavailable, match=r"gcc, gcc-\[0-9\]\*, clang, clang-\[0-9\]\*") as caught:
            world.run(program, environment={"PATH": "/nowhere"})
        assert caught.value.code == "no-compiler"
        assert "apt install gcc" in caught.value.hints[0]

    def test_a_compiler_that_the_lock_does_not_know_is_not_found(self, world: World, program: str) -> None:
        with pytest.raises(Unavailable, match="called 'gcc-1'") as caught:
            world.run(program, compiler="gcc-1")
        assert any(hint.startswith("found: compiler.") for hint in caught.value.hints)
        assert world.run(program, compiler="gcc").status == "ok"

    def test_compile_alone_keeps_the_binary(self, world: World, program: str) -> None:
        outcome = world.run(program, "compile")
        binary = world.folder / f"workspace-{world.runs}" / outcome.outputs["a.out"]
        assert os.access(binary, os.X_OK)
        assert outcome.details["binary_size"] == binary.stat().st_size

    def test_sources_with_equal_base_names_do_not_overwrite_each_other(self, world: World) -> None:
        toml = TOML.replace('["copy.c"]', '["main.c", "a/part.c", "b/part.c"]').split("[program.commands")[0]
        files = {
            "component.toml": toml + '[program.commands.sum]\nrun = "{bin}"\n',
            "main.c": "int a(void); int b(void); int main(void) { return a() + b(); }",
            "a/part.c": "int a(void) { return 2; }", "b/part.c": "int b(void) { return 3; }",
        }  # fmt: skip
        assert world.run(world.add("program", "copy", files)).exit_code == 5

    def test_the_snapshot_is_left_as_it_was(self, world: World, program: str) -> None:
        before = {path: path.read_bytes() for path in world.snapshot.rglob("*") if path.is_file()}
        world.run(program)
        assert {path: path.read_bytes() for path in world.snapshot.rglob("*") if path.is_file()} == before


def test_a_package_without_a_compiler_in_the_needs_is_a_fault_of_the_description(world: World) -> None:
    with pytest.raises(InvalidInput, match="names no compiler") as caught:
        world.run(python_program(world, "pass", needs='timer = "package[lib,xopenme]"'))
    assert caught.value.code == "needs-compiler"


@posix
@pytest.mark.parametrize("action", ["run", "compile"])
def test_a_compiler_that_hangs_is_ended_by_the_time_limit(world: World, tmp_path: Path, action: str) -> None:
    compiler = tmp_path / "hangs" / "gcc"
    compiler.parent.mkdir()
    answer = "echo 'gcc (Free Software Foundation) 12.1'"
    compiler.write_text(f"#!/bin/sh\n[ $1 = --version ] && {answer} && exit\nexec sleep 600\n")
    compiler.chmod(0o755)
    toml = TOML.replace('timer = "package[lib,xopenme]"\n', "")
    program = world.add("program", "copy", {"component.toml": toml, "copy.c": COPY})
    path = f"{compiler.parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    outcome = world.run(program, action, environment={"PATH": path}, timeout=0.5)
    assert (outcome.status, outcome.error_code) == ("timeout", "timeout")
    assert "(copy.c) was ended after 0.5 seconds" in outcome.message


class TestChoices:
    def test_an_unknown_command_names_its_near_misses(self, world: World) -> None:
        program = world.add("program", "copy", {"component.toml": TOML, "copy.c": COPY})
        with pytest.raises(NotFound) as caught:
            world.run(program, cmd="copi")
        assert "did you mean copy?" in caught.value.hints

    def test_an_unknown_data_set_names_those_that_the_lock_has(self, world: World) -> None:
        program = world.add("program", "copy", {"component.toml": TOML, "copy.c": COPY})
        with pytest.raises(NotFound, match="no data set 'text-c'") as caught:
            world.run(program, dataset="text-c")
        assert caught.value.code == "no-dataset"

    def test_without_any_data_set_it_names_the_tags(self, tmp_path: Path) -> None:
        world = World(tmp_path)
        world.add_shipped()
        world.add("dataset", "text-x", {"component.toml": 'kind = "dataset"\nname = "text-x"\n'})
        program = world.add("program", "copy", {"component.toml": TOML, "copy.c": COPY})
        with pytest.raises(NotFound, match=r"dataset\[text\]") as caught:
            world.run(program)
        assert "near by name: text-x" in caught.value.hints

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('language = "c"', 'language = "cobol"'), ("sources =", "source ="),
            ('run = "{bin} {dataset}"', 'line = ""'),
            ('dataset = "text"', 'dataset = "txt"'),
        ],
    )  # fmt: skip
    def test_a_wrong_description_is_refused(self, world: World, old: str, new: str) -> None:
        program = world.add("program", "copy", {"component.toml": TOML.replace(old, new, 1), "copy.c": COPY})
        with pytest.raises(InvalidInput):
            world.run(program)


class TestScripts:
    def test_the_key_depends_on_what_determines_the_outputs_and_on_nothing_else(self, world: World) -> None:
        program = python_program(world, "pass", 'dataset = "text"\n', 'text = {every = "dataset[text]"}')
        key = world.run(program).key
        assert world.run(program, speed=True, flags="-g", repeat=2).key == key
        others: list[dict[str, Any]] = [
            {"dataset": "text-b"}, {"dataset_file": "two.txt"}, {"env": {"A": "1"}}, {"define": {"A": "1"}},
            {"arguments": ["x"]},
        ]  # fmt: skip
        assert len({key, *(world.run(program, **other).key for other in others)}) == 6

    def test_a_python_program_needs_no_compiler(self, world: World) -> None:
        outcome = world.run(python_program(world, "print('hello')"))
        assert outcome.status == "ok"
        assert outcome.details["shown"] == {"stdout.txt": "hello\n"}

    def test_the_role_of_a_tool_is_a_placeholder_and_its_variables_stay_set(self, world: World) -> None:
        toml = """
kind = "program"
name = "script"
[needs]
python = "soft[compiler,lang-python]"
[program]
language = "python"
[program.commands.default]
run = '{python} {src}/script.py && "$CK_PYTHON_BIN" -c "print(2)"'
"""
        files = {"component.toml": toml, "script.py": "print(1)"}
        outcome = world.run(world.add("program", "script", files))
        assert outcome.details["shown"] == {"stdout.txt": "1\n2\n"}

    def test_what_may_be_needed_is_used_where_it_can_be_had(self, world: World) -> None:
        none = 'kind = "soft"\nname = "none"\ntags = ["none-here"]\n[soft]\nprograms = ["no-such-program"]\n'
        world.add("soft", "none", {"component.toml": none})
        for tags in ("none-here", "nobody-has-this"):
            needs = f'extra = {{any = "soft[{tags}]", when = "on Windows"}}'
            outcome = world.run(python_program(world, "print('hello')", needs=needs))
            assert (outcome.status, outcome.details["shown"]) == ("ok", {"stdout.txt": "hello\n"})
        with pytest.raises(Unavailable):
            world.run(python_program(world, "print('hello')", needs='extra = "soft[none-here]"'))
        needs = 'shell = {any = "soft[compiler,lang-python]", when = "always"}'
        outcome = world.run(python_program(world, "print('hello')", 'env = {X = "{shell}"}', needs))
        assert outcome.status == "ok"

    def test_an_exit_code_is_a_failure_with_the_last_words(self, world: World) -> None:
        outcome = world.run(python_program(world, "raise SystemExit('out of luck')"))
        assert (outcome.status, outcome.exit_code) == ("failed", 1)
        assert outcome.message.endswith("out of luck")

    def test_an_exit_code_may_be_declared_harmless(self, world: World) -> None:
        assert world.run(python_program(world, "raise SystemExit(3)", "any_exit_code = true")).status == "ok"

    def test_out_of_time_is_a_status_of_its_own(self, world: World) -> None:
        outcome = world.run(python_program(world, "import time; time.sleep(600)"), timeout=0.5)
        assert (outcome.status, outcome.error_code) == ("timeout", "timeout")

    @posix
    def test_an_endless_printer_is_stopped_and_told_how_much_it_may(self, world: World) -> None:
        line = "run = \"yes 'a word that is said again and again'\""
        toml = (
            f'kind = "program"\nname = "yes"\n[program]\nlanguage = "shell"\n[program.commands.a]\n{line}\n'
        )
        outcome = world.run(world.add("program", "yes", {"component.toml": toml}), max_output=9)
        assert (outcome.status, outcome.error_code) == ("failed", "too-much-output")
        assert "more than 9 MiB" in outcome.message
        assert len(json.dumps(outcome.as_plain())) < 12_000
        assert list(outcome.outputs) == ["stdout.txt.tail"]
        assert len(kept(world, outcome, "stdout.txt.tail")) == 8 * 1024 * 1024

    @posix
    def test_files_that_are_no_standard_output_are_limited_too(self, world: World) -> None:
        body = "with open('big', 'wb') as f:\n    while True: f.write(bytes(1 << 16))"
        outcome = world.run(python_program(world, body), max_output=1)
        assert outcome.status == "failed"
        assert "File too large" in outcome.message
        assert (world.folder / f"workspace-{world.runs}/script/tmp/big").stat().st_size == 1 << 20

    def test_a_limit_of_zero_is_none(self, world: World) -> None:
        body = "print('x' * (2 << 20))"
        assert world.run(python_program(world, body), max_output=1).status == "failed"
        assert world.run(python_program(world, body), max_output=0).status == "ok"

    def test_a_failed_command_leaves_what_it_printed_and_its_last_lines(self, world: World) -> None:
        body = (
            "import sys\nprint('some output')\nfor n in range(20): print('line', n, file=sys.stderr)\n"
            "sys.stderr.buffer.write(b'ValueError: \\x1b[1m\\xff' + b'y' * 1000 + b'\\nafterwards\\n')\n"
            "sys.exit(3)"
        )
        outcome = world.run(python_program(world, body))
        assert (outcome.exit_code, sorted(outcome.outputs)) == (3, ["stderr.txt", "stdout.txt"])
        assert kept(world, outcome, "stdout.txt") == "some output\n"
        lines = outcome.details["last_lines"]
        assert isinstance(lines, list)
        assert (len(lines), max(map(len, lines)), lines[-1]) == (10, 400, "afterwards")
        assert "ended with exit code 3: ValueError: \ufffd[1m\ufffdyyy" in outcome.message

    def test_a_failure_that_says_nothing_hints_at_the_workspace(self, world: World) -> None:
        silent = world.run(python_program(world, "raise SystemExit(3)"))
        assert any("--keep" in hint for hint in silent.hints)
        assert not world.run(python_program(world, "raise SystemExit('why')")).hints

    def test_a_program_that_replaces_its_output_by_a_link_fails_like_any_other(self, world: World) -> None:
        body = (
            "import os\nos.remove('stdout.txt'); os.symlink('/etc/passwd', 'stdout.txt'); raise SystemExit(3)"
        )
        outcome = world.run(python_program(world, body))
        assert (outcome.error_code, outcome.outputs) == ("program-failed", {})

    def test_a_timer_of_its_own_that_says_nothing_leaves_the_wall_time(self, world: World) -> None:
        body = 'open("t.json", "w").write(\'{"execution_time": 0.0}\')'
        outcome = world.run(python_program(world, body, 'timer = "t.json"'), repeat=2)
        assert outcome.measurements["execution_time"] == ["0.000000000"] * 2
        assert all(float(text) > 0 for text in outcome.measurements["wall_time"])
        assert "s in all" in outcome.message

    @pytest.mark.parametrize("value", ["'NaN'", "'Infinity'", "' ' * (1 << 20) + '1'"])
    def test_a_timer_that_holds_no_time_fails(self, world: World, value: str) -> None:
        body = f"open('t.json', 'w').write('{{\"execution_time\": ' + {value} + '}}')"
        assert world.run(python_program(world, body, 'timer = "t.json"')).error_code == "no-timer"

    def test_a_listed_output_that_is_not_written_fails(self, world: World) -> None:
        outcome = world.run(python_program(world, "pass", 'check = ["result.txt"]'))
        assert (outcome.status, outcome.error_code) == ("failed", "missing-output")
        assert "result.txt" in outcome.message

    def test_an_output_of_the_last_repetition_never_counts_for_this_one(self, world: World) -> None:
        body = (
            "import pathlib\np = pathlib.Path('seen')\nif not p.exists(): p.touch(); open('r', 'w').close()"
        )
        outcome = world.run(python_program(world, body, 'outputs = ["r"]\ncheck = ["r"]'), repeat=2)
        assert outcome.error_code == "missing-output"
        assert len(outcome.measurements["execution_time"]) == 2

    def test_outputs_that_differ_between_repetitions_are_named(self, world: World) -> None:
        body = "import os\nopen('r', 'w').write(str(os.getpid()))"
        outcome = world.run(python_program(world, body, 'check = ["r"]'), repeat=2)
        assert outcome.details["unstable_outputs"] == ["r"]

    @pytest.mark.parametrize(
        "options",
        [{"repeat": 0}, {"timeout": -1.0}, {"max_output": -1}, {"dataset": "x"}, {"compiler": "gcc"}],
    )
    def test_options_without_a_meaning_are_refused(self, world: World, options: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput):
            world.run(python_program(world, "pass"), **options)
