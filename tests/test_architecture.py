"""The architecture as a build failure: layers, sizes, silence, words, dependencies.

The checkers are in ``architecture.py``; every rule is shown here to bite on a planted violation.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests import architecture as rules

ROOT = Path(__file__).resolve().parent.parent
OURS = rules.read_modules(ROOT)
ALL = [*OURS, *(m for folder in ("tests", "benchmarks") for m in rules.read_modules(ROOT, folder))]

# The rooms where the formats and the protocol of Collective Knowledge are read and spoken.
CK_ROOMS = (
    "ckstore/actions/ck/",
    "ckstore/mirror/readers/ck.py",
    "ckstore/mirror/readers/neighbours.py",
    "ckstore/model/metadata_ck.py",
    "ckstore/model/interface.py",
    "ckstore/operations/access.py",
    "ckstore/operations/ck/",
    "ckstore/cli/commands/ck.py",
    "ckstore/cli/render_ck.py",
)
HEAVY = ("pygit2", "dulwich", "semver", "msgpack", "tomlkit")


def plant(root: Path, **files: str) -> list[rules.Module]:
    """Modules of a tree ``ckstore/…``; double underscores in the keyword are folders."""
    for name, text in files.items():
        path = root / "ckstore" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return rules.read_modules(root)


class TestTheHouse:
    def test_imports_go_downwards_only_and_siblings_never_meet(self) -> None:
        assert rules.layer_violations(OURS) == []

    def test_no_module_is_part_of_an_import_cycle(self) -> None:
        assert rules.import_cycle(OURS) == []

    def test_functions_fit_a_screen_and_files_a_sitting(self) -> None:
        assert rules.size_violations(OURS) == []

    def test_nothing_below_the_doors_prints_or_asks(self) -> None:
        assert rules.print_violations(OURS) == []

    def test_every_exception_from_a_check_names_its_rule_and_its_reason(self) -> None:
        assert rules.unexplained_exceptions(ALL) == []

    def test_words_of_ck_stay_in_the_rooms_that_read_ck(self) -> None:
        assert rules.foreign_words(OURS, CK_ROOMS) == []

    @pytest.mark.parametrize("module", ["ckstore", "ckstore.cli.main"])
    def test_starting_up_imports_nothing_heavy(self, module: str) -> None:
        code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


class TestDependencies:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    page = rules.documented((ROOT / "docs" / "dependencies.md").read_text("utf-8"))

    def names(self, *groups: list[str]) -> set[str]:
        """Project names without version, lower case."""
        return {re.split(r"[^\w.-]", line)[0].lower() for group in groups for line in group}

    @property
    def run_time(self) -> set[str]:
        return self.names(self.project["project"]["dependencies"])

    @property
    def extras(self) -> set[str]:
        """What users may install besides; imported where it is used, and missed without harm."""
        groups = self.project["project"]["optional-dependencies"]
        return self.names(*(lines for name, lines in groups.items() if name != "dev"))

    def test_every_dependency_has_its_sentence_and_every_sentence_its_dependency(self) -> None:
        extras = self.project["project"]["optional-dependencies"].values()
        declared = self.run_time | self.names(*extras) | self.names(self.project["build-system"]["requires"])
        assert set(self.page) == declared
        assert [name for name, text in self.page.items() if len(text.split()) < 6] == []

    def test_only_declared_dependencies_are_imported(self) -> None:
        used = rules.third_party(OURS)
        declared = self.run_time | self.extras
        assert {name: place for name, place in used.items() if name not in declared} == {}

    def test_every_declared_dependency_is_imported(self) -> None:
        assert (self.run_time | self.extras) - set(rules.third_party(OURS)) == set()

    def test_the_development_lock_pins_what_is_declared(self) -> None:
        lines = (ROOT / "requirements" / "dev.txt").read_text("utf-8").splitlines()
        pins = dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))
        wanted = self.run_time | self.names(self.project["project"]["optional-dependencies"]["dev"])
        assert wanted - set(pins) == set()
        assert [line for line in lines if "://" in line or "--hash" in line] == []


class TestTheRulesBite:
    def test_on_an_import_that_goes_up_even_when_it_is_lazy(self, tmp_path: Path) -> None:
        modules = plant(
            tmp_path, cli__main="", objects__store="def f() -> None:\n    from ckstore.cli import main\n"
        )
        assert rules.layer_violations(modules) == [
            "ckstore/objects/store.py:2 imports ckstore.cli.main: cli is above objects"
        ]

    def test_on_engines_that_know_each_other(self, tmp_path: Path) -> None:
        modules = plant(tmp_path, index__find="from ..mirror import fetch", mirror__fetch="")
        assert rules.layer_violations(modules) == [
            "ckstore/index/find.py:1 imports ckstore.mirror.fetch: mirror is beside index"
        ]

    def test_on_an_import_by_name_at_run_time(self, tmp_path: Path) -> None:
        text = "import importlib\nimportlib.import_module('ckstore.operations.add')\n"
        assert len(rules.layer_violations(plant(tmp_path, resolve__lock=text))) == 1

    def test_on_a_package_that_belongs_to_no_layer(self, tmp_path: Path) -> None:
        [violation] = rules.layer_violations(plant(tmp_path, model__a="import ckstore.utils"))
        assert violation.endswith("utils belongs to no layer")

    def test_on_engines_that_reach_for_the_public_api(self, tmp_path: Path) -> None:
        assert len(rules.layer_violations(plant(tmp_path, index__a="from ckstore import Store"))) == 1

    def test_on_shipped_components_that_reach_into_the_store(self, tmp_path: Path) -> None:
        text = "from .spec import A\nfrom ckstore.errors import NotFound\nfrom ckstore.objects import store\n"
        modules = plant(tmp_path, kinds__module__program__module=text, kinds__module__program__spec="")
        [violation] = rules.layer_violations(modules)
        assert "module.py:3" in violation

    def test_on_shipped_components_that_reach_into_each_other(self, tmp_path: Path) -> None:
        text = "from ckstore.kinds.module.soft import detect"
        modules = plant(tmp_path, kinds__module__program__module=text, kinds__module__soft__detect="")
        assert len(rules.layer_violations(modules)) == 1

    def test_on_code_that_imports_shipped_components(self, tmp_path: Path) -> None:
        text = "from ckstore.kinds.module import program"
        assert len(rules.layer_violations(plant(tmp_path, operations__run=text))) == 1

    def test_on_a_cycle_but_not_on_a_lazy_one(self, tmp_path: Path) -> None:
        lazy = "def f() -> None:\n    import ckstore.model.a\n"
        assert rules.import_cycle(plant(tmp_path, model__a="import ckstore.model.b", model__b=lazy)) == []
        eager = plant(tmp_path, model__b="from ckstore.model import a")
        assert rules.import_cycle(eager) == ["ckstore.model.a", "ckstore.model.b", "ckstore.model.a"]

    def test_on_a_long_function_and_a_long_file(self, tmp_path: Path) -> None:
        body = "def long() -> None:\n" + "    pass\n" * rules.MAX_FUNCTION_LINES
        short = "def s() -> None: ...\n" * 3
        [violation] = rules.size_violations(plant(tmp_path, model__a=body + short))
        assert "long has 61 lines" in violation
        [violation] = rules.size_violations(plant(tmp_path, model__a="x = 1\n" * 500))
        assert "has 500 lines" in violation

    def test_on_functions_that_are_long_on_the_whole(self, tmp_path: Path) -> None:
        text = "".join(f"def f{n}() -> None:\n" + "    pass\n" * 10 for n in range(3))
        [violation] = rules.size_violations(plant(tmp_path, model__a=text))
        assert "median" in violation

    def test_on_print_below_the_doors_only(self, tmp_path: Path) -> None:
        modules = plant(tmp_path, index__a="print(1)", cli__a="print(1)")
        assert rules.print_violations(modules) == [
            "ckstore/index/a.py:1 calls print: only doors talk to people"
        ]

    @pytest.mark.parametrize(
        ("comment", "explained"),
        [
            ("type: " "ignore", False),
            ("type: " "ignore[arg-type]", False),
            ("type: " "ignore[arg-type]  # the fields are checked above", True),
            ("noqa", False),
            ("no" "qa: S603", False),
            ("no" "qa: S603 - arguments are a list", True),
            ("no" "qa  # because it is so", False),
        ],
    )  # fmt: skip
    def test_on_an_exception_without_rule_or_reason(
        self, tmp_path: Path, comment: str, explained: bool
    ) -> None:
        modules = plant(tmp_path, model__a=f"x = 1  # {comment}\n")
        assert (rules.unexplained_exceptions(modules) == []) is explained

    def test_on_words_of_ck_outside_their_rooms(self, tmp_path: Path) -> None:
        modules = plant(tmp_path, index__a="data_uoa = 'x'\nacid = 1\n", actions__ck__b="# a CID\n")
        assert rules.foreign_words(modules, CK_ROOMS) == ["ckstore/index/a.py:1: data_uoa = 'x'"]

    def test_on_an_undeclared_package(self, tmp_path: Path) -> None:
        modules = plant(tmp_path, index__a="import json\ndef f() -> None:\n    import numpy.linalg\n")
        assert rules.third_party(modules) == {"numpy": "ckstore/index/a.py:3"}

    def test_on_a_dependency_without_a_sentence(self) -> None:
        page = "- **click**: reads the command line, and\n  nothing else.\n\nalso **other** things"
        assert rules.documented(page) == {"click": "reads the command line, and\n  nothing else."}
