"""``check``: what the lint finds, where it says it is, and what it leaves alone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ckstore.errors import InvalidInput, NotFound
from ckstore.objects.store import ObjectStore
from ckstore.operations.add import add
from ckstore.operations.lint.check import CheckReport, check_folder, check_store
from ckstore.operations.lint.findings import LEVELS, RULES
from ckstore.operations.lint.sarif import as_sarif
from ckstore.operations.lint.tags import is_slip
from ckstore.operations.mirror import mirror
from tests.mirror.upstream import ck
from tests.operations.corpora import tools, users
from tests.operations.folders import component, write


def put(
    store: ObjectStore, folder: Path, name: str, *, kind: str = "program", tags: str = "", source: str = "",
    head: str = "", **asks: str,
) -> None:  # fmt: skip
    lines = "\n".join(f'{role} = "{ask}"' for role, ask in asks.items())
    component(folder / source / name, kind, name, tags=tags, head=head, body=f"[needs]\n{lines}\n")
    add(store, folder / source / name, source=source)


def told(report: CheckReport, *rules: str) -> list[tuple[str, str, str]]:
    """(rule, level, component without source and version)."""
    return [
        (f.rule, f.level, f.component.partition("@")[0].partition(":")[2])
        for f in report.findings if not rules or f.rule in rules
    ]  # fmt: skip


@pytest.fixture
def corpus(store: ObjectStore, tmp_path: Path) -> ObjectStore:
    mirror(store, tools(tmp_path / "tools.git").url)
    mirror(store, users(tmp_path / "users.git").url)
    return store


def test_needs_that_a_rename_broke_are_told_with_file_line_and_what_became_of_it(corpus: ObjectStore) -> None:
    report = check_store(corpus, "users")
    assert told(report) == [
        ("outdated-need", "warning", "program:bench"),
        ("outdated-need", "warning", "program:solver"),
    ]
    solver = report.findings[1]
    assert solver.message == (
        "compile.library asks for soft|package[fast-linear,lib]: "
        "only former releases or withdrawn components do, like tools:soft:lib.fl@=1.0.0"
    )
    assert solver.hints == (
        "tools:soft:lib.fl@=1.0.0 is 2.0.0 now, named soft:lib.fastlin, "
        "with the tags fast-linear-library,fastlin,lib,linear",
    )
    file = users_meta("solver")
    assert solver.file == "program/solver/.cm/meta.json"
    assert "fast-linear" in file[solver.line - 1] and '"library"' in file[solver.line - 2]
    assert (report.components, check_store(corpus, "tools").findings) == (3, ())


def users_meta(name: str) -> list[str]:
    """The metadata that the corpus has of a program."""
    assert name == "solver"
    deps = {"library": {"tags": "lib,fast-linear"}, "math": {"tags": "lib,linear"}}
    return json.dumps({"tags": ["demo"], "compile_deps": deps}, indent=2).split("\n")


def test_what_nothing_ever_answered_is_an_error_with_near_misses(store: ObjectStore, tmp_path: Path) -> None:
    put(store, tmp_path, "gcc", kind="soft", tags="compiler,lang-c,gnu")
    put(store, tmp_path, "a", one="soft[compler,lang-c]", two="soft[gnu,nothing-like-it]")
    put(store, tmp_path, "b", three="soft:gc", four="soft:gcc@^7", five="soft[compiler]", six="soft:gcc")
    report = check_store(store)
    assert told(report) == [("dangling-need", "error", f"program:{name}") for name in "aabb"]
    hints = {finding.message.split()[0]: finding.hints for finding in report.findings}
    assert hints["one"] == ("no component has the tag 'compler': did you mean compiler?",)
    assert hints["three"] == ("did you mean gcc?",)
    assert hints["four"] == ("there are the versions 1.0.0",)
    lines = (tmp_path / "b" / "component.toml").read_text().split("\n")
    [three] = [finding for finding in report.findings if finding.message.startswith("three")]
    assert (three.file, "three" in lines[three.line - 1]) == ("component.toml", True)


def test_a_choice_at_run_time_that_is_empty_is_a_warning(store: ObjectStore, tmp_path: Path) -> None:
    component(tmp_path / "p", "program", "p", body='[needs]\ntexts = {every = "dataset[text]"}\n')
    add(store, tmp_path / "p")
    assert told(check_store(store)) == [("dangling-need", "warning", "program:p")]


def test_variations_and_detected_versions_may_answer_and_are_only_noted(
    store: ObjectStore, tmp_path: Path
) -> None:
    meta = '{"tags": ["lib", "boost"], "variations": {"static": {}}}'
    deps = {"one": "lib,boost,static", "two": "lib,boost,v1.7", "three": "lib,boost,shared"}
    asks = json.dumps({"deps": {role: {"tags": tags} for role, tags in deps.items()}})
    files = {
        **ck("package", "boost", "00000000000000b1", meta),
        **ck("program", "p", "00000000000000b2", asks),
    }
    write(tmp_path / "repo", files)
    add(store, tmp_path / "repo")
    report = check_store(store)
    levels = {finding.message.split()[0]: (finding.rule, finding.level) for finding in report.findings}
    assert levels == {
        "compile.one": ("runtime-need", "note"), "compile.two": ("runtime-need", "note"),
        "compile.three": ("dangling-need", "error"),
    }  # fmt: skip
    assert "with its variation static" in report.findings[1].message


def test_a_name_that_several_sources_have_is_ambiguous_and_told_with_the_difference(
    store: ObjectStore, tmp_path: Path
) -> None:
    uid = 'uid = "00000000000000c1"'
    put(store, tmp_path, "lib", kind="soft", tags="lib", source="one", head=uid)
    put(store, tmp_path, "lib", kind="soft", tags="lib,more", source="two", head=uid)
    put(store, tmp_path, "lib", kind="soft", tags="lib", source="three", head='uid = "00000000000000c2"')
    put(store, tmp_path, "user", lib="soft:lib", own="one:soft:lib", source="one")
    report = check_store(store)
    assert told(report, "ambiguous-need") == [("ambiguous-need", "warning", "program:user")]
    [same] = [finding for finding in report.findings if finding.rule == "same-uid"]
    assert (same.level, same.source) == ("warning", "one")
    assert "two:soft:lib@=1.0.0: another interface (+tag:more)" in same.message
    assert told(report, "same-name") == [("same-name", "warning", "soft:lib")]
    assert [f.source for f in check_store(store, "two").findings if f.rule == "same-uid"] == ["two"]


def test_copies_are_only_noted(store: ObjectStore, tmp_path: Path) -> None:
    for source in ("one", "two"):
        put(store, tmp_path, "lib", kind="soft", tags="lib", source=source)
    [finding] = check_store(store).findings
    assert (finding.rule, finding.level) == ("same-uid", "note")
    assert finding.message.endswith("two:soft:lib@=1.0.0: the same files")


def test_a_rare_tag_that_is_a_slip_of_a_common_one_is_told(store: ObjectStore, tmp_path: Path) -> None:
    for n in range(3):
        put(store, tmp_path, f"p{n}", tags="benchmark,object-detection,opencl")
    put(store, tmp_path, "slip", tags="bechmark,opengl")
    put(store, tmp_path, "form", tags="Object_Detection")
    put(store, tmp_path, "both", tags="object_detection,object-detection")
    report = check_store(store)
    assert [(f.component.split(":")[2], f.message) for f in report.findings] == [
        ("form@=1.0.0", "no other component has the tag 'Object_Detection'; 4 have 'object-detection'"),
        ("slip@=1.0.0", "no other component has the tag 'bechmark'; 3 have 'benchmark'"),
    ]
    assert report.findings[1].line == 3


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("bechmark", "benchmark", True), ("benhcmark", "benchmark", True), ("bencmmark", "benchmark", True),
        ("resenet", "resnet", True), ("compiler", "compiler", False), ("cpython", "python", False),
        ("tensorflow-gpu", "tensorflow-cpu", False), ("models", "model", False),
        ("converter", "converted", False), ("opengl", "opencl", False),
        ("object_detection", "object-detection", False), ("abcdefg", "gfedcba", False),
    ],
)  # fmt: skip
def test_a_slip_is_one_letter_within_a_word(one: str, other: str, slip: bool) -> None:
    assert is_slip(one, other) is slip
    assert is_slip(other, one) is slip


def test_a_working_folder_stands_in_for_its_source_and_nothing_is_published(
    corpus: ObjectStore, tmp_path: Path
) -> None:
    folder = tmp_path / "users"
    write(folder, {".ckr.json": '{"data_uoa": "users"}'})
    deps = {"compile_deps": {"library": {"tags": "lib,fastlin"}, "other": {"tags": "lib,nowhere"}}}
    write(folder, ck("program", "solver", "00000000000000a3", json.dumps(deps, indent=1)))
    write(folder, ck("program", "broken", "00000000000000a9", '{\n "tags": [,]\n}'))
    head = corpus.view().head
    report = check_folder(folder, corpus)
    assert told(report) == [("dangling-need", "error", "program:solver"), ("invalid-metadata", "error", "")]
    assert report.findings[1].file == "program/broken/.cm/meta.json" and report.findings[1].line == 2
    assert (report.components, corpus.view().head) == (1, head)
    alone = check_folder(folder)
    assert told(alone, "dangling-need") == [("dangling-need", "note", "program:solver")] * 2
    assert alone.alone and told(alone, "invalid-metadata") == [("invalid-metadata", "error", "")]


def test_a_folder_in_which_all_is_broken_is_told_and_one_without_components_is_refused(
    tmp_path: Path,
) -> None:
    write(
        tmp_path / "bad", {"program/p/component.toml": "kind = \n", "program/q/component.toml": "tags = 1 2"}
    )
    assert told(check_folder(tmp_path / "bad")) == [("invalid-metadata", "error", "")] * 2
    write(tmp_path / "none", {"readme.txt": "x"})
    with pytest.raises(InvalidInput):
        check_folder(tmp_path / "none")


def test_rules_can_be_ignored_for_all_or_some(corpus: ObjectStore) -> None:
    assert check_store(corpus, ignore=["outdated-need"]).findings == ()
    for pattern in ("program:sol*", "users:program:solver", "program/solver/*"):
        report = check_store(corpus, ignore=[f"outdated-need={pattern}"])
        assert (told(report)[0][2], len(report.findings), report.ignored) == ("program:bench", 1, 1)
    with pytest.raises(InvalidInput) as caught:
        check_store(corpus, ignore=["outdated-needs"])
    assert caught.value.code == "no-rule" and "outdated-need" in caught.value.hints[0]
    with pytest.raises(NotFound):
        check_store(corpus, "user")


def test_levels_are_counted_from_the_gravest(corpus: ObjectStore) -> None:
    report = check_store(corpus)
    assert [len(report.at_least(level)) for level in LEVELS] == [0, 2, 2]
    assert report.as_plain()["counts"] == {"error": 0, "warning": 2, "note": 0}


def test_sarif_has_what_its_schema_requires(corpus: ObjectStore) -> None:
    log: Any = json.loads(json.dumps(as_sarif(check_store(corpus), "1.2.3")))
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0"
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "ckstore" and re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
    assert [rule["id"] for rule in driver["rules"]] == list(RULES)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    assert {rule["defaultConfiguration"]["level"] for rule in driver["rules"]} <= set(LEVELS)
    assert len(run["results"]) == 2
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in LEVELS and result["message"]["text"]
        [location] = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert re.fullmatch(r"[\w./%~-]+", artifact["uri"]) and not artifact["uri"].startswith("/")
        assert artifact["uriBaseId"] in run["originalUriBaseIds"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("users:program:")
    prints = [result["partialFingerprints"]["ckstore/v1"] for result in run["results"]]
    assert len(set(prints)) == 2
