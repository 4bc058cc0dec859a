"""Finding software on the host, as components of kind ``soft`` describe it.

::

    [soft]
    programs = ["gcc", "gcc-[0-9]*"]      # names or patterns to look for on PATH, best first
    chosen_by = "CC"                      # optional: a variable of the user that names the program
    ask = ["--version"]                   # what makes it tell its version
    expect = "Free Software Foundation"   # optional: a pattern that its answer must match
    version = '\\) (\\d+(\\.\\d+)*)'         # a pattern; its first group is the version
    priority = 100                        # among several that would do, the higher is taken
    [soft.companions]                     # optional: programs that come with it
    CK_CXX = {replace = "gcc", by = "g++", chosen_by = "CXX"}
    [soft.env]                            # what it promises: {path} {folder} {version} {home}
    CK_CC = "{path}"

What is found here has loose versions and never enters a lock: it is a fact about the host.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from ckstore.actions.component import ComponentView
from ckstore.actions.looseversion import Loose, split_version, within
from ckstore.errors import CkstoreError, InvalidInput, Unavailable, Unsupported
from ckstore.model.plain import as_int, as_list, as_map, as_text, as_texts

_ANSWER_LIMIT = 20.0  # seconds; a program that does not tell its version by then is not one we can use


@dataclass(frozen=True, slots=True)
class Tool:
    """Software found on the host. ``environment`` holds the variables that its component promises."""

    component: str
    path: str
    version: str
    priority: int
    chosen: bool = False  # the user named it, through a variable like CC
    environment: Mapping[str, str] = field(default_factory=dict)

    def as_plain(self) -> dict[str, object]:
        """JSON-able values."""
        return {"component": self.component, "path": self.path, "version": self.version}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a tool: loose version bounds (inclusive), variables that it must promise, a name.

    ``name`` is that of a soft component (``compiler.gcc`` or ``gcc``) or of a program (``gcc-12``).
    """

    low: Loose = ()
    high: Loose = ()
    variables: tuple[str, ...] = ()
    name: str = ""


_NAMED = 3


def detect(soft: ComponentView, environment: Mapping[str, str], wish: Wish = Wish()) -> Iterator[Tool]:
    """What the component describes and the host has, in order of its candidates, each version asked.

    ``environment`` gives PATH and the variables by which users choose programs.
    """
    if soft.format != "ckstore":
        raise Unsupported(
            f"{soft.name} finds software with its own CK plugin, which this version cannot run.",
            code="ck-plugin",
            hints=["name a source with a component.toml for this software before it in [sources]"],
        )
    body = as_map(soft.metadata.body.get("soft"))
    for path in candidates(body, environment):
        tool = _examine(soft, body, path, environment)
        if tool and _fits(tool, wish):
            yield tool


def candidates(body: Mapping[str, object], environment: Mapping[str, str]) -> list[str]:
    """The programs to look at: what the user names, then those on PATH in the order of ``programs``."""
    found: list[str] = []
    chosen = environment.get(as_text(body.get("chosen_by")), "")
    if chosen:
        path = shutil.which(chosen, path=environment.get("PATH", ""))
        found += [path] if path else []
    for pattern in as_texts(body.get("programs")):
        found += _on_path(pattern, environment.get("PATH", ""))
    return list(dict.fromkeys(found))


def choose(softs: Sequence[ComponentView], environment: Mapping[str, str], wish: Wish, what: str) -> Tool:
    """The tool that the user's variables name, else the one of highest priority; ties go to the earlier.

    ``what`` names the wish in messages. Raises :class:`Unavailable` (``no-compiler`` for compilers, else
    ``no-tool``) with what was looked for, and :class:`Unsupported` when only CK plugins could find it.
    """
    named = [soft for soft in softs if not wish.name or _is_called(soft, wish.name)]
    tools, refused = _found(named or softs, environment, wish)
    if tools:
        return max(tools, key=lambda tool: (tool.chosen, tool.priority))
    others, _ = _found(softs, environment, replace(wish, name="")) if wish.name else ([], [])
    if others:
        raise Unavailable(
            f"No {what} called {wish.name!r} was found on this machine.",
            code="no-compiler",
            hints=[f"found: {t.component.rpartition(':')[2]} {t.version} ({t.path})" for t in others],
        )
    raise _nothing(named or softs, refused, wish, what)


def _found(
    softs: Sequence[ComponentView], environment: Mapping[str, str], wish: Wish
) -> tuple[list[Tool], list[CkstoreError]]:
    """The first tool of each component that has one, and why some components could not be asked."""
    tools: list[Tool] = []
    refused: list[CkstoreError] = []
    for soft in softs:
        try:
            tools += list(itertools.islice(detect(soft, environment, wish), 1))
        except (Unsupported, InvalidInput) as error:
            refused.append(error)
    return tools, refused


def is_compiler(soft: ComponentView) -> bool:
    """True for software tagged ``compiler``."""
    return "compiler" in soft.metadata.tags


