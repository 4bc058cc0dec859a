"""The rules of the house as functions over source text; ``test_architecture.py`` applies them.

Each checker takes parsed modules and gives back the violations as sentences, an empty list when there
are none. They know nothing of pytest, so that a planted violation can show that each of them bites.
"""

from __future__ import annotations

import ast
import io
import re
import statistics
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "ckstore"
ENGINES = ("index", "resolve", "actions", "mirror")
# Imports go to a lower number, or stay within one package. Equal numbers are siblings, which never meet.
LAYERS = {
    "errors": 0, "model": 1, "objects": 2, **dict.fromkeys(ENGINES, 3), "operations": 4,
    "api": 5, "web": 5, "cli": 6,  # the command line starts the other doors
}  # fmt: skip
# The package itself hands on the Python door; `python -m ckstore` opens the command line.
TOP_MODULES = {"__init__": "api", "__main__": "cli"}
# Components shipped with ckstore are components like any other: they see what actions give them.
KINDS_MAY_IMPORT = ("actions", "model", "errors")
DOORS = ("cli", "web")
MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_MEDIAN_LINES = 499, 60, 9.5
CK_WORDS = re.compile(r"(?<![a-z])(uoa|cid)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Module:
    """One source file: dotted ``name``, ``path`` for messages, its text and syntax tree."""

    name: str
    path: str
    text: str
    tree: ast.Module

    @property
    def layer(self) -> str:
        """The package below ``ckstore`` it belongs to; its own name when it is at the top."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else "__init__"

    @property
    def package(self) -> str:
        """What a relative import is relative to."""
        return self.name if self.path.endswith("__init__.py") else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    """``lazy``: inside a function, or for type checkers only."""

    target: str
    line: int
    lazy: bool


def read_modules(root: Path, folder: str = PACKAGE) -> list[Module]:
    """Every Python file below ``root/folder``, in the order of paths."""
    found = []
    for path in sorted((root / folder).rglob("*.py")):
        relative = path.relative_to(root)
        dotted = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text("utf-8")
        found.append(Module(dotted, relative.as_posix(), text, ast.parse(text, str(path))))
    return found


def imports_of(module: Module, known: Iterable[str] = ()) -> list[Import]:
    """All imports, lazy ones too; ``from a import b`` is ``a.b`` where that is a ``known`` module."""
    names = frozenset(known)
    found = []
    for node, lazy in _walk(module.tree, lazy=False):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            targets = [_from(base, alias.name, names) for alias in node.names]
        elif isinstance(node, ast.Call):
            targets = _dynamic_import(node)
        found += [Import(target, getattr(node, "lineno", 0), lazy) for target in dict.fromkeys(targets)]
    return found


def _walk(node: ast.AST, lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        inner = lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        inner = inner or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        yield child, inner
        yield from _walk(child, inner)


def _from(base: str, name: str, known: frozenset[str]) -> str:
    public = base == PACKAGE and not name.startswith("__")  # from ckstore import Store: the public API
    return f"{base}.{name}" if public or f"{base}.{name}" in known else base


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _dynamic_import(node: ast.Call) -> list[str]:
    if not ast.unparse(node.func).endswith("import_module") or not node.args:
        return []
    target = node.args[0]
    return [target.value] if isinstance(target, ast.Constant) and isinstance(target.value, str) else []


def layer_violations(modules: list[Module]) -> list[str]:
    """Imports that go up, or sideways between siblings, lazy ones included."""
    known = [module.name for module in modules]
    found = []
    for module in modules:
        for item in imports_of(module, known):
            parts = item.target.split(".")
            own = parts[1:2] == ["kinds"] and parts[:4] == module.name.split(".")[:4]  # one shipped component
            if parts[0] == PACKAGE and not own:
                reason = _layer_reason(module.layer, parts[1] if len(parts) > 1 else "__init__")
                found += [f"{module.path}:{item.line} imports {item.target}: {reason}"] if reason else []
    return found


def _layer_reason(importer: str, imported: str) -> str:
    if importer == "kinds":
        allowed = imported in KINDS_MAY_IMPORT
        return "" if allowed else f"shipped components may import only {', '.join(KINDS_MAY_IMPORT)}"
    if imported == "kinds":
        return "shipped components are data: they are released and locked, not imported"
    if imported == "__init__":  # the package's version and place, which belong to no layer
        return ""
    if imported[0].isupper():  # a way around the layers
        return "" if importer in DOORS else "only doors know the public API"
    mine, other = TOP_MODULES.get(importer, importer), imported
    if mine not in LAYERS or other not in LAYERS:
        return f"{mine if mine not in LAYERS else other} belongs to no layer"
    if mine == other or LAYERS[other] < LAYERS[mine]:
        return ""
    return f"{other} is {'beside' if LAYERS[other] == LAYERS[mine] else 'above'} {mine}"


def import_cycle(modules: list[Module]) -> list[str]:
    """One cycle of imports at module level, as the modules on it; empty when there is none."""
    known = {module.name for module in modules}
    graph = {
        module.name: sorted({i.target for i in imports_of(module, known) if not i.lazy} & known)
        for module in modules
    }
    done: set[str] = set()
    for name in graph:
        cycle = _cycle_from(name, graph, done, [])
        if cycle:
            return cycle
    return []


def _cycle_from(name: str, graph: Mapping[str, list[str]], done: set[str], path: list[str]) -> list[str]:
    if name in path:
        return [*path[path.index(name) :], name]
    if name in done:
        return []
    for target in graph[name]:
        cycle = _cycle_from(target, graph, done, [*path, name])
        if cycle:
            return cycle
    done.add(name)
    return []


def function_lengths(modules: list[Module]) -> dict[str, int]:
    """``path:line name`` to lines, docstring included, decorators not."""
    return {
        f"{module.path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def size_violations(modules: list[Module]) -> list[str]:
    """Files and functions that do not fit."""
    found = []
    for module in modules:
        lines = len(module.text.splitlines())
        if lines > MAX_FILE_LINES:
            found.append(f"{module.path} has {lines} lines, at most {MAX_FILE_LINES} are read in one go")
    lengths = function_lengths(modules)
    found += [f"{place} has {n} lines" for place, n in lengths.items() if n > MAX_FUNCTION_LINES]
    median = statistics.median(lengths.values()) if lengths else 0
    if median > MAX_MEDIAN_LINES:
        found.append(f"the median function has {median} lines, a screen holds several of less than 10")
    return found


def print_violations(modules: list[Module]) -> list[str]:
    """``print`` and ``input`` below the doors."""
    return [
        f"{module.path}:{node.lineno} calls {node.func.id}: only doors talk to people"
        for module in modules
        if module.layer not in DOORS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("print", "input")
    ]


def unexplained_exceptions(modules: list[Module]) -> list[str]:
    """``type: ignore`` and ``noqa`` without the name of the rule or without a reason after it."""
    explained = re.compile(
        r"#\s*(type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)\s*(#|-|:|—)?\s*\S+\s+\S+.*"
    )
    return [
        f"{module.path}:{line}: {comment} lacks its rule or its reason"
        for module in modules
        for line, comment in _comments(module.text)
        if re.search(r"#\s*(type:\s*ignore|noqa)\b", comment) and not explained.search(comment)
    ]


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def foreign_words(modules: list[Module], rooms: Iterable[str]) -> list[str]:
    """CK's own words outside the ``rooms`` (paths, or folders ending with a slash) that read CK."""
    allowed = tuple(rooms)
    return [
        f"{module.path}:{number}: {line.strip()}"
        for module in modules
        if not any(
            module.path == room or (room[-1] == "/" and module.path.startswith(room)) for room in allowed
        )
        for number, line in enumerate(module.text.splitlines(), 1)
        if CK_WORDS.search(line)
    ]


IMPORTED_AS = {
    "yaml": "pyyaml",
    "cyclonedx": "cyclonedx-python-lib",
    "pysat": "python-sat",
}  # import name → project, where they differ


def third_party(modules: list[Module]) -> dict[str, str]:
    """Project name of every package that is neither ours nor the standard library's, to a place of use."""
    found: dict[str, str] = {}
    for module in modules:
        for item in imports_of(module):
            top = item.target.split(".")[0]
            if top and top not in sys.stdlib_module_names and top != PACKAGE:
                found.setdefault(IMPORTED_AS.get(top, top), f"{module.path}:{item.line}")
    return found


def documented(markdown: str) -> dict[str, str]:
    """``- **name**: sentence`` lines of the page on dependencies."""
    return dict(re.findall(r"^- \*\*([\w.-]+)\*\*: (.+(?:\n {2}.+)*)", markdown, re.MULTILINE))
