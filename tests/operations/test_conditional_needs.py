"""What is needed on some platforms, in some environments: locked where it is there, told where it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from ckstore.model.locks import Lock
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.lint.check import check_store
from ckstore.operations.lock import check_project, lock_project, make_lock
from ckstore.operations.show import show
from ckstore.operations.update import update_project
from tests.operations.folders import entry

ANDROID = {"only_for_target_os_tags": ["android"]}


def soft(folder: Path, number: int, name: str, tags: str, **meta: object) -> None:
    entry(folder, "soft", name, f"{number:016x}", {"tags": tags.split(","), **meta})


def program(folder: Path, **deps: Mapping[str, object]) -> None:
    entry(folder, "program", "p", f"{0xF:016x}", {"tags": ["x"], "compile_deps": deps})


def got(lock: Lock, role: str) -> list[str]:
    (pin,) = [pin for pin in lock.pins if pin.name == "p"]
    return [edge.got.rpartition(":")[2] for edge in pin.needs if edge.role == f"compile.{role}"]


def test_what_one_platform_needs_is_locked_for_all(store: ObjectStore, tmp_path: Path) -> None:
    soft(tmp_path / "a", 1, "ndk", "tool,ndk")
    soft(tmp_path / "a", 2, "zcc", "tool,zcc")
    program(tmp_path / "a", ndk={"tags": "ndk", **ANDROID}, zcc={"tags": "zcc"})
    add(store, tmp_path / "a")
    lock, notes = make_lock(store, ["program:p"])
    assert (got(lock, "ndk"), got(lock, "zcc"), notes) == (["ndk"], ["zcc"], ())


def test_what_is_not_there_is_a_note_with_what_is_nearest_and_no_failure(
    store: ObjectStore, tmp_path: Path
) -> None:
    soft(tmp_path / "a", 1, "ndk", "toolchain,ndk")
    program(tmp_path / "a", ndk={"tags": "tolchain,ndk", **ANDROID})
    add(store, tmp_path / "a")
    lock, notes = make_lock(store, ["program:p"])
    assert got(lock, "ndk") == []
    assert "asked for soft|package[ndk,tolchain]" in notes[0]
    assert notes[1].startswith(
        "nearest to soft|package[ndk,tolchain]: no tag 'tolchain': did you mean toolch"
    )


def test_what_is_there_and_cannot_be_had_is_left_out(store: ObjectStore, tmp_path: Path) -> None:
    soft(tmp_path / "a", 1, "ndk", "ndk", deps={"zava": {"tags": "zava"}})
    program(tmp_path / "a", ndk={"tags": "ndk", **ANDROID})
    add(store, tmp_path / "a")
    lock, notes = make_lock(store, ["program:p"])
    assert [pin.name for pin in lock.pins if pin.source == "a"] == ["p"]
    assert any("soft|package[ndk]" in note for note in notes)


def test_one_source_provides_it_the_first_in_the_order(store: ObjectStore, tmp_path: Path) -> None:
    for source, number in (("b", 1), ("c", 3)):
        for name in ("x", "y"):
            soft(tmp_path / source, number + (name == "y"), f"{source}{name}", "ndk")
        add(store, tmp_path / source)
    program(tmp_path / "a", ndk={"tags": "ndk", **ANDROID})
    add(store, tmp_path / "a")
    assert got(make_lock(store, ["program:p"])[0], "ndk") == ["bx", "by"]
    assert got(make_lock(store, ["program:p"], ["c"])[0], "ndk") == ["cx", "cy"]


def test_a_lock_keeps_what_it_had_until_it_is_updated(store: ObjectStore, tmp_path: Path) -> None:
    program(tmp_path / "a", ndk={"tags": "ndk", **ANDROID})
    add(store, tmp_path / "a")
    project = tmp_path / "project"
    project.mkdir()
    assert got(lock_project(store, project, ["program:p"]).lock, "ndk") == []
    soft(tmp_path / "b", 1, "ndk", "ndk")
    add(store, tmp_path / "b")
    assert got(check_project(store, project).lock, "ndk") == []
    assert got(lock_project(store, project).lock, "ndk") == []
    assert got(update_project(store, project).lock, "ndk") == ["ndk"]
    soft(tmp_path / "b", 2, "ndk2", "ndk")
    add(store, tmp_path / "b")
    assert got(lock_project(store, project).lock, "ndk") == ["ndk"]


def test_a_condition_without_words_is_a_condition(store: ObjectStore, tmp_path: Path) -> None:
    """Ours always say when; a record from elsewhere need not."""
    from ckstore.operations.catalogue import _as_asked

    program(tmp_path / "a", ndk={"tags": "ndk", **ANDROID})
    add(store, tmp_path / "a")
    (need,) = show(store, "program:p").needs
    assert _as_asked(dataclasses.replace(need, when="")).when == "wanted"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "soft|package[ndk]"),
        (ANDROID, "soft|package[ndk] (when target OS android)"),
        ({"version_from": [3, 5]}, "soft|package[ndk] (of the host: >=3.5)"),
        ({**ANDROID, "version_from": [3]}, "soft|package[ndk] (of the host: >=3; when target OS android)"),
    ],
)
def test_bounds_and_conditions_are_shown(
    store: ObjectStore, tmp_path: Path, more: dict[str, object], told: str
) -> None:
    program(tmp_path / "a", ndk={"tags": "ndk", **more})
    add(store, tmp_path / "a")
    assert [need.told for need in show(store, "program:p").needs] == [told]


def test_the_lint_warns_of_what_only_some_need(store: ObjectStore, tmp_path: Path) -> None:
    program(tmp_path / "a", ndk={"tags": "ndk", **ANDROID}, zcc={"tags": "zcc"})
    add(store, tmp_path / "a")
    found = {f.message.split()[0]: f.level for f in check_store(store).findings if f.rule == "dangling-need"}
    assert found == {"compile.zcc": "error", "compile.ndk": "warning"}