def _nothing(
    softs: Sequence[ComponentView], refused: Sequence[CkstoreError], wish: Wish, what: str
) -> CkstoreError:
    best_first = sorted(softs, key=lambda soft: -_priority(soft))
    looked = list(dict.fromkeys(_looked_for(best_first)))
    if refused and len(refused) == len(softs):
        if len(refused) == 1:
            return refused[0]
        names = [soft.name for soft in softs]
        others = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return Unsupported(
            f"{what}: only plugins of CK could find it, which this version cannot run "
            f"({', '.join(names[:_NAMED])}{others}).",
            code=refused[0].code,
            hints=refused[0].hints,
            details={"components": [soft.name for soft in softs]},
        )
    compiler = any(is_compiler(soft) for soft in softs)
    bounds = _bounds(wish)
    return Unavailable(
        f"No {what} was found on this machine{bounds}: looked on PATH for {', '.join(looked) or 'nothing'}.",
        code="no-compiler" if compiler else "no-tool",
        hints=[hint for soft in best_first for hint in _hints(soft)],
        details={"looked_for": looked, "components": [soft.name for soft in best_first]},
    )


def _priority(soft: ComponentView) -> int:
    return as_int(as_map(soft.metadata.body.get("soft")).get("priority"), 0)


def _looked_for(softs: Iterable[ComponentView]) -> Iterator[str]:
    for soft in softs:
        yield from as_texts(as_map(soft.metadata.body.get("soft")).get("programs"))


def _hints(soft: ComponentView) -> list[str]:
    return [as_text(hint) for hint in as_list(as_map(soft.metadata.body.get("soft")).get("hints"))]


def _bounds(wish: Wish) -> str:
    parts = [f"called {wish.name}"] if wish.name else []
    parts += [f"from version {'.'.join(map(str, wish.low))}"] if wish.low else []
    parts += [f"up to version {'.'.join(map(str, wish.high))}"] if wish.high else []
    parts += [f"with {', '.join(wish.variables)}"] if wish.variables else []
    return f" ({', '.join(parts)})" if parts else ""


def _is_called(soft: ComponentView, name: str) -> bool:
    own = soft.pin.name
    return name in (own, own.removeprefix("compiler."), soft.name)


def _fits(tool: Tool, wish: Wish) -> bool:
    called = tool.component.rpartition(":")[2]
    names = (called, called.removeprefix("compiler."), tool.component, tool.path, Path(tool.path).name)
    return (
        within(split_version(tool.version), wish.low, wish.high)
        and all(tool.environment.get(name) for name in wish.variables)
        and (not wish.name or wish.name in names)
    )


def _on_path(pattern: str, path: str) -> list[str]:
    """The programs on PATH that match: a plain name once, a pattern newest version first."""
    if not any(sign in pattern for sign in "*?["):
        plain = shutil.which(pattern, path=path)
        return [plain] if plain else []
    names = {
        entry.name
        for folder in path.split(os.pathsep)
        if folder and Path(folder).is_dir()
        for entry in Path(folder).iterdir()
        if fnmatchcase(entry.name, pattern)
    }
    ordered = sorted(names, key=lambda name: (split_version(name), name), reverse=True)
    return [found for name in ordered if (found := shutil.which(name, path=path))]


def _examine(
    soft: ComponentView, body: Mapping[str, object], path: str, environment: Mapping[str, str]
) -> Tool | None:
    answer = _ask([path, *as_texts(body.get("ask"))], environment)
    match = re.search(as_text(body.get("version")), answer) if answer else None
    if match is None or not re.search(as_text(body.get("expect")), answer):
        return None
    version = match[1]
    places = {"path": path, "folder": str(Path(path).parent), "version": version, "home": _home(path)}
    promised = {name: _fill(as_text(value), places) for name, value in as_map(body.get("env")).items()}
    promised |= _companions(body, path, environment)
    chosen = environment.get(as_text(body.get("chosen_by")), "")
    named = bool(chosen) and shutil.which(chosen, path=environment.get("PATH", "")) == path
    return Tool(soft.name, path, version, as_int(body.get("priority"), 0), named, promised)


def _home(path: str) -> str:
    """Where the software is installed: two folders above its real program."""
    return str(Path(path).resolve().parent.parent)


def _fill(text: str, places: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: places.get(match[1], match[0]), text)


def _companions(body: Mapping[str, object], path: str, environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for variable, entry in as_map(body.get("companions")).items():
        table = as_map(entry)
        beside = Path(path).with_name(
            Path(path).name.replace(as_text(table.get("replace")), as_text(table.get("by")), 1)
        )
        chosen = environment.get(as_text(table.get("chosen_by")), "")
        companion = shutil.which(chosen or str(beside), path=environment.get("PATH", ""))
        if companion:
            found[variable] = companion
    return found


def _ask(command: list[str], environment: Mapping[str, str]) -> str:
    """What a program answers on both its outputs, in English; empty when it does not answer."""
    try:
        answer = subprocess.run(
            command, env={**environment, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_ANSWER_LIMIT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (answer.stdout + b"\n" + answer.stderr).decode("utf-8", "replace") if not answer.returncode else ""
