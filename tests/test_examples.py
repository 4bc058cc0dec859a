"""The components that ship with ckstore, used as the README says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ckstore.model.metadata import Metadata, Place
from ckstore.model.metadata_formats import parse_metadata
from ckstore.model.plain import as_map, as_texts

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
COMPONENTS = sorted(path.parent for path in EXAMPLES.glob("*/*/component.toml"))
COMPILER = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")


def metadata(folder: Path) -> Metadata:
    files = {"component.toml": (folder / "component.toml").read_bytes()}
    return parse_metadata(files, Place(folder.parent.name, folder.name), folder.name)


@pytest.mark.parametrize("folder", COMPONENTS, ids=lambda folder: folder.name)
def test_every_example_says_what_it_is_and_names_files_that_are_there(folder: Path) -> None:
    found = metadata(folder)
    assert found.title and "example" in found.tags
    body = as_map(found.body[found.kind])
    named = as_texts(body.get("files") or body.get("sources"))
    assert [name for name in named if not (folder / name).is_file()] == []


def test_every_data_set_that_a_program_asks_for_is_there() -> None:
    tags = [set(metadata(folder).tags) for folder in COMPONENTS if folder.parent.name == "dataset"]
    wanted = {need.ask for folder in COMPONENTS for need in metadata(folder).needs if need.scope == "every"}
    assert wanted == {"dataset[image,pgm]", "dataset[text]"}
    assert any({"image", "pgm"} <= each for each in tags) and any("text" in each for each in tags)


@pytest.mark.skipif(COMPILER is None, reason="no C compiler on this machine")
@pytest.mark.parametrize("source", sorted(EXAMPLES.glob("program/*/*.c")), ids=lambda path: path.name)
def test_the_c_programs_compile_without_a_warning(source: Path, tmp_path: Path) -> None:
    assert COMPILER is not None
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1"]
    done = subprocess.run(
        [COMPILER, *strict, str(source), "-o", str(tmp_path / "program")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def tour(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "tour.py"), "--folder", str(folder)],
        capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip


def test_a_locked_run_gives_the_same_after_the_repository_has_changed(tmp_path: Path) -> None:
    done = tour(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    before, after = done.stdout.split("the same lock again:")
    rows = [line for line in before.splitlines() if line.endswith("first")]
    assert len(rows) >= 1
    assert len([line for line in after.splitlines() if line.endswith("same")]) == len(rows)
    assert "find program:heat-equation  shared:program:heat-equation@=2.0.0" in before
    assert "find dataset --tags pgm     0 components" in before
    assert "skipped dataset/text-workshop/component.toml: not valid TOML" in before


@pytest.mark.skipif(os.name == "nt", reason="what is on PATH decides elsewhere too, but not alone")
def test_without_a_c_compiler_the_tour_says_so_and_runs_the_python_program(tmp_path: Path) -> None:
    alone = tmp_path / "bin"
    alone.mkdir()
    (alone / "python3").symlink_to(sys.executable)
    done = tour(tmp_path / "work", PATH=str(alone), CC="")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("no C compiler here: heat-stencil") == 4
    assert "image-histogram  histogram  image-pgm-slope" in done.stdout
