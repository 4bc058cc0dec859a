"""``diff``: what changed between two releases."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ckstore.errors import InvalidInput, NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.diff import FileDiff, diff
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import Upstream, ck, native

UID = "0123456789abcdef"


@pytest.fixture
def up(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "up.git")


def versions(store: ObjectStore, *references: str) -> tuple[str, str]:
    report = diff(store, *references)
    return report.old.version, report.new.version


@pytest.fixture
def grown(store: ObjectStore, up: Upstream) -> ObjectStore:
    """program:a at 1.0.0 (tag v1), 1.1.0, 2.0.0 (tag v2); program:b at 1.0.0."""
    up.commit(native("program/a", tags="one"))
    up.tag("v1")
    up.commit(native("program/a", tags="one two"))
    up.commit({**native("program/a", tags="two"), **native("program/b", tags="two")})
    up.tag("v2")
    mirror(store, up.url)
    return store


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (("program:a",), ("1.1.0", "2.0.0")),
        (("program:a@1.1.0",), ("1.0.0", "1.1.0")),
        (("program:a@v2",), ("1.1.0", "2.0.0")),
        (("program:a@1.0.0", "program:a@2.0.0"), ("1.0.0", "2.0.0")),
        (("program:a@2.0.0", "@1.0.0"), ("2.0.0", "1.0.0")),
        (("program:a@v1", "@v2"), ("1.0.0", "2.0.0")),
        (("up:program:a@^1", "program:a"), ("1.1.0", "2.0.0")),
        (("program:a@=1.0.0", "program:b"), ("1.0.0", "1.0.0")),
    ],
)
def test_references_choose_the_two_sides(
    grown: ObjectStore, references: tuple[str, ...], expected: tuple[str, str]
) -> None:
    assert versions(grown, *references) == expected


def test_the_interface_says_what_the_change_means(grown: ObjectStore) -> None:
    up = diff(grown, "program:a@1.0.0", "@2.0.0")
    assert (up.meaning, up.removed, up.added) == ("major", ("tag:one",), ("tag:two",))
    assert diff(grown, "program:a@1.1.0").meaning == "minor"
    assert diff(grown, "program:a@v1", "@1.0.0").meaning == "none"


def test_what_there_is_not_is_told_with_what_there_is(grown: ObjectStore) -> None:
    with pytest.raises(NotFound) as caught:
        diff(grown, "program:a@v3")
    assert caught.value.code == "no-version"
    assert caught.value.hints == ("there are 2.0.0, 1.1.0, 1.0.0", "and the tags v2, v1")
    with pytest.raises(NotFound, match="first release") as caught:
        diff(grown, "program:b")
    assert "ckstore log" in caught.value.hints[0]
    with pytest.raises(NotFound) as caught:
        diff(grown, "program:aa")
    assert caught.value.code == "no-component"
    with pytest.raises(InvalidInput):
        diff(grown, "program:a@")


def test_metadata_is_compared_piece_by_piece(store: ObjectStore, up: Upstream) -> None:
    meta = '{"tags": ["t"], "customize": {"x": 1, "gone": {"y": []}}, "run_deps": {"c": {"tags": "lib,a"}}}'
    up.commit(ck("soft", "old", UID, meta))
    up.commit({"soft/old/": None, "soft/.cm/alias-a-old": None})
    up.commit(ck("soft", "new", UID, '{"tags": ["t"], "customize": {"x": 2}, "title": "T"}'))
    mirror(store, up.url)
    changed = {c.key: (c.old, c.new) for c in diff(store, "soft:new").metadata}
    assert changed["path"] == ('"soft/old"', '"soft/new"')
    assert changed["customize.x"] == ("1", "2")
    assert changed["customize.gone.y"] == ("[]", "")
    assert changed["title"] == ("", '"T"')
    assert "tags" not in changed


def test_files_come_with_sizes_modes_and_former_names(store: ObjectStore, up: Upstream) -> None:
    up.commit({**native("program/a"), "program/a/one": "same content", "program/a/run": "x"})
    mode, oid = up.files["program/a/run"]
    up.files["program/a/run"] = (0o100755, oid)
    up.commit({"program/a/one": None, "program/a/two": "same content", "program/a/main.c": "longer"})
    mirror(store, up.url)
    assert diff(store, "program:a").files == (
        FileDiff("changed", "main.c", "", "100644", "100644", 1, 6),
        FileDiff("mode", "run", "", f"{mode:06o}", "100755", 1, 1),
        FileDiff("renamed", "two", "one", "100644", "100644", 12, 12),
    )


def test_the_patch_is_text_where_there_is_text(store: ObjectStore, up: Upstream) -> None:
    up.commit({**native("program/a"), "program/a/data": b"\0old", "program/a/t": b"one\nt\xff\n"})
    up.commit({"program/a/data": b"\0new", "program/a/t": b"one\nt\xfe\n", "program/a/n": "new\n"})
    mirror(store, up.url)
    assert diff(store, "program:a").patch == ""
    patch = diff(store, "program:a", patch=True).patch
    assert "Binary files a/data and b/data differ\n" in patch
    assert "--- a/t\n+++ b/t\n@@ -1,2 +1,2 @@\n one\n-t\ufffd\n+t\ufffd\n" in patch
    assert "new file mode 100644" in patch
    assert "--- /dev/null\n+++ b/n\n" in patch


def test_what_is_too_large_for_lines_is_named(
    store: ObjectStore, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckstore.operations.patches.MAX_BYTES", 2**20)
    up.commit({**native("program/a"), "program/a/t": "x\n" * 2**20})
    up.commit({"program/a/t": "y\n" * 2**20})
    mirror(store, up.url)
    patch = diff(store, "program:a", patch=True).patch
    assert patch == "diff --git a/t b/t\nFiles larger than 1 MiB differ\n"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs a git binary")
def test_git_can_apply_the_patch(store: ObjectStore, up: Upstream, tmp_path: Path) -> None:
    up.commit({**native("program/a"), "program/a/a b/gone": "1\n2\n", "program/a/moved": "some text\n"})
    up.commit({
        "program/a/a b/gone": None, "program/a/moved": None, "program/a/to/here": "some text\n",
        "program/a/main.c": "no line end", "program/a/é": "1\n",
    })  # fmt: skip
    mirror(store, up.url)
    report = diff(store, "program:a", patch=True)
    work = tmp_path / "work"
    for path, text in {
        "a b/gone": "1\n2\n", "moved": "some text\n", "main.c": "x",
        "component.toml": native("program/a")["program/a/component.toml"],
    }.items():  # fmt: skip
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    (tmp_path / "a.patch").write_text(report.patch, "utf-8")
    subprocess.run(["git", "apply", str(tmp_path / "a.patch")], cwd=work, check=True)
    files = {p.relative_to(work).as_posix(): p.read_text() for p in work.rglob("*") if p.is_file()}
    assert sorted(files) == ["component.toml", "main.c", "to/here", "é"]
    assert files["main.c"] == "no line end"


def test_a_submodule_is_told_by_its_commits(store: ObjectStore, up: Upstream) -> None:
    up.files["program/a/sub"] = (0o160000, "1" * 40)
    up.commit(native("program/a"))
    up.files["program/a/sub"] = (0o160000, "2" * 40)
    up.commit({})
    mirror(store, up.url)
    report = diff(store, "program:a", patch=True)
    assert [(file.old_size, file.new_mode) for file in report.files] == [(-1, "160000")]
    assert f"-Subproject commit {'1' * 40}\n+Subproject commit {'2' * 40}\n" in report.patch
